"""Users and their credentials, clients and members, identification and signing authority."""

from typing import Any

from peewee import BigIntegerField, BooleanField, Check, ForeignKeyField, IntegerField, TextField

from core.clock import utcnow
from models.base import EncryptedField, JsonField, Table, UtcField
from models.states import AuthorityAnswer, ChallengePurpose, ClientState, Role, one_of


class User(Table):
    email = TextField(unique=True)  # in lower case
    name = TextField()
    password_hash = TextField()
    email_confirmed_at = UtcField(null=True)
    created_at = UtcField(default=utcnow)
    password_reset_at = UtcField(null=True)  # password reset by mail: payments need a newer identification
    muted_push_events: Any = JsonField(null=True)  # kinds of notifications that are switched off
    locale = TextField(null=True)  # of screens and mails; null: the browser's language, mails in Dutch
    removed_at = UtcField(null=True)  # nobody can sign in with it any more: see domain/team/account_removal.py

    class Meta:
        table_name = "user_account"  # "user" is a reserved word in PostgreSQL
        constraints = [Check("email = lower(email)"), Check("locale in ('nl', 'en')")]

    # required by Flask-Login
    is_active = is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)


class Pin(Table):
    user = ForeignKeyField(User, unique=True, backref="pins")
    user_id: int
    pin_hash = TextField()
    set_at = UtcField(default=utcnow)


class Device(Table):
    """A browser in which the user signed in. The cookie holds the secret, the row its hash."""

    user = ForeignKeyField(User, backref="devices", on_delete="CASCADE")
    user_id: int
    token_hash = TextField()
    user_agent = TextField()
    created_at = UtcField(default=utcnow)
    last_seen_at = UtcField(default=utcnow)
    confirmed_at = UtcField(null=True)
    confirmed_by = TextField(null=True)
    install_offered_at = UtcField(null=True)  # when installing the app was offered

    class Meta:
        indexes = ((("token_hash", "user"), True),)
        constraints = [
            Check("confirmed_by in ('mail', 'passkey', 'identification')"),
            Check("(confirmed_at is null) = (confirmed_by is null)"),
        ]


class PushSubscription(Table):
    """A browser that receives notifications for the user who switched them on there."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    device = ForeignKeyField(Device, unique=True, on_delete="CASCADE")
    device_id: int
    endpoint_hash = TextField(unique=True)
    # endpoint and keys (RFC 8291)
    endpoint_encrypted = EncryptedField("push_subscription", lambda row: (row.user_id, row.endpoint_hash))
    created_at = UtcField(default=utcnow)


class PinAttempts(Table):
    """Wrong pins of one user on one device; the fifth locks the pin there."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    device = ForeignKeyField(Device, on_delete="CASCADE")
    device_id: int
    failures = IntegerField(default=0)
    locked_at = UtcField(null=True)

    class Meta:
        indexes = ((("user", "device"), True),)
        constraints = [Check("failures between 0 and 5"), Check("(failures < 5) = (locked_at is null)")]


class Passkey(Table):
    user = ForeignKeyField(User, backref="passkeys", on_delete="CASCADE")
    user_id: int
    credential_id = TextField(unique=True)  # base64url, as in WebAuthn
    public_key = TextField()
    sign_count = IntegerField()  # always 0 for synced passkeys
    name = TextField()
    created_at = UtcField(default=utcnow)
    last_used_at = UtcField(null=True)


class WebauthnChallenge(Table):
    """A WebAuthn challenge, valid once, for one purpose, in the session that requested it."""

    challenge_hash = TextField(primary_key=True)
    purpose = TextField()
    session_hash = TextField()
    user = ForeignKeyField(User, null=True, on_delete="CASCADE")
    user_id: int | None
    nonce = TextField(null=True)
    expires_at = UtcField(index=True)

    class Meta:
        constraints = [Check(one_of("purpose", ChallengePurpose))]


