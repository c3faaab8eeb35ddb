"""The JSON order: as Berlin Group defines it, deterministic, and with nothing but what was approved."""

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bank.json_order import carried, read_json, write_json
from connectors.bank.order_formats import config_as_of_order, content_type, read_order, representable_in, write_order
from connectors.bank.pain001 import write_pain001
from connectors.bank.payment_order import NotOurOrder, OrderLine, OrderUnwritable, PaymentOrder
from connectors.bank.port import BankConfig
from tests.connectors.test_pain001 import LINE, ORDER, SECOND, orders
from tests.support.bank import DEBTOR, EXPLICIT, JSON, Tpp, bank_day, pain001
from tests.support.sandbox import Sandbox

TAX_LINE = OrderLine("L-1", 5_512_00, "Belastingdienst", "NL86INGB0002445588", "8123456780123450")
TAX = replace(ORDER, wage_tax=True, lines=[TAX_LINE])
BANK = BankConfig("ing", "ING", "https://bank.example", "sepa-credit-transfers", format="json", knows_salary=True)


@given(orders(), st.booleans())
def test_it_round_trips(order, salary_code: bool):
    body = write_json(order, salary_code)
    assert read_json(body) == carried(order)
    assert write_json(order, salary_code) == body


def test_it_matches_the_openapi():
    assert json.loads(write_json(ORDER)) == {
        "batchBookingPreferred": True,
        "debtorAccount": {"iban": "NL95INGB0004921836", "currency": "EUR"},
        "requestedExecutionDate": "2026-11-25",
        "categoryPurposeCode": "SALA",
        "payments": [
            {
                "endToEndIdentification": line.end_to_end_id,
                "instructedAmount": {"currency": "EUR", "amount": amount},
                "creditorAccount": {"iban": line.creditor_iban},
                "creditorName": line.creditor_name,
                "remittanceInformationUnstructured": "Salaris november 2026",
            }
            for line, amount in ((LINE, "3448.08"), (SECOND, "2611.00"))
        ],
    }


def test_the_salary_code_is_sent_only_if_supported():
    assert b"SALA" in write_order(BANK, ORDER)
    assert b"categoryPurposeCode" not in write_order(replace(BANK, knows_salary=False), ORDER)


def test_wage_tax_has_its_reference_and_no_salary_code():
    found = json.loads(write_json(TAX))
    assert "categoryPurposeCode" not in found
    assert found["payments"][0]["remittanceInformationStructured"] == {
        "reference": "8123456780123450", "referenceType": "SCOR", "referenceIssuer": "CUR",
    }  # fmt: skip
    assert read_json(write_json(TAX)) == carried(TAX)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b"3448.08", b"3448.0"),
        lambda body: body.replace(b"3448.08", b"3448.080"),
        lambda body: body.replace(b'"3448.08"', b"3448.08"),
        lambda body: body.replace(b"3448.08", b"-3448.08"),
        lambda body: body.replace(b'"EUR","amount"', b'"USD","amount"', 1),
        lambda body: body.replace(b"INGB2268352412", b"INGB2268352413"),
        lambda body: body.replace(b"2026-11-25", b"20261125"),
        lambda body: body.replace(b'Preferred":true', b'Preferred":1'),
        lambda body: body.replace(b"SALA", b"PENS"),
        lambda body: body.replace(b'"payments":[', b'"payments":[],"payments":['),
        lambda body: body.replace(b'"creditorName"', b'"creditorAgent":"INGBNL2A","creditorName"', 1),
        lambda body: body.replace(b"{", b"{ ", 1),
        lambda body: body + b"\n",
        lambda body: body[:-1],
        lambda body: b"[" + body + b"]",
        lambda body: b'{"payments":[]}',
        lambda body: b"[" * 100_000,
        lambda body: b"\xff",
        lambda body: b"",
    ],
)
def test_changed_bytes_are_not_our_order(change):
    body = write_json(ORDER)
    assert change(body) != body
    with pytest.raises(NotOurOrder):
        read_json(change(body))


def test_a_line_with_a_reference_stands_beside_one_with_a_text():
    lines = [replace(TAX_LINE, reference_type="SCOR", reference_issuer="CUR"), *ORDER.lines]
    mixed = replace(ORDER, lines=lines)
    assert read_json(write_json(mixed)) == carried(mixed)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (replace(LINE, creditor_name="Zoë"), "creditor_name"),
        (replace(LINE, amount_cents=0), "amount_cents"),
        (replace(LINE, creditor_iban="NL00INGB0000000000"), "creditor_iban"),
        (replace(LINE, end_to_end_id=""), "end_to_end_id"),
        (replace(LINE, remittance="x" * 141), "remittance"),
        (LINE, "stands twice"),
    ],
)
def test_invalid_sepa_values_are_refused(line: OrderLine, wrong: str):
    with pytest.raises(OrderUnwritable, match=wrong):
        write_json(replace(ORDER, lines=[LINE, line]))


def test_an_order_without_lines_or_debtor_is_refused():
    with pytest.raises(OrderUnwritable):
        write_json(replace(ORDER, lines=[]))
    with pytest.raises(OrderUnwritable, match="debtor_iban"):
        write_json(replace(ORDER, debtor_iban="NL95 INGB 0004 9218 36"))


# --- format and product ---
def test_the_media_type_follows_from_the_bytes():
    assert content_type(write_json(ORDER)) == "application/json"
    assert content_type(write_pain001(ORDER)) == "application/xml"


@pytest.mark.parametrize("form", ["json", "pain.001.001.09", "pain.001.001.03"])
def test_each_format_round_trips_what_it_can_carry(form):
    line = replace(BANK, format=form)
    assert read_order(line, write_order(line, ORDER)) == representable_in(line, ORDER)
    assert representable_in(line, ORDER).execution_date == date(2026, 11, 25)


def test_an_order_keeps_its_url_when_the_configuration_changes():
    then = config_as_of_order(BANK, "pain.001.001.09")
    assert (then.format, then.product) == ("pain.001.001.09", "pain.001-sepa-credit-transfers")
    assert config_as_of_order(then, "json") == BANK


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="no form"):
        config_as_of_order(BANK, "csv")


@pytest.mark.parametrize("order", [ORDER, TAX], ids=["salary", "tax"])
def test_a_json_bank_accepts_it(sandbox: Sandbox, order: PaymentOrder):
    body = write_json(replace(order, debtor_iban=DEBTOR, execution_date=date.fromisoformat(bank_day(sandbox, 1))))
    sandbox.control("PUT", "banks/redirect", {"format": "json"})
    answer = Tpp(sandbox.url).request("POST", JSON, body, EXPLICIT)
    assert answer.status_code == 201, answer.text
    assert Tpp(sandbox.url, checked=False).place(pain001(bank_day(sandbox))).status_code == 404
