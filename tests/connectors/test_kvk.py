"""The business register: companies, officers and their authority; in doubt, no authority."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.register.extract import has_link, read_company, read_extract
from connectors.register.kvk import KvkRegister
from connectors.register.port import Company, Extract, LegalPerson, Officership, Person, RegisterDown, UnknownCompany
from core.clock import today_amsterdam
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, closed_port, saying

DEMO = "68750110"
EXTRACTS = f"/functionarissen/kvknummer/{DEMO}"
YESTERDAY, TOMORROW = (f"{today_amsterdam() + timedelta(days=days):%Y%m%d}" for days in (-1, 1))
WOUTER = {
    "voornamen": "Wouter Jan", "voorvoegselGeslachtsnaam": "de", "geslachtsnaam": "Jong",
    "volledigeNaam": "Wouter Jan de Jong", "geboortedatum": "19800412",
}  # fmt: skip
Document = dict[str, Any]


def register(url: str, timeout: float = 5) -> KvkRegister:
    return KvkRegister(f"{url}/kvk/api", "key", timeout, pauses=(0.01, 0.01))


# --- extracts made for these tests ---
def coded(code: str) -> Document:
    return {"code": code, "omschrijving": f"text of {code}"}


def director(code: str = "azb", **more: Any) -> Document:
    power = {"soort": coded(code), "isBevoegdMetAnderePersonen": coded("N")}
    function = {"functie": coded("02"), "functietitel": {"titel": "Directeur"}, "door": {"natuurlijkPersoon": WOUTER}}
    return {"bestuursfunctie": function | {"bevoegdheid": power} | more}


def document(owner: Document | None = None, kind: str = "rechtspersoon", **more: Any) -> Document:
    owner = {"persoonRechtsvorm": "Besloten Vennootschap", "heeft": [director()]} if owner is None else owner
    activity = {"kvkNummer": DEMO, "naam": "Demo BV", "heeftAlsEigenaar": {kind: owner}} | more
    return {"product": {"maatschappelijkeActiviteit": activity}}


def having(*items: Document, **more: Any) -> Document:
    return document({"heeft": list(items)} | more)


def read(found: Document) -> Extract:
    return read_extract(found, DEMO)


def only(found: Document) -> Officership:
    (function,) = read(found).functions
    return function


def ended(on: str = YESTERDAY) -> Document:
    return {"registratie": {"datumAanvang": "20100101", "datumEinde": on}}


# --- against the sandbox ---
def test_a_company_by_its_number(sandbox: Sandbox):
    assert register(sandbox.url).company(DEMO) == Company(DEMO, "Demo BV", "BeslotenVennootschap", active=True)


def test_officers_and_their_authority(sandbox: Sandbox):
    found = register(sandbox.url).extract(DEMO)
    assert (found.kvk_number, found.name, found.ended, found.blocked) == (DEMO, "Demo BV", False, None)
    (function,) = found.functions
    assert (function.kind, function.authority_code, function.ended) == ("director", "azb", False)
    assert function.person is not None
    assert (function.person.last_name, function.person.prefix) == ("Jong", "de")
    assert function.person.birth_date == date(1980, 4, 12)


def test_a_replaced_extract_is_returned(sandbox: Sandbox):
    sandbox.control("PUT", f"register/{DEMO}", having(director("gb"), director("nb")))
    found = register(sandbox.url).extract(DEMO)
    assert [(f.authority_code, f.jointly) for f in found.functions] == [("gb", True), ("nb", False)]


def test_the_requested_number_counts(sandbox: Sandbox):
    """The register's sample documents contain another number."""
    sandbox.control("PUT", "register/90000001", document())
    assert register(sandbox.url).extract("90000001").kvk_number == "90000001"


def test_without_birth_dates_there_are_none(sandbox: Sandbox):
    sandbox.fault(kvk_no_birth_dates=True)
    person = register(sandbox.url).extract(DEMO).functions[0].person
    assert person is not None
    assert person.birth_date is None


