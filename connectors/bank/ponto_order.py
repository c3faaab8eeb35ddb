"""An order as Ponto Connect takes it: a bulk payment in JSON:API, and beside it what Ponto has no place for.

Ponto's attributes name neither the account (it stands in the address), nor an end-to-end id, nor a category
purpose (docs/ponto.md). What is approved, kept and read back is therefore a document with both parts; what goes to
Ponto is its `request`, as the bytes have it, with the way back put in front (`to_send`).

Amounts are decimal numbers written from cents: no float comes near them.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from connectors.bank.pain001 import NotOurOrder, OrderLine, PaymentOrder, require_writable
from core.money import cents, format_iso

_REQUEST = b',"request":'
_ATTRIBUTES = b'"attributes":{'


class _Exact(str):
    """A number as it is written."""


def write_ponto(order: PaymentOrder) -> bytes:
    """The document's bytes; the same order gives the same bytes. OrderUnwritable for what SEPA does not carry."""
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
    kind = "structured" if order.wage_tax else "unstructured"
    payments = ",".join(_payment(line, kind) for line in order.lines)
    request = f'{{"data":{{"type":"bulkPayment","attributes":{_json(attributes)[:-1]},"payments":[{payments}]}}}}}}'
    return f'{_json(beside)[:-1]},"request":{request}}}'.encode("ascii")


def _payment(line: OrderLine, kind: str) -> str:
    who = {
        "creditorName": line.creditor_name, "creditorAccountReference": line.creditor_iban,
        "creditorAccountReferenceType": "IBAN",
    }  # fmt: skip
    about = {"remittanceInformation": line.remittance, "remittanceInformationType": kind} if line.remittance else {}
    return f'{{"currency":"EUR","amount":{format_iso(line.amount_cents)},{_json(who | about)[1:]}'


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))


def read_ponto(body: bytes) -> PaymentOrder:
    """What the bytes say. NotOurOrder when they are not an order of ours, or say more than one.

    Writing what was read must give these very bytes, so nothing can stand in them that is not read.
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
        lines=_lines(found["endToEndIds"], attributes["payments"]),
    )  # fmt: skip


def _lines(ids: Sequence[str], payments: Sequence[dict[str, Any]]) -> list[OrderLine]:
    return [
        OrderLine(
            end_to_end_id, cents(payment["amount"]), payment["creditorName"], payment["creditorAccountReference"],
            payment.get("remittanceInformation", ""),
        )
        for end_to_end_id, payment in zip(ids, payments, strict=True)
    ]  # fmt: skip


def request_body(body: bytes, redirect_uri: str) -> tuple[str, bytes]:
    """The debtor's IBAN, and the request for Ponto: the bytes of the order with the way back in front.

    NotOurOrder when the bytes are no such order. The same order and address give the same request.
    """
    order = read_ponto(body)
    request = body.partition(_REQUEST)[2][:-1]
    way_back = f'"redirectUri":{json.dumps(redirect_uri)},'.encode("ascii")
    return order.debtor_iban, request.replace(_ATTRIBUTES, _ATTRIBUTES + way_back, 1)