class RateLimitBucket(Table):
    """Attempts counted in one bucket of a rate limit. `bucket` is a keyed hash that identifies nobody."""

    bucket = TextField(primary_key=True)
    attempts = IntegerField()
    retry_at = UtcField()
    last_attempt_at = UtcField(index=True)


class LoginSession(Table):
    """A session. Only the hash of the cookie's token is stored."""

    token_hash = TextField(primary_key=True)
    user = ForeignKeyField(User, null=True, backref="sessions", on_delete="CASCADE")
    user_id: int | None
    data: Any = JsonField()
    created_at = UtcField(default=utcnow)
    last_seen_at = UtcField(default=utcnow)
    expires_at = UtcField(index=True)
    device = ForeignKeyField(Device, null=True, on_delete="CASCADE")
    device_id: int | None
    authenticated_at = UtcField(null=True)  # last authentication with password, passkey or identification
    elevated_until = UtcField(null=True)  # extended while the user is active


class EmailToken(Table):
    """A one-time link in a mail, which proves access to the mailbox for a short time."""

    token_hash = TextField(primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    purpose = TextField()
    expires_at = UtcField()
    used_at = UtcField(null=True)
    device = ForeignKeyField(Device, null=True, on_delete="CASCADE")
    device_id: int | None


class EmailChange(Table):
    """A new e-mail address that waits for its confirmation. At most one per user; gone once it is settled."""

    user = ForeignKeyField(User, unique=True, on_delete="CASCADE")
    user_id: int
    email = TextField()
    confirm_hash = TextField(unique=True)  # of the link to the new address
    stop_hash = TextField(unique=True)  # of the link to the old one
    asked_at = UtcField(default=utcnow)
    expires_at = UtcField()

    class Meta:
        constraints = [Check("email = lower(email)")]


class Client(Table):
    memberships: Any
    bank_accounts: Any
    public_id = TextField(unique=True)
    name = TextField()
    kvk_number = TextField()
    created_at = UtcField(default=utcnow)
    batch_booking = BooleanField(default=True)  # the payment is booked as one total, without names
    vop_enabled = BooleanField(default=True)  # verification of payee also for bulk payments
    dual_approval_from_cents = BigIntegerField(null=True)  # two approvals from this total on; null: always one
    hide_lines_from_preparers = BooleanField(default=False)  # preparers see total and count, but no lines
    state = TextField(default=ClientState.OPEN)
    ends_at = UtcField(null=True)  # closing or closed: when its memberships end, or ended
    payees_asked_by_other = BooleanField(default=False)  # who answers for a new account does not approve the payment
    # percent by which a payment may differ from the one before to be approved from the overview; null: never
    usual_span_percent = IntegerField(null=True)
    log_head = TextField(null=True)  # keyed number and hash of the last audit event: see domain/common/audit.py

    class Meta:
        constraints = [
            Check("length(kvk_number) = 8"),
            Check("dual_approval_from_cents >= 0"),
            Check(one_of("state", ClientState)),
            Check("(ends_at is null) = (state = 'open')"),
        ]


class Membership(Table):
    user = ForeignKeyField(User, backref="memberships", on_delete="CASCADE")
    user_id: int
    client = ForeignKeyField(Client, backref="memberships")
    client_id: int
    role = TextField()
    last_used_at = UtcField(default=utcnow)

    class Meta:
        indexes = ((("user", "client"), True),)
        constraints = [Check(one_of("role", Role))]


class WebhookKey(Table):
    """The secret in the webhook URL: looked up by its HMAC, shown by decrypting it."""

    client = ForeignKeyField(Client, backref="webhook_keys")
    client_id: int
    key_hmac = TextField(unique=True)
    key_encrypted = EncryptedField("webhook_key", lambda row: (row.client_id,))
    created_at = UtcField(default=utcnow)
    expires_at = UtcField(null=True)


class IdentificationAttempt(Table):
    """One OpenID Connect request to the identity broker, bound to the session that started it."""

    state_hash = TextField(primary_key=True)
    session_hash = TextField()
    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    client = ForeignKeyField(Client)
    client_id: int
    oidc_request_encrypted = EncryptedField(
        "identity_attempt", lambda row: (row.state_hash,)
    )  # state, nonce and PKCE verifier
    started_at = UtcField(default=utcnow)
    used_at = UtcField(null=True)
    # if it returned in another browser: the identity waits for the code shown there
    identity_encrypted = EncryptedField("identity_attempt_answer", lambda row: (row.state_hash,), null=True)
    code_hash = TextField(null=True)
    code_attempts = IntegerField(default=0)
    returned_at = UtcField(null=True)

    class Meta:
        constraints = [Check("code_attempts between 0 and 5")]


class Identification(Table):
    user = ForeignKeyField(User, backref="identifications")
    user_id: int
    provider = TextField()
    subject = TextField()
    person_encrypted = EncryptedField("identification", lambda row: (row.user_id,))  # initials, names, birth date
    level = TextField(null=True)
    authenticated_at = UtcField()
    evidence = TextField()  # SHA-256 of the ID token
    created_at = UtcField(default=utcnow)


class DistinctPersons(Table):
    """An operator checked that these two accounts belong to two persons, although their identifications agree."""

    first = ForeignKeyField(User, on_delete="CASCADE")  # the lower id
    first_id: int
    second = ForeignKeyField(User, on_delete="CASCADE")
    second_id: int
    decided_by = TextField()
    decided_at = UtcField(default=utcnow)

    class Meta:
        table_name = "distinct_persons"
        indexes = ((("first", "second"), True),)
        constraints = [Check("first_id < second_id")]


class Authority(Table):
    """The signing authority of a user for a company. The newest row counts."""

    client = ForeignKeyField(Client, backref="authorities")
    client_id: int
    user = ForeignKeyField(User)
    user_id: int
    answer = TextField()
    reason = TextField()
    checked_at = UtcField(default=utcnow)
    decided_by = TextField(null=True)

    class Meta:
        constraints = [Check(one_of("answer", AuthorityAnswer))]


class Invitation(Table):
    """An invitation by mail to become a member: valid for one address, once, for a week."""

    client = ForeignKeyField(Client, backref="invitations", on_delete="CASCADE")
    client_id: int
    invited_by = ForeignKeyField(User, on_delete="CASCADE")
    invited_by_id: int
    email = TextField()
    role = TextField()
    as_co_signer = BooleanField(default=False)  # co-signer: must identify too
    token_hash = TextField(unique=True)
    created_at = UtcField(default=utcnow)
    expires_at = UtcField()
    revoked_at = UtcField(null=True)
    user = ForeignKeyField(User, null=True, backref="joined_by", on_delete="CASCADE")
    user_id: int | None
    accepted_at = UtcField(null=True)

    class Meta:
        constraints = [
            Check("email = lower(email)"),
            Check(one_of("role", Role)),
            Check("not as_co_signer or role <> 'preparer'"),
            Check("(user_id is null) = (accepted_at is null)"),
            Check("accepted_at is null or revoked_at is null"),
        ]


class ApprovalThresholdChange(Table):
    """A requested weakening of dual approval, which another owner must confirm. At most one per client."""

    client = ForeignKeyField(Client, unique=True, on_delete="CASCADE")
    client_id: int
    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    threshold_cents = BigIntegerField(null=True)  # null: switch dual approval off
    requested_at = UtcField(default=utcnow)

    @property
    def key(self) -> str:
        """Return what identifies this request: not the id alone, because SQLite reuses the id of a deleted row."""
        return f"{self.id}-{self.requested_at:%Y%m%d%H%M%S%f}"

    class Meta:
        constraints = [Check("threshold_cents >= 0")]
