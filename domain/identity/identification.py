"""Identification of a user: OpenID Connect with an identity broker, completed in the session that started it.

Afterwards the business register (KvK) is asked for the user's signing authority.
"""

import hmac
import json
from dataclasses import asdict
from datetime import date, datetime, timedelta

from connectors.identity import port
from core.clock import utcnow
from core.ids import eight_digits, random_token
from domain.common import audit
from domain.common.encryption import blind_index, decrypt, encrypt
from domain.common.errors import (
    AuthorityPending,
    AuthorityRefused,
    IdentificationCancelled,
    IdentificationExpired,
    IdentificationRefused,
    IdentityCodeWrong,
    IdentityProviderDown,
    NotIdentified,
    RegisterUnavailable,
    SessionMismatch,
)
from domain.common.security_log import security_logged
from domain.common.services import services
from domain.identity import persons
from domain.identity import signing_authority as authority_rule
from models import Authority, Client, Identification, IdentificationAttempt, User, transaction
from models.states import AuthorityAnswer

ATTEMPT_LIFE = timedelta(minutes=15)
CODE_LIFE = timedelta(minutes=10)  # ASVS 6.5.5
CODE_TRIES = 5


def start_identification(user: User, client: Client, session_key: str, redirect_uri: str) -> str:
    """Store an attempt that is bound to this session; return the broker's URL to redirect to.

    Raises:
    - IdentityProviderDown
    """
    attempt = port.AuthRequest(state=random_token(), nonce=random_token(), verifier=random_token())
    try:
        url = services().identity.start(attempt, redirect_uri)
    except port.ProviderDown as error:
        raise IdentityProviderDown from error
    key = blind_index(attempt.state)
    secrets = json.dumps([attempt.state, attempt.nonce, attempt.verifier])
    IdentificationAttempt.create(
        state_hash=key, session_hash=blind_index(session_key), user=user, client=client,
        oidc_request_encrypted=encrypt(secrets, "identity_attempt", key),
    )  # fmt: skip
    return url


@security_logged("identification")
def complete_identification(query: dict, session_key: str, redirect_uri: str) -> tuple[Client, Authority]:
    """Redeem the broker's answer in the session that started the request, then ask the register.

    The identification is kept even if the register cannot be asked.

    Raises:
    - SessionMismatch: another session started it; nothing is consumed (see `receive_in_other_browser`).
    - IdentificationExpired
    - IdentificationCancelled
    - IdentificationRefused
    - IdentityProviderDown
    - RegisterUnavailable
    - UnknownCompany
    """
    row = _find_valid_attempt(query)
    if row.session_hash != blind_index(session_key):
        raise SessionMismatch
    identity = _redeem_answer(row, query, redirect_uri)
    _save_identification(row, identity)
    return row.client, authority_rule.check_register(row.client, row.user, identity)


def _find_valid_attempt(query: dict) -> IdentificationAttempt:
    row = IdentificationAttempt.get_or_none(
        IdentificationAttempt.state_hash == blind_index(str(query.get("state", "")))
    )
    if row is None or row.used_at is not None or row.started_at < utcnow() - ATTEMPT_LIFE:
        raise IdentificationExpired
    return row


def _redeem_answer(row: IdentificationAttempt, query: dict, redirect_uri: str) -> port.Identity:
    """Return the identity from the broker's answer. The attempt is marked as used first, whatever the outcome."""
    unused = (IdentificationAttempt.state_hash == row.state_hash) & IdentificationAttempt.used_at.is_null()
    if not IdentificationAttempt.update(used_at=utcnow()).where(unused).execute():
        raise IdentificationExpired
    state, nonce, verifier = json.loads(decrypt(row.oidc_request_encrypted, "identity_attempt", row.state_hash))
    try:
        return services().identity.finish(port.AuthRequest(state, nonce, verifier), redirect_uri, query)
    except port.Cancelled as error:
        raise IdentificationCancelled from error
    except port.Expired as error:
        raise IdentificationExpired from error
    except port.Refused as error:
        raise IdentificationRefused(str(error)) from error
    except port.ProviderDown as error:
        raise IdentityProviderDown from error


# --- the broker redirects to another browser ---
def receive_in_other_browser(query: dict, redirect_uri: str) -> str:
    """Redeem the broker's answer in a browser that did not start the request. Returns a code to type where it started.

    On a phone, an installed web app gets its callbacks in the browser (docs/facts/identity.md, 1.4). This browser is
    given no access: the identity waits, encrypted, for the session that started.

    Raises:
    - IdentificationExpired
    - IdentificationCancelled
    - IdentificationRefused
    - IdentityProviderDown
    """
    row = _find_valid_attempt(query)
    identity = _redeem_answer(row, query, redirect_uri)
    code = eight_digits()
    IdentificationAttempt.update(
        identity_encrypted=encrypt(_as_text(identity), "identity_attempt_answer", row.state_hash),
        code_hash=blind_index(f"{row.state_hash}:{code}"), returned_at=utcnow(),
    ).where(IdentificationAttempt.state_hash == row.state_hash).execute()  # fmt: skip
    return code


