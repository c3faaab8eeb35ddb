"""The order in Ponto's format: deterministic, round-tripped exactly, and other bytes are refused."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.order_formats import read_order, write_order
from connectors.bank.payment_order import MOST_CENTS, NotOurOrder, OrderLine, OrderUnwritable, PaymentOrder
from connectors.bank.ponto_order import request_body
from connectors.bank.port import BankConfig

LINE = BankConfig("ponto", "Ponto", "https://bank.example/ponto", format="ponto", adapter="ponto")
LINES = [
    OrderLine("E2E-1", 344808, "Jong, Wouter de", "NL42INGB2268352412", "Salaris november 2026"),
    OrderLine("E2E-2", 1, "Donkersloot Meijer, Naomi", "NL52ABNA7650143244", ""),
]
ORDER = PaymentOrder(
    msg_id="REF-1", created_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC), initiating_party="Demo BV",
    debtor_name="Demo BV", debtor_iban="NL95INGB0004921836", execution_date=date(2026, 11, 25), batch_booking=True,
    lines=LINES,
)  # fmt: skip
TAX = replace(ORDER, wage_tax=True, lines=[replace(LINES[0], remittance="1234567890123456")])
BACK = "https://app.example/bank/ondertekend/s"
WORDS = st.text("abcXYZ019 /-?:().,'+", min_size=1, max_size=30).map(str.strip).filter(bool)


@pytest.mark.parametrize("order", [ORDER, TAX, replace(ORDER, batch_booking=False)])
def test_it_round_trips(order: PaymentOrder):
    body = write_order(LINE, order)
    assert read_order(LINE, body) == order
    assert write_order(LINE, order) == body


@given(st.lists(st.tuples(st.integers(1, MOST_CENTS), WORDS, WORDS), min_size=1, max_size=5))
def test_any_amount_and_text_round_trips(rows: list[tuple[int, str, str]]):
    lines = [
        OrderLine(f"E{number}", amount, name, "NL42INGB2268352412", text)
        for number, (amount, name, text) in enumerate(rows)
    ]
    order = replace(ORDER, lines=lines)
    assert read_order(LINE, write_order(LINE, order)) == order


def test_ponto_gets_the_approved_order_and_the_redirect_uri():
    iban, request = request_body(write_order(LINE, ORDER), BACK)
    attributes = json.loads(request, parse_float=Decimal)["data"]["attributes"]
    assert iban == "NL95INGB0004921836"
    assert attributes.pop("redirectUri") == BACK
    assert attributes == {
        "reference": "REF-1", "requestedExecutionDate": "2026-11-25", "batchBookingPreferred": True,
        "payments": [
            {
                "currency": "EUR", "amount": Decimal("3448.08"), "creditorName": "Jong, Wouter de",
                "creditorAccountReference": "NL42INGB2268352412", "creditorAccountReferenceType": "IBAN",
                "remittanceInformation": "Salaris november 2026", "remittanceInformationType": "unstructured",
            },
            {
                "currency": "EUR", "amount": Decimal("0.01"), "creditorName": "Donkersloot Meijer, Naomi",
                "creditorAccountReference": "NL52ABNA7650143244", "creditorAccountReferenceType": "IBAN",
            },
        ],
    }  # fmt: skip
    assert b"NL95INGB0004921836" not in request
    assert request_body(write_order(LINE, ORDER), BACK) == (iban, request)


def test_a_payment_reference_is_structured():
    _, request = request_body(write_order(LINE, TAX), BACK)
    payment = json.loads(request)["data"]["attributes"]["payments"][0]
    assert (payment["remittanceInformation"], payment["remittanceInformationType"]) == (
        "1234567890123456", "structured",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"amount":3448.08', b'"amount":3448.080'), (b'"amount":3448.08', b'"amount":344808e-2'),
        (b'"amount":0.01', b'"amount":"0.01"'), (b'"currency":"EUR"', b'"currency":"USD"'),
        (b'"reference":', b'"extra":1,"reference":'), (b'"endToEndIds":["E2E-1",', b'"endToEndIds":['),
        (b'{"debtorAccount"', b' {"debtorAccount"'), (b'"IBAN"', b'"BBAN"'), (b'"amount":0.01', b'"amount":-0.01'),
        (b'"wageTax":false', b'"wageTax":null'), (b'}', b''), (b"NL52ABNA7650143244", b"NL52ABNA7650143245"),
    ],
)  # fmt: skip
def test_changed_bytes_are_not_our_order(old: bytes, new: bytes):
    body = write_order(LINE, ORDER)
    assert old in body
    with pytest.raises(NotOurOrder):
        read_order(LINE, body.replace(old, new, 1))
    with pytest.raises(NotOurOrder):
        request_body(body.replace(old, new, 1), BACK)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"request":' + b"[" * 100_000])
def test_other_documents_are_not_our_order(body: bytes):
    with pytest.raises(NotOurOrder):
        read_order(LINE, body)


@pytest.mark.parametrize("name", ["Zoë", "", "x" * 71])
def test_invalid_sepa_values_are_refused(name: str):
    with pytest.raises(OrderUnwritable):
        write_order(LINE, replace(ORDER, lines=[replace(LINES[0], creditor_name=name)]))
