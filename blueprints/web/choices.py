"""The choices of a drop-down."""

from collections.abc import Mapping
from typing import Any

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # pyright's stubs are of WTForms 3.2


def choices(labels: Mapping[Any, str]) -> list[SelectChoice]:
    """Return a choice for each value, in the order given, with its label."""
    return [SelectChoice(str(value), label) for value, label in labels.items()]
