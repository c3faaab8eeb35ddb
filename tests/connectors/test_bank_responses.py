"""How the adapter interprets the answer to an order or a status: refused, unknown or accepted; and when it retries.

Includes answers that no correct bank gives.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.berlin_group import BerlinGroupBank, DuplicateOrder
from connectors.bank.port import (
    CONSENT_STATUSES,
    SCA_STATUSES,
    TRANSACTION_STATUSES,
    BankConfig,
    BankRefused,
    OutcomeUnknown,
    Psu,
    Signing,
)
from connectors.bank.transport import TimedOut
from tests.support import contract
from tests.support.bank_responses import (
    BACK,
    BODY,
    CODE,
    ID,
    NOK,
    ORDER,
    OTHER_ID,
    PSU,
    SCA,
    adapter,
    error,
    line_of,
    place,
    proper,
)
from tests.support.exchanges import Watch
from tests.support.raw_socket_bank import RawBank, Script, drips, hangs_up, is_silent, raw_bank, says, says_raw

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
