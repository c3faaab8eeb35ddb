"""Signing authority: the register's rule, and matching a person with its officers."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connectors.identity.port import Identity
from connectors.register.port import Extract, LegalPerson, Officership, Person, RegisterDown, UnknownCompany
from domain.identity.matching import match_person
from domain.identity.signing_authority import MAX_HOLDING_DEPTH, evaluate_authority


def somebody(**changes) -> Person:
    given = {"first_names": "Wouter Jan", "initials": None, "prefix": "de", "last_name": "Jong"}
    return Person(**{**given, "birth_date": date(1980, 4, 12), **changes})


def identity(**changes) -> Identity:
    given = {"initials": "W", "last_name": "Jong", "prefix": "de", "birth_date": date(1980, 4, 12)}
    rest = {"provider": "b", "subject": "s", "level": None, "authenticated_at": datetime.now(UTC), "raw_hash": ""}
    return Identity(**{**given, **rest, **changes})


def director(code: str | None = "azb", **changes) -> Officership:
    given = {"kind": "director", "title": None, "authority_code": code, "jointly": None, "limited": False}
    rest = {"suspended": False, "ended": False, "person": somebody(), "legal_person": None}
    return Officership(**{**given, **rest, **changes})


def extract(*functions: Officership, **changes) -> Extract:
    given = {"kvk_number": "68750110", "name": "Demo BV", "legal_form": None, "ended": False, "blocked": None}
    return Extract(**{**given, **changes}, functions=list(functions))


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (extract(director("azb")), "authorised"),
        (extract(director("ob", kind="partner")), "authorised"),
        (extract(director(None, kind="owner")), "authorised"),
        (extract(director("v", kind="proxy")), "authorised"),
        (extract(director("gb")), "undetermined"),
        (extract(director("bb", kind="partner")), "undetermined"),
        (extract(director("b", kind="proxy", limited=True)), "undetermined"),
        (extract(director("azb", limited=True)), "undetermined"),
        (extract(director("nb")), "not_authorised"),
        (extract(director("nb"), director(None, kind="other")), "not_authorised"),
        (extract(director("nb"), director("v", kind="proxy")), "not_authorised"),
        (extract(director("azb", ended=True)), "not_authorised"),
        (extract(director("azb", suspended=True)), "not_authorised"),
        (extract(director(person=somebody(deceased=True))), "not_authorised"),
        (extract(director(person=somebody(blocked=True))), "not_authorised"),
        (extract(director("azb"), ended=True), "not_authorised"),
        (extract(director("azb"), blocked="bijzondereRechtstoestand"), "not_authorised"),
        (extract(), "not_authorised"),
        (extract(director(person=somebody(first_names="Pieter"))), "undetermined"),
        (extract(director(person=somebody(birth_date=None))), "undetermined"),
        (extract(director(person=somebody(last_name="Vries"))), "not_authorised"),
    ],
)
def test_each_registration_gives_its_decision(found: Extract, answer: str):
    assert evaluate_authority(found, identity()).answer == answer


def test_a_minor_may_not_sign():
    born = date(datetime.now(UTC).year - 10, 1, 1)
    found = extract(director(person=somebody(birth_date=born)))
    assert evaluate_authority(found, identity(birth_date=born)).answer == "not_authorised"


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
def test_a_person_is_matched_with_the_register(person: Person, who: Identity, how: str):
    assert match_person(person, who) == how


# --- as people and brokers write names ---
@pytest.mark.parametrize(
    ("person", "who", "how"),
    [
        (somebody(), identity(last_name="de Jong", prefix=None), "exact"),
        (somebody(prefix=None, last_name="de Jong"), identity(), "exact"),
        (somebody(), identity(last_name="van Jong", prefix=None), "no"),
        (somebody(first_names="Theodorus Jan"), identity(initials="Th.J."), "exact"),
        (somebody(first_names="IJsbrand"), identity(initials="IJ"), "exact"),
        (somebody(first_names="IJsbrand"), identity(initials="I"), "exact"),
        (somebody(first_names="Christiaan"), identity(initials="Ch"), "exact"),
        (somebody(first_names="Jan-Piet Karel"), identity(initials="JK"), "exact"),
        (somebody(first_names="Jan-Piet Karel"), identity(initials="JPK"), "exact"),
        (somebody(first_names="Jan-Piet Karel"), identity(initials="KJ"), "partly"),
        (somebody(first_names=None, initials="W.J."), identity(initials="WJ"), "exact"),
        (somebody(first_names=None), identity(), "partly"),
        (somebody(birth_date=None, last_name="Vries"), identity(), "no"),
        (somebody(last_name="d'Hondt", prefix=None), identity(last_name="D’Hondt", prefix=None), "exact"),
    ],
)
def test_spellings_of_names(person: Person, who: Identity, how: str):
    assert match_person(person, who) == how


# --- a company that is director of the company ---
def holding(number: str | None = "10000001", code: str | None = "azb", **changes) -> Officership:
    return director(code, person=None, legal_person=LegalPerson(number, "Holding BV"), **changes)


def followed(found: Extract, **others: Extract) -> tuple[str, str]:
    """Return the decision about Wouter, with these extracts under n10000001 and so on; other numbers are unknown."""

    def follow(number: str) -> Extract:
        if f"n{number}" not in others:
            raise UnknownCompany
        return replace(others[f"n{number}"], kvk_number=number)

    answer = evaluate_authority(found, identity(), follow)
    return answer.answer, answer.reason


@pytest.mark.parametrize(
    ("code", "above", "answer"),
    [
        ("azb", extract(director("azb")), ("authorised", "through_company")),
        ("azb", extract(director(None, kind="owner")), ("authorised", "through_company")),
        ("gb", extract(director("azb")), ("undetermined", "together")),
        ("azb", extract(director("gb")), ("undetermined", "together")),
        ("nb", extract(director("azb")), ("not_authorised", "not_authorised")),
        ("nb", extract(director("gb")), ("not_authorised", "not_authorised")),
        ("azb", extract(director("nb")), ("not_authorised", "holding_may_not")),
        ("azb", extract(director("azb"), ended=True), ("not_authorised", "holding_may_not")),
        ("azb", extract(director("azb"), blocked="x"), ("not_authorised", "holding_may_not")),
        ("azb", extract(director("azb", ended=True)), ("not_authorised", "not_in_register")),
        ("azb", extract(director(person=somebody(last_name="Vries"))), ("not_authorised", "not_in_register")),
        ("azb", extract(director(person=somebody(birth_date=None))), ("undetermined", "name_differs")),
    ],
)
def test_a_director_of_a_managing_company_is_authorised(code: str, above: Extract, answer: tuple[str, str]):
    assert followed(extract(holding(code=code)), n10000001=above) == answer


@pytest.mark.parametrize("changes", [{"ended": True}, {"suspended": True}])
def test_a_company_without_managing_function_gives_no_authority(changes: dict):
    assert followed(extract(holding(**changes)), n10000001=extract(director()))[0] == "not_authorised"


def test_an_unknown_managing_company_is_decided_manually():
    undecided = ("undetermined", "company_not_followed")
    assert followed(extract(holding(None))) == undecided
    assert followed(extract(holding("99999999"))) == undecided
    assert evaluate_authority(extract(holding()), identity()).reason == "company_not_followed"
    # but who is known not to be authorised is, wherever the company leads
    assert followed(extract(holding(None), director("nb"))) == ("not_authorised", "not_authorised")


def test_no_company_is_followed_if_the_person_is_authorised_directly():
    def follow(number: str) -> Extract:
        raise RegisterDown

    assert evaluate_authority(extract(holding(), director("azb")), identity(), follow).answer == "authorised"
    with pytest.raises(RegisterDown):
        evaluate_authority(extract(holding(), director("nb")), identity(), follow)


def chain(length: int) -> dict[str, Extract]:
    """Return extracts of companies that manage one another; Wouter is director of the highest."""
    between = {f"n1000000{n}": extract(holding(f"1000000{n + 1}")) for n in range(1, length)}
    return between | {f"n1000000{length}": extract(director("azb"))}


def test_companies_are_followed_to_a_maximum_depth():
    assert followed(extract(holding()), **chain(MAX_HOLDING_DEPTH - 1)) == ("authorised", "through_company")
    assert followed(extract(holding()), **chain(MAX_HOLDING_DEPTH)) == ("undetermined", "company_not_followed")


def test_a_circle_of_companies_ends():
    here = extract(holding("10000001"))
    assert followed(here, n10000001=extract(holding("68750110"))) == ("not_authorised", "not_in_register")
    both = extract(holding("68750110"), director("azb"))
    assert followed(here, n10000001=both) == ("authorised", "through_company")
