"""The API of the business register: companies and extracts by number, failures, the base profile, search."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from connectors.register.extract import has_link, read_company
from connectors.register.kvk import KvkRegister
from connectors.register.port import Company, RegisterDown, UnknownCompany
from tests.support.extracts import DEMO, TOMORROW, YESTERDAY, Document, director, document, having
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, closed_port, saying

EXTRACTS = f"/functionarissen/kvknummer/{DEMO}"


def register(url: str, timeout: float = 5) -> KvkRegister:
    return KvkRegister(f"{url}/kvk/api", "key", timeout, pauses=(0.01, 0.01))


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
