"""Statuses of single payments: payee verification and rejections. Every exchange is checked against the OpenAPI."""

from typing import Any

import pytest

from connectors.bank.berlin_group import BerlinGroupBank
from connectors.bank.directory import HttpDirectory
from connectors.bank.http_signatures import Signer, development_identity
from connectors.bank.port import BankConfig, BankRefused, OutcomeUnknown, Psu, StatusReport, TransactionStatusReport
from core.ids import uuid
from tests.support.bank import Pay, advance, bank_day, pain001, press
from tests.support.exchanges import Watch
from tests.support.raw_socket_bank import RawBank, raw_bank, says
from tests.support.sandbox import Sandbox

BACK, NOK = "http://localhost:8000/terug", "http://localhost:8000/terug?nee=1"
PSU = Psu("192.0.2.10", "Mozilla/5.0")
SAME = Pay("Jong, Wouter de", "NL42INGB2268352412", end_to_end_id="SAME")
CLOSE = Pay("Silva Jansen", "NL27RABO0315273237", end_to_end_id="CLOSE")
OTHER = Pay("Piet Onbekend", "NL52ABNA7650143244", end_to_end_id="OTHER")
ABROAD = Pay("Anna Schmidt", "DE89370400440532013000", end_to_end_id="ABROAD")
STATUS, EXTENDED = "transactionStatus", "originalTransactionInformationAndStatus"
NAMES = "originalTransactionInformationAndVopStatus"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return development_identity(tmp_path_factory.mktemp("signer"))


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def bank(signer: Signer, watch: Watch) -> BerlinGroupBank:
    return BerlinGroupBank(signer, connect_timeout=2, read_timeout=10, observe=watch)


@pytest.fixture
def config(sandbox: Sandbox) -> BankConfig:
    """A bank that verifies payees."""
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    return HttpDirectory(f"{sandbox.url}/banks", ttl_seconds=0).configs()["redirect"]


def placed(bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox, *pays: Pay) -> str:
    body = pain001(bank_day(sandbox, 1), list(pays))
    return bank.place_order(config, body, uuid(), PSU, BACK, NOK).payment_id


def sign(bank: BerlinGroupBank, config: BankConfig, payment_id: str, links: dict[str, str]) -> None:
    started = bank.start_authorisation(config, payment_id, links["startAuthorisation"], PSU, BACK, NOK, uuid())
    assert started.redirect_url is not None
    press(started.redirect_url, "ondertekenen")


# --- payee verification ---
RESULTS = [
    ((SAME,), "RCVC", []),
    ((CLOSE,), "RVCM", [TransactionStatusReport("CLOSE", "RVCM", None, "CMTC", "Silva, Jose")]),
    ((OTHER,), "RVCM", [TransactionStatusReport("OTHER", "RVCM", None, "NMTC")]),
    ((ABROAD,), "RVCM", [TransactionStatusReport("ABROAD", "RVCM", None, "NOAP")]),
    ((SAME, CLOSE, OTHER), "RVCM",
     [TransactionStatusReport("CLOSE", "RVCM", None, "CMTC", "Silva, Jose"),
      TransactionStatusReport("OTHER", "RVCM", None, "NMTC")]),
]  # fmt: skip


@pytest.mark.parametrize(("pays", "status", "said"), RESULTS, ids=["same", "close", "other", "abroad", "mixed"])
def test_each_result_of_payee_verification(
    bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox, pays: tuple[Pay, ...], status: str, said: list
):
    report = bank.order_status(config, placed(bank, config, sandbox, *pays), uuid())
    assert (report.transaction_status, list(report.lines)) == (status, said)
    assert set(report.links) == {"creditorNameConfirmation" if said else "startAuthorisation"}


