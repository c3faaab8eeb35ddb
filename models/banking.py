"""Consents at banks and the accounts under them."""

from peewee import BigIntegerField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import EncryptedField, Table, UtcField
from models.people import Client, User
from models.states import ConsentStatus, HolderCheck, one_of


class BankConsent(Table):
    """A consent at one bank."""

    client = ForeignKeyField(Client, backref="bank_consents")
    client_id: int
    user = ForeignKeyField(User)
    user_id: int
    bank = TextField()  # the id of the bank's configuration
    consent_id = TextField(null=True)
    status = TextField(default=ConsentStatus.STARTED)
    state_hash = TextField(unique=True)  # state of the redirect, valid once
    returned_at = UtcField(null=True)
    return_path = TextField(null=True)
    valid_until = DateField(null=True)
    holder_name = TextField(null=True)
    holder_confirmed_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)
    bank_name = TextField(default="")  # shown while the bank directory is unavailable
    bank_consent_status = TextField(null=True)  # the bank's consentStatus, or why we ended it
    status_checked_at = UtcField(null=True)  # when the bank last returned the status
    balances_requested_at = UtcField(null=True)  # when a customer last requested balances
    due_at = UtcField(null=True, index=True)  # next sync in the background
    lease_until = UtcField(null=True)

    class Meta:
        constraints = [Check(one_of("status", ConsentStatus))]


class BankOauthGrant(Table):
    """The customer's OAuth authorisation at a bank that needs one (Ponto): first the request, then the tokens."""

    consent = ForeignKeyField(BankConsent, backref="grants", unique=True, on_delete="CASCADE")
    consent_id: int
    # PKCE verifier, until the redirect returns
    pkce_verifier_encrypted = EncryptedField("bank_grant_verifier", lambda row: (row.consent_id,), null=True)
    tokens_encrypted = EncryptedField("bank_grant", lambda row: (row.consent_id,), null=True)
    lease_until = UtcField(null=True)
    created_at = UtcField(default=utcnow)


class BankAccount(Table):
    """An account that can pay. Amounts are integer cents; a limit of zero blocks payments."""

    client = ForeignKeyField(Client, backref="bank_accounts")
    client_id: int
    consent = ForeignKeyField(BankConsent, backref="accounts")
    consent_id: int
    bank = TextField()
    iban = TextField()
    name = TextField()
    holder_name = TextField()
    resource_id = TextField()
    balance_cents = BigIntegerField(null=True)
    balance_at = UtcField(null=True)
    limit_payment_cents = BigIntegerField()
    limit_day_cents = BigIntegerField()
    created_at = UtcField(default=utcnow)
    holder_check = TextField(null=True)  # null: an operator has to decide
    holder_checked_at = UtcField(null=True)
    transactions_as_of = UtcField(null=True)  # when the stored transactions were fetched
    transactions_requested_at = UtcField(null=True)  # when they were last requested, with or without an answer

    class Meta:
        indexes = ((("client", "iban"), True),)
        constraints = [Check("limit_payment_cents >= 0"), Check("limit_day_cents >= 0"),
                       Check(one_of("holder_check", HolderCheck))]  # fmt: skip


class ConsentUsage(Table):
    """The number of reads of a resource on one day, under one consent, without the customer (PSU) present."""

    consent = ForeignKeyField(BankConsent)
    consent_id: int
    day = DateField()
    resource = TextField()
    read_count = IntegerField(default=1)

    class Meta:
        indexes = ((("consent", "day", "resource"), True),)
        constraints = [Check("read_count between 1 and 4")]
