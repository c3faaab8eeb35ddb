"""Who may sign for a company: the KvK's own rule, with its gaps closed, and the matching of a person.

Source: the register's published rule (facts: "KVK's own interpretation rule"); closed gaps: "not
authorised" is a no, ended functions do not count, an ended bankruptcy no longer blocks.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from connectors.identity.port import Identity
from connectors.register.port import Extract, Function, Person, RegisterDown
from connectors.register.port import UnknownCompany as UnknownNumber
from core.clock import today_amsterdam
from domain import audit
from domain.errors import RegisterUnavailable, UnknownCompany
from domain.world import world
from models import Authority, Client, User, transaction


@dataclass(frozen=True)
class Answer:
    """answer: yes, no or not_established; reason: a code the screens have words for."""

    answer: str
    reason: str


def ask(client: Client, user: User, identity: Identity) -> Authority:
    """Ask the register whether this person may sign for this company, and keep the answer.

    RegisterUnavailable or UnknownCompany: nothing is kept, nothing is allowed.
    """
    try:
        extract = world().register.extract(client.kvk_number)
    except UnknownNumber as error:
        raise UnknownCompany from error
    except RegisterDown as error:
        raise RegisterUnavailable from error
    found = judge(extract, identity)
    return keep(client, user, found, audit.by_user(user))


def keep(client: Client, user: User, found: Answer, actor: str, decided_by: str | None = None) -> Authority:
    with transaction():
        row = Authority.create(
            client=client, user=user, answer=found.answer, reason=found.reason, decided_by=decided_by
        )
        audit.note(client.id, actor, "authority.asked", f"user:{user.id}", answer=found.answer, reason=found.reason)
    return row


def judge(extract: Extract, identity: Identity) -> Answer:
    """The rule, first hit wins."""
    if extract.ended:
        return Answer("no", "company_ended")
    if extract.blocked:
        return Answer("no", "company_blocked")
    mine = [(f, match(f.person, identity)) for f in extract.functions if f.person and not f.ended]
    sure = [f for f, how in mine if how == "exact"]
    if not sure:
        partly = any(how == "partly" for _, how in mine)
        return Answer("not_established", "name_differs") if partly else Answer("no", "not_in_register")
    if identity.birth_date and _age(identity.birth_date) < 18:
        return Answer("no", "minor")
    # of several functions the most important kind counts, and in it the answer that says most
    highest = min(_rank(f) for f in sure)
    answers = [_judge_function(f) for f in sure if _rank(f) == highest]
    return max(answers, key=lambda a: ("no", "not_established", "yes").index(a.answer))


def _rank(function: Function) -> int:
    return {"owner": 0, "director": 0, "partner": 0, "proxy": 1}.get(function.kind, 2)


def _age(born: date) -> int:
    today = today_amsterdam()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _judge_function(function: Function) -> Answer:
    person = function.person
    if person is None or person.deceased or person.blocked or function.suspended:
        return Answer("no", "person_blocked")
    if function.kind == "owner":
        return Answer("yes", "owner")
    code = (function.authority_code or "").lower()
    if code in ("azb", "ob") and not function.limited:
        return Answer("yes", "alone")
    if code == "nb":
        return Answer("no", "not_authorised")
    if code == "v" and not function.limited:
        return Answer("yes", "full_mandate")
    return Answer("not_established", "together" if code == "gb" else "limited")


def match(person: Person, identity: Identity) -> str:
    """exact, partly or no. Birth date and legal surname must agree; initials may be the start of each other."""
    if person.birth_date is None or identity.birth_date is None:
        return "partly" if _plain(person.last_name) == _plain(identity.last_name) else "no"
    if person.birth_date != identity.birth_date or _plain(person.last_name) != _plain(identity.last_name):
        return "no"
    prefixes = {_plain(person.prefix or ""), _plain(identity.prefix or "")} - {""}
    ours, theirs = _initials(person), re.sub(r"[^a-z]", "", _plain(identity.initials or ""))
    starts = bool(ours and theirs) and (ours.startswith(theirs) or theirs.startswith(ours))
    return "exact" if starts and len(prefixes) < 2 else "partly"


def _initials(person: Person) -> str:
    if person.first_names:
        return "".join(_plain(name)[:1] for name in person.first_names.split())
    return re.sub(r"[^a-z]", "", _plain(person.initials or ""))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalpha())


def standing(client: Client, user: User) -> Authority | None:
    """The newest answer about this user for this client."""
    query = Authority.select().where(Authority.client == client.id, Authority.user == user.id)
    return query.order_by(Authority.id.desc()).first()


def waiting() -> list[Authority]:
    """Newest answers that wait for a person's decision."""
    newest = {}
    for row in Authority.select().order_by(Authority.id):
        newest[(row.client_id, row.user_id)] = row
    return [row for row in newest.values() if row.answer == "not_established"]


def decide(client: Client, user: User, answer: str, reason: str, decided_by: str) -> Authority:
    """A person's decision where the register left it open; the reason goes into the log."""
    if answer not in ("yes", "no"):
        raise ValueError("a decision is yes or no")
    found = Answer(answer, f"decided: {reason}")
    return keep(client, user, found, audit.OPERATOR, decided_by=decided_by)
