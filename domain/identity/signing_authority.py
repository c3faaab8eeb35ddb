"""Signing authority: the KvK's rule for who may sign for a company, and matching a person to the extract.

The rule is the register's published one (docs/facts/identity.md, 2.2), made stricter: "not authorised" is a no, ended
functions do not count, an ended bankruptcy no longer blocks, and if a director is itself a company, the rule is applied
to that company too. When it is asked, and what holds while the register is down:
docs/decisions/0015-signing-authority-checks.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connectors.identity.port import Identity
from connectors.register.port import Extract, Officership, RegisterDown
from connectors.register.port import UnknownCompany as UnknownNumber
from core.clock import today_amsterdam, utcnow
from domain.common import audit
from domain.common.errors import RegisterUnavailable, UnknownCompany
from domain.common.services import services
from domain.identity.matching import match_person
from models import Authority, Client, User, transaction
from models.states import AuthorityAnswer


@dataclass(frozen=True)
class AuthorityDecision:
    """Whether a person may sign. `answer`: yes, no or not_established. `reason`: a code; the screens have its text."""

    answer: str
    reason: str


Follow = Callable[[str], Extract]
MAX_HOLDING_DEPTH = 4  # levels of companies, the first included; higher ones are left to an operator
ASKED_AFTER = timedelta(days=1)
HOLDS_WHILE_AWAY = timedelta(days=7)
UNFOLLOWED = "company_not_followed"
ORDER = (AuthorityAnswer.NOT_AUTHORISED, AuthorityAnswer.UNDETERMINED, AuthorityAnswer.AUTHORISED)


def check_register(client: Client, user: User, identity: Identity) -> Authority:
    """Ask the register whether this person may sign for this company, and store the answer.

    Nothing is stored when it raises.

    Raises:
    - RegisterUnavailable
    - UnknownCompany
    """
    try:
        decision = evaluate_authority(
            services().register.extract(client.kvk_number), identity, services().register.extract
        )
    except UnknownNumber as error:
        raise UnknownCompany from error
    except RegisterDown as error:
        raise RegisterUnavailable from error
    earlier = latest_decision(client, user)
    if earlier is not None and _person_decided(earlier, decision):
        decision, decided_by = AuthorityDecision(earlier.answer, earlier.reason), earlier.decided_by
    else:
        decided_by = None
    return save_decision(client, user, decision, audit.by_user(user), decided_by)


def _person_decided(earlier: Authority, decision: AuthorityDecision) -> bool:
    """Return whether an operator's earlier decision stands.

    A no stands until an operator changes it; a yes stands as long as the register leaves the question open.
    """
    return earlier.decided_by is not None and (
        earlier.answer == AuthorityAnswer.NOT_AUTHORISED or decision.answer == AuthorityAnswer.UNDETERMINED
    )


def save_decision(
    client: Client, user: User, decision: AuthorityDecision, actor: str, decided_by: str | None = None
) -> Authority:
    """Store the decision and record it in the audit log."""
    with transaction(client.id):
        return record_decision(client, user, decision, actor, decided_by)


def record_decision(
    client: Client, user: User, decision: AuthorityDecision, actor: str, decided_by: str | None = None
) -> Authority:
    """The same in the caller's transaction, which holds the client's lock."""
    row = Authority.create(
        client=client, user=user, answer=decision.answer, reason=decision.reason, decided_by=decided_by
    )
    audit.record_event(
        client.id, actor, "authority.asked", f"user:{user.id}", answer=decision.answer, reason=decision.reason
    )
    return row


def is_decision_stale(row: Authority, age: timedelta = ASKED_AFTER) -> bool:
    """Return whether the register must be asked again before money may move."""
    return row.checked_at < utcnow() - age


# --- the rule ---
def evaluate_authority(extract: Extract, identity: Identity, follow: Follow | None = None) -> AuthorityDecision:
    """Apply the register's rule; the first match decides. `follow` returns the extract of a company that is a director.

    Passes on what `follow` raises, except UnknownCompany.
    """
    return _evaluate(extract, identity, follow, (extract.kvk_number,))


def _evaluate(extract: Extract, identity: Identity, follow: Follow | None, path: tuple[str, ...]) -> AuthorityDecision:
    if extract.ended:
        return AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "company_ended")
    if extract.blocked:
        return AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "company_blocked")
    held = [function for function in extract.functions if not function.ended]
    matches = [(f, match_person(f.person, identity)) for f in held if f.person]
    direct = [(_rank(f), _judge_function(f)) for f, how in matches if how == "exact"]
    # skip holding companies if the person can already sign directly
    if any(answer.answer == AuthorityAnswer.AUTHORISED for _, answer in direct):
        through = []
    else:
        companies = [f for f in held if f.legal_person and _rank(f) < 2]
        through = [(_rank(f), _judge_holding(f, identity, follow, path)) for f in companies]
    found = [*direct, *((rank, answer) for rank, answer in through if answer)]
    sure = [(rank, answer) for rank, answer in found if answer.reason != UNFOLLOWED]
    if not sure:
        if any(how == "partly" for _, how in matches):
            return AuthorityDecision(AuthorityAnswer.UNDETERMINED, "name_differs")
        return (
            AuthorityDecision(AuthorityAnswer.UNDETERMINED, UNFOLLOWED)
            if found
            else AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "not_in_register")
        )
    if identity.birth_date and _age(identity.birth_date) < 18:
        return AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "minor")
    return _strongest_decision(sure)


def _strongest_decision(found: list[tuple[int, AuthorityDecision]]) -> AuthorityDecision:
    """Return the strongest answer among the functions of the most important kind."""
    highest = min(rank for rank, _ in found)
    return max((a for rank, a in found if rank == highest), key=lambda a: ORDER.index(a.answer))


def _judge_holding(
    function: Officership, identity: Identity, follow: Follow | None, path: tuple[str, ...]
) -> AuthorityDecision | None:
    """Return what the person may do through the company that holds this function; None if the person is not in it."""
    number = function.legal_person.kvk_number if function.legal_person else None
    if number in path:
        return None  # a cycle of companies: this one was already examined
    if follow is None or number is None or len(path) >= MAX_HOLDING_DEPTH:
        return AuthorityDecision(AuthorityAnswer.UNDETERMINED, UNFOLLOWED)
    try:
        above = _evaluate(follow(number), identity, follow, (*path, number))
    except UnknownNumber:
        return AuthorityDecision(AuthorityAnswer.UNDETERMINED, UNFOLLOWED)
    if above.answer == AuthorityAnswer.NOT_AUTHORISED:
        return (
            None
            if above.reason in ("not_in_register", "minor")
            else AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "holding_may_not")
        )
    own = _judge_function(function)
    if own.answer == AuthorityAnswer.AUTHORISED and above.answer == AuthorityAnswer.AUTHORISED:
        return AuthorityDecision(AuthorityAnswer.AUTHORISED, "through_company")
    return own if ORDER.index(own.answer) <= ORDER.index(above.answer) else above


def _rank(function: Officership) -> int:
    return {"owner": 0, "director": 0, "partner": 0, "proxy": 1}.get(function.kind, 2)


def _age(born: date) -> int:
    today = today_amsterdam()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _judge_function(function: Officership) -> AuthorityDecision:
    """Return what this function allows its holder."""
    person = function.person
    if function.suspended or (person and (person.deceased or person.blocked)):
        return AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "person_blocked")
    if function.kind == "owner":
        return AuthorityDecision(AuthorityAnswer.AUTHORISED, "owner")
    code = (function.authority_code or "").lower()
    if code in ("azb", "ob") and not function.limited:
        return AuthorityDecision(AuthorityAnswer.AUTHORISED, "alone")
    if code == "nb":
        return AuthorityDecision(AuthorityAnswer.NOT_AUTHORISED, "not_authorised")
    if code == "v" and not function.limited:
        return AuthorityDecision(AuthorityAnswer.AUTHORISED, "full_mandate")
    return AuthorityDecision(AuthorityAnswer.UNDETERMINED, "together" if code == "gb" else "limited")


def latest_decision(client: Client, user: User) -> Authority | None:
    """Return the newest decision about this user for this client, or None."""
    query = Authority.select().where(Authority.client == client.id, Authority.user == user.id)
    return query.order_by(Authority.id.desc()).first()


def authorised_users(client: Client) -> set[int]:
    """Return the ids of the users who may sign for this client, by the newest decision about each."""
    query = Authority.select(Authority.user, Authority.answer).where(Authority.client == client.id)
    rows: Any = query.order_by(Authority.id).tuples()
    newest: dict[int, str] = dict(rows)
    return {user_id for user_id, answer in newest.items() if answer == AuthorityAnswer.AUTHORISED}


def pending_authority_reviews() -> list[Authority]:
    """Return the newest decisions that are undetermined and wait for an operator."""
    newest = {}
    for row in Authority.select().order_by(Authority.id):
        newest[(row.client_id, row.user_id)] = row
    return [row for row in newest.values() if row.answer == AuthorityAnswer.UNDETERMINED]


def decide_authority(client: Client, user: User, answer: str, reason: str, decided_by: str) -> Authority:
    """Store an operator's decision where the register left it open. The reason goes into the audit log.

    Raises:
    - ValueError: the answer is neither AUTHORISED nor NOT_AUTHORISED.
    """
    if answer not in (AuthorityAnswer.AUTHORISED, AuthorityAnswer.NOT_AUTHORISED):
        raise ValueError("a decision is yes or no")
    decision = AuthorityDecision(answer, f"decided: {reason}")
    return save_decision(client, user, decision, audit.OPERATOR, decided_by=decided_by)