@security_logged("identification", how="code")
def complete_with_code(user: User, session_key: str, code: str) -> tuple[Client, Authority]:
    """Complete the identification in the session that started it, with the code from the other browser.

    Then ask the register for the user's signing authority.

    Raises:
    - IdentityCodeWrong: with the number of attempts left.
    - IdentificationExpired: also when no identification is waiting.
    - IdentificationRefused
    - RegisterUnavailable
    - UnknownCompany
    """
    row = pending_code_attempt(user, session_key)
    if row is None:
        raise IdentificationExpired
    this = IdentificationAttempt.state_hash == row.state_hash
    # count the attempt before comparing, in one statement, so that parallel requests get no extra attempts
    counted = IdentificationAttempt.update(code_attempts=IdentificationAttempt.code_attempts + 1).where(
        this, IdentificationAttempt.code_attempts < CODE_TRIES, IdentificationAttempt.identity_encrypted.is_null(False)
    )
    if not counted.execute():
        raise IdentificationExpired
    if not hmac.compare_digest(row.code_hash or "", blind_index(f"{row.state_hash}:{code}")):
        raise IdentityCodeWrong(CODE_TRIES - row.code_attempts - 1)
    taken = IdentificationAttempt.update(identity_encrypted=None).where(
        this, IdentificationAttempt.identity_encrypted.is_null(False)
    )
    if not taken.execute():
        raise IdentificationExpired
    identity = _from_text(decrypt(row.identity_encrypted or "", "identity_attempt_answer", row.state_hash))
    _save_identification(row, identity)
    return row.client, authority_rule.check_register(row.client, row.user, identity)


def pending_code_attempt(user: User, session_key: str) -> IdentificationAttempt | None:
    """Return this session's attempt that came back in another browser and can still be completed, or None."""
    query = IdentificationAttempt.select().where(
        IdentificationAttempt.session_hash == blind_index(session_key), IdentificationAttempt.user == user.id,
        IdentificationAttempt.identity_encrypted.is_null(False), IdentificationAttempt.code_attempts < CODE_TRIES,
        IdentificationAttempt.returned_at > utcnow() - CODE_LIFE,
    )  # fmt: skip
    return query.order_by(IdentificationAttempt.returned_at.desc()).first()


def _as_text(identity: port.Identity) -> str:
    fields = asdict(identity) | {"authenticated_at": identity.authenticated_at.isoformat()}
    return json.dumps(fields | {"birth_date": identity.birth_date.isoformat() if identity.birth_date else None})


def _from_text(text: str) -> port.Identity:
    fields = json.loads(text)
    born = fields["birth_date"]
    return port.Identity(
        **fields | {"authenticated_at": datetime.fromisoformat(fields["authenticated_at"]),
                  "birth_date": date.fromisoformat(born) if born else None}
    )  # fmt: skip


def _save_identification(row: IdentificationAttempt, identity: port.Identity) -> None:
    person = {
        "initials": identity.initials, "last_name": identity.last_name, "prefix": identity.prefix,
        "birth_date": identity.birth_date.isoformat() if identity.birth_date else None,
    }  # fmt: skip
    with transaction(row.client_id):
        earlier = Identification.select().where(Identification.user == row.user_id).order_by(Identification.id).first()
        if earlier and (earlier.provider, earlier.subject) != (identity.provider, identity.subject):
            raise IdentificationRefused("another_person")
        Identification.create(
            user=row.user_id, provider=identity.provider, subject=identity.subject, level=identity.level,
            person_encrypted=encrypt(json.dumps(person), "identification", row.user_id),
            authenticated_at=identity.authenticated_at, evidence=identity.raw_hash,
        )  # fmt: skip
        audit.record_event(
            row.client_id, audit.by_user(row.user), "user.identified", f"user:{row.user_id}",
            evidence=identity.raw_hash,
        )  # fmt: skip


def is_identified(user: User) -> bool:
    return Identification.select().where(Identification.user == user.id).exists()


def refresh_authority(client: Client, user: User) -> Authority:
    """Ask the register again, with the latest identification.

    Raises:
    - NotIdentified
    - RegisterUnavailable
    - UnknownCompany
    """
    identity = persons.latest_identity(user)
    if identity is None:
        raise NotIdentified
    return authority_rule.check_register(client, user, identity)


def require_fresh_authority(client: Client, user: User) -> None:
    """Ask the register now whether this user may sign for this company, and raise if not.

    If the register cannot be asked, a positive answer of less than a week ago is accepted.

    Raises:
    - NotIdentified
    - AuthorityPending
    - AuthorityRefused
    - RegisterUnavailable
    - UnknownCompany
    """
    _require(client, user, timedelta(0))


def require_authority(client: Client, user: User) -> None:
    """Like `require_fresh_authority`, but ask the register only if the last answer is older than a day.

    A negative answer always counts.
    """
    _require(client, user, authority_rule.ASKED_AFTER)


def _require(client: Client, user: User, age: timedelta) -> None:
    if not is_identified(user):
        raise NotIdentified
    row = authority_rule.latest_decision(client, user)
    if row is None or authority_rule.is_decision_stale(row, age):
        row = _recheck_authority(client, user, row)
    if row.answer == AuthorityAnswer.UNDETERMINED:
        raise AuthorityPending(row.reason)
    if row.answer == AuthorityAnswer.NOT_AUTHORISED:
        raise AuthorityRefused(row.reason)


def _recheck_authority(client: Client, user: User, row: Authority | None) -> Authority:
    """Return the register's current answer. If it cannot be asked, accept a positive one of less than a week ago."""
    try:
        return refresh_authority(client, user)
    except RegisterUnavailable:
        if (
            row is None
            or row.answer != AuthorityAnswer.AUTHORISED
            or authority_rule.is_decision_stale(row, authority_rule.HOLDS_WHILE_AWAY)
        ):
            raise
        return row
