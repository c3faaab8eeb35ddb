"""Mail over SMTP: one message to one address, in text and HTML. Over TLS where the setting says so."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from core.clock import utcnow

# Bodies travel as seven-bit text, so that no server on the way has to know more.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Message:
    """One mail to one person; `html` says the same as `text`."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class MailNotSent(Exception):
    """It was not taken. `permanent`: it never will be; otherwise a later try may work. Names no address."""

    def __init__(self, permanent: bool, reason: str) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True)
class SmtpMailer:
    """A mail server. With `starttls` nothing is sent before the line is encrypted and its certificate is good.

    `timeout` in seconds, for each step. `tls` replaces the usual trust (a private certificate authority).
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
        """Give one mail to the server. MailNotSent when it did not take it; what it took is never told as not sent."""
        mail = self._mail(message)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            # Also a refused greeting or sign-in: that is our set-up, not this letter's fault.
            raise MailNotSent(False, f"no mail server: {_kind(error)}") from None
        try:
            server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(_is_permanent(error), f"not taken: {_kind(error)}") from None
        finally:
            _leave(server)

    def _connect(self) -> smtplib.SMTP:
        # Without a name smtplib asks the DNS for ours, which can take seconds.
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
        """The mail with its headers; MailNotSent when an address or subject would smuggle in another header."""
        mail = EmailMessage(policy=_POLICY)
        try:
            mail["From"] = self.sender
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = message.subject
        except (ValueError, IndexError, MessageError):
            raise MailNotSent(True, "an address or subject that is none") from None
        mail["Date"] = format_datetime(utcnow())
        mail["Message-ID"] = make_msgid(domain=self._domain())
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye. The letter's fate is decided: what goes wrong here must not make it go out twice."""
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _is_permanent(error: Exception) -> bool:
    """5xx for this letter or its address. 530 asks us to sign in first: that can be mended."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return error.smtp_code >= 500 and error.smtp_code != 530
        case smtplib.SMTPNotSupportedError():  # an address outside ASCII, and the server cannot carry it
            return True
    return False


def _kind(error: Exception) -> str:
    """What went wrong, without the server's words: those often repeat the address."""
    codes = [code for code, _ in getattr(error, "recipients", {}).values()] or [getattr(error, "smtp_code", "")]
    return " ".join([type(error).__name__, *map(str, codes)]).strip()