def test_verification_is_requested_if_configured(
    bank: BerlinGroupBank, watch: Watch, config: BankConfig, sandbox: Sandbox
):
    placed(bank, config, sandbox, SAME)
    assert watch.last.headers["Client-VOP-Requested"] == "true"
    sandbox.control("PUT", "banks/redirect", {"vop": False})
    other = HttpDirectory(f"{sandbox.url}/banks", ttl_seconds=0).configs()["redirect"]
    assert not other.vop
    bank.place_order(other, pain001(bank_day(sandbox, 1), msg_id="2"), uuid(), PSU, BACK, NOK)
    assert "Client-VOP-Requested" not in watch.last.headers


def test_mismatches_are_confirmed_and_the_order_signed(
    bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox
):
    order = placed(bank, config, sandbox, CLOSE)
    link = bank.order_status(config, order, uuid()).links["creditorNameConfirmation"]
    links = bank.confirm_names(config, link, PSU, uuid())
    assert bank.order_status(config, order, uuid()).transaction_status == "RCVC"
    sign(bank, config, order, links)
    assert bank.order_status(config, order, uuid()).transaction_status == "ACSP"
    with pytest.raises(BankRefused) as refused:
        bank.confirm_names(config, link, PSU, uuid())
    assert (refused.value.http_status, refused.value.code) == (409, "STATUS_INVALID")


def test_an_order_with_mismatches_is_cancelled(bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox):
    order = placed(bank, config, sandbox, CLOSE)
    bank.order_status(config, order, uuid())
    assert bank.cancel_order(config, order, PSU, uuid()).done
    assert bank.order_status(config, order, uuid()).transaction_status == "CANC"
    with pytest.raises(BankRefused) as refused:
        bank.cancel_order(config, order, PSU, uuid())
    assert (refused.value.http_status, refused.value.code) == (405, "CANCELLATION_INVALID")


def test_a_cancellation_may_need_sca(bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox):
    sandbox.fault(bank_cancel_needs_sca=True)
    order = placed(bank, config, sandbox, SAME)
    sign(bank, config, order, bank.order_status(config, order, uuid()).links)
    asked = bank.cancel_order(config, order, PSU, uuid())
    assert (asked.done, list(asked.links)) == (False, ["startAuthorisation"])
    assert bank.order_status(config, order, uuid()).transaction_status == "ACSP"


def test_a_name_is_in_no_repr():
    report = StatusReport(
        "RVCM", raw="Silva, Jose", lines=(TransactionStatusReport("E", "RVCM", None, "CMTC", "Silva, Jose"),)
    )
    assert "Silva" not in repr(report)


# --- execution ---
def executed(bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox) -> str:
    order = placed(bank, config, sandbox, SAME, Pay("Jong, Wouter de", "NL42INGB2268352412", end_to_end_id="TWO"))
    sign(bank, config, order, bank.order_status(config, order, uuid()).links)
    advance(sandbox, 5)
    return order


def test_a_partial_execution_lists_rejected_payments(
    bank: BerlinGroupBank, watch: Watch, config: BankConfig, sandbox: Sandbox
):
    sandbox.fault(bank_partial_execution=True)
    report = bank.order_status(config, executed(bank, config, sandbox), uuid())
    assert (report.transaction_status, report.lines[0]) == ("PART", TransactionStatusReport("SAME", "RJCT", "AC06"))
    assert {(one.status, one.reason) for one in report.lines[1:]} == {("ACSC", None)}, "the bank names what it paid"
    assert [call.rpartition("/")[2] for call in watch.calls()[-2:]] == ["status", "extended-status"]


def test_a_returned_payment_is_listed(bank: BerlinGroupBank, config: BankConfig, sandbox: Sandbox):
    order = executed(bank, config, sandbox)
    assert bank.order_status(config, order, uuid()).transaction_status == "ACSC"
    sandbox.fault(bank_returns_line=True)
    advance(sandbox, 1)
    report = bank.order_status(config, order, uuid())
    assert (report.transaction_status, report.lines[0]) == ("PART", TransactionStatusReport("SAME", "RJCT", "AC06"))
    assert {(one.status, one.reason) for one in report.lines[1:]} == {("ACSC", None)}, "the bank names what it paid"


