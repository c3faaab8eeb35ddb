"""The blueprint of these pages, the parsing of ids, and the words that mails have from the presenters."""

from flask import Blueprint

from blueprints.payroll.presenters.held_lines import held_reason, held_todo
from blueprints.payroll.presenters.status import reason_text, run_todo

blueprint = Blueprint("payroll", __name__)

for text_of in (held_reason, held_todo, reason_text, run_todo):
    blueprint.add_app_template_filter(text_of)


def parse_id(text: str) -> int | None:
    """Return the id in a form field or URL, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
