"""The payment order for Ponto Connect: a JSON:API bulk payment, plus the data that Ponto has no field for.

Ponto's attributes contain no debtor account (it is in the path), no end-to-end id and no category purpose
(docs/ponto.md). So the document that is approved, stored and read back has both parts; Ponto gets its `request` part,
with the redirect URI inserted (`request_body`). Amounts are decimal numbers written from cents, without floats.
"""

import json
import re
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
    require_writable,
)
from core.money import cents, format_iso

_REFERENCE = re.compile(r"[0-9]{16}|RF[0-9]{2}[A-Z0-9]{1,21}")
_REQUEST = b',"request":'
_ATTRIBUTES = b'"attributes":{'


class _Exact(str):
    """A number kept as the text it was written in."""


def write_ponto(order: PaymentOrder) -> bytes:
    """Return the bytes of the document; the same order always gives the same bytes.

    Raises:
    - OrderUnwritable: the order holds something that SEPA does not allow.
    """
    require_writable(order)
    beside = {
        "debtorAccount": order.debtor_iban, "debtorName": order.debtor_name, "initiatingParty": order.initiating_party,
        "createdAt": order.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "wageTax": order.wage_tax,
        "endToEndIds": [line.end_to_end_id for line in order.lines],
    }  # fmt: skip
    attributes = {
        "reference": order.msg_id, "requestedExecutionDate": order.execution_date.isoformat(),
        "batchBookingPreferred": order.batch_booking,
    }  # fmt: skip
    payments = ",".join(_payment(line, order.wage_tax) for line in order.lines)
    request = f'{{"data":{{"type":"bulkPayment","attributes":{_json(attributes)[:-1]},"payments":[{payments}]}}}}}}'
    return f'{_json(beside)[:-1]},"request":{request}}}'.encode("ascii")


def carried_in_ponto(order: PaymentOrder) -> PaymentOrder:
    """Return the order with the issuers that Ponto reads from the references themselves; it has no field for them."""
    lines = [
        replace(line, reference_issuer=_issuer(line.remittance)) if line.reference_type else line
        for line in order.lines
    ]  # fmt: skip
    return replace(order, lines=lines)


def is_known_reference(reference: str) -> bool:
    """Return whether Ponto takes the reference as structured: a Dutch payment reference, or one of ISO 11649 (RF)."""
    return _REFERENCE.fullmatch(reference) is not None


def _issuer(reference: str) -> str:
    return "ISO" if reference.startswith("RF") else TAX_ISSUER


def _payment(line: OrderLine, wage_tax: bool) -> str:
    kind = "unstructured" if reference_of_line(line, wage_tax) is None else "structured"
    who = {
        "creditorName": line.creditor_name, "creditorAccountReference": line.creditor_iban,
        "creditorAccountReferenceType": "IBAN",
    }  # fmt: skip
    about = {"remittanceInformation": line.remittance, "remittanceInformationType": kind} if line.remittance else {}
    return f'{{"currency":"EUR","amount":{format_iso(line.amount_cents)},{_json(who | about)[1:]}'


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def read_ponto(body: bytes) -> PaymentOrder:
    """Parse an order that `write_ponto` wrote.

    Raises:
    - NotOurOrder: writing the parsed order does not give exactly these bytes.
    """
    try:
        order = _order(json.loads(body.decode("ascii"), parse_float=_Exact, parse_int=_Exact))
        same = write_ponto(order) == body
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotOurOrder("these bytes are not an order of ours") from error
    if not same:
        raise NotOurOrder("these bytes say more than an order of ours")
    return order


def _order(found: dict[str, Any]) -> PaymentOrder:
    attributes = found["request"]["data"]["attributes"]
    return PaymentOrder(
        msg_id=attributes["reference"], created_at=datetime.fromisoformat(found["createdAt"]),
        initiating_party=found["initiatingParty"], debtor_name=found["debtorName"],
        debtor_iban=found["debtorAccount"], execution_date=date.fromisoformat(attributes["requestedExecutionDate"]),
        batch_booking=attributes["batchBookingPreferred"] is True, wage_tax=found["wageTax"] is True,
        lines=[
            _line(end_to_end_id, payment, found["wageTax"] is True)
            for end_to_end_id, payment in zip(found["endToEndIds"], attributes["payments"], strict=True)
        ],
    )  # fmt: skip


def _line(end_to_end_id: str, payment: dict[str, Any], wage_tax: bool) -> OrderLine:
    remittance = payment.get("remittanceInformation", "")
    is_reference = payment.get("remittanceInformationType") == "structured" and not wage_tax
    reference = (SCOR, _issuer(remittance)) if is_reference else ("", "")
    return OrderLine(
        end_to_end_id, cents(payment["amount"]), payment["creditorName"], payment["creditorAccountReference"],
        remittance, *reference,
    )  # fmt: skip


def request_body(body: bytes, redirect_uri: str) -> tuple[str, bytes]:
    """Return the debtor's IBAN and the request body for Ponto, with the redirect URI inserted.

    The same order and URI give the same body.

    Raises:
    - NotOurOrder: the bytes are no such order.
    """
    order = read_ponto(body)
    request = body.partition(_REQUEST)[2][:-1]
    way_back = f'"redirectUri":{json.dumps(redirect_uri)},'.encode("ascii")
    return order.debtor_iban, request.replace(_ATTRIBUTES, _ATTRIBUTES + way_back, 1)
