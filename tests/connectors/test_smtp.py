"""Mail over SMTP: what arrives, what is refused before sending, and which failures can be retried."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.smtp import MailNotSent, Message, SmtpMailer
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port, saying

HOST = "127.0.0.1"
SENDER = "Bizcuit <noreply@bizcuit.example>"
LONG_LINK = "http://localhost:8000/betalingen/20261123034734-66580?" + "a" * 300
LETTER = Message(
    "wouter@demobv.example", "Nieuwe betaling klaar voor Café Zoë", f"Dag Zoë,\n\n{LONG_LINK}\n.\nGroet\n",
    f'<p>Dag Zoë</p><a href="{LONG_LINK}">Bekijk</a>',
)  # fmt: skip


def failure(mailer: SmtpMailer, letter: Message = LETTER) -> MailNotSent:
    with pytest.raises(MailNotSent) as caught:
        mailer.send(letter)
    return caught.value


# --- delivery ---
def test_a_mail_arrives_unchanged(sandbox: Sandbox):
    SmtpMailer(HOST, sandbox.smtp_port, SENDER).send(LETTER)
    (mail,) = sandbox.control("GET", "inbox")
    assert (mail["to"], mail["from"], mail["subject"]) == (LETTER.to, SENDER, LETTER.subject)
    assert mail["text"].replace("\r\n", "\n") == LETTER.text
    assert mail["html"].strip() == LETTER.html
    assert mail["links"] == [LONG_LINK]


class Kept:
    """An SMTP server that stores mails and answers as told."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipient = self.data = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.data.startswith("250"):
            self.mails.append(envelope.original_content)
        return self.data


class Office(Controller):
    """A mail server; `kind` is a class that misbehaves."""

    def __init__(self, kept: Kept, **options) -> None:
        self.options = options
        with socket.create_server((HOST, 0)) as probe:
            port = probe.getsockname()[1]
        super().__init__(kept, hostname=HOST, port=port)

    def factory(self) -> SMTP:
        options = {name: value for name, value in self.options.items() if name != "kind"}
        return self.options.get("kind", SMTP)(self.handler, **options)


class Rude(SMTP):
    """Closes the connection instead of answering QUIT."""

    async def smtp_QUIT(self, arg: str) -> None:
        assert self.transport is not None
        self.transport.close()


class Fickle(SMTP):
    """Closes the connection during a mail."""

    async def smtp_DATA(self, arg: str) -> None:
        assert self.transport is not None
        self.transport.close()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def office(kept: Kept) -> Iterator[Office]:
    made = Office(kept)
    made.start()
    yield made
    made.stop()


def mail_of(kept: Kept) -> EmailMessage:
    (raw,) = kept.mails
    assert raw.isascii(), "no server on the way has to know more than seven bits"
    return message_from_string(raw.decode("ascii"), policy=policy.default)


