"""Texts of elements, with white space folded."""

from typing import Any

from connectors.xml_document import text_at


def folded(element: Any) -> str:
    """Return the text of an element with folded white space, or ""."""
    return " ".join((element.text or "").split()) if element is not None else ""


def folded_at(element: Any, *path: str) -> str:
    """Return the folded text at a path of local names, or ""."""
    return " ".join((text_at(element, *path) or "").split())
