"""What a name-check service said of accounts and names before a payment, and which payments are to be checked."""

from peewee import Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.payments import NAME_MATCHES, Batch
from models.people import Client
from models.states import one_of


class EarlyNameCheck(Table):
    """One answer of a name-check service about an account and a name, as payroll writes it. It never changes; it is
    removed when it is no longer used, after a year. The newest one counts.

    `holder`: the account holder's name, if the service gave it.
    """

    client = ForeignKeyField(Client, on_delete="CASCADE")
    client_id: int
    iban = TextField()
    name = TextField()
    result = TextField()
    holder = TextField(null=True)
    service = TextField()
    checked_at = UtcField(default=utcnow, index=True)

    class Meta:
        table_name = "early_name_check"
        indexes = ((("client", "iban", "name"), False),)
        constraints = [
            Check(one_of("result", ("MTCH", *NAME_MATCHES))),
            Check("holder is null or result = 'CMTC'"),
        ]


class NameCheckTask(Table):
    """A payment whose new names are to be checked. `due_at`: when; null: it was done, or given up."""

    batch = ForeignKeyField(Batch, unique=True)
    batch_id: int
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)

    class Meta:
        table_name = "name_check_task"
