"""An order at a bank: accepted or refused, signed, and executed on the bank's day."""

from datetime import date, timedelta
from typing import Any

import pytest
import requests
from lxml import etree

from tests.support import xsd
from tests.support.bank import (
    DEBTOR,
    EXPLICIT,
    JSON,
    WITH_PSU,
    Order,
    Pay,
    Tpp,
    advance,
    bank_day,
    bulk,
    consent,
    known_accounts,
    pain001,
)
from tests.support.sandbox import Sandbox

EIGHT = [Pay(amount=f"{2000 + number}.{number:02d}", end_to_end_id=f"E-{number}") for number in range(8)]
EIGHT_CENTS = sum(200000 + 101 * number for number in range(8))


@pytest.fixture
def tpp(sandbox: Sandbox) -> Tpp:
    return Tpp(sandbox.url)


def balance(tpp: Tpp, iban: str = DEBTOR) -> int:
    found = next(account for account in known_accounts(tpp) if account["iban"] == iban)
    return round(float(found["balance"]) * 100)


def bookings(tpp: Tpp, consent_id: str, status: str = "booked", first: str | None = None) -> list[dict]:
    headers = WITH_PSU | {"Consent-ID": consent_id}
    account = tpp.get("/accounts", headers=headers).json()["accounts"][0]
    params = {"bookingStatus": status} | ({"dateFrom": first} if first else {})
    link = f"/accounts/{account['resourceId']}/transactions"
    return tpp.get(link, headers=headers, params=params).json()["transactions"].get(status, [])


# --- the normal course ---
def test_an_order_is_accepted_signed_and_executed(sandbox: Sandbox, tpp: Tpp):
    before = balance(tpp)
    order = tpp.placed(pain001(bank_day(sandbox), EIGHT, msg_id="20261123-1"))
    assert order.said["transactionStatus"] == "RCVD"
    assert order.sign().status_code == 303
    assert order.status == "ACSP"
    assert balance(tpp) == before
    advance(sandbox)
    assert order.status == "ACSC"
    assert balance(tpp) == before - EIGHT_CENTS


def test_an_unsigned_order_never_executes(sandbox: Sandbox, tpp: Tpp):
    before = balance(tpp)
    order = tpp.placed(pain001(bank_day(sandbox)))
    advance(sandbox)
    assert order.status == "RJCT"
    assert tpp.get(f"{order.path}/extended-status").json()["reasonCode"] == "DS0A"
    assert balance(tpp) == before


def test_an_unsigned_order_is_rejected_after_its_day(sandbox: Sandbox, tpp: Tpp):
    before = balance(tpp)
    order = tpp.placed(pain001(bank_day(sandbox, 1)))
    advance(sandbox)
    assert (order.status, balance(tpp)) == ("RCVD", before)
    order.start()
    advance(sandbox)
    assert (order.status, balance(tpp)) == ("RJCT", before)


def test_an_order_executes_on_its_day_after_signing(sandbox: Sandbox, tpp: Tpp):
    order = tpp.placed(pain001(bank_day(sandbox, 3)))
    advance(sandbox, 2)
    assert order.status == "RCVD"
    order.sign()
    assert order.status == "ACSP"
    advance(sandbox)
    assert order.status == "ACSC"


