"""Audit events, and the outbox: mails, push notifications and token revocations."""

from typing import Any

from peewee import SQL, Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import EncryptedField, JsonField, Table, UtcField
from models.payments import Batch
from models.people import Client, PushSubscription, User


class AuditEvent(Table):
    """An append-only event. It contains the hash of the previous event in the client's chain."""

    client = ForeignKeyField(Client, backref="events")
    client_id: int
    number = IntegerField()
    created_at = UtcField(default=utcnow)
    actor = TextField()  # "user:7", "worker", "operator"
    kind = TextField()
    subject = TextField()  # "batch:20201113034734-66580"
    details: Any = JsonField()  # ids, hashes and totals; never a name, an IBAN or an individual wage
    previous = TextField()
    hash = TextField()

    class Meta:
        indexes = ((("client", "number"), True),)


class OutgoingMail(Table):
    """A mail to be sent, or already sent."""

    user = ForeignKeyField(User)
    user_id: int
    client = ForeignKeyField(Client, null=True)
    client_id: int | None
    kind = TextField()
    # facts for the text, may contain a one-time link
    payload_encrypted = EncryptedField("outgoing_mail", lambda row: (row.user_id, row.dedupe_key))
    dedupe_key = TextField(unique=True)  # prevents duplicates
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    sent_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)


class TokenRevocation(Table):
    """A refresh token that is no longer used and that the service still has to revoke."""

    client = ForeignKeyField(Client)
    client_id: int
    service = TextField()
    subject = TextField()  # "connection:3", "link:7" (a bank consent)
    token_encrypted = EncryptedField("token_revocation", lambda row: (row.client_id, row.subject))
    attempts = IntegerField(default=0)
    due_at = UtcField(default=utcnow, index=True)
    lease_until = UtcField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        constraints = [Check("service in ('nmbrs', 'ponto')")]


class PushNotification(Table):
    """A push notification to one browser, to be sent or already sent. Never contains a name or an amount."""

    subscription = ForeignKeyField(PushSubscription, on_delete="CASCADE")
    subscription_id: int
    client = ForeignKeyField(Client, on_delete="CASCADE")
    client_id: int
    batch = ForeignKeyField(Batch, null=True)
    batch_id: int | None
    event = TextField()
    line = IntegerField(null=True)  # the number of the one line that it is about
    path = TextField()
    dedupe_key = TextField()  # prevents duplicates
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    sent_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("subscription", "dedupe_key"), True),)
        constraints = [
            Check(
                "event in ('waits', 'excess', 'payday', 'run_late', 'wage_tax_due', 'asked', 'doubt_asked', "
                "'doubt_answered', 'names_asked', 'attest_asked', 'executed', 'partly', 'refused', "
                "'may_be_executed', 'disputed', 'returned', 'consent', 'consent_ended', 'held', 'run_refused')"
            )
        ]


# For the figures of operators: what was tried and is not tried again.
_GIVEN_UP = SQL("attempts > 0 and due_at is null and sent_at is null")
OutgoingMail.add_index(OutgoingMail.index(OutgoingMail.id, name="given_up_mail").where(_GIVEN_UP))
PushNotification.add_index(PushNotification.index(PushNotification.id, name="given_up_push").where(_GIVEN_UP))
