"""Validates files against the ISO 20022 schema of pain.001, which is reference data."""

from functools import cache

from lxml import etree

from tests.support import reference


@cache
def schema(name: str) -> etree.XMLSchema:
    """Return the schema of a message, such as pain.001.001.09."""
    return etree.XMLSchema(etree.parse(reference.path(f"bank/xsd/{name}.xsd")))


def errors(body: bytes, name: str = "pain.001.001.09") -> list[str]:
    """Return the schema's errors; empty if the file is valid."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    checked = schema(name)
    checked.validate(etree.fromstring(body, parser))
    return [f"{entry.line}: {entry.message}" for entry in checked.error_log]
