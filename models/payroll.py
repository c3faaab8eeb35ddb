"""Data from Nmbrs: connections, payroll companies, webhook deliveries and runs."""

from typing import Any

from peewee import BigIntegerField, BlobField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import EncryptedField, JsonField, Table, UtcField
from models.people import Client, User
from models.states import (
    CheckResult,
    ConnectionStatus,
    NmbrsApi,
    RunKind,
    RunState,
    WebhookStatus,
    one_of,
)


class NmbrsConnection(Table):
    client = ForeignKeyField(Client, backref="nmbrs_connections")
    client_id: int
    email = TextField()
    token_encrypted = EncryptedField("nmbrs_connection", lambda row: (row.client_id, row.email))
    environment = TextField()  # SOAP: the sub-domain, sent with every call; REST: the debtor's GUID
    status = TextField(default=ConnectionStatus.ACTIVE)
    error_code = TextField(null=True)
    created_at = UtcField(default=utcnow)
    api = TextField(default=NmbrsApi.SOAP)
    # REST only; each refresh stores them before use
    tokens_encrypted = EncryptedField("nmbrs_tokens", lambda row: (row.client_id, row.id), null=True)
    lease_until = UtcField(null=True)
    last_success_at = UtcField(null=True)  # last successful call
    failing_since = UtcField(null=True)
    checks_due_at = UtcField(null=True)
    webhooks_requested_at = UtcField(null=True)
    removed_at = UtcField(null=True)
    display_name = TextField(null=True)  # shown instead of `environment` if that is a GUID

    class Meta:
        indexes = ((("client", "email", "environment"), True),)
        constraints = [Check(one_of("status", ConnectionStatus)), Check(one_of("api", NmbrsApi))]


class NmbrsPermissionCheck(Table):
    """The result of trying one operation with a connection's credentials."""

    connection = ForeignKeyField(NmbrsConnection, backref="checks", on_delete="CASCADE")
    connection_id: int
    position = IntegerField()
    operation = TextField()
    is_required = BooleanField()
    result = TextField(default=CheckResult.WAITING)
    code = TextField(null=True)
    checked_at = UtcField(null=True)

    class Meta:
        indexes = ((("connection", "operation"), True),)
        constraints = [Check(one_of("result", CheckResult))]


class NmbrsDebtor(Table):
    """A debtor in Nmbrs, the level at which webhooks are registered."""

    connection = ForeignKeyField(NmbrsConnection, backref="debtors", on_delete="CASCADE")
    connection_id: int
    nmbrs_id = TextField()
    number = TextField()
    name = TextField()
    webhook_status = TextField(default=WebhookStatus.OFF)
    webhook_id = TextField(null=True)
    webhook_problem = TextField(null=True)
    webhook_checked_at = UtcField(null=True)
    webhook_due_at = UtcField(null=True, index=True)
    lease_until = UtcField(null=True)

    class Meta:
        indexes = ((("connection", "nmbrs_id"), True),)
        constraints = [Check(one_of("webhook_status", WebhookStatus))]


class NmbrsOauthRequest(Table):
    """An OAuth request for REST access, valid for one redirect."""

    state_hash = TextField(unique=True)
    client = ForeignKeyField(Client)
    client_id: int
    user = ForeignKeyField(User)
    user_id: int
    connection = ForeignKeyField(NmbrsConnection, null=True)
    connection_id: int | None
    pkce_verifier_encrypted = EncryptedField("nmbrs_consent", lambda row: (row.state_hash,))
    expires_at = UtcField()
    used_at = UtcField(null=True)


class PayrollCompany(Table):
    """A company in Nmbrs ("administratie"), and the bank account that pays it."""

    connection = ForeignKeyField(NmbrsConnection, backref="companies")
    connection_id: int
    client = ForeignKeyField(Client, backref="payroll_companies")
    client_id: int
    nmbrs_id = TextField()  # id in calls: a number in SOAP, a GUID in REST
    stable_key = TextField()  # its first id, which never changes, also after a migration to REST
    guid = TextField(null=True)
    debtor = ForeignKeyField(NmbrsDebtor, null=True, backref="companies")
    debtor_id: int | None
    number = TextField()
    name = TextField()
    kvk_number = TextField(null=True)
    bank_account = ForeignKeyField(BankAccount, null=True, backref="payroll_companies")
    bank_account_id: int | None
    mapped_at = UtcField(null=True)
    polled_at = UtcField(null=True)
    poll_due_at = UtcField(null=True, index=True)
    poll_attempts = IntegerField(default=0)
    webhook_received_at = UtcField(null=True)  # a webhook announced a run that is not found yet
    webhook_delivery_id = IntegerField(null=True)  # id of the newest such delivery
    wage_tax_from = UtcField(null=True)  # since when wage tax is paid too; null: it is not
    lease_until = UtcField(null=True)
    payday = TextField(null=True)  # as domain/payments/paydays.py writes it; null: nobody has decided
    payday_checked_on = DateField(null=True)  # last day on which its notifications were looked at

    class Meta:
        # a company seen through several of the client's connections pays once
        indexes = ((("client", "nmbrs_id"), True), (("client", "stable_key"), True))
        constraints = [
            Check("(bank_account_id is null) = (mapped_at is null)"),
            Check("substr(payday, 1, 4) in ('none', 'last', 'day:', 'week')"),
        ]