# --- answers that the sandbox does not give ---
def asked(*answers: Any) -> StatusReport:
    with raw_bank(*answers) as raw:
        return BerlinGroupBank(None, read_timeout=5).order_status(line_of(raw), "1", uuid())


def line_of(raw: RawBank) -> BankConfig:
    return BankConfig("raw", "Raw", raw.url, redirect_hosts=("127.0.0.1",))


@pytest.mark.parametrize("status", [400, 404, 405, 406])
def test_without_extended_status_there_are_no_line_statuses(status: int):
    refused = says(status, {"tppMessages": [{"category": "ERROR", "code": "RESOURCE_UNKNOWN"}]})
    assert asked(says(200, {STATUS: "PART"}), refused).lines == ()


def test_too_many_requests_is_no_answer():
    too_often = {"tppMessages": [{"category": "ERROR", "code": "ACCESS_EXCEEDED"}]}
    with pytest.raises(BankRefused):
        asked(says(200, {STATUS: "PART"}), says(429, too_often))


ONE = {"originalEndToEndId": "E1", STATUS: "RJCT", "statusReasonInformationCode": "AC04"}
LISTS = [(ONE, 1), ([ONE, ONE | {"originalEndToEndId": "E2"}], 2), ([{STATUS: "RJCT"}], 0), (None, 0)]


@pytest.mark.parametrize(("said", "count"), LISTS, ids=["one", "two", "nameless", "none"])
def test_one_payment_may_come_without_a_list(said: Any, count: int):
    report = asked(says(200, {STATUS: "RJCT"}), says(200, {"groupStatus": "RJCT", EXTENDED: said}))
    assert len(report.lines) == count
    assert {(one.status, one.reason) for one in report.lines} <= {("RJCT", "AC04")}


WRONG = [
    {EXTENDED: "x"}, {EXTENDED: ["x"]}, {EXTENDED: [ONE | {STATUS: 1}]}, {EXTENDED: [ONE | {STATUS: "rejected"}]},
    {EXTENDED: [ONE | {"statusReasonInformationCode": "Jong, Wouter de"}]},
]  # fmt: skip


@pytest.mark.parametrize("said", WRONG, ids=range(len(WRONG)))
def test_an_invalid_line_status_is_refused(said: dict[str, Any]):
    with pytest.raises(OutcomeUnknown):
        asked(says(200, {STATUS: "PART"}), says(200, said))


def named(**more: Any) -> TransactionStatusReport:
    row = {"originalEndToEndId": "E1", STATUS: "RVCM"} | more
    return asked(says(200, {STATUS: "RVCM", NAMES: [row]})).lines[0]


def test_a_name_comes_with_a_close_match_only():
    assert named(creditorNameMatch="CMTC", matchedCreditorName=" Jong, W.\n").matched_name == "Jong, W."
    # what no database stores is kept as its sign, so that people see it
    assert named(creditorNameMatch="CMTC", matchedCreditorName="Jong,\u0000 W.").matched_name == "Jong,\u2400 W."
    assert named(creditorNameMatch="NMTC", matchedCreditorName="Jong, W.").matched_name is None
    assert named(creditorNameMatch="MBAM", matchedCreditorName="Jong, W.").vop_result == "CMTC"
    assert len(named(creditorNameMatch="CMTC", matchedCreditorName="x" * 999).matched_name or "") == 140
    assert named().vop_result is None


def test_an_unknown_verification_result_is_refused():
    with pytest.raises(OutcomeUnknown):
        named(creditorNameMatch="MTCH?")


