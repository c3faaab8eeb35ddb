"""Extracts of the business register: owners, officers and their authority; in doubt, no authority."""

from datetime import date
from typing import Any

import pytest

from connectors.register.extract import read_extract
from connectors.register.port import Extract, LegalPerson, Officership, Person
from tests.support.extracts import DEMO, TOMORROW, WOUTER, YESTERDAY, Document, coded, director, document, ended, having


def read(found: Document) -> Extract:
    return read_extract(found, DEMO)


def only(found: Document) -> Officership:
    (function,) = read(found).functions
    return function


# --- owners ---
def test_a_sole_proprietor_is_a_person():
    function = only(document(WOUTER | {"persoonRechtsvorm": "Eenmanszaak"}, "natuurlijkPersoon"))
    assert (function.kind, function.legal_person) == ("owner", None)
    assert function.person == Person("Wouter Jan", None, "de", "Jong", date(1980, 4, 12))


def test_an_owner_known_by_name_only_has_no_birth_date():
    person = only(document({"volledigeNaam": "W. de Jong"}, "naamPersoon")).person
    assert person == Person(None, None, None, "W. de Jong", None)


def test_co_owners_do_not_sign_alone():
    found = read(document({"natuurlijkPersoon": [WOUTER, WOUTER]}, "eenmanszaakMetMeerdereEigenaren"))
    assert [function.kind for function in found.functions] == ["partner", "partner"]


@pytest.mark.parametrize(
    "kind",
    [
        "rechtspersoon", "samenwerkingsverband", "buitenlandseVennootschap", "eenmanszaakMetMeerdereEigenaren",
        "rechtspersoonInOprichting", "afgeslotenMoeder", "natuurlijkPersoon", "naamPersoon",
    ],
)  # fmt: skip
def test_officers_are_found_under_every_kind_of_owner(kind: str):
    found = read(document(WOUTER | {"heeft": [director()]}, kind))
    assert [function.authority_code for function in found.functions if function.kind == "director"] == ["azb"]


def test_the_name_may_be_in_the_owner():
    assert read(document({"naamgeving": {"naam": "Demo Holding"}}, naam=None)).name == "Demo Holding"


@pytest.mark.parametrize("form", [{"persoonRechtsvorm": "Stichting"}, {"rechtsvorm": {"omschrijving": "Stichting"}}])
def test_the_legal_form(form: Document):
    assert read(document(form)).legal_form == "Stichting"


def test_the_current_owner_counts():
    earlier = {"relatieRegistratie": {"datumEinde": YESTERDAY}, "natuurlijkPersoon": WOUTER}
    now = {"relatieRegistratie": {"datumAanvang": "20200101"}, "rechtspersoon": {"heeft": director("gb")}}
    found = read(document(heeftAlsEigenaar=[earlier, now]))
    assert [function.authority_code for function in found.functions] == ["gb"]
    assert not found.ended


# --- officers ---
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bestuursfunctie", "director"),
        ("aansprakelijke", "partner"),
        ("gemachtigde", "proxy"),
        ("functionarisBijzondereRechtstoestand", "other"),
        ("overigeFunctionaris", "other"),
        ("publiekrechtelijkeFunctionaris", "other"),
    ],
)
def test_kinds_of_officers(name: str, kind: str):
    assert only(having({name: director()["bestuursfunctie"]})).kind == kind


def test_a_single_officer_is_no_list():
    assert len(read(document({"heeft": director()})).functions) == 1
    assert len(read(having({"bestuursfunctie": [director()["bestuursfunctie"]] * 2})).functions) == 2


def test_no_officers():
    assert read(document({"volledigeNaam": "Leeg BV"})).functions == []


@pytest.mark.parametrize(
    ("code", "told", "jointly"),
    [("azb", "N", False), ("gb", "N", True), ("gb", "J", True), ("azb", "J", True), ("azb", None, None)],
)
def test_sole_or_joint_authority(code: str, told: str | None, jointly: bool | None):
    power = {"soort": coded(code)} | ({"isBevoegdMetAnderePersonen": coded(told)} if told else {})
    assert only(having(director(bevoegdheid=power))).jointly is jointly


@pytest.mark.parametrize(
    ("more", "code", "limited"),
    [
        ({}, "azb", False),
        ({"bevoegdheid": {"soort": coded("azb"), "beperkingInEuros": {"waarde": "1000"}}}, "azb", True),
        ({"bevoegdheid": {"soort": coded("azb"), "overigeBeperking": "niet voor betalingen"}}, "azb", True),
        ({"bevoegdheid": {"soort": coded("bb")}}, "bb", True),
        ({"bevoegdheid": None, "volmacht": {"typeVolmacht": coded("v")}}, "v", False),
        ({"bevoegdheid": None, "volmacht": {"typeVolmacht": coded("b")}}, "b", True),
        ({"bevoegdheid": None, "volmacht": {"typeVolmacht": coded("v"), "beperkteVolmacht": {"x": "y"}}}, "v", True),
        ({"bevoegdheid": None}, None, False),
    ],
)
def test_authority_and_its_limits(more: Document, code: str | None, limited: bool):
    function = only(having(director(**more)))
    assert (function.authority_code, function.limited) == (code, limited)


@pytest.mark.parametrize(
    ("more", "over"),
    [
        ({}, False),
        (ended(), True),
        (ended(TOMORROW), False),
        (ended("20130000"), True),
        (ended("00000000"), True),
        (ended("onbekend"), True),
        (ended("2013-06-18"), True),
        ({"registratie": ""}, False),
        ({"registratie": {"datumAanvang": TOMORROW}}, True),
        ({"bevoegdheid": {"soort": coded("azb")} | ended()}, True),
        ({"bevoegdheid": None, "volmacht": {"typeVolmacht": coded("v")} | ended()}, True),
        ({"functie": coded("02") | ended()}, True),
        ({"functietitel": {"titel": "Directeur"} | ended()}, False),
        ({"relatieRegistratie": {"datumEinde": YESTERDAY}}, True),
    ],
)
def test_authority_that_is_not_in_force(more: Document, over: bool):
    assert only(having(director(**more))).ended is over


