"""The lines of an order as a bank got them, and all evidence about them."""

from peewee import SQL, BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import BankOrder, BatchLine

STANDINGS = ("unsent", "possible", "paid", "returned", "unpaid", "disputed")
# The standings in which a line counts against its due.
COMMITTED = ("possible", "paid", "disputed")


class OrderLine(Table):
    """One line of an order as given to a bank. Each new order has its own lines; those of earlier orders stay.

    `standing`, `reason` and `may_execute_until` are the conclusion from all evidence (`domain.orders.conclusion`),
    stored so that queries and triggers can use them.
    """

    order = ForeignKeyField(BankOrder, backref="lines")
    order_id: int
    batch_line = ForeignKeyField(BatchLine, backref="order_lines")
    batch_line_id: int
    end_to_end_id = TextField(unique=True)
    creditor_iban = TextField()
    amount_cents = BigIntegerField()
    standing = TextField(default="unsent")
    reason = TextField(null=True)
    may_execute_until = DateField(null=True)  # rejected, but the bank may still execute it until this day

    class Meta:
        indexes = ((("order", "batch_line"), True),)
        constraints = [
            Check(f"standing in {STANDINGS!r}"),
            Check("amount_cents > 0"),
        ]


class Evidence(Table):
    """One statement of a bank, a person or an operator about an order or one of its lines. Append-only."""

    order = ForeignKeyField(BankOrder, backref="evidence")
    order_id: int
    order_line = ForeignKeyField(OrderLine, null=True, backref="evidence")
    order_line_id: int | None
    source = TextField()
    trust = TextField()
    level = IntegerField()
    code = TextField()
    reason = TextField(null=True)
    cents = BigIntegerField(null=True)  # of a booking; negative for a debit of our account
    is_whole = BooleanField(default=True)  # it covers all lines of its group or batch
    said_at = UtcField()  # the bank's own time
    said_by = TextField(null=True)
    document_sha256 = TextField(null=True)
    statement_key = TextField(default="")  # distinguishes equal bookings of one day
    received_at = UtcField(default=utcnow)
    dedupe_key = TextField()

    class Meta:
        indexes = ((("order", "dedupe_key"), True),)
        constraints = [
            Check("source in ('status', 'report', 'booking', 'person', 'operator', 'migration')"),
            Check("trust in ('bank', 'person', 'operator', 'hint', 'member')"),
            Check("level between 0 and 2"),
        ]


# For the triggers that check each new order line against what is already committed.
OrderLine.add_index(
    OrderLine.index(OrderLine.batch_line, name="committed_order_lines").where(
        SQL("standing in ('possible', 'paid', 'disputed')")
    )
)
# For the figures of operators: only what no rule settles.
OrderLine.add_index(OrderLine.index(OrderLine.id, name="disputed_order_line").where(SQL("standing = 'disputed'")))