class WebhookDelivery(Table):
    """One webhook call as received."""

    client = ForeignKeyField(Client, backref="deliveries")
    client_id: int
    received_at = UtcField(default=utcnow)
    content_type = TextField()
    headers: Any = JsonField()
    body = BlobField()
    processed_at = UtcField(null=True, index=True)

    class Meta:
        indexes = ((("client", "processed_at"), False),)


class PayrollRun(Table):
    """A payroll run, identified by company, kind, year and number. The vendor's id is an attribute."""

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
    state = TextField(default=RunState.PENDING)
    reason = TextField(null=True)
    error_line = IntegerField(null=True)
    line_count = IntegerField(null=True)
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    found_at = UtcField(default=utcnow)
    changed_at = UtcField(default=utcnow)
    kind = TextField(default=RunKind.SALARY)
    period_start = IntegerField(default=0)
    period_end = IntegerField(default=0)
    version = TextField(null=True)  # of the last imported file
    unlisted_since = UtcField(null=True)  # since when Nmbrs no longer lists it
    manually_selected_at = UtcField(null=True)  # from before the connection, imported by hand
    delivery_id = IntegerField(null=True)  # the webhook that led to its discovery
    overpaid: Any = JsonField(null=True)  # [[creditor, IBAN, cents]]: paid, but no longer in the file
    wage_tax_reference = TextField(null=True)
    pay_by = DateField(null=True)  # of wage tax: the last day on which it must have been received
    pay_by_checked_on = DateField(null=True)  # when it was last looked at, to remind of it
    held_count = IntegerField(default=0)  # lines of the last imported file that cannot be paid: see HeldLine
    cautions: Any = JsonField(null=True)  # [[code, [numbers of lines]]]: what is unusual in the last imported file
    redacted_at = UtcField(null=True)  # since when nothing that tells who was paid is kept: see models/redaction.py

    class Meta:
        indexes = ((("company", "kind", "year", "number"), True),)
        constraints = [Check(one_of("state", RunState)), Check(one_of("kind", RunKind))]


class Due(Table):
    """What one person is owed from a run by its newest version. What banks were given counts against it.

    `person` is unique within the run: the employee number, else the normalised name (`core.names`).
    """

    run = ForeignKeyField(PayrollRun, backref="dues")
    run_id: int
    person = TextField()
    name = TextField()  # as in the newest version
    employee = TextField(null=True)
    owed_cents = BigIntegerField()  # 0: the newest version no longer holds this person
    lines: Any = JsonField()  # as that version has them: see `domain.payroll.run_dues`
    version = TextField(null=True)  # null: derived from payments made before dues existed
    suspended_at = UtcField(null=True)  # what is owed is unknown: the run is gone, or its file is invalid
    created_at = UtcField(default=utcnow)
    updated_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("run", "person"), True),)
        constraints = [Check("owed_cents >= 0")]


class HeldLine(Table):
    """A line of one version of a run's file that cannot be paid, as the file has it, with the reason.

    Its amount is owed, but no payment contains it. Lines of zero are stored here too.
    """

    run = ForeignKeyField(PayrollRun, backref="held_lines")
    run_id: int
    version = TextField()
    due = ForeignKeyField(Due, null=True, backref="held_lines")  # null: it has no amount in euros
    due_id: int | None
    number = IntegerField()  # of the line in the file, from 1
    reason = TextField()
    name = TextField()
    iban = TextField()
    description = TextField()
    amount_cents = BigIntegerField(null=True)  # in `currency`; null: not a whole number of cents
    currency = TextField()
    open_cents = BigIntegerField(null=True)  # what was still owed of it when it was read; null: not in euros

    class Meta:
        indexes = ((("run", "version", "number"), True),)


class NmbrsCall(Table):
    """A call to Nmbrs about a run or company, and its answer, without secrets or individual wages."""

    connection = ForeignKeyField(NmbrsConnection, backref="calls")
    connection_id: int
    company = ForeignKeyField(PayrollCompany, null=True)
    company_id: int | None
    run = ForeignKeyField(PayrollRun, null=True, backref="calls")
    run_id: int | None
    created_at = UtcField(default=utcnow, index=True)
    operation = TextField()
    request: Any = JsonField()
    outcome = TextField()
    response: Any = JsonField()
