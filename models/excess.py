"""Allowances of two people to pay somebody more than is owed."""

from peewee import SQL, BigIntegerField, Check, ForeignKeyField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.evidence import OrderLine
from models.payments import Batch
from models.payroll import Due
from models.people import Client, User


class ExcessAllowance(Table):
    """Two people allow an amount beyond what is owed to one person: one asks, another one allows it.

    It stands beside an order line that counts against the due. The payment made when it is allowed pays only this.
    Facts never change; each of the later columns is set once, by the step that it is of (`models/triggers.py`).
    """

    client = ForeignKeyField(Client, backref="excess_allowances")
    client_id: int
    due = ForeignKeyField(Due, backref="excess_allowances")
    due_id: int
    beside = ForeignKeyField(OrderLine, backref="excess_allowances")  # while it counts, this is more than is owed
    beside_id: int
    creditor_name = TextField()
    creditor_iban = TextField()
    remittance = TextField()
    amount_cents = BigIntegerField()
    reason = TextField()  # in the words of the first person
    asked_by = ForeignKeyField(User, backref="excess_asked")
    asked_by_id: int
    asked_at = UtcField(default=utcnow)
    allowed_by = ForeignKeyField(User, null=True, backref="excess_allowed")
    allowed_by_id: int | None
    allowed_at = UtcField(null=True)
    batch = ForeignKeyField(Batch, null=True, unique=True)  # the payment that was made of it
    batch_id: int | None
    withdrawn_by = ForeignKeyField(User, null=True, backref="excess_withdrawn")  # null: ended by itself
    withdrawn_by_id: int | None
    withdrawn_at = UtcField(null=True)
    withdrawn_reason = TextField(null=True)

    class Meta:
        constraints = [
            Check("amount_cents > 0"),
            Check("length(reason) between 1 and 200"),
            Check("allowed_by_id <> asked_by_id"),
            Check("(allowed_by_id is null) = (allowed_at is null)"),
            Check("(allowed_by_id is null) = (batch_id is null)"),
            Check("(withdrawn_at is null) = (withdrawn_reason is null)"),
            Check("withdrawn_by_id is null or withdrawn_at is not null"),
        ]


# Beside one order line, one request at a time waits for a second person.
ExcessAllowance.add_index(
    ExcessAllowance.index(ExcessAllowance.beside, unique=True, name="one_waiting_excess").where(
        SQL("allowed_at is null and withdrawn_at is null")
    )
)