@pytest.mark.parametrize(
    "number", ["00000000", "1234567", "123456789", "", "6875011x", "../v2/zoeken", "６８７５０１１０"]
)
@pytest.mark.parametrize("ask", [KvkRegister.company, KvkRegister.extract])
def test_an_unknown_number(sandbox: Sandbox, ask: Callable[[KvkRegister, str], Any], number: str):
    with pytest.raises(UnknownCompany):
        ask(register(sandbox.url), number)


# --- failures ---
@pytest.mark.parametrize("ask", [KvkRegister.company, KvkRegister.extract])
@pytest.mark.parametrize("fault", ["kvk_down", "kvk_temporary"])
def test_a_register_that_is_down(sandbox: Sandbox, ask: Callable[[KvkRegister, str], Any], fault: str):
    sandbox.fault(**{fault: True})
    with pytest.raises(RegisterDown):
        ask(register(sandbox.url), DEMO)


def test_a_temporary_error_is_retried(between: Meddler):
    between.changes[EXTRACTS] = twice_wrong(b'{"fout": [{"code": "IPD1003"}]}')
    assert register(between.url).extract(DEMO).name == "Demo BV"
    assert between.count(EXTRACTS) == 3


def test_retries_are_limited(sandbox: Sandbox, between: Meddler):
    sandbox.fault(kvk_temporary=True)
    with pytest.raises(RegisterDown):
        register(between.url).extract(DEMO)
    assert between.count(EXTRACTS) == 3


def twice_wrong(wrong: bytes) -> Callable[[bytes], bytes]:
    answers = iter((wrong, wrong))
    return lambda right: next(answers, right)


def test_a_permanent_error_is_not_retried(between: Meddler):
    between.changes[EXTRACTS] = lambda _: b"<html>"
    with pytest.raises(RegisterDown):
        register(between.url).extract(DEMO)
    assert between.count(EXTRACTS) == 1


def test_a_slow_register_times_out(sandbox: Sandbox):
    sandbox.fault(kvk_slow=True)
    try:
        with pytest.raises(RegisterDown):
            register(sandbox.url, timeout=0.3).extract(DEMO)
    finally:
        sandbox.fault(kvk_slow=False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"rubbish",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        None,
    ],
)
def test_an_unusable_answer_is_refused(answer: bytes | None):
    with saying(answer) as port, pytest.raises(RegisterDown):
        KvkRegister(f"http://127.0.0.1:{port}", "key", timeout=0.3, pauses=()).extract(DEMO)


def test_an_unreachable_register():
    with pytest.raises(RegisterDown):
        KvkRegister(f"http://127.0.0.1:{closed_port()}", "key").extract(DEMO)


@pytest.mark.parametrize(
    "body",
    [
        "[]", "null", "7", "{}", "[" * 100_000, '{"product": []}', '{"product": {"maatschappelijkeActiviteit": {}}}',
        '{"product": {"maatschappelijkeActiviteit": {"naam": "X", "heeftAlsEigenaar": {"anders": {}}}}}',
        '{"fout": [{"code": "IPD0001"}]}', '{"meldingen": {"fout": {"code": "IPD9999"}}}',
    ],
    ids=range(10),
)  # fmt: skip
def test_a_malformed_answer_raises_register_down(between: Meddler, body: str):
    between.changes[EXTRACTS] = lambda _: body.encode()
    with pytest.raises(RegisterDown):
        register(between.url).extract(DEMO)


@pytest.mark.parametrize("body", ['{"fout": [{"code": "IPD5200"}]}', '{"meldingen": {"fout": {"code": "IPD0005"}}}'])
def test_every_code_for_an_unknown_company(between: Meddler, body: str):
    between.changes[EXTRACTS] = lambda _: body.encode()
    with pytest.raises(UnknownCompany):
        register(between.url).extract(DEMO)


def test_a_temporary_error_outranks_unknown(between: Meddler):
    between.changes[EXTRACTS] = lambda _: b'{"fout": [{"code": "IPD0005"}, {"code": "IPD1002"}]}'
    with pytest.raises(RegisterDown):
        register(between.url).extract(DEMO)


