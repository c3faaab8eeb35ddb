"""Send mail over SMTP: one message to one address, as text and HTML, over TLS if configured."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from connectors import calls
from core.clock import utcnow

# Bodies are seven-bit text, which every mail server can relay.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Message:
    """A mail to one person; `html` has the same content as `text`.

    `id`: makes its Message-ID, so that a mail that must be sent again is the same one to a mailbox; empty: a new one.
    """

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    id: str = ""


class MailNotSent(Exception):
    """The server did not accept the mail. If not `permanent`, a retry may work. The message contains no address."""

    def __init__(self, permanent: bool, reason: str) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True)
class SmtpMailer:
    """A mail server. With `starttls` nothing is sent before TLS is up and its certificate is verified.

    `timeout` is in seconds, per step. `tls` replaces the default trust (for a private certificate authority).
    """

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    timeout: float = 15
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def send(self, message: Message) -> None:
        """Submit a mail to the server. A mail that the server accepted never raises.

        Raises:
        - MailNotSent
        """
        mail = self._mail(message)
        with calls.reported("mail", "send", is_refusal=lambda error: getattr(error, "permanent", False)):
            self._submit(mail)

    def _submit(self, mail: EmailMessage) -> None:
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            # Includes a refused greeting or login: that is a problem of the configuration, not of this mail.
            raise MailNotSent(False, f"no mail server: {_kind(error)}") from None
        try:
            server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(_is_permanent(error), f"not taken: {_kind(error)}") from None
        finally:
            _leave(server)

    def _connect(self) -> smtplib.SMTP:
        # Without a host name smtplib looks ours up in DNS, which can take seconds.
        server = smtplib.SMTP(self.host, self.port, local_hostname=self._domain(), timeout=self.timeout)
        try:
            if self.starttls:
                server.starttls(context=self.tls or ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server

    def _domain(self) -> str:
        return parseaddr(self.sender)[1].rpartition("@")[2] or "localhost"

    def _mail(self, message: Message) -> EmailMessage:
        """Build the mail.

        Raises:
        - MailNotSent: an address or subject would inject another header.
        """
        mail = EmailMessage(policy=_POLICY)
        try:
            mail["From"] = self.sender
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = message.subject
        except (ValueError, IndexError, MessageError):
            raise MailNotSent(True, "an address or subject that is none") from None
        mail["Date"] = format_datetime(utcnow())
        mail["Message-ID"] = f"<{message.id}@{self._domain()}>" if message.id else make_msgid(domain=self._domain())
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail


def _leave(server: smtplib.SMTP) -> None:
    """Close the connection. The outcome is known, so an error here must not cause a second submission."""
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _is_permanent(error: Exception) -> bool:
    """Return whether the mail or its address is refused for good (5xx). 530 asks for a login, which can be configured.
    """
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return error.smtp_code >= 500 and error.smtp_code != 530
        case smtplib.SMTPNotSupportedError():  # an address outside ASCII, which the server cannot handle
            return True
    return False


def _kind(error: Exception) -> str:
    """Return error type and code, without the server's text, which often repeats the address."""
    codes = [code for code, _ in getattr(error, "recipients", {}).values()] or [getattr(error, "smtp_code", "")]
    return " ".join([type(error).__name__, *map(str, codes)]).strip()
