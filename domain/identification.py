"""Identification: once, at a broker, in the session that began it; then the register is asked."""

import json
from datetime import date, timedelta

from connectors.identity import port
from core.clock import utcnow
from core.crypto import SealBroken
from core.ids import token
from domain import audit
from domain import authority as authority_rule
from domain.errors import (
    AuthorityRefused,
    AuthorityUndecided,
    IdentificationCancelled,
    IdentificationExpired,
    IdentificationRefused,
    IdentityProviderDown,
    NotIdentified,
    RegisterUnavailable,
    WrongSession,
)
from domain.seals import lookup, seal, unseal
from domain.world import world
from models import Authority, Client, Identification, IdentityAttempt, User, transaction

ATTEMPT_LIFE = timedelta(minutes=15)


def begin(user: User, client: Client, session_key: str, redirect_uri: str) -> str:
    """The broker's address to go to. Bound to this session; IdentityProviderDown."""
    attempt = port.Attempt(state=token(), nonce=token(), verifier=token())
    try:
        url = world().identity.start(attempt, redirect_uri)
    except port.ProviderDown as error:
        raise IdentityProviderDown from error
    key = lookup(attempt.state)
    secrets = json.dumps([attempt.state, attempt.nonce, attempt.verifier])
    IdentityAttempt.create(
        state_hash=key, session_hash=lookup(session_key), user=user, client=client,
        sealed=seal(secrets, "identity_attempt", key),
    )  # fmt: skip
    return url


def finish(query: dict, session_key: str, redirect_uri: str) -> tuple[Client, Authority]:
    """Take the broker's answer, once, in the session that began it; then ask the register.

    The identification itself is kept also when the register cannot be asked (RegisterUnavailable).
    """
    row = _use_attempt(str(query.get("state", "")), session_key)
    state, nonce, verifier = json.loads(unseal(row.sealed, "identity_attempt", row.state_hash))
    try:
        identity = world().identity.finish(port.Attempt(state, nonce, verifier), redirect_uri, query)
    except port.Cancelled as error:
        raise IdentificationCancelled from error
    except port.Expired as error:
        raise IdentificationExpired from error
    except port.Refused as error:
        raise IdentificationRefused(str(error)) from error
    except port.ProviderDown as error:
        raise IdentityProviderDown from error
    _keep(row, identity)
    return row.client, authority_rule.ask(row.client, row.user, identity)


def _use_attempt(state: str, session_key: str) -> IdentityAttempt:
    with transaction():
        row = IdentityAttempt.get_or_none(IdentityAttempt.state_hash == lookup(state))
        if row is None or row.used_at is not None or row.started_at < utcnow() - ATTEMPT_LIFE:
            raise IdentificationExpired
        if row.session_hash != lookup(session_key):
            raise WrongSession
        IdentityAttempt.update(used_at=utcnow()).where(IdentityAttempt.state_hash == row.state_hash).execute()
    return row


def _keep(row: IdentityAttempt, identity: port.Identity) -> None:
    person = {
        "initials": identity.initials, "last_name": identity.last_name, "prefix": identity.prefix,
        "birth_date": identity.birth_date.isoformat() if identity.birth_date else None,
    }  # fmt: skip
    with transaction():
        earlier = Identification.select().where(Identification.user == row.user_id).order_by(Identification.id).first()
        if earlier and (earlier.provider, earlier.subject) != (identity.provider, identity.subject):
            raise IdentificationRefused("another_person")
        Identification.create(
            user=row.user_id, provider=identity.provider, subject=identity.subject, level=identity.level,
            person_sealed=seal(json.dumps(person), "identification", row.user_id),
            authenticated_at=identity.authenticated_at, evidence=identity.raw_hash,
        )  # fmt: skip
        audit.note(
            row.client_id, audit.by_user(row.user), "user.identified", f"user:{row.user_id}",
            evidence=identity.raw_hash,
        )  # fmt: skip


def identified(user: User) -> bool:
    return Identification.select().where(Identification.user == user.id).exists()


def identity_of(user: User) -> port.Identity | None:
    """The newest identification, opened."""
    row = Identification.select().where(Identification.user == user.id).order_by(Identification.id.desc()).first()
    if row is None:
        return None
    try:
        person = json.loads(unseal(row.person_sealed, "identification", user.id))
    except SealBroken:
        return None
    born = person["birth_date"]
    return port.Identity(
        provider=row.provider, subject=row.subject, initials=person["initials"], last_name=person["last_name"],
        prefix=person["prefix"], birth_date=date.fromisoformat(born) if born else None, level=row.level,
        authenticated_at=row.authenticated_at, raw_hash=row.evidence,
    )  # fmt: skip


def standing(client: Client, user: User) -> Authority | None:
    return authority_rule.standing(client, user)


def ask_again(client: Client, user: User) -> Authority:
    """Ask the register anew with the identification we have. NotIdentified when there is none."""
    identity = identity_of(user)
    if identity is None:
        raise NotIdentified
    return authority_rule.ask(client, user, identity)


def may_link_bank(client: Client, user: User) -> None:
    """Whether this person may sign for this company, asked of the register now; raises what stands in the way.

    NotIdentified, AuthorityUndecided, AuthorityRefused; RegisterUnavailable and UnknownCompany, unless a yes
    of less than a week ago holds.
    """
    _require(client, user, timedelta(0))


def require_authority(client: Client, user: User) -> None:
    """As `may_link_bank`, but asked again only when the last answer is older than a day. A no counts at once."""
    _require(client, user, authority_rule.ASKED_AFTER)


def _require(client: Client, user: User, age: timedelta) -> None:
    if not identified(user):
        raise NotIdentified
    row = standing(client, user)
    if row is None or authority_rule.is_old(row, age):
        row = _asked_anew(client, user, row)
    if row.answer == "not_established":
        raise AuthorityUndecided(row.reason)
    if row.answer == "no":
        raise AuthorityRefused(row.reason)


def _asked_anew(client: Client, user: User, row: Authority | None) -> Authority:
    """The register's answer of now. While it is away, a yes of less than a week ago holds; nothing else does."""
    try:
        return ask_again(client, user)
    except RegisterUnavailable:
        if row is None or row.answer != "yes" or authority_rule.is_old(row, authority_rule.HOLDS_WHILE_AWAY):
            raise
        return row
