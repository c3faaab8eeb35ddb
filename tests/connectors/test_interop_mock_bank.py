"""The payment file against an independent bank simulator (PyPI: mock-bank), and its reports parsed.

It validates each file, answers with a pain.002, books on the requested date and reports that in a camt.054 and a
camt.053, including returns.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.bank.camt import AccountEntry, AccountStatement, read_account_report
from connectors.bank.pain001 import write_pain001
from connectors.bank.pain002 import StatusReportDocument, read_status_report
from connectors.bank.payment_order import VERSIONS, OrderLine, PaymentOrder
from core.iban import normalise
from tests.support.sandbox import free_port

DAY = date(2026, 11, 24)
OURS = {"id": "DEMO", "iban": "NL95INGB0004921836", "name": "Demo BV", "currency": "EUR", "bic": "INGBNL2A"}
CLOSED = "NL42INGB2268352412"


@dataclass
class Stranger:
    """The simulator's own API."""

    url: str

    def call(self, method: str, path: str, **content: Any) -> Any:
        answer = requests.request(method, self.url + path, timeout=60, **content)
        assert answer.ok, answer.text[:300]
        return answer.json()

    def gives(self, body: bytes) -> requests.Response:
        return requests.post(f"{self.url}/payments", data=body, headers={"Content-Type": "application/xml"}, timeout=60)

    def behaves(self, behaviour: str, **parameters: Any) -> None:
        change = {"behaviour": behaviour, "parameters": parameters}
        self.call("PATCH", f"/_mock/accounts/{OURS['id']}", json=change)

    def said(self, kind: str) -> list[bytes]:
        """Return the messages of this kind about our account, each once."""
        found = self.call("GET", "/_mock/mailbox", params={"type": kind})
        return [one["body"].encode() for one in found if one["account"] == OURS["id"]]

    def report(self) -> StatusReportDocument:
        (body,) = self.said("pain.002")
        return read_status_report(body)

    def statements(self, days: int) -> list[AccountStatement]:
        self.call("POST", f"/_mock/advance?days={days}")
        return [one for body in self.said("camt.053") for one in read_account_report(body).statements]


@pytest.fixture
def bank() -> Iterator[Stranger]:
    port = free_port()
    program = str(Path(sys.executable).with_name("mock-bank"))
    command = [program, "--port", str(port), "--timezone", "Europe/Amsterdam", "--clock", "2026-11-23T09:00", "--quiet"]
    process = subprocess.Popen(command)
    stranger, ends = Stranger(f"http://127.0.0.1:{port}"), time.monotonic() + 20
    try:
        while True:
            try:
                stranger.call("POST", "/_mock/accounts", json=OURS | {"balance": 5_000_000_00})
                break
            except requests.ConnectionError:
                assert time.monotonic() < ends, "it did not start"
                time.sleep(0.05)
        yield stranger
    finally:
        process.terminate()
        process.wait(10)


def iban(number: int) -> str:
    """Return a valid IBAN for each payment."""
    account = f"INGB{number:010d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{account}NL00")
    return normalise(f"NL{98 - int(digits) % 97:02d}{account}")


def order(count: int, **more: Any) -> PaymentOrder:
    msg_id = "20261123090000-66580"
    lines = [
        OrderLine(f"{msg_id}-{n:05d}", 100_00 + n, f"Jong, Wouter de {n}", iban(n), "Salaris november 2026")
        for n in range(1, count + 1)
    ]
    return PaymentOrder(
        **{
            "msg_id": msg_id, "created_at": datetime(2026, 11, 23, 8, tzinfo=UTC), "initiating_party": OURS["name"],
            "debtor_name": OURS["name"], "debtor_iban": OURS["iban"], "execution_date": DAY, "batch_booking": True,
            "lines": lines,
        } | more
    )  # fmt: skip


def booked(statements: list[AccountStatement]) -> list[AccountEntry]:
    assert {one.iban for one in statements} == {OURS["iban"]}
    return [entry for one in statements for entry in one.entries if entry.is_booked]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("count", [1, 8, 80, pytest.param(10_000, marks=pytest.mark.thorough)])
