"""Schema of the payment file in both versions: the ISO 20022 schema, narrowed to what we write.

ISO 20022 publishes its schema under its own terms. This one names the same elements in the same order and allows less.
Sources: ISO 20022 pain.001.001.09 and .03; EPC rulebooks 2025 v1.1 (docs/facts/bank.md, section 2).
"""

from functools import cache
from pathlib import Path

from lxml import etree

_NEWER, OLDER = "pain.001.001.09", "pain.001.001.03"
_CHOICE, _PLAIN = 'name="ReqdExctnDt" type="DayChoice"', 'name="ReqdExctnDt" type="Day"'


@cache
def schema_of(version: str) -> etree.XMLSchema:
    """Return the schema of a version, parsed once per process."""
    text = (Path(__file__).parent / "schemas" / "order.xsd").read_text("utf-8").replace(_NEWER, version)
    return etree.XMLSchema(etree.fromstring((text.replace(_CHOICE, _PLAIN) if version == OLDER else text).encode()))
