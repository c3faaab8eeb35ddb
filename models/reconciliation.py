"""Transactions on the bank accounts, each with the order or line that it was matched to."""

from peewee import BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import Table, UtcField
from models.payments import BankOrder, BatchLine
from models.states import MatchType, one_of


class BankTransaction(Table):
    """One booked transaction. `order`: matched to that order; `line` as well: matched to that line."""

    account = ForeignKeyField(BankAccount, backref="transactions")
    account_id: int
    dedupe_key = TextField()  # the bank's transaction id, or a hash of its contents
    booking_date = DateField()
    value_date = DateField(null=True)
    amount_cents = BigIntegerField()
    counterparty_name = TextField()
    counterparty_iban = TextField()
    remittance_information = TextField()
    end_to_end_id = TextField()
    batch_count = IntegerField(null=True)
    is_batch = BooleanField(default=False)
    order = ForeignKeyField(BankOrder, null=True)
    order_id: int | None
    line = ForeignKeyField(BatchLine, null=True)
    line_id: int | None
    match_type = TextField(null=True)  # batch: the whole order in one booking; line: one line; return: a line sent back
    imported_at = UtcField(default=utcnow)

    class Meta:
        indexes = (
            (("account", "dedupe_key"), True),
            (("line", "match_type"), False),
            (("account", "booking_date"), False),
        )
        constraints = [
            Check(one_of("match_type", MatchType)),
            Check("(order_id is null) = (match_type is null)"),
            Check("(line_id is null) = (match_type is null or match_type = 'batch')"),
        ]