def file(group: str, *lines: tuple[str, str, str]) -> bytes:
    rows = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts><StsRsnInf><Rsn><Cd>AC06</Cd>"
        f"</Rsn><AddtlInf>{text}</AddtlInf></StsRsnInf></TxInfAndSts>"
        for name, status, text in lines
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts>'
        f"<OrgnlMsgId>1</OrgnlMsgId><GrpSts>{group}</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>{rows}"
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def test_a_pain_002_gives_the_same_results():
    lines = ("E1", "RVMC", "Jong, W."), ("E2", "RVNM", "geen"), ("E3", "RVNA", "-"), ("E4", "RCVC", "-")
    report = asked(says(200, file("RVMC", *lines), "application/xml"))
    assert report.transaction_status == "RVCM"
    assert [(one.end_to_end_id, one.vop_result, one.matched_name) for one in report.lines] == [
        ("E1", "CMTC", "Jong, W."), ("E2", "NMTC", None), ("E3", "NOAP", None), ("E4", None, None),
    ]  # fmt: skip
    assert report.links["creditorNameConfirmation"].endswith(
        "/v1/bulk-payments/pain.001-sepa-credit-transfers/1/creditor-confirmation"
    )


def test_a_pain_002_of_a_partial_execution_lists_payments():
    report = asked(says(200, file("PART", ("E1", "RJCT", "x"), ("E2", "ACSC", "")), "application/xml"))
    assert [(one.end_to_end_id, one.status, one.reason) for one in report.lines] == [
        ("E1", "RJCT", "AC06"), ("E2", "ACSC", "AC06"),
    ]  # fmt: skip
    assert report.links == {}


def test_the_directory_says_who_verifies_payees(sandbox: Sandbox):
    assert not any(one["vop"] for one in sandbox.get("/banks").json())
    sandbox.control("PUT", "banks/reader", {"vop": True})
    assert {one["id"] for one in sandbox.get("/banks").json() if one["vop"]} == {"reader"}
    assert sandbox.control("GET", "banks/reader")["vop"] is True
    sandbox.fault(bank_vop=True)
    assert all(one["vop"] for one in sandbox.get("/banks").json())


# --- every statement at its own level -------------------------------------------------------------
def levels(report: StatusReport) -> list[tuple[str, str | None, str | None, tuple[str, ...]]]:
    return [(one.level, one.code, one.end_to_end_id, one.reasons) for one in report.statements]


def test_a_status_and_its_extended_status_are_separate_statements():
    extended = {"groupStatus": "PART", "reasonCode": "AM04", EXTENDED: [ONE, {STATUS: "ACSC"}]}
    assert levels(asked(says(200, {STATUS: "RJCT"}), says(200, extended))) == [
        ("group", "RJCT", None, ()), ("group", "PART", None, ("AM04",)), ("line", "RJCT", "E1", ("AC04",)),
        ("line", "ACSC", None, ()),
    ]  # fmt: skip


def test_a_name_check_is_a_statement_of_its_line():
    row = {"originalEndToEndId": "E1", STATUS: "RVCM", "creditorNameMatch": "CMTC", "matchedCreditorName": "Jong, W."}
    group, one = asked(says(200, {STATUS: "RVCM", NAMES: [row]})).statements
    assert (group.level, group.code) == ("group", "RVCM")
    assert (one.level, one.code, one.vop_result, one.matched_name) == ("line", "RVCM", "CMTC", "Jong, W.")
    assert "Jong" not in repr(one)


def test_a_pain_002_gives_the_same_statements():
    report = asked(says(200, file("PART", ("E1", "RJCT", "x"), ("E2", "ACSC", "")), "application/xml"))
    assert levels(report) == [
        ("group", "PART", None, ()), ("line", "RJCT", "E1", ("AC06",)), ("line", "ACSC", "E2", ("AC06",)),
    ]  # fmt: skip


def test_a_report_of_single_payments_gives_the_order_no_status():
    raw = file("", ("E1", "RJCT", "x")).replace(b"<GrpSts></GrpSts>", b"")
    report = asked(says(200, raw, "application/xml"))
    assert (report.transaction_status, levels(report)) == ("", [("line", "RJCT", "E1", ("AC06",))])
    with pytest.raises(OutcomeUnknown):
        asked(says(200, file("").replace(b"<GrpSts></GrpSts>", b""), "application/xml"))
