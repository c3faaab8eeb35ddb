"""What Nmbrs says: connections, companies, webhook deliveries and runs."""

from typing import Any

from peewee import BlobField, BooleanField, Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import JsonField, Table, UtcField
from models.people import Client, User

RUN_STATES = ("found", "retrying", "taken", "empty", "refused", "older", "unmapped", "vanished")


class NmbrsConnection(Table):
    client = ForeignKeyField(Client, backref="nmbrs_connections")
    client_id: int
    email = TextField()
    token_sealed = TextField()
    environment = TextField()  # in SOAP the sub-domain, which goes into every call; in REST the debtor's GUID
    status = TextField(default="active")
    problem = TextField(null=True)
    created_at = UtcField(default=utcnow)
    interface = TextField(default="soap")
    tokens_sealed = TextField(null=True)  # of the REST interface; each refresh writes them before they are used
    lease_until = UtcField(null=True)
    asked_at = UtcField(null=True)  # when Nmbrs last answered
    disturbed_at = UtcField(null=True)
    checks_due_at = UtcField(null=True)
    webhooks_wanted_at = UtcField(null=True)
    removed_at = UtcField(null=True)
    title = TextField(null=True)  # names the account on screen where the environment is no word

    class Meta:
        indexes = ((("client", "email", "environment"), True),)
        constraints = [Check("status in ('active', 'disturbed')"), Check("interface in ('soap', 'rest')")]


class NmbrsCheck(Table):
    """One call that the product needs, tried with a connection's credentials."""

    connection = ForeignKeyField(NmbrsConnection, backref="checks", on_delete="CASCADE")
    connection_id: int
    position = IntegerField()
    call = TextField()
    needed = BooleanField()
    result = TextField(default="waiting")
    code = TextField(null=True)
    at = UtcField(null=True)

    class Meta:
        indexes = ((("connection", "call"), True),)
        constraints = [Check("result in ('waiting', 'ok', 'refused', 'unknown', 'trouble')")]


class NmbrsDebtor(Table):
    """A debtor in Nmbrs: the level at which webhooks are set."""

    connection = ForeignKeyField(NmbrsConnection, backref="debtors", on_delete="CASCADE")
    connection_id: int
    nmbrs_id = TextField()
    number = TextField()
    name = TextField()
    webhook = TextField(default="off")
    webhook_id = TextField(null=True)
    webhook_problem = TextField(null=True)
    webhook_checked_at = UtcField(null=True)
    webhook_due_at = UtcField(null=True, index=True)
    lease_until = UtcField(null=True)

    class Meta:
        indexes = ((("connection", "nmbrs_id"), True),)
        constraints = [Check("webhook in ('off', 'installed', 'not_allowed', 'failed')")]


class NmbrsConsent(Table):
    """Somebody on the way to Nmbrs to allow the REST interface; ends at the first return."""

    state_hash = TextField(unique=True)
    client = ForeignKeyField(Client)
    client_id: int
    user = ForeignKeyField(User)
    user_id: int
    connection = ForeignKeyField(NmbrsConnection, null=True)
    connection_id: int | None
    verifier_sealed = TextField()
    expires_at = UtcField()
    used_at = UtcField(null=True)


class PayrollCompany(Table):
    """A company in Nmbrs ("administratie"); it is paid from the account it is mapped to."""

    connection = ForeignKeyField(NmbrsConnection, backref="companies")
    connection_id: int
    client = ForeignKeyField(Client, backref="payroll_companies")
    client_id: int
    nmbrs_id = TextField()  # as the connection's interface names it: a number in SOAP, a GUID in REST
    key = TextField()  # what names it for ever, whichever interface is spoken: its first id
    guid = TextField(null=True)
    debtor = ForeignKeyField(NmbrsDebtor, null=True, backref="companies")
    debtor_id: int | None
    number = TextField()
    name = TextField()
    kvk_number = TextField(null=True)
    bank_account = ForeignKeyField(BankAccount, null=True, backref="payroll_companies")
    bank_account_id: int | None
    mapped_at = UtcField(null=True)
    looked_at = UtcField(null=True)
    look_due_at = UtcField(null=True, index=True)
    look_attempts = IntegerField(default=0)
    hinted_at = UtcField(null=True)  # a webhook told of a run that is not found yet
    hinted_by_id = IntegerField(null=True)  # the newest delivery that did
    wage_tax_from = UtcField(null=True)  # since when returns of wage tax are paid from here too
    lease_until = UtcField(null=True)

    class Meta:
        # one company pays once, whichever of the client's Nmbrs accounts can see it
        indexes = ((("client", "nmbrs_id"), True), (("client", "key"), True))
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
    kind = TextField(default="salary")
    period_start = IntegerField(default=0)
    period_end = IntegerField(default=0)
    version = TextField(null=True)  # of the file that was read last
    missing_since = UtcField(null=True)  # no longer in Nmbrs's list
    picked_at = UtcField(null=True)  # from before the link, chosen by a person
    delivery_id = IntegerField(null=True)  # the webhook that made us look
    overpaid: Any = JsonField(null=True)  # [[creditor, IBAN, cents]]: paid before, and no longer in the file
    wage_tax_reference = TextField(null=True)

    class Meta:
        indexes = ((("company", "kind", "year", "number"), True),)
        constraints = [Check(f"state in {RUN_STATES}"), Check("kind in ('salary', 'wage_tax')")]


class NmbrsExchange(Table):
    """What was asked about a run or a company, and what came back; without secrets, and no person's pay."""

    connection = ForeignKeyField(NmbrsConnection, backref="exchanges")
    connection_id: int
    company = ForeignKeyField(PayrollCompany, null=True)
    company_id: int | None
    run = ForeignKeyField(Run, null=True, backref="exchanges")
    run_id: int | None
    at = UtcField(default=utcnow, index=True)
    call = TextField()
    asked: Any = JsonField()
    outcome = TextField()
    answer: Any = JsonField()