def test_it_accepts_the_file_and_its_reports_are_parsed(bank: Stranger, count: int, version: str):
    asked = order(count, version=version)
    answer = bank.gives(write_pain001(asked)).json()
    assert (answer["status"], answer["accepted"], answer["rejected"]) == ("ACCP", count, 0)
    report = bank.report()
    assert (report.original_message_id, report.overall) == (asked.msg_id, "ACCP")
    assert {one.code for one in report.statements} <= {"ACCP"}
    entries = booked(bank.statements(days=3))
    ours = {detail.end_to_end_id: entry for entry in entries for detail in entry.details}
    assert set(ours) == {line.end_to_end_id for line in asked.lines}
    assert sum(entry.signed_cents for entry in entries) == -asked.total_cents
    assert {entry.booking_date for entry in entries} == {DAY}


def test_it_accepts_a_wage_tax_payment(bank: Stranger):
    line = OrderLine("20261123090000-66580-1", 4_211_00, "Belastingdienst", "NL86INGB0002445588", "1234567890123456")
    body = write_pain001(order(1, lines=[line], wage_tax=True))
    found = bank.call("POST", "/_mock/validate", data=body, headers={"Accept": "application/json"})
    assert found["findings"] == []
    assert bank.gives(body).json()["accepted"] == 1


def test_it_accepts_a_file_once(bank: Stranger):
    body = write_pain001(order(8))
    assert bank.gives(body).status_code == 202
    assert bank.report().overall == "ACCP"
    again = bank.gives(body)
    assert again.status_code == 422
    report = bank.report()
    assert (report.overall, report.reasons) == ("RJCT", ("DUPL",))


def test_it_refuses_the_same_file_with_another_total(bank: Stranger):
    body = write_pain001(order(2)).replace(b"<CtrlSum>200.03</CtrlSum>", b"<CtrlSum>200.04</CtrlSum>")
    assert bank.gives(body).status_code == 422
    assert "AM10" in bank.report().reasons


def test_a_closed_account_rejects_only_its_line(bank: Stranger):
    lines = list(order(8).lines)
    lines[3] = OrderLine(lines[3].end_to_end_id, 99_00, "Dicht, Rekening", CLOSED, "Salaris")
    closed = {"id": "CLOSED", "iban": CLOSED, "name": "Dicht", "currency": "EUR", "behaviour": "closed-account"}
    bank.call("POST", "/_mock/accounts", json=closed)
    answer = bank.gives(write_pain001(order(8, lines=lines))).json()
    assert (answer["accepted"], answer["rejected"]) == (7, 1)
    report = bank.report()
    assert report.overall == "PART"
    refused = [one for one in report.statements if one.level == "line" and one.code == "RJCT"]
    assert [(one.end_to_end_id, one.reasons) for one in refused] == [(lines[3].end_to_end_id, ("AC04",))]
    entries = booked(bank.statements(days=3))
    paid = [line.amount_cents for line in lines if line is not lines[3]]
    assert sum(entry.signed_cents for entry in entries) == -sum(paid)


def test_a_return_is_reported_with_its_reason(bank: Stranger):
    bank.behaves("return-later", days=2)
    asked = order(1)
    bank.gives(write_pain001(asked))
    entries = booked(bank.statements(days=8))
    assert [entry.signed_cents for entry in entries] == [-asked.total_cents, asked.total_cents]
    (back,) = entries[1].details
    assert back.end_to_end_id == asked.lines[0].end_to_end_id
    assert back.return_reason in ("AC04", "MD07")


def test_a_wholly_refused_file(bank: Stranger):
    bank.behaves("reject-file")
    assert bank.gives(write_pain001(order(8))).status_code == 422
    report = bank.report()
    assert (report.overall, report.reasons) == ("RJCT", ("FF01",))
    assert booked(bank.statements(days=3)) == []
