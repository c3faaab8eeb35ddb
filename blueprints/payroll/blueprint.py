"""The one blueprint of these screens, and how they read ids."""

from flask import Blueprint

blueprint = Blueprint("payroll", __name__)


def parse_id(text: str) -> int | None:
    """Return the id that a form or address names; None for what is no id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
