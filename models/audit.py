"""What happened and what is still to be told: audit events, mails, notifications."""

from typing import Any

from peewee import Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import JsonField, Table, UtcField
from models.payments import Batch
from models.people import Client, PushSubscription, User


class AuditEvent(Table):
    """Append-only; each event carries the hash of the one before it in the same client's chain."""

    client = ForeignKeyField(Client, backref="events")
    client_id: int
    number = IntegerField()
    at = UtcField(default=utcnow)
    actor = TextField()  # "user:7", "worker", "operator"
    kind = TextField()
    subject = TextField()  # "batch:20201113034734-66580"
    details: Any = JsonField()  # ids, hashes and sums; never a name, an IBAN or a person's amount
    previous = TextField()
    hash = TextField()

    class Meta:
        indexes = ((("client", "number"), True),)


class OutgoingMail(Table):
    """A mail that waits to be sent or was sent."""

    user = ForeignKeyField(User)
    user_id: int
    client = ForeignKeyField(Client, null=True)
    client_id: int | None
    kind = TextField()
    sealed = TextField()  # what fills the text: may hold a one-use link
    once = TextField(unique=True)  # a fact is told once
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    sent_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)


class TokenRevocation(Table):
    """A refresh token that nothing uses any more and that its service still has to revoke."""

    client = ForeignKeyField(Client)
    client_id: int
    service = TextField()
    subject = TextField()  # "connection:3", "link:7": whose token it was
    token_sealed = TextField()
    attempts = IntegerField(default=0)
    due_at = UtcField(default=utcnow, index=True)
    lease_until = UtcField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        constraints = [Check("service in ('nmbrs', 'ponto')")]


class Notification(Table):
    """A message to one browser that waits to be sent or was sent: what happened, never a name or an amount."""

    subscription = ForeignKeyField(PushSubscription, on_delete="CASCADE")
    subscription_id: int
    client = ForeignKeyField(Client, on_delete="CASCADE")
    client_id: int
    batch = ForeignKeyField(Batch, null=True)
    batch_id: int | None
    what = TextField()
    path = TextField()
    once = TextField()  # a fact is told once
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    sent_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("subscription", "once"), True),)
        constraints = [Check("what in ('waits', 'asked', 'executed', 'partly', 'refused', 'consent')")]
