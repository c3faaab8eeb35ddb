"""What was given to a bank, line by line, and everything that was said about it since."""

from peewee import SQL, BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import BankOrder, BatchLine

STANDINGS = ("unsent", "possible", "paid", "returned", "unpaid", "disputed")
# The standings in which a line counts against what is owed to its person.
COMMITTED = ("possible", "paid", "disputed")


class OrderLine(Table):
    """One line as it was given to a bank. A new attempt has lines of its own; the old ones stay.

    `standing`, `reason` and `may_execute_until` are the conclusion from all evidence (`domain.orders.conclusion`),
    stored so that the database can count with it.
    """

    order = ForeignKeyField(BankOrder, backref="lines")
    order_id: int
    batch_line = ForeignKeyField(BatchLine, backref="order_lines")
    batch_line_id: int
    end_to_end_id = TextField(unique=True)
    iban = TextField()
    amount_cents = BigIntegerField()
    standing = TextField(default="unsent")
    reason = TextField(null=True)
    may_execute_until = DateField(null=True)  # refused, and the bank may still execute it until this day

    class Meta:
        indexes = ((("order", "batch_line"), True),)
        constraints = [
            Check(f"standing in {STANDINGS!r}"),
            Check("amount_cents > 0"),
        ]


class Evidence(Table):
    """One statement of a bank, a person or an operator about an order or one of its lines. Only ever added."""

    order = ForeignKeyField(BankOrder, backref="evidence")
    order_id: int
    order_line = ForeignKeyField(OrderLine, null=True, backref="evidence")
    order_line_id: int | None
    source = TextField()
    trust = TextField()
    level = IntegerField()
    code = TextField()
    reason = TextField(null=True)
    cents = BigIntegerField(null=True)  # of a booking; negative: it left our account
    is_whole = BooleanField(default=True)  # what is said of the whole is about all of it
    said_at = UtcField()  # the bank's own time
    said_by = TextField(null=True)
    document_sha256 = TextField(null=True)
    statement_key = TextField(default="")  # tells equal bookings of one day apart
    received_at = UtcField(default=utcnow)
    dedupe_key = TextField()

    class Meta:
        indexes = ((("order", "dedupe_key"), True),)
        constraints = [
            Check("source in ('status', 'report', 'booking', 'person', 'operator', 'migration')"),
            Check("trust in ('bank', 'person', 'operator', 'hint')"),
            Check("level between 0 and 2"),
        ]


# What is asked of each new order line: how much of its line is committed already.
OrderLine.add_index(
    OrderLine.index(OrderLine.batch_line, name="committed_order_lines").where(
        SQL("standing in ('possible', 'paid', 'disputed')")
    )
)