def test_the_api_key_is_in_no_error(between: Meddler):
    between.changes[EXTRACTS] = lambda _: b"[]"
    asked = KvkRegister(f"{between.url}/kvk/api", "very-secret-key")
    with pytest.raises(RegisterDown) as caught:
        asked.extract(DEMO)
    assert between.seen[0][1]["apikey"] == "very-secret-key"
    assert "very-secret-key" not in repr(caught.value) + repr(caught.value.__cause__) + repr(asked)


# --- the base profile ---
PROFILE = f"/basisprofielen/{DEMO}"
SELF = {"href": "https://elsewhere.example/x"}


def profile(between: Meddler, change: Callable[[Document], Document]) -> None:
    between.changes[PROFILE] = lambda body: json.dumps(change(json.loads(body))).encode()


@pytest.mark.parametrize(
    "links", [{"_links": {"eigenaar": SELF}}, {"links": [{"rel": "self"} | SELF, {"rel": "eigenaar"} | SELF]}]
)
def test_a_separate_owner_is_read_at_our_base_url(between: Meddler, links: Document):
    profile(between, lambda found: {"kvkNummer": DEMO, "naam": "Demo BV"} | links)
    between.changes[f"{PROFILE}/eigenaar"] = lambda _: b'{"rechtsvorm": "Eenmanszaak"}'
    between.statuses[f"{PROFILE}/eigenaar"] = 200
    assert register(between.url).company(DEMO) == Company(DEMO, "Demo BV", "Eenmanszaak", active=True)


def test_without_an_owner_there_is_no_legal_form(between: Meddler):
    profile(between, lambda found: {"kvkNummer": DEMO, "naam": "Demo BV", "_links": {"self": SELF}})
    assert register(between.url).company(DEMO).legal_form is None


@pytest.mark.parametrize(("end", "active"), [(None, True), (YESTERDAY, False), (TOMORROW, True), ("20130000", False)])
def test_a_company_that_has_ended(between: Meddler, end: str | None, active: bool):
    profile(between, lambda found: found | {"materieleRegistratie": {"datumAanvang": "20100101", "datumEinde": end}})
    assert register(between.url).company(DEMO).active == active


@pytest.mark.parametrize("change", [{"kvkNummer": "00000001"}, {"naam": ""}, {"naam": None}, {"naam": {"x": 1}}])
def test_a_profile_of_another_company_is_refused(between: Meddler, change: Document):
    profile(between, lambda found: found | {"statutaireNaam": None} | change)
    with pytest.raises(RegisterDown):
        register(between.url).company(DEMO)


def test_an_invalid_profile_is_refused():
    with pytest.raises(ValueError, match="base profile"):
        read_company({}, None, DEMO)


@pytest.mark.parametrize(
    "found", [{}, {"_links": {"self": {}}}, {"links": []}, {"links": {"rel": "other"}}, {"links": 7}]
)
def test_a_missing_owner_link(found: Document):
    assert not has_link(found, "eigenaar")


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


# --- search ---
def test_search_by_name(sandbox: Sandbox):
    assert register(sandbox.url).search("demo") == [Company(DEMO, "Demo BV", None, active=True)]
    assert [found.kvk_number for found in register(sandbox.url).search(DEMO)] == [DEMO]
    assert register(sandbox.url).search("bestaat vast niet") == []


def test_branches_are_one_company(between: Meddler):
    item = {"kvkNummer": DEMO, "naam": "Demo BV"}
    rest = [item | {"type": "nevenvestiging"}, {"kvkNummer": "1"}, {"naam": "x"}, "x"]
    between.changes["/zoeken"] = lambda _: json.dumps({"resultaten": [item, *rest]}).encode()
    assert [found.kvk_number for found in register(between.url).search("demo")] == [DEMO]


@pytest.mark.parametrize("body", ["{}", "[]", '{"resultaten": 7}', "no"])
def test_an_invalid_search_result(between: Meddler, body: str):
    between.changes["/zoeken"] = lambda _: body.encode()
    with pytest.raises(RegisterDown):
        register(between.url).search("demo")
