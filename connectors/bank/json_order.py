"""The payment order as JSON (POST /v1/bulk-payments/sepa-credit-transfers), for banks that accept no file.

The body (Berlin Group bulkPaymentInitiation_json) has no MsgId, no creation time and no debtor name; its
paymentInformationId is "not available yet". So a bank recognises a duplicate by X-Request-ID only, and we find our
reference in the end-to-end ids, which start with it. Wage tax carries its payment reference as
remittanceInformationStructured.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from connectors.bank.payment_order import (
    SCOR,
    TAX_ISSUER,
    NotOurOrder,
    OrderLine,
    PaymentOrder,
    reference_of_line,
    require_lines,
)
from core.money import cents, format_iso

SALARY = "SALA"
_NOT_CARRIED = datetime(1970, 1, 1, tzinfo=UTC)


def carried(order: PaymentOrder) -> PaymentOrder:
    """Return the order without the fields that JSON cannot carry: what `read_json` returns for it.

    That it is wage tax shows in its reference only.
    """
    lines = order.lines
    if order.wage_tax:
        lines = [replace(line, reference_type=SCOR, reference_issuer=TAX_ISSUER) for line in lines]
    return replace(
        order, msg_id="", created_at=_NOT_CARRIED, initiating_party="", debtor_name="", wage_tax=False, lines=lines
    )


def write_json(order: PaymentOrder, salary_code: bool = True) -> bytes:
    """Return the JSON bytes; the same order always gives the same bytes.

    `salary_code`: the bank accepts categoryPurposeCode SALA (Berlin Group 1.3.16); wage tax never carries it.

    Raises:
    - OrderUnwritable: the order holds something that SEPA does not allow.
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
    reference = reference_of_line(line, wage_tax)
    if reference is not None:
        made["remittanceInformationStructured"] = _structured(line.remittance, *reference)
    elif line.remittance:
        made["remittanceInformationUnstructured"] = line.remittance
    return made


def _structured(reference: str, kind: str, issuer: str) -> dict[str, str]:
    return {"reference": reference, "referenceType": kind} | ({"referenceIssuer": issuer} if issuer else {})


def read_json(body: bytes) -> PaymentOrder:
    """Parse an order that `write_json` wrote, as reduced by `carried`.

    Raises:
    - NotOurOrder: writing the parsed order does not give exactly these bytes.
    """
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
    return PaymentOrder(
        msg_id="", created_at=_NOT_CARRIED, initiating_party="", debtor_name="",
        debtor_iban=found["debtorAccount"]["iban"], execution_date=date.fromisoformat(found["requestedExecutionDate"]),
        batch_booking=found["batchBookingPreferred"], lines=lines,
    )  # fmt: skip


def _line(row: dict[str, Any]) -> OrderLine:
    structured = row.get("remittanceInformationStructured") or {}
    remittance = structured["reference"] if structured else row.get("remittanceInformationUnstructured", "")
    kind, issuer = structured.get("referenceType", ""), structured.get("referenceIssuer", "")
    amount = cents(row["instructedAmount"]["amount"])
    name, iban = row["creditorName"], row["creditorAccount"]["iban"]
    return OrderLine(row["endToEndIdentification"], amount, name, iban, remittance, kind, issuer)
