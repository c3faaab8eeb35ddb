"""Mails are rows that a job sends. Text is made by whoever hands in a `Writer`: the domain knows only what to tell."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from connectors.smtp import MailNotSent, Message
from core.clock import utcnow
from domain.common import leases
from domain.common.encryption import decrypt, encrypt
from domain.common.services import services
from models import Client, Membership, OutgoingMail, User

MAX_ATTEMPTS = 12


@dataclass(frozen=True)
class MailMessage:
    """What a mail tells: its kind, to whom, about which company, and the path its button leads to.

    `language`: nl or en, of who reads it.
    """

    kind: str
    user: User
    client: Client | None
    path: str | None
    facts: dict
    language: str = "nl"


MailRenderer = Callable[[MailMessage], Message]


def enqueue_mail(
    user: User, kind: str, *, once: str, client: Client | None = None, path: str | None = None, **facts
) -> None:
    """Keep a mail to be sent; the same `once` is told once. Facts: totals at most, never a person's pay."""
    sealed = encrypt(json.dumps({"path": path, "facts": facts}), "outgoing_mail", user.id, once)
    OutgoingMail.insert(user=user, client=client, kind=kind, sealed=sealed, once=once).on_conflict_ignore().execute()


def owners_of(client: Client) -> list[User]:
    query = User.select().join(Membership).where(Membership.client == client.id, Membership.role == "owner")
    return list(query.order_by(User.id))


def notify_owners(client: Client, what: str, whom: User, by: User, role: str, *also: User) -> None:
    """Who may do what has changed (joined, role or removed): to every owner, and to those who were one until now."""
    told = {user.id: user for user in (*owners_of(client), *also)}
    for user in told.values():
        enqueue_mail(
            user, "member_changed", once=f"member:{client.id}:{whom.id}:{what}:{utcnow().isoformat()}:{user.id}",
            client=client, path="/instellingen" if user not in also else None, what=what, name=whom.name, by=by.name,
            role=role,
        )  # fmt: skip


def due_mails() -> list[int]:
    """Mails that may go now."""
    query = OutgoingMail.select(OutgoingMail.id).where(OutgoingMail.due_at <= utcnow(), OutgoingMail.sent_at.is_null())
    return [row.id for row in query.order_by(OutgoingMail.id).limit(200)]


def _language(row: OutgoingMail, facts: dict) -> str:
    """Of who gets it; of who sends an invitation, when nobody has that address yet. Dutch for who never chose."""
    reader = User.get_or_none(User.email == facts["to"]) if "to" in facts else None
    return (reader or row.user).language or "nl"


def deliver_mail(mail_id: int, write: MailRenderer) -> bool:
    """Send one mail. True when it went; otherwise it stays for a later try."""
    row = leases.claim_lease(OutgoingMail, mail_id, 60, OutgoingMail.sent_at.is_null(), OutgoingMail.due_at <= utcnow())
    if row is None:
        return False
    content = json.loads(decrypt(row.sealed, "outgoing_mail", row.user_id, row.once))
    letter = MailMessage(
        row.kind, row.user, row.client, content["path"], content["facts"], _language(row, content["facts"])
    )
    try:
        services().mailer.send(write(letter))
    except MailNotSent as error:
        ended = error.permanent or row.attempts + 1 >= MAX_ATTEMPTS
        leases.release_lease(row, attempts=row.attempts + 1, due_at=None if ended else leases.backoff(row.attempts))
        return False
    leases.release_lease(row, sent_at=utcnow(), due_at=None, attempts=row.attempts + 1)
    return True
