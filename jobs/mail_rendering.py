"""What mails say, in the language of who gets them: a template per kind, in text and HTML, with one button.

Totals at most.
"""

from flask import Flask, render_template
from flask.ctx import AppContext
from flask_babel import force_locale

from connectors.smtp import Message
from domain.common.services import services
from domain.outbox.mail import MailMessage

_app: Flask | None = None


def set_app(app: Flask) -> None:
    """The application whose templates and translations the letters use."""
    global _app
    _app = app


def templates() -> AppContext:
    """A context in which templates of ours can be filled."""
    if _app is None:
        raise RuntimeError("letters have no templates yet")
    return _app.app_context()


def write(letter: MailMessage) -> Message:
    """The mail as it goes out."""
    with templates(), force_locale(letter.language):
        values = {"user": letter.user, "company": letter.client, "facts": letter.facts, "base_url": services().base_url,
                  "support_email": services().support_email}  # fmt: skip
        if letter.path:
            values["button_url"] = services().base_url + letter.path
        subject = render_template(f"mail/{letter.kind}.subject.txt", **values).strip()
        text = render_template(f"mail/{letter.kind}.txt", **values)
        html = render_template(f"mail/{letter.kind}.html", **values)
    return Message(to=letter.facts.get("to") or letter.user.email, subject=subject, text=text, html=html)
