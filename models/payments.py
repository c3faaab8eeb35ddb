"""Payments: batches and their lines, approvals, releases, and orders at the bank."""

from typing import Any

from peewee import SQL, BigIntegerField, BooleanField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.banking import BankAccount
from models.base import EncryptedField, JsonField, Table, UtcField
from models.payroll import Due, PayrollCompany, PayrollRun
from models.people import Client, User
from models.states import (
    AuthenticationMethod,
    BatchState,
    LineState,
    OrderState,
    RunKind,
    ScaPurpose,
    one_of,
)

NAME_MATCHES = ("NMTC", "CMTC", "NOAP")


class Batch(Table):
    """A payment as users know it. Its unique key allows one batch per version of a run."""

    client = ForeignKeyField(Client, backref="batches")
    client_id: int
    run = ForeignKeyField(PayrollRun, backref="batches")
    run_id: int
    company = ForeignKeyField(PayrollCompany)
    company_id: int
    company_key = TextField()
    year = IntegerField()
    run_number = IntegerField()
    version = TextField()
    reference = TextField(unique=True)
    description = TextField()
    file_debtor_iban = TextField(null=True)
    bank_account = ForeignKeyField(BankAccount, backref="batches")
    bank_account_id: int
    execution_date = DateField(null=True)  # null: the first bank day whose cut-off is still open
    total_cents = BigIntegerField()
    line_count = IntegerField()
    order_count = IntegerField(default=0)
    state = TextField(default=BatchState.OPEN)
    state_reason = TextField(null=True)
    state_changed_at = UtcField(default=utcnow)
    created_at = UtcField(default=utcnow)
    kind = TextField(default=RunKind.SALARY)
    period_start = IntegerField(default=0)
    period_end = IntegerField(default=0)
    is_supplement = BooleanField(default=False)  # the run was paid before: contains only the difference
    is_manually_imported = BooleanField(default=False)  # the run is from before the connection
    unpaid_employee_count = IntegerField(null=True)  # employees of the run without a line; null: unknown
    unpaid_employee_names: Any = JsonField(null=True)
    last_edited_by = ForeignKeyField(User, null=True, on_delete="SET NULL")  # who last changed a line, day or account
    last_edited_by_id: int | None
    lines_version = IntegerField(default=0)  # increased by a trigger when a line is added or changed
    totals_cache: Any = JsonField(null=True)  # totals at one lines_version: see domain/payments/totals.py

    class Meta:
        indexes = (
            (("client", "company_key", "kind", "year", "run_number", "version"), True),
            (("client", "state"), False),
            (("state", "state_changed_at"), False),  # for the figures of operators
        )
        constraints = [
            Check(one_of("state", BatchState)),
            Check("total_cents > 0"),
            Check("line_count > 0"),
            Check(one_of("kind", RunKind)),
        ]


class BatchLine(Table):
    """A payment to one creditor. Name and remittance information as in Nmbrs, and as sent to the bank."""

    batch = ForeignKeyField(Batch, backref="lines")
    batch_id: int
    position = IntegerField()
    end_to_end_id = TextField(unique=True)
    creditor_name = TextField()
    creditor_name_sepa = TextField()
    remittance = TextField()
    remittance_sepa = TextField()
    reference_type = TextField(null=True)  # SCOR: `remittance_sepa` is a structured reference (ISO 20022 CdtrRefInf)
    reference_issuer = TextField(null=True)  # CUR: Dutch betalingskenmerk; ISO: ISO 11649
    creditor_iban = TextField()
    amount_cents = BigIntegerField()
    state = TextField(default=LineState.OPEN)
    already_paid_cents = BigIntegerField(null=True)  # what earlier versions paid to this person
    vop_result = TextField(null=True)  # VoP result of the last order; null: a match, or not checked
    vop_name = TextField(null=True)  # the holder's name on a close match
    bank_reason_code = TextField(null=True)  # reason code of a rejection or return
    due = ForeignKeyField(Due, null=True, backref="batch_lines")  # the due that this line pays
    due_id: int | None
    person_group = IntegerField(null=True)  # position of the first line of the same person
    place = IntegerField(null=True)  # place on the page, from 1, on which a person's lines stand together
    paid_for = TextField(null=True)  # the employee whose pay this is, where the creditor is somebody else

    class Meta:
        indexes = ((("batch", "position"), True),)
        constraints = [
            Check(one_of("state", LineState)),
            Check("amount_cents > 0"),
            Check("length(creditor_name_sepa) between 1 and 70"),
            Check("length(remittance_sepa) between 1 and 140"),
            Check("length(end_to_end_id) between 1 and 35"),
            Check(one_of("vop_result", NAME_MATCHES)),
        ]


