"""How the adapter interprets single answers, from a bank that sends whatever the test wants.

Includes answers that no correct bank gives, and every link of the standard.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.berlin_group import BerlinGroupBank, DuplicateOrder
from connectors.bank.port import (
    CONSENT_STATUSES,
    SCA_STATUSES,
    TRANSACTION_STATUSES,
    Account,
    BankConfig,
    BankRefused,
    OutcomeUnknown,
    Psu,
    Signing,
)
from connectors.bank.transport import TimedOut
from core.clock import amsterdam_midnight
from tests.support import contract
from tests.support.exchanges import Watch
from tests.support.raw_socket_bank import RawBank, Script, drips, hangs_up, is_silent, raw_bank, says, says_raw

BACK, NOK = "https://app.example/terug", "https://app.example/terug?geweigerd=1"
PSU = Psu("192.0.2.10", "Mozilla/5.0")
ID = "99391c7e-ad88-49ec-a2ad-99ddcb1f7721"
OTHER_ID = "11111111-2222-4333-8444-555555555555"
BODY = b"<Document/>"
ORDER = {"transactionStatus": "RCVD", "paymentId": "1234-wertiq-983", "_links": {"self": {"href": "/v1/x"}}}
SCA = {"scaStatus": "received", "authorisationId": "123auth456", "_links": {"scaStatus": {"href": "/v1/x"}}}


def line_of(bank: RawBank, signing: Signing = "redirect") -> BankConfig:
    host = bank.url.partition("//")[2]
    return BankConfig("zand", "Zandbank", f"{bank.url}/psd2", signing=signing, redirect_hosts=(host,))


def adapter(observe: Callable[..., None] | None = None) -> BerlinGroupBank:
    return BerlinGroupBank(None, connect_timeout=2, read_timeout=2, order_timeout=0.4, observe=observe)


def proper(status: int, body: Any, **headers: str) -> Script:
    """Answer with the request's own X-Request-ID, as the standard requires."""
    return lambda connection, request: says(status, body, X_Request_ID=request.headers["x-request-id"], **headers)(
        connection, request
    )


def place(bank: RawBank, signing: Signing = "redirect", psu: Psu = PSU, observe: Any = None) -> Any:
    return adapter(observe).place_order(line_of(bank, signing), BODY, ID, psu, BACK, NOK)


def error(code: str = "FORMAT_ERROR", text: str = "x", **more: Any) -> dict[str, Any]:
    return {"tppMessages": [{"category": "ERROR", "code": code, "text": text} | more]}


# --- an order: refused or outcome unknown ---
REFUSED = [
    (says(400, error()), (400, "FORMAT_ERROR", "x")),
    (says(400, error(path="ReqdExctnDt")), (400, "FORMAT_ERROR", "x (ReqdExctnDt)")),
    (says(401, error("CERTIFICATE_EXPIRED")), (401, "CERTIFICATE_EXPIRED", "x")),
    (says(403, error("SERVICE_BLOCKED")), (403, "SERVICE_BLOCKED", "x")),
    (says(404, error("PRODUCT_UNKNOWN")), (404, "PRODUCT_UNKNOWN", "x")),
    (says(400, {"tppMessages": [{"category": "ERROR", "code": "PAYMENT_FAILED"}]}), (400, "PAYMENT_FAILED", "")),
    (says(400, {"tppMessages": [{"category": "WARNING", "code": "WARNING"}, error("SCA_INVALID")["tppMessages"][0]]}),
     (400, "SCA_INVALID", "x")),
    (says(400, error(text="y" * 900)), (400, "FORMAT_ERROR", "y" * 500)),
    (says(400, {"type": "https://b.example/1", "code": "FORMAT_ERROR", "detail": "d", "title": "t"},
          "application/problem+json"), (400, "FORMAT_ERROR", "d")),
    (says(403, {"type": "about:blank", "code": "SERVICE_BLOCKED", "title": "t"}, "application/problem+json"),
     (403, "SERVICE_BLOCKED", "t")),
    (says(415, None, X_Request_ID=ID), (415, "UNKNOWN", "")),
    (says(429, None, X_Request_ID=ID.upper()), (429, "UNKNOWN", "")),
    (says(413, b"<html>", "text/html", X_Request_ID=ID), (413, "UNKNOWN", "")),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), REFUSED, ids=range(len(REFUSED)))
