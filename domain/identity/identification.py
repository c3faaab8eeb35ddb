"""Identification: once, at a broker, in the session that began it; then the register is asked."""

import hmac
import json
from dataclasses import asdict
from datetime import date, datetime, timedelta

from connectors.identity import port
from core.clock import utcnow
from core.encryption import DecryptionFailed
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
from domain.common.services import services
from domain.identity import signing_authority as authority_rule
from models import Authority, Client, Identification, IdentityAttempt, User, transaction

ATTEMPT_LIFE = timedelta(minutes=15)
CODE_LIFE = timedelta(minutes=10)  # ASVS 6.5.5
CODE_TRIES = 5


def same_person(one: User, other: User) -> bool:
    """Whether two accounts belong to one person, as the broker knows people: they are one signature."""
    if one.id == other.id:
        return True
    known = [
        {(row.provider, row.subject) for row in Identification.select().where(Identification.user == user.id)}
        for user in (one, other)
    ]
    return bool(known[0] & known[1])


def start_identification(user: User, client: Client, session_key: str, redirect_uri: str) -> str:
    """The broker's address to go to. Bound to this session; IdentityProviderDown."""
    attempt = port.AuthRequest(state=random_token(), nonce=random_token(), verifier=random_token())
    try:
        url = services().identity.start(attempt, redirect_uri)
    except port.ProviderDown as error:
        raise IdentityProviderDown from error
    key = blind_index(attempt.state)
    secrets = json.dumps([attempt.state, attempt.nonce, attempt.verifier])
    IdentityAttempt.create(
        state_hash=key, session_hash=blind_index(session_key), user=user, client=client,
        sealed=encrypt(secrets, "identity_attempt", key),
    )  # fmt: skip
    return url


def complete_identification(query: dict, session_key: str, redirect_uri: str) -> tuple[Client, Authority]:
    """Take the broker's answer, once, in the session that began it; then ask the register.

    SessionMismatch when another session began it: nothing is used up (see `receive_in_other_browser`). The
    identification itself is kept also when the register cannot be asked (RegisterUnavailable).
    """
    row = _fresh_attempt(query)
    if row.session_hash != blind_index(session_key):
        raise SessionMismatch
    identity = _answered(row, query, redirect_uri)
    _keep(row, identity)
    return row.client, authority_rule.check_register(row.client, row.user, identity)


def _fresh_attempt(query: dict) -> IdentityAttempt:
    row = IdentityAttempt.get_or_none(IdentityAttempt.state_hash == blind_index(str(query.get("state", ""))))
    if row is None or row.used_at is not None or row.started_at < utcnow() - ATTEMPT_LIFE:
        raise IdentificationExpired
    return row


def _answered(row: IdentityAttempt, query: dict, redirect_uri: str) -> port.Identity:
    """Who the broker says it is. The attempt is used up first, whatever comes of it."""
    unused = (IdentityAttempt.state_hash == row.state_hash) & IdentityAttempt.used_at.is_null()
    if not IdentityAttempt.update(used_at=utcnow()).where(unused).execute():
        raise IdentificationExpired
    state, nonce, verifier = json.loads(decrypt(row.sealed, "identity_attempt", row.state_hash))
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


# --- back in another browser ---
def receive_in_other_browser(query: dict, redirect_uri: str) -> str:
    """The broker's answer, in a browser that did not begin this: the code to type where it did begin.

    An app on the home screen of a phone receives callbacks in the browser (docs/facts/identity.md, 1.4). Nobody is
    bound to anything here: the identity waits, encrypted, for the starting session. IdentificationExpired, …Cancelled,
    …Refused, IdentityProviderDown.
    """
    row = _fresh_attempt(query)
    identity = _answered(row, query, redirect_uri)
    code = eight_digits()
    IdentityAttempt.update(
        identity_sealed=encrypt(_as_text(identity), "identity_attempt_answer", row.state_hash),
        code_hash=blind_index(f"{row.state_hash}:{code}"), arrived_at=utcnow(),
    ).where(IdentityAttempt.state_hash == row.state_hash).execute()  # fmt: skip
    return code


