"""Bookings on the accounts, each with the order or line that it belongs to."""

from peewee import SQL, BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import Table, UtcField
from models.payments import BankOrder, BatchLine


class BankTransaction(Table):
    """One booking, once. With an order: it is that order's, or with a line as well, that line's."""

    account = ForeignKeyField(BankAccount, backref="transactions")
    account_id: int
    bank_key = TextField()  # the bank's own name for it, or one made of what it tells
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
    role = TextField(null=True)  # what it is of that order: paid whole, paid one line, or one line that came back
    seen_at = UtcField(default=utcnow)

    class Meta:
        indexes = (
            (("account", "bank_key"), True),
            (("line", "role"), True),
            (("account", "booked_on"), False),
        )
        constraints = [
            Check("role in ('lump', 'line', 'return')"),
            Check("(order_id is null) = (role is null)"),
            Check("(line_id is null) = (role is null or role = 'lump')"),
        ]


# One lump pays an order, and one lump pays no second one.
BankTransaction.add_index(
    BankTransaction.index(BankTransaction.order, unique=True, name="one_lump_of_an_order").where(SQL("role = 'lump'"))
)