class AcceptedCreditorName(Table):
    """The bank's name of an account holder, accepted by a user instead of the name in Nmbrs."""

    client = ForeignKeyField(Client, on_delete="CASCADE")
    client_id: int
    iban = TextField()
    payroll_name = TextField()
    vop_name = TextField()
    user = ForeignKeyField(User)
    user_id: int
    accepted_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("client", "iban"), True),)


class WarningAcknowledgement(Table):
    """A user acknowledged a warning, which is required before the payment can be released."""

    batch = ForeignKeyField(Batch, backref="acknowledgements")
    batch_id: int
    kind = TextField()
    subject = TextField()
    user = ForeignKeyField(User)
    user_id: int
    acknowledged_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("batch", "kind", "subject"), True),)


class Release(Table):
    """One user's act of releasing a payment: what was shown, by whom, and how the user was authenticated."""

    batch = ForeignKeyField(Batch, backref="releases")
    batch_id: int
    user = ForeignKeyField(User)
    user_id: int
    digest = TextField()
    debtor_iban = TextField()
    execution_date = DateField()
    total_cents = BigIntegerField()
    line_count = IntegerField()
    authentication_method = TextField()
    ip = TextField()
    batch_booking = BooleanField(default=True)  # the client's preference at the time of approval
    vop_enabled = BooleanField(default=True)
    changes: Any = JsonField(null=True)  # what was told as changed: see domain/payments/shown_changes.py
    released_at = UtcField(default=utcnow)
    voided_at = UtcField(null=True)
    void_reason = TextField(null=True)

    class Meta:
        constraints = [
            Check(one_of("authentication_method", AuthenticationMethod)),
            Check("(voided_at is null) = (void_reason is null)"),
        ]


class Approval(Table):
    """An approval under dual approval. The last one needed creates the release."""

    batch = ForeignKeyField(Batch, backref="approvals")
    batch_id: int
    user = ForeignKeyField(User)
    user_id: int
    digest = TextField()
    total_cents = BigIntegerField()
    authentication_method = TextField()
    ip = TextField()
    date_was_automatic = BooleanField(default=False)  # the day was set automatically, and is reset if this is voided
    changes: Any = JsonField(null=True)  # as in Release
    approved_at = UtcField(default=utcnow)
    voided_at = UtcField(null=True)
    void_reason = TextField(null=True)

    class Meta:
        constraints = [
            Check(one_of("authentication_method", AuthenticationMethod)),
            Check("(voided_at is null) = (void_reason is null)"),
        ]