def complete_with_code(user: User, session_key: str, code: str) -> tuple[Client, Authority]:
    """Finish in the session that began, with the code that the other browser shows; then ask the register.

    IdentityCodeWrong with the tries that are left; IdentificationExpired when nothing waits, or no more.
    """
    row = pending_code_attempt(user, session_key)
    if row is None:
        raise IdentificationExpired
    this = IdentityAttempt.state_hash == row.state_hash
    # counted before it is compared, in one statement: five tries are five, also at the same moment
    counted = IdentityAttempt.update(code_tries=IdentityAttempt.code_tries + 1).where(
        this, IdentityAttempt.code_tries < CODE_TRIES, IdentityAttempt.identity_sealed.is_null(False)
    )
    if not counted.execute():
        raise IdentificationExpired
    if not hmac.compare_digest(row.code_hash or "", blind_index(f"{row.state_hash}:{code}")):
        raise IdentityCodeWrong(CODE_TRIES - row.code_tries - 1)
    taken = IdentityAttempt.update(identity_sealed=None).where(this, IdentityAttempt.identity_sealed.is_null(False))
    if not taken.execute():
        raise IdentificationExpired
    identity = _from_text(decrypt(row.identity_sealed or "", "identity_attempt_answer", row.state_hash))
    _keep(row, identity)
    return row.client, authority_rule.check_register(row.client, row.user, identity)


def pending_code_attempt(user: User, session_key: str) -> IdentityAttempt | None:
    """The identification of this session that came back in another browser, if it may still be finished."""
    query = IdentityAttempt.select().where(
        IdentityAttempt.session_hash == blind_index(session_key), IdentityAttempt.user == user.id,
        IdentityAttempt.identity_sealed.is_null(False), IdentityAttempt.code_tries < CODE_TRIES,
        IdentityAttempt.arrived_at > utcnow() - CODE_LIFE,
    )  # fmt: skip
    return query.order_by(IdentityAttempt.arrived_at.desc()).first()


def _as_text(identity: port.Identity) -> str:
    told = asdict(identity) | {"authenticated_at": identity.authenticated_at.isoformat()}
    return json.dumps(told | {"birth_date": identity.birth_date.isoformat() if identity.birth_date else None})


def _from_text(text: str) -> port.Identity:
    told = json.loads(text)
    born = told["birth_date"]
    return port.Identity(
        **told | {"authenticated_at": datetime.fromisoformat(told["authenticated_at"]),
                  "birth_date": date.fromisoformat(born) if born else None}
    )  # fmt: skip


def _keep(row: IdentityAttempt, identity: port.Identity) -> None:
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
            person_sealed=encrypt(json.dumps(person), "identification", row.user_id),
            authenticated_at=identity.authenticated_at, evidence=identity.raw_hash,
        )  # fmt: skip
        audit.record_event(
            row.client_id, audit.by_user(row.user), "user.identified", f"user:{row.user_id}",
            evidence=identity.raw_hash,
        )  # fmt: skip


def is_identified(user: User) -> bool:
    return Identification.select().where(Identification.user == user.id).exists()


def latest_identity(user: User) -> port.Identity | None:
    """The newest identification, opened."""
    row = Identification.select().where(Identification.user == user.id).order_by(Identification.id.desc()).first()
    if row is None:
        return None
    try:
        person = json.loads(decrypt(row.person_sealed, "identification", user.id))
    except DecryptionFailed:
        return None
    born = person["birth_date"]
    return port.Identity(
        provider=row.provider, subject=row.subject, initials=person["initials"], last_name=person["last_name"],
        prefix=person["prefix"], birth_date=date.fromisoformat(born) if born else None, level=row.level,
        authenticated_at=row.authenticated_at, raw_hash=row.evidence,
    )  # fmt: skip


def refresh_authority(client: Client, user: User) -> Authority:
    """Ask the register anew with the identification we have. NotIdentified when there is none."""
    identity = latest_identity(user)
    if identity is None:
        raise NotIdentified
    return authority_rule.check_register(client, user, identity)


def require_fresh_authority(client: Client, user: User) -> None:
    """Whether this person may sign for this company, asked of the register now; raises what stands in the way.

    NotIdentified, AuthorityPending, AuthorityRefused; RegisterUnavailable and UnknownCompany, unless a yes
    of less than a week ago holds.
    """
    _require(client, user, timedelta(0))


def require_authority(client: Client, user: User) -> None:
    """As `require_fresh_authority`, but ask again only when the last answer is older than a day.

    A no counts at once.
    """
    _require(client, user, authority_rule.ASKED_AFTER)


def _require(client: Client, user: User, age: timedelta) -> None:
    if not is_identified(user):
        raise NotIdentified
    row = authority_rule.latest_decision(client, user)
    if row is None or authority_rule.is_decision_stale(row, age):
        row = _asked_anew(client, user, row)
    if row.answer == "not_established":
        raise AuthorityPending(row.reason)
    if row.answer == "no":
        raise AuthorityRefused(row.reason)


def _asked_anew(client: Client, user: User, row: Authority | None) -> Authority:
    """The register's answer of now. While it is away, a yes of less than a week ago holds; nothing else does."""
    try:
        return refresh_authority(client, user)
    except RegisterUnavailable:
        if row is None or row.answer != "yes" or authority_rule.is_decision_stale(row, authority_rule.HOLDS_WHILE_AWAY):
            raise
        return row
