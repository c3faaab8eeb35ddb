"""Mail out of the house: SMTP, text and HTML, nothing that a header could smuggle."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

from core.clock import utcnow


@dataclass(frozen=True)
class Message:
    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class MailNotSent(Exception):
    """It did not go. Permanent: another try will not help."""

    def __init__(self, permanent: bool, reason: str) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True)
class Mailer:
    """Where mail is handed over; time-out in seconds."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    timeout: float = 20

    def send(self, message: Message) -> None:
        """Hand one mail over. MailNotSent, which says whether a later try may work."""
        mail = self._mail(message)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout) as server:
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise MailNotSent(all(code >= 500 for code in codes), f"recipient refused: {codes}") from error
        except smtplib.SMTPResponseException as error:
            raise MailNotSent(error.smtp_code >= 500, f"SMTP {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailNotSent(False, type(error).__name__) from error

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        try:
            mail["From"] = self.sender
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = message.subject
        except (ValueError, IndexError) as error:
            raise MailNotSent(True, "an address or subject that is none") from error
        mail["Date"] = format_datetime(utcnow())
        mail["Message-ID"] = make_msgid(domain=parseaddr(self.sender)[1].rpartition("@")[2] or "bizcuit.nl")
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail
