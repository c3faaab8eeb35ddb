"""What Nmbrs says: connections, companies, webhook deliveries and runs."""

from typing import Any

from peewee import BlobField, BooleanField, Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import JsonField, Table, UtcField
from models.people import Client


class NmbrsConnection(Table):
    client = ForeignKeyField(Client, backref="nmbrs_connections")
    client_id: int
    email = TextField()
    token_sealed = TextField()
    environment = TextField()  # the sub-domain: it goes into every call, and names the account on screen
    status = TextField(default="active")
    problem = TextField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("client", "email", "environment"), True),)
        constraints = [Check("status in ('active', 'disturbed')")]


class PayrollCompany(Table):
    """A company in Nmbrs ("administratie"); it is paid from the account it is mapped to."""

    connection = ForeignKeyField(NmbrsConnection, backref="companies")
    connection_id: int
    client = ForeignKeyField(Client, backref="payroll_companies")
    client_id: int
    nmbrs_id = TextField()
    number = TextField()
    name = TextField()
    kvk_number = TextField(null=True)
    bank_account = ForeignKeyField(BankAccount, null=True, backref="payroll_companies")
    bank_account_id: int | None
    mapped_at = UtcField(null=True)
    looked_at = UtcField(null=True)
    look_due_at = UtcField(null=True, index=True)
    look_attempts = IntegerField(default=0)
    lease_until = UtcField(null=True)

    class Meta:
        # one company pays once, whichever of the client's Nmbrs accounts can see it
        indexes = ((("client", "nmbrs_id"), True),)
        constraints = [Check("(bank_account_id is null) = (mapped_at is null)")]


class Delivery(Table):
    """One received webhook call, as it came."""

    client = ForeignKeyField(Client, backref="deliveries")
    client_id: int
    received_at = UtcField(default=utcnow)
    content_type = TextField()
    headers: Any = JsonField()
    body = BlobField()
    handled_at = UtcField(null=True, index=True)

    class Meta:
        indexes = ((("client", "handled_at"), False),)


class Run(Table):
    """One payroll run. Its number within company and year names it; the vendor's id is an attribute."""

    client = ForeignKeyField(Client, backref="runs")
    client_id: int
    company = ForeignKeyField(PayrollCompany, backref="runs")
    company_id: int
    nmbrs_id = TextField()
    number = IntegerField()
    year = IntegerField()
    description = TextField()
    run_at = UtcField(null=True)
    locked = BooleanField(default=False)
    state = TextField(default="found")
    reason = TextField(null=True)
    reason_line = IntegerField(null=True)
    line_count = IntegerField(null=True)
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    found_at = UtcField(default=utcnow)
    changed_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("company", "year", "number"), True),)
        constraints = [Check("state in ('found', 'retrying', 'taken', 'empty', 'refused', 'older')")]