def test_the_end_date_may_be_next_to_the_officer():
    assert only(having(director() | {"relatieRegistratie": {"datumEinde": YESTERDAY}})).ended


def test_the_current_authority_counts():
    powers = [{"soort": coded("azb")} | ended(), {"soort": coded("gb")}]
    function = only(having(director(bevoegdheid=powers)))
    assert (function.authority_code, function.ended) == ("gb", False)


@pytest.mark.parametrize(
    ("suspension", "suspended"),
    [
        (None, False),
        ({"registratie": {"datumAanvang": "20200101"}}, True),
        (ended(), False),
        (ended(TOMORROW), True),
        ({"datumEinde": YESTERDAY}, False),
        ({"datumEinde": "onbekend"}, True),
        ([ended(), {"registratie": {"datumAanvang": "20200101"}}], True),
        ("ja", True),
    ],
)
def test_suspensions(suspension: Any, suspended: bool):
    assert only(having(director(schorsing=suspension))).suspended is suspended


def test_titles():
    assert only(having(director())).title == "Directeur"
    assert only(having(director(functietitel=None))).title == "text of 02"


# --- persons ---
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, Person("Wouter Jan", None, "de", "Jong", date(1980, 4, 12))),
        ({"voorvoegselGeslachtsnaam": ""}, Person("Wouter Jan", None, None, "Jong", date(1980, 4, 12))),
        ({"voornamen": None, "voorletters": "W.J."}, Person(None, "W.J.", "de", "Jong", date(1980, 4, 12))),
        ({"geboortedatum": "19800400"}, Person("Wouter Jan", None, "de", "Jong", None)),
        ({"geboortedatum": None}, Person("Wouter Jan", None, "de", "Jong", None)),
        ({"overlijdensdatum": "20260101"}, Person("Wouter Jan", None, "de", "Jong", date(1980, 4, 12), deceased=True)),
    ],
)
def test_persons(more: Document, expected: Person):
    assert only(having(director(door={"natuurlijkPersoon": WOUTER | more}))).person == expected


STATES = ("bijzondereRechtstoestand", "beperkingInRechtshandeling", "buitenlandseRechtstoestand")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("since", "holds"), [({"registratie": {}}, True), (ended(), False), ([ended(), {}], True)])
def test_special_states_of_persons_and_companies(state: str, since: Any, holds: bool):
    person = only(having(director(door={"natuurlijkPersoon": WOUTER | {state: since}}))).person
    assert person is not None
    assert person.blocked is holds
    assert read(having(**{state: since})).blocked == (state if holds else None)


def test_an_ended_state_does_not_hide_a_current_one():
    person = WOUTER | {STATES[0]: ended(), STATES[1]: {"registratie": {"datumAanvang": "20200101"}}}
    found = only(having(director(door={"natuurlijkPersoon": person}))).person
    assert found is not None
    assert found.blocked


@pytest.mark.parametrize(
    ("legal", "expected"),
    [
        (
            {"rechtspersoon": {"kvkNummer": "12345678", "volledigeNaam": "Holding BV"}},
            LegalPerson("12345678", "Holding BV"),
        ),
        ({"rechtspersoon": {"naamgeving": {"naam": "Holding BV"}}}, LegalPerson(None, "Holding BV")),
        (
            {
                "rechtspersoon": {
                    "volledigeNaam": "H",
                    "isEigenaarVan": {"maatschappelijkeActiviteit": {"kvkNummer": "12345678"}},
                }
            },
            LegalPerson("12345678", "H"),
        ),
        ({"buitenlandseVennootschap": {"volledigeNaam": "Ltd"}}, LegalPerson(None, "Ltd")),
    ],
)
def test_a_company_as_director(legal: Document, expected: LegalPerson):
    function = only(having(director(door=legal)))
    assert (function.person, function.legal_person) == (None, expected)


def test_a_director_without_person():
    function = only(having(director(door=None)))
    assert (function.person, function.legal_person) == (None, None)


# --- companies ---
@pytest.mark.parametrize(
    "found",
    [
        document(registratie={"datumAanvang": "20060426", "datumEinde": YESTERDAY}),
        document({"registratie": {"datumEinde": YESTERDAY}}),
        document(heeftAlsEigenaar={"rechtspersoon": {}, "relatieRegistratie": {"datumEinde": "20130000"}}),
    ],
)
def test_an_ended_company(found: Document):
    assert read(found).ended


def test_a_continuing_company():
    assert not read(document(registratie={"datumAanvang": "20060426"})).ended
    assert not read(document(registratie={"datumEinde": TOMORROW})).ended


@pytest.mark.parametrize("part", [None, 7, "x", [], {}, [7], [[]]])
@pytest.mark.parametrize(
    "place", ["door", "bevoegdheid", "volmacht", "functie", "functietitel", "registratie", "geboortedatum"]
)
def test_invalid_parts_remove_only_themselves(place: str, part: Any):
    found = having(director() | {"bestuursfunctie": director()["bestuursfunctie"] | {place: part}})
    (function,) = read(found).functions
    assert (function.person is None) == (place == "door")
    assert function.authority_code == (None if place == "bevoegdheid" else "azb")


@pytest.mark.parametrize("part", [None, 7, "x", [], [7]])
def test_invalid_officers(part: Any):
    assert read(document({"heeft": part})).functions == []