def test_the_required_headers(office: Office, kept: Kept):
    SmtpMailer(HOST, office.port, SENDER).send(LETTER)
    mail = mail_of(kept)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@bizcuit.example>")
    assert abs(mail["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=5)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert set(mail.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip


def test_each_mail_has_its_own_message_id(office: Office, kept: Kept):
    for _ in range(2):
        SmtpMailer(HOST, office.port, SENDER).send(LETTER)
    first, second = (message_from_string(raw.decode(), policy=policy.default)["Message-ID"] for raw in kept.mails)
    assert first != second


def test_a_mail_that_is_sent_again_keeps_its_message_id(office: Office, kept: Kept):
    for _ in range(2):
        SmtpMailer(HOST, office.port, SENDER).send(replace(LETTER, id="a1b2"))
    ids = [message_from_string(raw.decode(), policy=policy.default)["Message-ID"] for raw in kept.mails]
    assert ids == ["<a1b2@bizcuit.example>"] * 2


# --- refused before sending ---
@pytest.mark.parametrize(
    "to",
    [
        "a@b.nl\r\nBcc: c@d.nl", "a@b.nl\nX: y", "a@b.nl, c@d.nl", "a@b.nl;c@d.nl", "A <a@b.nl>", "a b@c.nl", "nobody",
        "", "a@b@c.nl",
    ],
)  # fmt: skip
def test_an_invalid_address_is_refused(office: Office, kept: Kept, to: str):
    assert failure(SmtpMailer(HOST, office.port, SENDER), Message(to, "x", "x", "x")).permanent
    assert kept.mails == []


@pytest.mark.parametrize("subject", ["Dag\r\nBcc: c@d.nl", "Dag\nX: y", "Dag\rX: y"])
def test_a_subject_cannot_inject_a_header(office: Office, kept: Kept, subject: str):
    assert failure(SmtpMailer(HOST, office.port, SENDER), Message("a@b.nl", subject, "x", "x")).permanent
    assert kept.mails == []


# --- answers of the server ---
def test_a_refused_mail_is_permanent(sandbox: Sandbox):
    sandbox.fault(mail_refused=True)
    assert failure(SmtpMailer(HOST, sandbox.smtp_port, SENDER)).permanent


def test_a_busy_server_is_temporary(sandbox: Sandbox):
    sandbox.fault(mail_later=True)
    mailer = SmtpMailer(HOST, sandbox.smtp_port, SENDER)
    assert not failure(mailer).permanent
    sandbox.fault(mail_later=False)
    mailer.send(LETTER)
    assert len(sandbox.control("GET", "inbox")) == 1


@pytest.mark.parametrize(
    ("recipient", "data", "permanent"),
    [
        ("550 5.1.1 <wouter@demobv.example> unknown", "250 OK", True),
        ("450 4.2.1 mailbox busy", "250 OK", False),
        ("250 OK", "554 5.7.1 spam", True),
        ("250 OK", "452 4.3.1 full", False),
    ],
)
def test_the_status_code_decides(office: Office, kept: Kept, recipient: str, data: str, permanent: bool):
    kept.recipient, kept.data = recipient, data
    assert failure(SmtpMailer(HOST, office.port, SENDER)).permanent == permanent


@pytest.mark.parametrize("greeting", [b"554 no\r\n", b"421 later\r\n", b"hello\r\n", b"", None])
def test_a_server_without_smtp_is_temporary(greeting: bytes | None):
    with saying(greeting, at_once=True) as port:
        assert not failure(SmtpMailer(HOST, port, SENDER, timeout=0.5)).permanent


def test_a_broken_connection_is_temporary(kept: Kept):
    office = Office(kept, kind=Fickle)
    office.start()
    try:
        assert not failure(SmtpMailer(HOST, office.port, SENDER)).permanent
    finally:
        office.stop()


def test_an_unsupported_address_is_permanent(office: Office, kept: Kept):
    """The address is not ASCII and the server lacks SMTPUTF8: a retry will not help."""
    assert failure(SmtpMailer(HOST, office.port, SENDER), Message("zoë@demobv.example", "x", "x", "x")).permanent
    assert kept.mails == []


def test_an_unreachable_server_is_temporary():
    assert not failure(SmtpMailer(HOST, closed_port(), SENDER)).permanent


def test_an_accepted_mail_is_sent_whatever_quit_returns(kept: Kept):
    office = Office(kept, kind=Rude)
    office.start()
    try:
        SmtpMailer(HOST, office.port, SENDER).send(LETTER)
    finally:
        office.stop()
    assert len(kept.mails) == 1


def test_an_error_contains_no_address(office: Office, kept: Kept):
    kept.recipient = "550 5.1.1 <wouter@demobv.example> unknown"
    error = failure(SmtpMailer(HOST, office.port, SENDER))
    assert "wouter" not in str(error) + repr(error) + repr(error.__cause__)
    assert error.__suppress_context__


# --- TLS ---
@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail in a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def sign_in(server, session, envelope, mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"bizcuit", b"secret-word"), handled=False)


@pytest.fixture
def guarded(kept: Kept, certificate: Path) -> Iterator[Office]:
    """A server that requires TLS and a login."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    made = Office(kept, tls_context=context, require_starttls=True, auth_required=True, authenticator=sign_in)
    made.start()
    yield made
    made.stop()


def guarded_mailer(office: Office, certificate: Path, **changes) -> SmtpMailer:
    trust = ssl.create_default_context(cafile=certificate)
    return SmtpMailer(
        HOST, office.port, SENDER, "bizcuit", **{"password": "secret-word", "starttls": True} | changes, tls=trust
    )


def test_over_tls_with_a_password(guarded: Office, kept: Kept, certificate: Path):
    guarded_mailer(guarded, certificate).send(LETTER)
    assert len(kept.mails) == 1


def test_a_wrong_password_is_temporary(guarded: Office, certificate: Path):
    error = failure(guarded_mailer(guarded, certificate, password="other"))
    assert not error.permanent
    assert "535" in str(error)


def test_a_server_that_requires_tls_is_temporary(guarded: Office, kept: Kept):
    assert not failure(SmtpMailer(HOST, guarded.port, SENDER)).permanent


def test_an_untrusted_certificate_is_refused(guarded: Office, kept: Kept):
    mailer = SmtpMailer(HOST, guarded.port, SENDER, "bizcuit", "secret-word", starttls=True)
    assert not failure(mailer).permanent
    assert kept.mails == []


def test_nothing_is_sent_without_the_required_tls(office: Office, kept: Kept):
    """The server offers no TLS: the mail is not sent, and can be retried."""
    assert not failure(SmtpMailer(HOST, office.port, SENDER, starttls=True)).permanent
    assert kept.mails == []


def test_the_password_is_in_no_repr():
    assert "secret-word" not in repr(SmtpMailer(HOST, 25, SENDER, "bizcuit", "secret-word"))
    assert "Zoë," not in repr(LETTER)
