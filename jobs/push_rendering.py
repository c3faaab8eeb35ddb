"""What notifications say, in the language of who gets them: a title and a sentence, never a name or an amount."""

from flask import render_template
from flask_babel import force_locale

from domain.outbox.push_delivery import PushContent
from jobs.mail_rendering import templates


def write(notice: PushContent) -> tuple[str, str]:
    """Title and text."""
    with templates(), force_locale(notice.language):
        title, text = render_template(f"push/{notice.what}.txt", client=notice.client).strip().split("\n", 1)
    return title.strip(), text.strip()
