"""Transactions on the bank accounts, each with the order or line that it was matched to."""

from peewee import BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import Table, UtcField
from models.payments import BankOrder, BatchLine


class BankTransaction(Table):
    """One booked transaction. `order`: matched to that order; `line` as well: matched to that line."""

    account = ForeignKeyField(BankAccount, backref="transactions")
    account_id: int
    bank_key = TextField()  # the bank's transaction id, or a hash of its contents
    booked_on = DateField()
    value_on = DateField(null=True)
    cents = BigIntegerField()
    party_name = TextField()
    party_iban = TextField()
    text = TextField()
    end_to_end_id = TextField()
    batch_count = IntegerField(null=True)
    is_batch = BooleanField(default=False)
    order = ForeignKeyField(BankOrder, null=True)
    order_id: int | None
    line = ForeignKeyField(BatchLine, null=True)
    line_id: int | None
    role = TextField(null=True)  # lump: the whole order in one booking; line: one line; return: a line sent back
    seen_at = UtcField(default=utcnow)

    class Meta:
        indexes = (
            (("account", "bank_key"), True),
            (("line", "role"), False),
            (("account", "booked_on"), False),
        )
        constraints = [
            Check("role in ('lump', 'line', 'return')"),
            Check("(order_id is null) = (role is null)"),
            Check("(line_id is null) = (role is null or role = 'lump')"),
        ]
