"""Where the money is: consents at banks and the accounts under them."""

from peewee import BigIntegerField, Check, DateField, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import Table, UtcField
from models.people import Client, User


class BankLink(Table):
    """A consent at one bank."""

    client = ForeignKeyField(Client, backref="bank_links")
    client_id: int
    user = ForeignKeyField(User)
    user_id: int
    bank = TextField()  # the id of the bank's line of configuration
    consent_id = TextField(null=True)
    status = TextField(default="started")
    state_hash = TextField(unique=True)  # one use, for the way back
    returned_at = UtcField(null=True)
    next_page = TextField(null=True)
    valid_until = DateField(null=True)
    holder_name = TextField(null=True)
    holder_confirmed_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)
    bank_name = TextField(default="")  # as it was called: shown while the bank directory is away
    consent_status = TextField(null=True)  # the bank's own word, or why we hold it ended
    asked_at = UtcField(null=True)  # when the bank last said how the consent stands
    looked_at = UtcField(null=True)  # when somebody last had the accounts read
    due_at = UtcField(null=True, index=True)  # when they are read by themselves
    lease_until = UtcField(null=True)

    class Meta:
        constraints = [Check("status in ('started', 'valid', 'refused', 'ended')")]


class BankGrant(Table):
    """The customer's own key to a bank that wants one (Ponto): on the way to it, then the pair of tokens."""

    link = ForeignKeyField(BankLink, backref="grants", unique=True, on_delete="CASCADE")
    link_id: int
    verifier_sealed = TextField(null=True)  # until the one way back
    tokens_sealed = TextField(null=True)
    lease_until = UtcField(null=True)
    created_at = UtcField(default=utcnow)


class BankAccount(Table):
    """An account that can pay. Amounts are cents; a limit of zero pays nothing."""

    client = ForeignKeyField(Client, backref="bank_accounts")
    client_id: int
    link = ForeignKeyField(BankLink, backref="accounts")
    link_id: int
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
    holder_check = TextField(null=True)  # null: a person has to look
    holder_checked_at = UtcField(null=True)
    transactions_at = UtcField(null=True)  # of when the bookings are
    transactions_asked_at = UtcField(null=True)  # when the bank was last asked for them, answer or none

    class Meta:
        indexes = ((("client", "iban"), True),)
        constraints = [Check("limit_payment_cents >= 0"), Check("limit_day_cents >= 0"),
                       Check("holder_check in ('agrees', 'yes', 'no')")]  # fmt: skip


class BankAccess(Table):
    """How often one thing was asked of a bank on a day without the person there, under one consent."""

    link = ForeignKeyField(BankLink)
    link_id: int
    day = DateField()
    what = TextField()
    times = IntegerField(default=1)

    class Meta:
        indexes = ((("link", "day", "what"), True),)
        constraints = [Check("times between 1 and 4")]
