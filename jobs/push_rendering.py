"""Renders push notifications in the recipient's language: a title and a sentence, never a name or an amount."""

from flask import render_template
from flask_babel import force_locale

from domain.outbox.push_delivery import PushContent
from jobs.mail_rendering import templates


def write(content: PushContent) -> tuple[str, str]:
    """Return the title and the text."""
    with templates(), force_locale(content.language):
        said = render_template(f"push/{content.what}.txt", client=content.client, line=content.line)
        title, text = said.strip().split("\n", 1)
    return title.strip(), text.strip()
