"""Renders mails in the recipient's language: one template per kind sets the texts, two layouts show them.

A mail contains totals at most, never individual wages.
"""

from flask import Flask, render_template
from flask.ctx import AppContext
from flask_babel import force_locale

from connectors.smtp import Message
from core.hidden_characters import show_hidden
from domain.common.services import services
from domain.outbox.mail import MailMessage

_app: Flask | None = None


def set_app(app: Flask) -> None:
    """Set the application whose templates and translations are used."""
    global _app
    _app = app


def templates() -> AppContext:
    """Return an application context for rendering templates.

    Raises:
    - RuntimeError: no application has been set.
    """
    if _app is None:
        raise RuntimeError("no application has been set for rendering")
    return _app.app_context()


def write(message: MailMessage) -> Message:
    """Render the mail."""
    with templates() as context, force_locale(message.language):
        kind = context.app.jinja_env.get_template(f"mail/{message.kind}.txt")
        mail = kind.make_module({"user": message.user, "company": message.client, "facts": message.facts})
        url = services().base_url + message.path if message.path else ""
        values = {"mail": mail, "button_url": url, "support_email": services().support_email}
        text = render_template("mail/layout.txt", **values)
        html = render_template("mail/layout.html", **values)
    subject = show_hidden(str(mail.subject))  # type: ignore[attr-defined]
    return Message(to=message.facts.get("to") or message.user.email, subject=subject, text=text, html=html)