class BankOrder(Table):
    """One attempt to submit a batch to the bank. The file is stored before the first call."""

    batch = ForeignKeyField(Batch, backref="orders")
    batch_id: int
    sca_sessions: Any  # of its signature, and of its cancellation
    release = ForeignKeyField(Release, unique=True)
    release_id: int
    bank_account = ForeignKeyField(BankAccount)
    bank_account_id: int
    msg_id = TextField(unique=True)
    x_request_id = TextField(unique=True)
    body_encrypted = EncryptedField("bank_order", lambda row: (row.msg_id,))
    body_sha256 = TextField()
    total_cents = BigIntegerField()
    line_count = IntegerField()
    execution_date = DateField()
    state = TextField(default=OrderState.PREPARED)
    submitted_at = UtcField(null=True)  # null: certainly nothing has reached the bank
    bank_payment_id = TextField(null=True)
    bank_status = TextField(null=True)
    authorisation_id = TextField(null=True)
    redirect_state_hash = TextField(unique=True)  # state of the redirect, valid once
    message_format = TextField(default="pain.001.001.09")  # of the body; the bank's may change later
    callback_state_hash = TextField(null=True, unique=True)  # state of the status callback; null: none was requested
    is_manual = BooleanField(default=False)  # a user uploads the file at the bank: never submitted or polled
    # of the bank's configuration then, for the conclusion; null: made before these were kept
    retry_days = IntegerField(null=True)
    signing = TextField(null=True)
    psu_returned_at = UtcField(null=True)
    status_checked_at = UtcField(null=True)
    attempts = IntegerField(default=0)
    due_at = UtcField(null=True, default=utcnow, index=True)
    lease_until = UtcField(null=True)
    created_at = UtcField(default=utcnow)

    class Meta:
        constraints = [Check(one_of("state", OrderState))]


# A batch has at most one order that may still be executed.
BankOrder.add_index(
    BankOrder.index(BankOrder.batch, unique=True, name="one_live_order").where(SQL("state <> 'closed'"))
)
Approval.add_index(
    Approval.index(Approval.batch, Approval.user, unique=True, name="one_approval_of_a_person").where(
        SQL("voided_at is null")
    )
)
Release.add_index(
    Release.index(Release.batch, Release.digest, unique=True, name="one_release_of_a_digest").where(
        SQL("voided_at is null")
    )
)


class ScaSession(Table):
    """The SCA of an order, or of its cancellation, at the bank: the bank's last answer.

    While a request is in contact with the bank, the row for the payment holds `lease_until`, for either purpose.
    """

    order = ForeignKeyField(BankOrder, backref="sca_sessions")
    order_id: int
    purpose = TextField()
    # the bank's message and links, which may contain tokens
    links_encrypted = EncryptedField("sca_session", lambda row: (row.order_id, row.purpose))
    authorisation_id = TextField(null=True)  # null: no authorisation was started
    sca_status = TextField(null=True)
    # links, SCA methods and challenge of the authorisation
    authorisation_encrypted = EncryptedField("sca_session_answer", lambda row: (row.order_id, row.purpose), null=True)
    elsewhere = BooleanField(default=False)  # the bank may have started an authorisation unknown to us
    lease_until = UtcField(null=True)

    class Meta:
        table_name = "sca_session"
        indexes = ((("order", "purpose"), True),)
        constraints = [Check(one_of("purpose", ScaPurpose))]


class OrderDownload(Table):
    """A user downloaded the order's file to upload it at the bank: from the first download on, the bank may have it."""

    order = ForeignKeyField(BankOrder, backref="downloads")
    order_id: int
    user = ForeignKeyField(User)
    user_id: int
    created_at = UtcField(default=utcnow)


class NameConfirmation(Table):
    """A person's confirmation that an order is paid although the bank knows payees by other names (`digest`)."""

    order = ForeignKeyField(BankOrder, backref="name_confirmations")
    order_id: int
    user = ForeignKeyField(User)
    user_id: int
    digest = TextField()
    authentication_method = TextField()
    ip = TextField()
    confirmed_at = UtcField(default=utcnow)

    class Meta:
        table_name = "name_confirmation"
        indexes = ((("order", "user", "digest"), True),)
        constraints = [Check(one_of("authentication_method", AuthenticationMethod))]


class BankCall(Table):
    """One call to the bank about an order, and its answer."""

    order = ForeignKeyField(BankOrder, backref="calls")
    order_id: int
    created_at = UtcField(default=utcnow)
    operation = TextField()
    x_request_id = TextField()
    outcome = TextField()
    bank_status = TextField(null=True)
    is_final = BooleanField(default=False)
