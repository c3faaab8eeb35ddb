"""The payment order as JSON (POST /v1/bulk-payments/sepa-credit-transfers), for banks that take no file.

The body has no place for a MsgId, a moment of writing or the debtor's name (contract, bulkPaymentInitiation_json;
paymentInformationId stands there as "not available yet"). So a bank can know a doubled order by its X-Request-ID
alone, and our reference is found back in the end-to-end ids, which begin with it. Wage tax carries its payment
reference as remittanceInformationStructured, in the form that the contract gives it.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from connectors.bank.pain001 import NotOurOrder, OrderLine, PaymentOrder, require_lines
from core.money import cents, format_iso

SALARY = "SALA"
_NOT_CARRIED = datetime(1970, 1, 1, tzinfo=UTC)
_TAX = {"referenceType": "SCOR", "referenceIssuer": "CUR"}


def carried(order: PaymentOrder) -> PaymentOrder:
    """The order without what this form has no place for: what `read_json` finds of it."""
    return replace(order, msg_id="", created_at=_NOT_CARRIED, initiating_party="", debtor_name="")


def write_json(order: PaymentOrder, salary_code: bool = True) -> bytes:
    """The body's bytes; the same order gives the same ones. OrderUnwritable for what SEPA does not carry.

    `salary_code`: the bank knows categoryPurposeCode SALA (BG 1.3.16); wage tax never carries it.
    """
    require_lines(order)
    body: dict[str, Any] = {
        "batchBookingPreferred": order.batch_booking,
        "debtorAccount": {"iban": order.debtor_iban, "currency": "EUR"},
        "requestedExecutionDate": order.execution_date.isoformat(),
    }
    if salary_code and not order.wage_tax:
        body["categoryPurposeCode"] = SALARY
    body["payments"] = [_payment(line, order.wage_tax) for line in order.lines]
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _payment(line: OrderLine, wage_tax: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "endToEndIdentification": line.end_to_end_id,
        "instructedAmount": {"currency": "EUR", "amount": format_iso(line.amount_cents)},
        "creditorAccount": {"iban": line.creditor_iban},
        "creditorName": line.creditor_name,
    }
    if wage_tax:
        made["remittanceInformationStructured"] = {"reference": line.remittance} | _TAX
    elif line.remittance:
        made["remittanceInformationUnstructured"] = line.remittance
    return made


def read_json(body: bytes) -> PaymentOrder:
    """What the bytes say, as `carried`. NotOurOrder unless writing what was read gives these very bytes."""
    try:
        found = json.loads(body)
        order = _order(found)
        same = write_json(order, "categoryPurposeCode" in found) == body
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise NotOurOrder("these bytes are not an order of ours") from error
    if not same:
        raise NotOurOrder("these bytes say more than an order of ours")
    return order


def _order(found: dict[str, Any]) -> PaymentOrder:
    lines = [_line(row) for row in found["payments"]]
    if not isinstance(found["batchBookingPreferred"], bool):
        raise ValueError("batchBookingPreferred")
    wage_tax = "remittanceInformationStructured" in found["payments"][0] if lines else False
    return PaymentOrder(
        msg_id="", created_at=_NOT_CARRIED, initiating_party="", debtor_name="",
        debtor_iban=found["debtorAccount"]["iban"], execution_date=date.fromisoformat(found["requestedExecutionDate"]),
        batch_booking=found["batchBookingPreferred"], lines=lines, wage_tax=wage_tax,
    )  # fmt: skip


def _line(row: dict[str, Any]) -> OrderLine:
    structured = row.get("remittanceInformationStructured")
    remittance = structured["reference"] if structured else row.get("remittanceInformationUnstructured", "")
    amount = cents(row["instructedAmount"]["amount"])
    name, iban = row["creditorName"], row["creditorAccount"]["iban"]
    return OrderLine(row["endToEndIdentification"], amount, name, iban, remittance)
