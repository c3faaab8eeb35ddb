"""The mailbox: a real SMTP server on loopback, its pages, and /control/inbox."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Flask, Response, abort, jsonify, render_template

from sandbox import clock, faults
from sandbox.store import Document, get_store

KIND = "mail"
MAX_BYTES = 10 * 1024 * 1024

mailbox = Blueprint("mailbox", __name__)


class PostOffice:
    """The aiosmtpd handler: accepts all mail to any address and stores it."""

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if faults.on("mail_refused"):
            return "550 5.7.1 Message refused"
        if faults.on("mail_later"):
            return "451 4.3.0 Try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        keep(envelope.original_content or b"", list(envelope.rcpt_tos))
        return "250 2.0.0 Message accepted"


def start_smtp(host: str, port: int) -> Controller:
    """Listen for mail in a thread of this process; call stop() on the result to end it."""
    controller = Controller(PostOffice(), hostname=host, port=port, data_size_limit=MAX_BYTES)
    controller.start()
    return controller


def keep(raw: bytes, recipients: list[str]) -> Document:
    """Parse a received mail and store it under a new number."""
    message = message_from_bytes(raw, policy=policy.default)
    text, html = _part(message, "plain"), _part(message, "html")
    number = get_store().next_number("mail")
    doc = {
        "id": str(number),
        "to": ", ".join(recipients),
        "from": str(message.get("From", "")),
        "subject": str(message.get("Subject", "")),
        "message_id": str(message.get("Message-ID", "")),
        "text": text,
        "html": html,
        "links": links_of(text, html),
        "received_at": clock.now().isoformat(),
        "raw": raw.decode("utf-8", "replace"),
    }
    get_store().put(KIND, number, doc)
    return doc


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    return str(part.get_content()) if part is not None else ""


class _Anchors(HTMLParser):
    """Collects the targets of the links in an HTML mail."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def links_of(text: str, html: str) -> list[str]:
    """Return the URLs in a mail, each once, those of the HTML part first."""
    anchors = _Anchors()
    anchors.feed(html)
    written = [link.rstrip(".,;:!?)'\"") for link in re.findall(r"https?://[^\s<>\"]+", text)]
    addresses = [link for link in anchors.found + written if link.startswith(("http://", "https://"))]
    return list(dict.fromkeys(addresses))


def newest_first() -> list[dict[str, Any]]:
    return get_store().all(KIND)[::-1]


def _mail_or_404(number: int) -> Document:
    doc = get_store().get(KIND, number)
    if doc is None:
        abort(404)
    return doc


@mailbox.get("/mail/")
def inbox():
    return render_template("mail/inbox.html", mails=newest_first())


@mailbox.get("/mail/<int:number>")
def show(number: int):
    return render_template("mail/show.html", mail=_mail_or_404(number))


@mailbox.get("/mail/<int:number>/html")
def show_html(number: int):
    """Return the HTML part alone, for the frame of the mail page: it may show content and links, but run no script."""
    answer = Response(leaving_the_frame(_mail_or_404(number)["html"]), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    )
    return answer


def leaving_the_frame(html: str) -> str:
    """Make the links in a mail open in the whole window, since few sites allow framing."""
    base = '<base target="_top">'
    inside, count = re.subn(r"<head\b[^>]*>", lambda head: head.group() + base, html, count=1)
    return inside if count else base + html


@mailbox.get("/control/inbox")
def control_inbox():
    fields = ("id", "to", "from", "subject", "message_id", "text", "html", "links", "received_at")
    return jsonify([{name: mail[name] for name in fields} for mail in newest_first()])


def setup(app: Flask) -> None:
    faults.declare("mail_refused", "De mailserver weigert elke mail (550)")
    faults.declare("mail_later", "De mailserver kan nu even niet (451)")
    app.register_blueprint(mailbox)
