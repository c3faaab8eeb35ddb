"""The file as it is sent, taken by a bank simulator that nobody here wrote (PyPI: mock-bank)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import requests

from connectors.bank.pain001 import OrderLine, PaymentOrder, write_pain001
from tests.support.sandbox import free_port

ACCOUNT = {"id": "DEMO", "iban": "NL95INGB0004921836", "name": "Demo BV", "currency": "EUR", "balance": 8_421_055}


@pytest.fixture
def bank() -> Iterator[str]:
    port = free_port()
    program = str(Path(sys.executable).with_name("mock-bank"))
    command = [program, "--port", str(port), "--timezone", "Europe/Amsterdam", "--clock", "2026-11-23T09:00", "--quiet"]
    process = subprocess.Popen(command)
    url, ends = f"http://127.0.0.1:{port}", time.monotonic() + 20
    try:
        while time.monotonic() < ends:
            try:
                requests.post(f"{url}/_mock/accounts", json=ACCOUNT, timeout=5).raise_for_status()
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def order(lines: int) -> bytes:
    return write_pain001(
        PaymentOrder(
            "20261123090000-66580", datetime(2026, 11, 23, 8, tzinfo=UTC), "Demo BV", "Demo BV", ACCOUNT["iban"],
            date(2026, 11, 24), True,
            [OrderLine(f"20261123090000-66580-{n:05d}", 100_00 + n, "Jong, Wouter de", "NL42INGB2268352412", "Salaris")
             for n in range(1, lines + 1)],
        )
    )  # fmt: skip


def test_it_takes_the_file_once(bank: str):
    body, kind = order(8), {"Content-Type": "application/xml"}
    answer = requests.post(f"{bank}/payments", data=body, headers=kind, timeout=20)
    assert (answer.status_code, answer.json()["status"], answer.json()["accepted"]) == (202, "ACCP", 8)
    again = requests.post(f"{bank}/payments", data=body, headers=kind, timeout=20)
    assert again.status_code == 422
    assert "DUPL" in again.text


def test_it_refuses_the_same_file_with_another_sum(bank: str):
    body = order(2).replace(b"<CtrlSum>200.03</CtrlSum>", b"<CtrlSum>200.04</CtrlSum>")
    answer = requests.post(f"{bank}/payments", data=body, headers={"Content-Type": "application/xml"}, timeout=20)
    assert answer.status_code >= 400
