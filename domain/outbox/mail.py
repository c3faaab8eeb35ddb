"""Outgoing mail: rows in an outbox, sent by a job. The text is made by a `MailRenderer` that the job passes in."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from connectors.smtp import MailNotSent, Message
from core import log_context
from core.clock import utcnow
from domain.common import leases
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.services import services
from domain.outbox.failures import note_failure
from models import Client, Membership, OutgoingMail, User
from models.prepared import Prepared
from models.states import Role

MAX_ATTEMPTS = 12
# Mails that a user waits for, to go on.
AWAITED = ("confirm_device", "confirm_email", "confirm_new_email", "reset_password")


@dataclass(frozen=True)
class MailMessage:
    """The content of a mail: kind, recipient, client, the path of its button, and the facts to mention.

    `language`: nl or en, the recipient's.
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
    """Store a mail to be sent; a second call with the same `once` does nothing, nor does one to a user who left.

    Facts hold totals at most, never wages. `to`: another address than that of the user.
    """
    if user.removed_at is not None and "to" not in facts:
        return
    content = {"path": path, "facts": facts, "request": log_context.current_request()}
    sealed = encrypt(json.dumps(content), "outgoing_mail", user.id, once)
    OutgoingMail.insert(
        user=user, client=client, kind=kind, payload_encrypted=sealed, dedupe_key=once
    ).on_conflict_ignore().execute()


def owners_of(client: Client) -> list[User]:
    """Return the owners of the client."""
    query = User.select().join(Membership).where(Membership.client == client.id, Membership.role == Role.OWNER)
    return list(query.order_by(User.id))


def notify_owners(client: Client, what: str, whom: User, by: User, role: str, *also: User) -> None:
    """Mail all owners, and `also` former owners, that a member joined, was removed, or got another role."""
    recipients = {user.id: user for user in (*owners_of(client), *also)}
    for user in recipients.values():
        enqueue_mail(
            user, "member_changed", once=f"member:{client.id}:{whom.id}:{what}:{utcnow().isoformat()}:{user.id}",
            client=client, path="/instellingen" if user not in also else None, what=what, name=whom.name, by=by.name,
            role=role,
        )  # fmt: skip


def due_mails(limit: int = 200) -> list[int]:
    """Return the ids of at most `limit` mails that are due, those first that a user waits for."""
    return [row.id for row in _due(utcnow(), limit)]


@Prepared
def _due(now, limit):
    query = OutgoingMail.select(OutgoingMail.id).where(
        OutgoingMail.due_at <= now, OutgoingMail.sent_at.is_null(), leases.is_free(OutgoingMail, now)
    )
    return query.order_by(OutgoingMail.kind.not_in(AWAITED), OutgoingMail.id).limit(limit)


def _language(row: OutgoingMail, facts: dict) -> str:
    """Return the recipient's language: the sender's for an invitation to an unknown address, else Dutch by default."""
    reader = User.get_or_none(User.email == facts["to"]) if "to" in facts else None
    return (reader or row.user).locale or "nl"


def deliver_mail(mail_id: int, render: MailRenderer) -> bool:
    """Send one mail. Returns True if it was sent; otherwise it is retried later."""
    row = leases.claim_lease(OutgoingMail, mail_id, 60, OutgoingMail.sent_at.is_null(), OutgoingMail.due_at <= utcnow())
    if row is None:
        return False
    content = json.loads(decrypt(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key))
    with log_context.of_request(content.get("request")):
        return _send(row, content, render)


def _send(row: OutgoingMail, content: dict, render: MailRenderer) -> bool:
    message = MailMessage(
        row.kind, row.user, row.client, content["path"], content["facts"], _language(row, content["facts"])
    )
    try:
        services().mailer.send(replace(render(message), id=blind_index(f"mail:{row.id}:{row.dedupe_key}")[:40]))
    except MailNotSent as error:
        gave_up = error.permanent or row.attempts + 1 >= MAX_ATTEMPTS
        note_failure(f"mail {row.id} ({row.kind})", row.attempts + 1, str(error), gave_up)
        leases.release_lease(row, attempts=row.attempts + 1, due_at=None if gave_up else leases.backoff(row.attempts))
        return False
    leases.release_lease(row, sent_at=utcnow(), due_at=None, attempts=row.attempts + 1)
    return True
