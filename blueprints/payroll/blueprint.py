"""The blueprint of these pages, and the parsing of ids."""

from flask import Blueprint

blueprint = Blueprint("payroll", __name__)


def parse_id(text: str) -> int | None:
    """Return the id in a form field or URL, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
