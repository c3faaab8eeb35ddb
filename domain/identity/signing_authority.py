"""Who may sign for a company: the KvK's own rule, with its gaps closed, and the matching of a person.

Source: the register's published rule (docs/facts/identity.md, 2.2); closed gaps: "not
authorised" is a no, ended functions do not count, an ended bankruptcy no longer blocks, and a company that
is director of the company is followed to the people in it. Asked when, and what holds while the register
is away: docs/decisions/0015-signing-authority-checks.md.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.identity.port import Identity
from connectors.register.port import Extract, Officership, Person, RegisterDown
from connectors.register.port import UnknownCompany as UnknownNumber
from core.clock import today_amsterdam, utcnow
from domain.common import audit
from domain.common.errors import RegisterUnavailable, UnknownCompany
from domain.common.services import services
from models import Authority, Client, User, transaction


@dataclass(frozen=True)
class AuthorityDecision:
    """answer: yes, no or not_established; reason: a code the screens have words for."""

    answer: str
    reason: str


Follow = Callable[[str], Extract]
MAX_HOLDING_DEPTH = 4  # companies above one another, the asked one included; a person decides about what lies higher
ASKED_AFTER = timedelta(days=1)
HOLDS_WHILE_AWAY = timedelta(days=7)
UNFOLLOWED = "company_not_followed"
ORDER = ("no", "not_established", "yes")
DIGRAPHS = ("ij", "th", "ch", "ph", "tj")


def check_register(client: Client, user: User, identity: Identity) -> Authority:
    """Ask the register whether this person may sign for this company, and keep the answer.

    RegisterUnavailable or UnknownCompany: nothing is kept, nothing is allowed.
    """
    try:
        found = evaluate_authority(
            services().register.extract(client.kvk_number), identity, services().register.extract
        )
    except UnknownNumber as error:
        raise UnknownCompany from error
    except RegisterDown as error:
        raise RegisterUnavailable from error
    earlier = latest_decision(client, user)
    if earlier is not None and _person_decided(earlier, found):
        found, decided_by = AuthorityDecision(earlier.answer, earlier.reason), earlier.decided_by
    else:
        decided_by = None
    return save_decision(client, user, found, audit.by_user(user), decided_by)


def _person_decided(earlier: Authority, found: AuthorityDecision) -> bool:
    """What a person decided stays: a no until a person takes it back, a yes as long as the register leaves it open."""
    return earlier.decided_by is not None and (earlier.answer == "no" or found.answer == "not_established")


def save_decision(
    client: Client, user: User, found: AuthorityDecision, actor: str, decided_by: str | None = None
) -> Authority:
    with transaction(client.id):
        row = Authority.create(
            client=client, user=user, answer=found.answer, reason=found.reason, decided_by=decided_by
        )
        audit.record_event(
            client.id, actor, "authority.asked", f"user:{user.id}", answer=found.answer, reason=found.reason
        )
    return row


def is_decision_stale(row: Authority, age: timedelta = ASKED_AFTER) -> bool:
    """Whether the register has to be asked again before money may move."""
    return row.asked_at < utcnow() - age


# --- the rule ---
def evaluate_authority(extract: Extract, identity: Identity, follow: Follow | None = None) -> AuthorityDecision:
    """The rule, first hit wins. `follow` gives the extract of a company that is itself a director.

    Passes on what `follow` raises, but for a number that the register does not have.
    """
    return _judge(extract, identity, follow, (extract.kvk_number,))


def _judge(extract: Extract, identity: Identity, follow: Follow | None, path: tuple[str, ...]) -> AuthorityDecision:
    if extract.ended:
        return AuthorityDecision("no", "company_ended")
    if extract.blocked:
        return AuthorityDecision("no", "company_blocked")
    held = [function for function in extract.functions if not function.ended]
    matches = [(f, match_person(f.person, identity)) for f in held if f.person]
    direct = [(_rank(f), _judge_function(f)) for f, how in matches if how == "exact"]
    # nobody is sent out to other companies who already signs for this one
    if any(answer.answer == "yes" for _, answer in direct):
        through = []
    else:
        through = [(_rank(f), _through(f, identity, follow, path)) for f in held if f.legal_person and _rank(f) < 2]
    found = [*direct, *((rank, answer) for rank, answer in through if answer)]
    sure = [(rank, answer) for rank, answer in found if answer.reason != UNFOLLOWED]
    if not sure:
        if any(how == "partly" for _, how in matches):
            return AuthorityDecision("not_established", "name_differs")
        return AuthorityDecision("not_established", UNFOLLOWED) if found else AuthorityDecision("no", "not_in_register")
    if identity.birth_date and _age(identity.birth_date) < 18:
        return AuthorityDecision("no", "minor")
    return _weightiest(sure)


def _weightiest(found: list[tuple[int, AuthorityDecision]]) -> AuthorityDecision:
    """Of several functions the most important kind counts, and in it the answer that says most."""
    highest = min(rank for rank, _ in found)
    return max((a for rank, a in found if rank == highest), key=lambda a: ORDER.index(a.answer))


def _through(
    function: Officership, identity: Identity, follow: Follow | None, path: tuple[str, ...]
) -> AuthorityDecision | None:
    """What a person may by way of the company that holds this function; None when the person is not there."""
    number = function.legal_person.kvk_number if function.legal_person else None
    if number in path:
        return None  # round and round: whoever is in there was found already
    if follow is None or number is None or len(path) >= MAX_HOLDING_DEPTH:
        return AuthorityDecision("not_established", UNFOLLOWED)
    try:
        above = _judge(follow(number), identity, follow, (*path, number))
    except UnknownNumber:
        return AuthorityDecision("not_established", UNFOLLOWED)
    if above.answer == "no":
        return None if above.reason in ("not_in_register", "minor") else AuthorityDecision("no", "holding_may_not")
    own = _judge_function(function)
    if own.answer == "yes" and above.answer == "yes":
        return AuthorityDecision("yes", "through_company")
    return own if ORDER.index(own.answer) <= ORDER.index(above.answer) else above


def _rank(function: Officership) -> int:
    return {"owner": 0, "director": 0, "partner": 0, "proxy": 1}.get(function.kind, 2)


def _age(born: date) -> int:
    today = today_amsterdam()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _judge_function(function: Officership) -> AuthorityDecision:
    """What this function allows whoever holds it."""
    person = function.person
    if function.suspended or (person and (person.deceased or person.blocked)):
        return AuthorityDecision("no", "person_blocked")
    if function.kind == "owner":
        return AuthorityDecision("yes", "owner")
    code = (function.authority_code or "").lower()
    if code in ("azb", "ob") and not function.limited:
        return AuthorityDecision("yes", "alone")
    if code == "nb":
        return AuthorityDecision("no", "not_authorised")
    if code == "v" and not function.limited:
        return AuthorityDecision("yes", "full_mandate")
    return AuthorityDecision("not_established", "together" if code == "gb" else "limited")


# --- is it this person ---
def match_person(person: Person, identity: Identity) -> str:
    """exact, partly or no. Birth date and legal surname must agree; initials may be the start of each other.

    Brokers that read an identity document write the prefix into the surname: that is the same surname.
    """
    surname = _same_surname(person, identity)
    if surname == "no":
        return "no"
    if person.birth_date is None or identity.birth_date is None:
        return "partly"
    if person.birth_date != identity.birth_date:
        return "no"
    ours, theirs = _initials(person), _initials(identity)
    starts = any(a.startswith(b) or b.startswith(a) for a in ours for b in theirs)
    return "exact" if starts and surname == "exact" else "partly"


def _same_surname(person: Person, identity: Identity) -> str:
    """exact when the prefixes agree or one side has none; partly when only they differ."""
    ours, theirs = _plain(person.last_name), _plain(identity.last_name)
    our_prefix, their_prefix = _plain(person.prefix or ""), _plain(identity.prefix or "")
    if ours == theirs:
        return "exact" if not (our_prefix and their_prefix) or our_prefix == their_prefix else "partly"
    return "exact" if our_prefix + ours == their_prefix + theirs else "no"


def _initials(who: Person | Identity) -> list[str]:
    """How this person's initials may be written: letter by letter, and with IJ, Th and Ch as one.

    None at all: no list, so that nothing begins with it.
    """
    first_names = who.first_names if isinstance(who, Person) else None
    if first_names:
        found = [letters for apart in (r"\s+", r"[\s\-]+") for letters in _letters(re.split(apart, first_names))]
    else:
        text = re.sub(r"[^a-z]", "", _plain(who.initials or ""))
        found = [text, re.sub("|".join(DIGRAPHS), lambda pair: pair[0][0], text)]
    return [one for one in dict.fromkeys(found) if one]


def _letters(names: list[str]) -> tuple[str, str]:
    """First letters of names, and the same with the digraphs whole."""
    plain = [_plain(name) for name in names]
    whole = (name[:2] if name[:2] in DIGRAPHS else name[:1] for name in plain)
    return "".join(name[:1] for name in plain), "".join(whole)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalpha())


def latest_decision(client: Client, user: User) -> Authority | None:
    """The newest answer about this user for this client."""
    query = Authority.select().where(Authority.client == client.id, Authority.user == user.id)
    return query.order_by(Authority.id.desc()).first()


def pending_authority_reviews() -> list[Authority]:
    """Newest answers that wait for a person's decision."""
    newest = {}
    for row in Authority.select().order_by(Authority.id):
        newest[(row.client_id, row.user_id)] = row
    return [row for row in newest.values() if row.answer == "not_established"]


def decide_authority(client: Client, user: User, answer: str, reason: str, decided_by: str) -> Authority:
    """A person's decision where the register left it open; the reason goes into the log."""
    if answer not in ("yes", "no"):
        raise ValueError("a decision is yes or no")
    found = AuthorityDecision(answer, f"decided: {reason}")
    return save_decision(client, user, found, audit.OPERATOR, decided_by=decided_by)