def test_a_salary_batch_is_one_booking_without_names(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    tpp.placed(pain001(bank_day(sandbox), EIGHT, msg_id="20261123-2")).sign()
    waiting = bookings(tpp, given, "pending")
    assert [row["transactionAmount"]["amount"] for row in waiting] == [f"-{EIGHT_CENTS / 100:.2f}"]
    advance(sandbox)
    assert bookings(tpp, given, "pending") == []
    (row,) = bookings(tpp, given, first=bank_day(sandbox))
    assert row["transactionAmount"] == {"currency": "EUR", "amount": f"-{EIGHT_CENTS / 100:.2f}"}
    assert (row["batchIndicator"], row["batchNumberOfTransactions"]) == (True, 8)
    assert "20261123-2" in row["remittanceInformationUnstructured"]
    assert "creditorName" not in row
    assert "Jong" not in str(row)


def test_without_batch_booking_each_line_is_booked(sandbox: Sandbox, tpp: Tpp):
    given = consent(tpp, [DEBTOR])
    tpp.placed(pain001(bank_day(sandbox), EIGHT, batch=False)).sign()
    advance(sandbox)
    rows = bookings(tpp, given, first=bank_day(sandbox))
    assert sorted(row["endToEndId"] for row in rows) == [pay.end_to_end_id for pay in EIGHT]
    assert {row["creditorName"] for row in rows} == {"Jong, Wouter de"}


def test_a_json_order_has_the_same_course(sandbox: Sandbox, tpp: Tpp):
    answer = tpp.post(JSON, bulk(bank_day(sandbox), EIGHT), headers=EXPLICIT)
    assert answer.status_code == 201
    order = Order(tpp, answer.json(), JSON)
    order.sign()
    advance(sandbox)
    told = tpp.get(order.path).json()
    assert (told["transactionStatus"], len(told["payments"])) == ("ACSC", 8)


def test_pain_001_version_03_is_accepted(sandbox: Sandbox, tpp: Tpp):
    assert tpp.placed(pain001(bank_day(sandbox), version="pain.001.001.03")).status == "RCVD"


def test_ten_thousand_lines_are_accepted(sandbox: Sandbox, tpp: Tpp):
    sandbox.control("PUT", "banks/redirect", {"accounts": [{"iban": DEBTOR, "name": "Groot", "balance": "200000.00"}]})
    rows = [Pay(amount="10.50", end_to_end_id=f"N{number}") for number in range(10_000)]
    order = tpp.placed(pain001(bank_day(sandbox), rows))
    order.sign()
    advance(sandbox)
    assert order.status == "ACSC"
    assert balance(tpp) == 200_000_00 - 10_000 * 10_50


def test_the_body_is_returned_by_api_and_control(sandbox: Sandbox, tpp: Tpp):
    body = pain001(bank_day(sandbox), msg_id="20261123-3")
    older = tpp.placed(pain001(bank_day(sandbox)))
    order = tpp.placed(body)
    assert tpp.get(order.path, headers={"Accept": "application/xml"}).content == body
    newest, oldest = sandbox.control("GET", "orders")
    assert (newest["bank"], newest["msg_id"], newest["status"]) == ("redirect", "20261123-3", "RCVD")
    assert newest["body"].encode() == body
    assert newest["request_id"] and newest["received_at"] >= oldest["received_at"]
    assert oldest["msg_id"] != newest["msg_id"]
    assert older.id != order.id


# --- status formats ---
def test_the_status_can_be_pain_002(sandbox: Sandbox, tpp: Tpp):
    order = tpp.placed(pain001(bank_day(sandbox), EIGHT, msg_id="20261123-4"))
    order.sign()
    report = tpp.get(f"{order.path}/status", headers={"Accept": "application/xml"})
    assert report.headers["Content-Type"].startswith("application/xml")
    assert xsd.errors(report.content, "pain.002.001.10") == []
    assert values(report.content, "OrgnlMsgId", "GrpSts", "OrgnlNbOfTxs") == ["20261123-4", "ACSP", "8"]


def values(message: bytes, *names: str) -> list[str | None]:
    root = etree.fromstring(message)
    return [next(element.text for element in root.iter(f"{{*}}{name}")) for name in names]


# --- failures at execution ---
def test_insufficient_funds_reject_the_order(sandbox: Sandbox, tpp: Tpp):
    accounts = [{"iban": DEBTOR, "name": "Leeg", "balance": 10}]
    sandbox.control("PUT", "banks/redirect", {"accounts": accounts})
    order = tpp.placed(pain001(bank_day(sandbox)))
    order.sign()
    assert tpp.get(f"{order.path}/status").json()["fundsAvailable"] is False
    advance(sandbox)
    assert order.status == "RJCT"
    assert tpp.get(f"{order.path}/extended-status").json()["reasonCode"] == "AM04"
    assert balance(tpp) == 10_00


@pytest.mark.parametrize(
    ("fault", "reason"), [("bank_insufficient_funds", "AM04"), ("bank_rejects_at_execution", "DS04")]
)
def test_the_whole_order_is_rejected_at_execution(sandbox: Sandbox, tpp: Tpp, fault: str, reason: str):
    order = tpp.placed(pain001(bank_day(sandbox)))
    order.sign()
    sandbox.fault(**{fault: True})
    advance(sandbox)
    assert tpp.get(f"{order.path}/extended-status").json()["reasonCode"] == reason
    report = tpp.get(f"{order.path}/status", headers={"Accept": "application/xml"})
    assert xsd.errors(report.content, "pain.002.001.10") == []
    assert values(report.content, "GrpSts", "Cd") == ["RJCT", reason]


def test_one_payment_can_be_rejected(sandbox: Sandbox, tpp: Tpp):
    before = balance(tpp)
    order = tpp.placed(pain001(bank_day(sandbox), EIGHT))
    order.sign()
    sandbox.fault(bank_partial_execution=True)
    advance(sandbox)
    told = tpp.get(f"{order.path}/extended-status").json()
    line, *others = told["originalTransactionInformationAndStatus"]
    assert [other["transactionStatus"] for other in others] == ["ACSC"] * 7
    assert (told["groupStatus"], line["originalEndToEndId"], line["transactionStatus"]) == ("PART", "E-0", "RJCT")
    assert balance(tpp) == before - EIGHT_CENTS + 200000
    report = tpp.get(f"{order.path}/status", headers={"Accept": "application/xml"})
    assert xsd.errors(report.content, "pain.002.001.10") == []
    assert values(report.content, "GrpSts", "OrgnlEndToEndId", "TxSts") == ["PART", "E-0", "RJCT"]


def test_one_payment_can_be_returned(sandbox: Sandbox, tpp: Tpp):
    before = balance(tpp)
    order = tpp.placed(pain001(bank_day(sandbox), EIGHT))
    order.sign()
    sandbox.fault(bank_returns_line=True)
    advance(sandbox)
    assert order.status == "ACSC"
    advance(sandbox, 2)
    assert order.status == "PART"
    assert balance(tpp) == before - EIGHT_CENTS + 200000


def test_blocks_execute_on_their_own_days(sandbox: Sandbox, tpp: Tpp):
    first, second = pain001(bank_day(sandbox), msg_id="TWO"), pain001(bank_day(sandbox, 2), msg_id="TWO")
    block = (
        second.decode().partition("<PmtInf>")[2].partition("</PmtInf>")[0].replace("P1", "P2").replace("E2E1", "TAX")
    )
    both = first.decode().replace("</PmtInf>", f"</PmtInf><PmtInf>{block}</PmtInf>")
    both = both.replace("<NbOfTxs>1</NbOfTxs><CtrlSum>3448.08", "<NbOfTxs>2</NbOfTxs><CtrlSum>6896.16", 1)
    before = balance(tpp)
    order = tpp.placed(both.encode())
    order.sign()
    advance(sandbox)
    assert (order.status, balance(tpp)) == ("ACSP", before - 344808)
    advance(sandbox)
    assert (order.status, balance(tpp)) == ("ACSC", before - 2 * 344808)


# --- cancellation ---
def test_an_order_can_be_cancelled_until_it_is_executed(sandbox: Sandbox, tpp: Tpp):
    unsigned, signed, executed = (tpp.placed(pain001(bank_day(sandbox, ahead))) for ahead in (0, 3, 0))
    signed.sign()
    executed.sign()
    assert tpp.delete(unsigned.path).status_code == 204
    advance(sandbox)
    assert tpp.delete(signed.path).status_code == 204
    refused = tpp.delete(executed.path)
    assert (refused.status_code, refused.json()["tppMessages"][0]["code"]) == (405, "CANCELLATION_INVALID")
    advance(sandbox, 4)
    assert [order.status for order in (unsigned, signed, executed)] == ["CANC", "CANC", "ACSC"]


def test_a_cancellation_may_need_sca(sandbox: Sandbox, tpp: Tpp):
    order = tpp.placed(pain001(bank_day(sandbox)))
    order.sign()
    sandbox.fault(bank_cancel_needs_sca=True)
    answer = tpp.delete(order.path)
    assert (answer.status_code, order.status) == (202, "ACSP")
    order.said["_links"] = answer.json()["_links"]
    order.sign()
    assert order.status == "CANC"


# --- refusals ---
def explained(answer: requests.Response) -> tuple[int, str, str]:
    message = answer.json()["tppMessages"][0]
    return answer.status_code, message["code"], message.get("path", "")


BROKEN = {
    "a wrong sum": ({"total": "3448.09"}, "GrpHdr/CtrlSum"),
    "a wrong sum of the block": ({"total_block": "1.00"}, "PmtInf/CtrlSum"),
    "a wrong count": ({"count": "2"}, "GrpHdr/NbOfTxs"),
    "a wrong count of the block": ({"count_block": "0"}, "PmtInf/NbOfTxs"),
    "another currency": ({"currency": "USD"}, "CdtTrfTxInf/Amt/InstdAmt"),
    "an unknown purpose": ({"purpose": "XXXX"}, "/CtgyPurp/Cd"),
    "a date that is none": ({"day": "2026-02-30"}, "PmtInf/ReqdExctnDt"),
    "a moment that is none": ({"created": "gisteren"}, "GrpHdr/CreDtTm"),
    "an id with a slash first": ({"msg_id": "/A"}, "/GrpHdr/MsgId"),
    "an id that is too long": ({"msg_id": "A" * 36}, "/GrpHdr/MsgId"),
    "an id that is empty": ({"msg_id": " "}, "/GrpHdr/MsgId"),
    "a debtor without a valid IBAN": ({"debtor": "NL96INGB0004921836"}, "/DbtrAcct/Id/IBAN"),
}


@pytest.mark.parametrize(("changes", "path"), BROKEN.values(), ids=list(BROKEN))
def test_an_invalid_header_is_refused(sandbox: Sandbox, changes: dict[str, Any], path: str):
    tpp = Tpp(sandbox.url, checked=False)
    asked: dict[str, Any] = {"day": bank_day(sandbox)} | changes
    status, code, where = explained(tpp.place(pain001(**asked)))
    assert (status, code) == (400, "FORMAT_ERROR")
    assert where.endswith(path)
    assert sandbox.control("GET", "orders") == []


BROKEN_LINES = {
    "an IBAN with a wrong check": (Pay(iban="NL43INGB2268352412"), "/CdtrAcct/Id/IBAN"),
    "an IBAN that is too short": (Pay(iban="NL42INGB226835241"), "/CdtrAcct/Id/IBAN"),
    "a name with another letter": (Pay(name="José Silva"), "/Cdtr/Nm"),
    "a name that is too long": (Pay(name="A" * 71), "/Cdtr/Nm"),
    "a remittance that is too long": (Pay(remittance="A" * 141), "/RmtInf/Ustrd"),
    "an amount of nothing": (Pay(amount="0.00"), "/Amt/InstdAmt"),
    "an amount with three decimals": (Pay(amount="1.001"), "/Amt/InstdAmt"),
    "an amount below zero": (Pay(amount="-1.00"), "/Amt/InstdAmt"),
    "two slashes in an id": (Pay(end_to_end_id="A//B"), "/PmtId/EndToEndId"),
}


@pytest.mark.parametrize(("pay", "path"), BROKEN_LINES.values(), ids=list(BROKEN_LINES))
def test_an_invalid_payment_is_refused(sandbox: Sandbox, pay: Pay, path: str):
    tpp = Tpp(sandbox.url, checked=False)
    status, code, where = explained(tpp.place(pain001(bank_day(sandbox), [Pay(end_to_end_id="OK"), pay])))
    assert (status, code) == (400, "FORMAT_ERROR")
    assert where.endswith(path)


MANGLED = {
    "no XML": lambda text: "rubbish",
    "half a message": lambda text: text[:-40],
    "a DOCTYPE": lambda text: text.replace("<Document", '<!DOCTYPE Document [<!ENTITY x "y">]><Document', 1),
    "another encoding": lambda text: text.replace("UTF-8", "ISO-8859-1", 1),
    "another message": lambda text: text.replace("pain.001.001.09", "pain.008.001.08"),
    "no lines": lambda text: text[: text.index("<CdtTrfTxInf>")] + text[text.index("</PmtInf>") :],
    "an unknown element": lambda text: text.replace("<PmtMtd>", "<Extra>x</Extra><PmtMtd>"),
    "elements in another order": lambda text: text.replace(
        "<PmtInfId>P1</PmtInfId><PmtMtd>TRF</PmtMtd>", "<PmtMtd>TRF</PmtMtd><PmtInfId>P1</PmtInfId>"
    ),
    "an element that is missing": lambda text: text.replace("<Nm>Jong, Wouter de</Nm>", ""),
    "text between elements": lambda text: text.replace("</GrpHdr>", "</GrpHdr>stray"),
    "an address without a town": lambda text: text.replace(
        "<Nm>Jong, Wouter de</Nm>", "<Nm>Jong</Nm><PstlAdr><AdrLine>Dorpsstraat 1</AdrLine></PstlAdr>"
    ),
    "a method that is no transfer": lambda text: text.replace(">TRF<", ">CHK<"),
    "costs for another": lambda text: text.replace(">SLEV<", ">SHAR<"),
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=list(MANGLED))
def test_a_malformed_message_is_refused(sandbox: Sandbox, mangle):
    tpp = Tpp(sandbox.url, checked=False)
    text = pain001(bank_day(sandbox)).decode()
    assert mangle(text) != text
    assert explained(tpp.place(mangle(text).encode()))[:2] == (400, "FORMAT_ERROR")


def test_a_duplicate_end_to_end_id_is_refused(sandbox: Sandbox, tpp: Tpp):
    same = [Pay(end_to_end_id="SAME"), Pay(end_to_end_id="SAME")]
    assert explained(tpp.place(pain001(bank_day(sandbox), same)))[1] == "FORMAT_ERROR"
    none = [Pay(end_to_end_id="NOTPROVIDED"), Pay(end_to_end_id="NOTPROVIDED")]
    assert tpp.place(pain001(bank_day(sandbox), none)).status_code == 201


@pytest.mark.parametrize("ahead", [-1, 366])
def test_a_past_or_distant_date_is_refused(sandbox: Sandbox, tpp: Tpp, ahead: int):
    answer = tpp.place(pain001(bank_day(sandbox, ahead)))
    assert explained(answer)[:2] == (400, "EXECUTION_DATE_INVALID")


def test_a_strict_bank_accepts_business_days_only(sandbox: Sandbox, tpp: Tpp):
    sandbox.fault(bank_strict_days=True)
    today = date.fromisoformat(bank_day(sandbox))
    saturday = today + timedelta(days=(5 - today.weekday()) % 7 or 7)
    christmas = date(today.year + (today > date(today.year, 12, 25)), 12, 25)
    for day in (saturday, christmas):
        assert explained(tpp.place(pain001(day.isoformat())))[1] == "EXECUTION_DATE_INVALID"


def test_an_account_of_another_bank_is_refused(sandbox: Sandbox, tpp: Tpp):
    answer = tpp.place(pain001(bank_day(sandbox), debtor="NL24RABO0318264092"))
    assert explained(answer) == (400, "RESOURCE_UNKNOWN", "DbtrAcct")


def test_a_duplicate_message_is_refused(sandbox: Sandbox, tpp: Tpp):
    tpp.placed(pain001(bank_day(sandbox), msg_id="ONCE"))
    again = tpp.place(pain001(bank_day(sandbox), msg_id="ONCE"))
    assert explained(again) == (400, "PAYMENT_FAILED", "GrpHdr/MsgId")
    assert again.json()["tppMessages"][0]["text"].startswith("DUPL")
    assert Tpp(sandbox.url, "decoupled").place(
        pain001(bank_day(sandbox), msg_id="ONCE", debtor="NL93KNAB0412875530")
    ).status_code == 201  # fmt: skip


def test_a_duplicate_may_get_DUPL_or_go_unnoticed(sandbox: Sandbox):
    tpp = Tpp(sandbox.url, checked=False)
    tpp.placed(pain001(bank_day(sandbox), msg_id="ONCE"))
    sandbox.fault(bank_duplicate_dupl=True)
    assert explained(tpp.place(pain001(bank_day(sandbox), msg_id="ONCE")))[1] == "DUPL"
    sandbox.fault(bank_accepts_duplicates=True)
    assert tpp.place(pain001(bank_day(sandbox), msg_id="ONCE")).status_code == 201
    assert len(sandbox.control("GET", "orders")) == 2


BROKEN_JSON = [
    {"payments": []},
    {"payments": [{}]},
    {"debtorAccount": {"iban": "NL00INGB0004921836"}},
    {"debtorAccount": {}},
    {"batchBookingPreferred": "true"},
    {"requestedExecutionDate": "morgen"},
    {"categoryPurposeCode": "XXXX"},
    {"unknown": 1},
]


@pytest.mark.parametrize("changes", BROKEN_JSON, ids=str)
def test_a_broken_json_order_is_refused(sandbox: Sandbox, changes: dict):
    tpp = Tpp(sandbox.url, checked=False)
    answer = tpp.post(JSON, bulk(bank_day(sandbox)) | changes, headers=EXPLICIT)
    assert explained(answer)[:2] == (400, "FORMAT_ERROR")


@pytest.mark.parametrize(
    "pay",
    [Pay(name="Café"), Pay(iban="NL00"), Pay(amount="0"), Pay(end_to_end_id="//"), Pay(remittance="x" * 141)],
    ids=str,
)
def test_a_broken_json_payment_is_refused(sandbox: Sandbox, pay: Pay):
    tpp = Tpp(sandbox.url, checked=False)
    assert explained(tpp.post(JSON, bulk(bank_day(sandbox), [pay]), headers=EXPLICIT))[:2] == (400, "FORMAT_ERROR")


def test_unknown_products_orders_and_paths_get_api_errors(sandbox: Sandbox, tpp: Tpp):
    order = tpp.placed(pain001(bank_day(sandbox)))
    unchecked = Tpp(sandbox.url, checked=False)
    assert explained(unchecked.post("/payments/sepa-credit-transfers", {}, headers=EXPLICIT))[:2] == (
        404,
        "PRODUCT_UNKNOWN",
    )
    assert explained(tpp.get(f"{JSON}/{order.id}/status"))[:2] == (404, "RESOURCE_UNKNOWN")
    assert explained(Tpp(sandbox.url, "reader").get(f"{order.path}/status"))[:2] == (404, "RESOURCE_UNKNOWN")
    assert explained(unchecked.get("/signing-baskets"))[:2] == (404, "RESOURCE_UNKNOWN")
    assert unchecked.place(b"{}", EXPLICIT).status_code == 400
    assert unchecked.request("POST", JSON, b"<x/>", EXPLICIT, "application/xml").status_code == 415
