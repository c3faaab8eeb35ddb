"""Who may sign: the register's rule with its gaps closed, and the matching of a person."""

from datetime import UTC, date, datetime

import pytest

from connectors.identity.port import Identity
from connectors.register.port import Extract, Function, Person
from domain.authority import judge, match


def somebody(**changes) -> Person:
    given = {"first_names": "Wouter Jan", "initials": None, "prefix": "de", "last_name": "Jong"}
    return Person(**{**given, "birth_date": date(1980, 4, 12), **changes})


def identity(**changes) -> Identity:
    given = {"initials": "W", "last_name": "Jong", "prefix": "de", "birth_date": date(1980, 4, 12)}
    rest = {"provider": "b", "subject": "s", "level": None, "authenticated_at": datetime.now(UTC), "raw_hash": ""}
    return Identity(**{**given, **rest, **changes})


def director(code: str | None = "azb", **changes) -> Function:
    given = {"kind": "director", "title": None, "authority_code": code, "jointly": None, "limited": False}
    rest = {"suspended": False, "ended": False, "person": somebody(), "legal_person": None}
    return Function(**{**given, **rest, **changes})


def extract(*functions: Function, **changes) -> Extract:
    given = {"kvk_number": "68750110", "name": "Demo BV", "legal_form": None, "ended": False, "blocked": None}
    return Extract(**{**given, **changes}, functions=list(functions))


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (extract(director("azb")), "yes"),
        (extract(director("ob", kind="partner")), "yes"),
        (extract(director(None, kind="owner")), "yes"),
        (extract(director("v", kind="proxy")), "yes"),
        (extract(director("gb")), "not_established"),
        (extract(director("bb", kind="partner")), "not_established"),
        (extract(director("b", kind="proxy", limited=True)), "not_established"),
        (extract(director("azb", limited=True)), "not_established"),
        (extract(director("nb")), "no"),
        (extract(director("nb"), director(None, kind="other")), "no"),
        (extract(director("nb"), director("v", kind="proxy")), "no"),
        (extract(director("azb", ended=True)), "no"),
        (extract(director("azb", suspended=True)), "no"),
        (extract(director(person=somebody(deceased=True))), "no"),
        (extract(director(person=somebody(blocked=True))), "no"),
        (extract(director("azb"), ended=True), "no"),
        (extract(director("azb"), blocked="bijzondereRechtstoestand"), "no"),
        (extract(), "no"),
        (extract(director(person=somebody(first_names="Pieter"))), "not_established"),
        (extract(director(person=somebody(birth_date=None))), "not_established"),
        (extract(director(person=somebody(last_name="Vries"))), "no"),
    ],
)
def test_the_rule(found: Extract, answer: str):
    assert judge(found, identity()).answer == answer


def test_a_minor_may_not_sign():
    born = date(datetime.now(UTC).year - 10, 1, 1)
    found = extract(director(person=somebody(birth_date=born)))
    assert judge(found, identity(birth_date=born)).answer == "no"


@pytest.mark.parametrize(
    ("person", "who", "how"),
    [
        (somebody(), identity(), "exact"),
        (somebody(), identity(initials="W.J."), "exact"),
        (somebody(), identity(initials="WJP"), "exact"),
        (somebody(), identity(prefix=None), "exact"),
        (somebody(last_name="Donkersloot-Meijer"), identity(last_name="Donkersloot Meijer"), "exact"),
        (somebody(last_name="Müller"), identity(last_name="MULLER"), "exact"),
        (somebody(), identity(prefix="van"), "partly"),
        (somebody(), identity(initials="P"), "partly"),
        (somebody(), identity(initials=""), "partly"),
        (somebody(birth_date=None), identity(), "partly"),
        (somebody(), identity(birth_date=None), "partly"),
        (somebody(), identity(birth_date=date(1980, 4, 13)), "no"),
        (somebody(), identity(last_name="Jongh"), "no"),
    ],
)
def test_matching(person: Person, who: Identity, how: str):
    assert match(person, who) == how