def test_a_refusal_by_the_bank(script: Script, expected: tuple[int, str, str]):
    with raw_bank(script) as bank, pytest.raises(BankRefused) as refused:
        place(bank)
    said = refused.value
    assert (said.http_status, said.code, said.text) == expected
    assert str(said) == f"{expected[0]} {expected[1]}"  # the bank's text may contain names


def but(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (ORDER | changes).items() if value is not None}


UNKNOWN = [
    # a failure of the bank or of a gateway
    ("500", says(500)),
    ("503 with a reason", says(503, error("SERVICE_BLOCKED"))),
    ("502 page", says(502, b"<html>", "text/html")),
    ("408", says(408, error())),
    ("307", says(307, None, Location="/psd2/v1/y")),
    ("101", says(101)),
    # a refusal, but not by the bank
    ("400 page", says(400, b"<html>", "text/html")),
    ("403 of a gateway", says(403, {"message": "Forbidden"})),
    ("404 without a word", says(404)),
    ("413 without our id", says(413)),
    ("400 without a word", says(400, None, X_Request_ID=ID)),
    ("a warning alone", says(400, {"tppMessages": [{"category": "WARNING", "code": "WARNING"}]})),
    ("messages that are none", says(400, {"tppMessages": "FORMAT_ERROR"})),
    ("a code that is none", says(400, error("no such code, sorry"))),
    ("a code that is a number", says(400, {"tppMessages": [{"category": "ERROR", "code": 7}]})),
    # an answer to another request
    ("201 to another request", says(201, ORDER, X_Request_ID=OTHER_ID)),
    ("400 to another request", says(400, error(), X_Request_ID=OTHER_ID)),
    # a success that cannot be parsed
    ("200 page", says(200, b"<html>", "text/html")),
    ("201 nothing", says(201)),
    ("201 half", says(201, b'{"paymentId": "1", "transactionSta')),
    ("201 list", says(201, [ORDER])),
    ("201 no utf-8", says(201, b'{"paymentId": "\xff"}')),
    ("201 deep", says(201, b"[" * 200_000)),
    ("201 head cut", says_raw(b"HTTP/1.1 201 Created\r\nContent-Le")),
    ("no paymentId", says(201, but(paymentId=None))),
    ("empty paymentId", says(201, but(paymentId=""))),
    ("paymentId a number", says(201, but(paymentId=7))),
    ("paymentId with a line end", says(201, but(paymentId="1\r\nX: y"))),
    ("paymentId too long", says(201, but(paymentId="x" * 256))),
    ("no status", says(201, but(transactionStatus=None))),
    ("status unknown", says(201, but(transactionStatus="OKAY"))),
    ("status small", says(201, but(transactionStatus="rcvd"))),
    ("status a list", says(201, but(transactionStatus=["RCVD"]))),
    ("links a list", says(201, but(_links=["x"]))),
    ("a strange page", says(201, but(_links={"scaRedirect": {"href": "https://evil.example/"}}))),
    ("a strange api", says(201, but(_links={"startAuthorisation": {"href": "https://evil.example/v1/x"}}))),
    # too slow
    ("silent", is_silent),
    ("hangs up", hangs_up),
    ("drips", drips(b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n" + b" " * 999)),
]


@pytest.mark.parametrize("script", [script for _, script in UNKNOWN], ids=[name for name, _ in UNKNOWN])
def test_the_outcome_is_unknown(script: Script):
    with raw_bank(script) as bank, pytest.raises(OutcomeUnknown):
        place(bank)
    assert bank.connections == 1  # an order is sent once
    assert bank.requests[0].body == BODY


def test_an_order_has_a_longer_timeout():
    def thinks(connection: Any, request: Any) -> None:
        time.sleep(0.4)
        says(201, ORDER)(connection, request)

    patient = BerlinGroupBank(None, read_timeout=0.1, order_timeout=10)
    with raw_bank(thinks) as bank:
        assert patient.place_order(line_of(bank), BODY, ID, PSU, BACK, NOK).payment_id == "1234-wertiq-983"


DOUBLES = [
    (409, error("STATUS_INVALID")),
    (400, error("DUPL")),
    (400, error("FORMAT_ERROR", "DUPL")),
    (400, error("FORMAT_ERROR", "Duplicate message identification")),
    (400, error("RESOURCE_BLOCKED", "this MsgId already exists")),
    (400, error("PARAMETER_NOT_CONSISTENT", "used before", path="X-Request-ID")),
    (400, {"type": "about:blank", "code": "FORMAT_ERROR", "title": "DUPL"}),
]


@pytest.mark.parametrize(("status", "body"), DOUBLES, ids=range(len(DOUBLES)))
def test_a_refusal_that_mentions_a_duplicate_is_not_a_refusal(status: int, body: dict[str, Any]):
    with raw_bank(says(status, body)) as bank, pytest.raises(DuplicateOrder):
        place(bank)


@given(st.integers(200, 599), st.binary(max_size=60))
def test_an_order_without_id_is_never_placed(status: int, body: bytes):
    with raw_bank(says(status, body)) as bank, pytest.raises((OutcomeUnknown, BankRefused)):
        place(bank)


@pytest.mark.parametrize("status", sorted(TRANSACTION_STATUSES))
def test_every_status_of_the_standard_is_known(status: str):
    with raw_bank(proper(201, but(transactionStatus=status))) as bank:
        assert place(bank, observe=Watch()).transaction_status == status


def test_the_code_lists_match_the_openapi():
    schemas = contract.published()["components"]["schemas"]
    assert set(schemas["transactionStatus"]["enum"]) == TRANSACTION_STATUSES
    assert set(schemas["scaStatus"]["enum"]) == SCA_STATUSES
    assert set(schemas["consentStatus"]["enum"]) == CONSENT_STATUSES


def test_the_psu_message_is_kept():
    said = ORDER | {"psuMessage": "Open uw app", "extra": {"a": 1}}
    with raw_bank(says(201, said, ASPSP_SCA_Approach="DECOUPLED", X_Request_ID=ID.upper())) as bank:
        placed = place(bank, "decoupled")
    assert placed.psu_message == "Open uw app"
    assert json.loads(placed.raw) == said


def test_an_unknown_sca_approach_is_ignored():
    with raw_bank(says(201, ORDER, ASPSP_SCA_Approach="FAX")) as bank:
        assert place(bank).transaction_status == ORDER["transactionStatus"]


# --- order requests ---
def sent(signing: Signing = "redirect", psu: Psu = PSU) -> dict[str, str]:
    with raw_bank(proper(201, ORDER)) as bank:
        place(bank, signing, psu, Watch())
    return bank.requests[0].headers


def test_the_order_is_posted_as_xml():
    with raw_bank(says(201, ORDER)) as bank:
        place(bank)
    asked = bank.requests[0]
    assert (asked.method, asked.target) == ("POST", "/psd2/v1/bulk-payments/pain.001-sepa-credit-transfers")
    assert (asked.body, asked.headers["content-type"]) == (BODY, "application/xml")


def test_the_order_has_psu_and_redirect_headers():
    headers = sent()
    assert {name: headers[name] for name in headers if name.startswith(("x-", "psu-", "tpp-"))} == {
        "x-request-id": ID,
        "psu-ip-address": "192.0.2.10",
        "psu-user-agent": "Mozilla/5.0",
        "tpp-redirect-uri": BACK,
        "tpp-nok-redirect-uri": NOK,
        "tpp-redirect-preferred": "true",
        "tpp-decoupled-preferred": "false",
        "tpp-explicit-authorisation-preferred": "true",
    }
    assert headers["date"].endswith(" GMT")


PREFERRED = [("redirect", "true", "false"), ("decoupled", "false", "true"), ("embedded", "false", "false")]


@pytest.mark.parametrize(("signing", "redirect", "decoupled"), PREFERRED)
def test_it_prefers_the_configured_sca_approach(signing: Signing, redirect: str, decoupled: str):
    headers = sent(signing)
    assert (headers["tpp-redirect-preferred"], headers["tpp-decoupled-preferred"]) == (redirect, decoupled)


def test_delegated_sca_sends_no_preference():
    headers = sent("delegated")
    assert not {"tpp-redirect-preferred", "tpp-decoupled-preferred"} & set(headers)
    assert headers["tpp-explicit-authorisation-preferred"] == "true"


AGENTS = [
    ("Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"),
    ("a\r\nX-Evil: 1", "aX-Evil: 1"),
    ("één\x00\x7f🙂", "n"),
    ("x" * 999, "x" * 255),
    ("\r\n", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("agent", "expected"), AGENTS, ids=range(len(AGENTS)))
def test_a_user_agent_cannot_inject_a_header(agent: str | None, expected: str | None):
    headers = sent(psu=Psu("192.0.2.10", agent))
    assert headers.get("psu-user-agent") == expected
    assert "x-evil" not in headers


def test_an_ipv4_mapped_address_is_sent_as_ipv4():
    assert sent(psu=Psu("::ffff:192.0.2.7"))["psu-ip-address"] == "192.0.2.7"


def test_an_ipv6_only_psu_gets_our_address():
    """Berlin Group: "if not available, the TPP shall use the IP Address used by the TPP"."""
    assert IPv4Address(sent(psu=Psu("2001:db8::7"))["psu-ip-address"])


def test_the_psu_id_is_sent_if_known():
    assert sent(psu=replace(PSU, bank_user_id="wouter"))["psu-id"] == "wouter"
    assert "psu-id" not in sent()


# --- SCA links ---
# The link, the HTTP method, and the data it requires.
PASSWORD = {"psuData": {"password": "geheim"}}
METHOD, CODE = {"authenticationMethodId": "901"}, {"scaAuthenticationData": "123456"}
START_LINKS = [
    ("startAuthorisation", {}),
    ("startAuthorisationWithPsuIdentification", {}),
    ("startAuthorisationWithPsuAuthentication", PASSWORD),
    ("startAuthorisationWithEncryptedPsuAuthentication", {"psuData": {"encryptedPassword": "x"}}),
    ("startAuthorisationWithAuthenticationMethodSelection", METHOD),
    ("startAuthorisationWithTransactionAuthorisation", CODE),
]
UPDATE_LINKS = [
    ("updatePsuIdentification", {}),
    ("updatePsuAuthentication", PASSWORD),
    ("updateEncryptedPsuAuthentication", {"psuData": {"encryptedPassword": "x"}}),
    ("updateAdditionalPsuAuthentication", {"psuData": {"additionalPassword": "x"}}),
    ("updateAdditionalEncryptedPsuAuthentication", {"psuData": {"additionalEncryptedPassword": "x"}}),
    ("selectAuthenticationMethod", METHOD),
    ("authoriseTransaction", CODE),
    ("confirmation", {"confirmationCode": "abc"}),
]
PAYMENT = "/psd2/v1/bulk-payments/pain.001-sepa-credit-transfers/1234-wertiq-983/authorisations"
FORMS = [PAYMENT, PAYMENT.removeprefix("/psd2"), PAYMENT.removeprefix("/psd2/"), "full"]


def href(bank_url: str, form: str, more: str = "") -> str:
    return f"{bank_url}{PAYMENT}{more}" if form == "full" else f"{form}{more}"


def linked(found: dict[str, Any], name: str, form: str, more: str = "") -> Script:
    """Return an answer with this link, made when the bank runs, because its URL is not known earlier."""

    def script(connection: Any, request: Any) -> None:
        url = f"http://{request.headers['host']}"
        proper(201, found | {"_links": {name: {"href": href(url, form, more)}}})(connection, request)

    return script


@pytest.mark.parametrize("form", FORMS, ids=["from the host", "from the version", "no slash", "full"])
@pytest.mark.parametrize(("name", "data"), START_LINKS, ids=[name for name, _ in START_LINKS])
def test_a_start_link_is_called_with_post(name: str, data: dict[str, Any], form: str):
    with raw_bank(linked(ORDER, name, form), proper(201, SCA)) as bank:
        watch, psu = Watch(), replace(PSU, bank_user_id="wouter")
        placed = place(bank, observe=watch)
        begun = adapter(watch).start_authorisation(
            line_of(bank), placed.payment_id, placed.links[name], psu, BACK, NOK, ID, data
        )
    asked = bank.requests[1]
    assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", PAYMENT, data)
    assert (asked.headers["content-type"], asked.headers["psu-id"]) == ("application/json", "wouter")
    assert (asked.headers["tpp-redirect-uri"], asked.headers["tpp-nok-redirect-uri"]) == (BACK, NOK)
    assert (begun.id, begun.sca_status) == ("123auth456", "received")


@pytest.mark.parametrize("form", FORMS, ids=["from the host", "from the version", "no slash", "full"])
@pytest.mark.parametrize(("name", "data"), UPDATE_LINKS, ids=[name for name, _ in UPDATE_LINKS])
def test_an_update_link_is_called_with_put(name: str, data: dict[str, Any], form: str):
    with raw_bank(linked(SCA, name, form, "/123auth456"), proper(200, {"scaStatus": "finalised"})) as bank:
        watch = Watch()
        url = f"{bank.url}{PAYMENT}"
        begun = adapter(watch).start_authorisation(line_of(bank), "1", url, PSU, BACK, NOK, ID)
        done = adapter(watch).continue_authorisation(line_of(bank), begun.links[name], data, PSU, ID)
    asked = bank.requests[1]
    assert (asked.method, asked.target, json.loads(asked.body)) == ("PUT", f"{PAYMENT}/123auth456", data)
    assert (done.sca_status, done.id) == ("finalised", None)


@pytest.mark.parametrize("name", ["scaRedirect", "scaOAuth"])
@pytest.mark.parametrize("found", [ORDER, SCA], ids=["order", "authorisation"])
def test_a_redirect_link_is_kept_and_not_called(found: dict[str, Any], name: str):
    with raw_bank(linked(found, name, "full", "/1?x=y")) as bank:
        here = f"{bank.url}{PAYMENT}/1?x=y"
        if found is ORDER:
            links = place(bank).links
        else:
            begun = adapter().start_authorisation(line_of(bank), "1", f"{bank.url}/psd2/v1/x", PSU, BACK, NOK, ID)
            links = begun.links
            assert begun.redirect_url == (here if name == "scaRedirect" else None)
    assert links == {name: here}
    assert bank.connections == 1


@pytest.mark.parametrize("name", ["self", "status", "scaStatus", "creditorNameConfirmation"])
def test_a_status_link_is_kept(name: str):
    with raw_bank(linked(ORDER, name, PAYMENT)) as bank:
        assert place(bank).links == {name: f"{bank.url}{PAYMENT}"}


STRANGE = ["https://evil.example/v1/x", "//evil.example/v1/x", "http://127.0.0.1:1/psd2/v1/x", "file:///etc/passwd"]


@pytest.mark.parametrize("link", STRANGE)
def test_a_stored_link_to_another_host_is_not_called(link: str):
    with raw_bank(says(201, SCA)) as bank:
        with pytest.raises(OutcomeUnknown):
            adapter().start_authorisation(line_of(bank), "1", link, PSU, BACK, NOK, ID)
        with pytest.raises(OutcomeUnknown):
            adapter().continue_authorisation(line_of(bank), link, CODE, PSU, ID)
    assert bank.connections == 0


# --- authorisations ---
def started(said: dict[str, Any]) -> Any:
    with raw_bank(says(201, said)) as bank:
        return adapter().start_authorisation(line_of(bank), "1", "/v1/x", PSU, BACK, NOK, ID)


def test_only_standard_fields_of_methods_and_challenge_are_kept():
    method = {"authenticationMethodId": "1", "authenticationType": "CHIP_OTP", "name": "Lezer", "explanation": "e"}
    challenge = {
        "image": "iVBO", "data": ["12345678", 9], "imageLink": "https://x.example/1", "otpMaxLength": 6,
        "otpFormat": "integer", "additionalInformation": "Toon dit",
    }  # fmt: skip
    begun = started(
        SCA | {"scaMethods": [method | {"x": {"y": 1}, "name": 7}], "chosenScaMethod": method,
               "challengeData": challenge | {"script": "<script>", "otpMaxLength": "6"}, "psuMessage": "m" * 600}
    )  # fmt: skip
    assert begun.methods == ({name: method[name] for name in method if name != "name"},)
    assert begun.chosen_method == method
    assert begun.challenge == {
        name: value for name, value in challenge.items() if name != "otpMaxLength"
    } | {"data": ["12345678", "9"]}  # fmt: skip
    assert begun.psu_message == "m" * 500


STRANGE_SCA = [
    SCA | {"scaStatus": "done"},
    {"authorisationId": "1"},
    SCA | {"authorisationId": 5},
    SCA | {"scaMethods": "x"},
    SCA | {"scaMethods": ["x"]},
]


@pytest.mark.parametrize("said", STRANGE_SCA, ids=range(len(STRANGE_SCA)))
def test_an_invalid_authorisation_is_refused(said: dict[str, Any]):
    with pytest.raises(OutcomeUnknown):
        started(said)


@pytest.mark.parametrize("status", sorted(SCA_STATUSES))
def test_every_sca_status_is_known(status: str):
    with raw_bank(proper(200, {"scaStatus": status})) as bank:
        assert adapter(Watch()).authorisation(line_of(bank), "a/b?c", "d e", ID) == status
    assert bank.requests[0].target.endswith("/a%2Fb%3Fc/authorisations/d%20e")


def test_an_unknown_sca_status_is_refused():
    with raw_bank(says(200, {"scaStatus": "fine"})) as bank, pytest.raises(OutcomeUnknown):
        adapter().authorisation(line_of(bank), "1", "2", ID)


# --- order status ---
def told(said: Any, media: str = "application/json") -> Any:
    with raw_bank(says(200, said, media)) as bank:
        return adapter().order_status(line_of(bank), "1", ID)


REASONS = [
    ({"transactionStatus": "RJCT"}, None),
    ({"transactionStatus": "RJCT", "psuMessage": "AM04: onvoldoende saldo"}, "bank:AM04"),
    ({"transactionStatus": "RJCT", "psuMessage": "Onvoldoende saldo"}, None),
    ({"transactionStatus": "RJCT", "psuMessage": "NARR"}, "bank:NARR"),
    ({"transactionStatus": "RJCT", "tppMessage": [{"category": "ERROR", "code": "ERROR", "text": "AC06: blocked"}]},
     "bank:AC06"),
    ({"transactionStatus": "ACSP", "tppMessages": [{"category": "WARNING", "code": "FUNDS_NOT_AVAILABLE"}]},
     "bank:FUNDS_NOT_AVAILABLE"),
    ({"transactionStatus": "RJCT", "tppMessages": [{"code": "Jong, Wouter de"}]}, None),
    ({"transactionStatus": "RJCT", "tppMessages": [{"text": "NL42 INGB 2268 3524 12"}]}, None),
    ({"transactionStatus": "RJCT", "tppMessages": "x"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "reason"), REASONS, ids=range(len(REASONS)))
def test_the_reason_is_a_code(said: dict[str, Any], reason: str | None):
    assert told(said).reason == reason


@pytest.mark.parametrize("funds", [True, False, None, "yes"])
def test_what_the_bank_says_of_the_funds_does_not_touch_the_status(funds: Any):
    assert told({"transactionStatus": "ACTC", "fundsAvailable": funds}).transaction_status == "ACTC"


@pytest.mark.parametrize("said", [{}, {"transactionStatus": "XXXX"}, {"transactionStatus": None}, []], ids=str)
def test_an_unknown_order_status_is_refused(said: Any):
    with pytest.raises(OutcomeUnknown):
        told(said)


def report(status: str) -> bytes:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>'
        f"<OrgnlMsgId>1</OrgnlMsgId><GrpSts>{status}</GrpSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn></StsRsnInf>"
        "</OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def test_the_status_may_come_as_a_pain_002():
    read = told(report("RJCT"), "application/xml; charset=utf-8")
    assert (read.transaction_status, read.reason) == ("RJCT", "bank:AM04")
    assert told(report("RVMC"), "application/xml").transaction_status == "RVCM"


@pytest.mark.parametrize("raw", [b"", b"<html/>", report("XXXX"), report("RJCT")[:-9]], ids=range(4))
def test_an_invalid_pain_002_is_refused(raw: bytes):
    with pytest.raises(OutcomeUnknown):
        told(raw, "application/xml")


# --- consents, accounts, balances ---
def consent_of(said: Any) -> Any:
    with raw_bank(says(200, said)) as bank:
        return adapter().consent(line_of(bank), "a/b", ID)


def test_the_consent_end_date_comes_from_the_bank():
    found = consent_of({"consentStatus": "valid", "validUntil": "2027-05-22"})
    assert (found.status, found.valid_until) == ("valid", date(2027, 5, 22))
    assert consent_of({"consentStatus": "expired"}).valid_until is None


@pytest.mark.parametrize(
    "said", [{}, {"consentStatus": "fine"}, {"consentStatus": "valid", "validUntil": "morgen"}], ids=str
)
def test_an_invalid_consent_is_refused(said: Any):
    with pytest.raises(OutcomeUnknown):
        consent_of(said)


CONSENT = {"consentStatus": "received", "consentId": "1234-wertiq-983"}


def test_a_consent_may_need_a_separate_authorisation():
    start = CONSENT | {"_links": {"startAuthorisation": {"href": "/v1/consents/1234-wertiq-983/authorisations"}}}

    def page(connection: Any, request: Any) -> None:
        found = SCA | {"_links": {"scaRedirect": {"href": f"http://{request.headers['host']}/toestaan/1"}}}
        proper(201, found)(connection, request)

    with raw_bank(proper(201, start), page) as bank:
        begun = adapter(Watch()).start_consent(line_of(bank, "decoupled"), PSU, BACK, NOK, ID)
        assert (begun.consent_id, begun.redirect_url) == ("1234-wertiq-983", f"{bank.url}/toestaan/1")
    first, second = bank.requests
    assert first.headers["x-request-id"] == ID != second.headers["x-request-id"]
    assert first.headers["tpp-redirect-preferred"] == "true"  # a consent always uses a page
    assert json.loads(first.body)["validUntil"] == "9999-12-31"
    assert second.target == "/psd2/v1/consents/1234-wertiq-983/authorisations"


@pytest.mark.parametrize("links", [{}, {"self": {"href": "/v1/x"}}], ids=str)
def test_a_consent_without_redirect_is_refused(links: Any):
    with (
        raw_bank(says(201, CONSENT | {"_links": links})) as bank,
        pytest.raises(OutcomeUnknown, match="without a redirect"),
    ):
        adapter().start_consent(line_of(bank), PSU, BACK, NOK, ID)


ACCOUNT = {"resourceId": "3dc3d5b3", "iban": "NL95INGB0004921836", "currency": "EUR"}


def accounts_of(*rows: Any) -> list[Account]:
    with raw_bank(says(200, {"accounts": list(rows)})) as bank:
        return adapter().accounts(line_of(bank), "1", PSU, ID)


def test_accounts_are_read():
    rows = [
        ACCOUNT | {"name": "Zakelijk", "ownerName": "Demo BV", "product": "p"},
        ACCOUNT | {"product": "Betaalrekening", "currency": "XXX"},
        {"resourceId": "card", "maskedPan": "1234xxxx", "currency": "EUR"},
    ]
    assert accounts_of(*rows) == [
        Account("3dc3d5b3", "NL95INGB0004921836", "Zakelijk", "Demo BV", "EUR"),
        Account("3dc3d5b3", "NL95INGB0004921836", "Betaalrekening", None, "XXX"),
    ]
    assert accounts_of() == []


STRANGE_ACCOUNTS = [
    "x",
    ACCOUNT | {"iban": "NL95INGB0004921837"},
    ACCOUNT | {"resourceId": ""},
    ACCOUNT | {"currency": None},
]


@pytest.mark.parametrize("row", STRANGE_ACCOUNTS, ids=range(len(STRANGE_ACCOUNTS)))
def test_an_invalid_account_is_refused(row: Any):
    with pytest.raises(OutcomeUnknown):
        accounts_of(row)


@pytest.mark.parametrize("said", [{}, {"accounts": None}, {"accounts": {}}], ids=str)
def test_a_missing_account_list_is_not_an_empty_one(said: Any):
    with raw_bank(says(200, said)) as bank, pytest.raises(OutcomeUnknown):
        adapter().accounts(line_of(bank), "1", PSU, ID)


def row(kind: str, amount: Any = "1.00", currency: str = "EUR", **more: Any) -> dict[str, Any]:
    return {"balanceType": kind, "balanceAmount": {"currency": currency, "amount": amount}} | more


def balance_of(*rows: Any) -> Any:
    with raw_bank(says(200, {"balances": list(rows)})) as bank:
        return adapter().balance(line_of(bank), "1", "3dc3d5b3", PSU, ID)


AMOUNTS = [("84210.55", 8421055), ("-1.50", -150), ("5768.2", 576820), ("1056", 105600), ("0.00", 0), ("-0.01", -1)]


@pytest.mark.parametrize(("text", "value"), AMOUNTS)
def test_a_balance_is_read_to_the_cent(text: str, value: int):
    assert balance_of(row("interimAvailable", text)).cents == value


@pytest.mark.parametrize("text", ["1,00", "1.001", "1e3", "--1", "+1", "", " 1", "NaN", None, 5, 84210.55])
def test_an_invalid_balance_is_refused(text: Any):
    with pytest.raises(OutcomeUnknown):
        balance_of(row("interimAvailable", text))


KINDS = ("interimAvailable", "forwardAvailable", "expected", "interimBooked", "closingBooked", "openingBooked")


@pytest.mark.parametrize("best", range(len(KINDS)))
def test_the_available_balance_is_preferred(best: int):
    rows = [row(kind, f"{number}.00") for number, kind in enumerate(KINDS) if number >= best]
    found = balance_of(*reversed(rows))
    assert (found.kind, found.cents) == (KINDS[best], best * 100)


def test_a_balance_in_another_currency_is_ignored():
    assert balance_of(row("interimAvailable", currency="USD"), row("closingBooked", "2.00")).kind == "closingBooked"
    assert balance_of(row("interimAvailable", currency="USD")) is None
    assert balance_of(row("nonInvoiced")) is None
    assert balance_of() is None


NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
AS_OF = [
    (row("interimAvailable", lastChangeDateTime="2026-11-20T10:00:00Z", referenceDate="2026-11-20"), NOW),
    (row("closingBooked", referenceDate="2026-11-20"), amsterdam_midnight(date(2026, 11, 21))),
    (row("openingBooked", referenceDate="2026-11-23"), amsterdam_midnight(date(2026, 11, 23))),
    (row("closingBooked", referenceDate="2026-11-23"), NOW),
    (row("closingBooked"), NOW),
]


@pytest.mark.parametrize(("found", "at"), AS_OF, ids=range(len(AS_OF)))
def test_the_moment_of_a_balance(found: dict[str, Any], at: datetime):
    """A booking of three days ago does not date the available balance; a balance closed on Friday is of Friday."""
    with time_machine.travel(NOW, tick=True):
        assert timedelta() <= balance_of(found).at - at < timedelta(seconds=30)


# --- retries ---
def ask(bank: RawBank) -> str:
    return adapter().order_status(line_of(bank), "1", ID).transaction_status


GOOD = says(200, {"transactionStatus": "ACSP"})


@pytest.mark.parametrize("first", [hangs_up, says(503), says(500), says_raw(b"garbage\r\n"), says(404)], ids=range(5))
def test_a_failed_get_is_retried_once(first: Script):
    with raw_bank(first, GOOD) as bank:
        assert ask(bank) == "ACSP"
    assert [request.headers["x-request-id"] for request in bank.requests] == [ID, ID]


def test_a_get_is_not_sent_a_third_time():
    with raw_bank(hangs_up, hangs_up, GOOD) as bank, pytest.raises(OutcomeUnknown):
        ask(bank)
    assert bank.connections == 2


def test_a_timed_out_get_is_not_retried():
    with raw_bank(is_silent, GOOD) as bank, pytest.raises(TimedOut):
        BerlinGroupBank(None, read_timeout=0.2).order_status(line_of(bank), "1", ID)
    assert bank.connections == 1


def test_a_refused_get_is_not_retried():
    with raw_bank(says(404, error("RESOURCE_UNKNOWN")), GOOD) as bank, pytest.raises(BankRefused):
        ask(bank)
    assert bank.connections == 1


@pytest.mark.parametrize("call", ["start_consent", "start_authorisation", "continue_authorisation"])
def test_a_post_is_not_retried(call: str):
    calls: dict[str, Callable[[BankConfig], Any]] = {
        "start_consent": lambda line: adapter().start_consent(line, PSU, BACK, NOK, ID),
        "start_authorisation": lambda line: adapter().start_authorisation(line, "1", "/v1/x", PSU, BACK, NOK, ID),
        "continue_authorisation": lambda line: adapter().continue_authorisation(line, "/v1/x", CODE, PSU, ID),
    }
    with raw_bank(hangs_up, says(201, SCA)) as bank, pytest.raises(OutcomeUnknown):
        calls[call](line_of(bank))
    assert bank.connections == 1
