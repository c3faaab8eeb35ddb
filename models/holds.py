"""Holds on payments, and orders that a restored database does not know."""

from peewee import Check, ForeignKeyField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import BankOrder, Batch
from models.people import Client
from models.states import HoldCause, one_of


class PaymentHold(Table):
    """While it is not lifted, nothing is submitted to a bank: of one client, at one bank, or at all.

    `known_until`: of a hold after a restore, the time up to which the database knows what happened.
    """

    cause = TextField()
    client = ForeignKeyField(Client, null=True)
    client_id: int | None
    bank = TextField(null=True)
    reason = TextField()  # clients read it
    placed_by = TextField()
    placed_at = UtcField(default=utcnow)
    known_until = UtcField(null=True)
    first_lifted_by = TextField(null=True)  # the first of two operators who say that it may end
    lifted_at = UtcField(null=True)
    lifted_by = TextField(null=True)
    lift_reason = TextField(null=True)

    class Meta:
        constraints = [
            Check(one_of("cause", HoldCause)),
            Check("client_id is null or bank is null"),
            Check("(lifted_at is null) = (lifted_by is null)"),
        ]


class LostOrder(Table):
    """An order that a bank has or may have, and of which this database kept no record: it was restored since.

    It is known by its MsgId, from a mark outside the database or from a booking. `order`: the order that was made of it
    since. `ruled_out_at`: two operators found that the bank does not have it.
    """

    client = ForeignKeyField(Client)
    client_id: int
    msg_id = TextField()
    source = TextField()
    sent_at = UtcField()
    batch = ForeignKeyField(Batch, null=True)  # null: the payment is not known yet
    batch_id: int | None
    order = ForeignKeyField(BankOrder, null=True)
    order_id: int | None
    first_ruled_out_by = TextField(null=True)
    ruled_out_at = UtcField(null=True)

    class Meta:
        indexes = ((("client", "msg_id"), True),)
        constraints = [Check("source in ('mark', 'booking')")]
