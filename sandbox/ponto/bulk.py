"""Parse a bulk payment for Ponto strictly: an unknown attribute refuses the whole request."""

import json
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox import clock
from sandbox.bank import sepa
from sandbox.bank.instruction import Block, Instruction, Line, NotAccepted

MOST = 10_000
ATTRIBUTES = {"reference", "redirectUri", "requestedExecutionDate", "batchBookingPreferred", "payments"}
NEEDED = {"currency", "amount", "creditorName", "creditorAccountReference", "creditorAccountReferenceType"}
MAY = {"remittanceInformation", "remittanceInformationType", "creditorAgent", "creditorAgentType"}
MOST_DAYS_AHEAD = 365


def read(raw: bytes, debtor: dict[str, Any]) -> tuple[Instruction, str | None]:
    """Return the order and the redirect URI.

    Raises:
    - NotAccepted: names the first error.
    """
    attributes = attributes_of(raw)
    payments, reference = attributes.get("payments"), attributes.get("reference")
    if not isinstance(reference, str) or not 0 < len(reference) <= 35:
        raise NotAccepted("een tekst van hooguit 35 tekens", "reference")
    if not isinstance(payments, list) or not 1 <= len(payments) <= MOST:
        raise NotAccepted(f"1 tot {MOST} betalingen", "payments")
    booking = attributes.get("batchBookingPreferred", False)
    if not isinstance(booking, bool):
        raise NotAccepted("true of false", "batchBookingPreferred")
    lines = [line_of(payment, number) for number, payment in enumerate(payments, 1)]
    block = Block("", debtor["owner"], debtor["iban"], day_of(attributes), booking, "", lines)
    return Instruction("ponto", reference, None, [block]), attributes.get("redirectUri")


def attributes_of(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw, parse_float=Decimal)["data"]
        attributes, kind = data["attributes"], data["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotAccepted("geen bulkPayment van JSON:API", "data") from error
    if kind != "bulkPayment" or not isinstance(attributes, dict):
        raise NotAccepted("geen bulkPayment", "data/type")
    if unknown := sorted(set(attributes) - ATTRIBUTES):
        raise NotAccepted(f"onbekend: {unknown[0]}", unknown[0])
    return attributes


def day_of(attributes: dict[str, Any]) -> date:
    today = clock.bank_day()
    try:
        day = date.fromisoformat(attributes.get("requestedExecutionDate", today.isoformat()))
    except (TypeError, ValueError) as error:
        raise NotAccepted("geen datum", "requestedExecutionDate") from error
    if not 0 <= (day - today).days <= MOST_DAYS_AHEAD:
        raise NotAccepted("voorbij, of te ver weg", "requestedExecutionDate")
    return day


def line_of(payment: Any, number: int) -> Line:
    path = f"payments/{number - 1}"
    if not isinstance(payment, dict) or not set(payment) >= NEEDED or set(payment) - NEEDED - MAY:
        raise NotAccepted("andere velden dan die van een betaling", path)
    name, iban = payment["creditorName"], payment["creditorAccountReference"]
    if payment["creditorAccountReferenceType"] != "IBAN" or not sepa.iban_is_valid(str(iban)):
        raise NotAccepted("geen geldige IBAN", f"{path}/creditorAccountReference")
    if not isinstance(name, str) or not name or sepa.text_problem(name, 70):
        raise NotAccepted("de naam deugt niet", f"{path}/creditorName")
    return Line(f"P{number}", cents_of(payment, path), name, iban, remittance_of(payment, path))


def cents_of(payment: dict[str, Any], path: str) -> int:
    if payment["currency"] != "EUR" or isinstance(payment["amount"], str | bool):
        raise NotAccepted("een getal in EUR", f"{path}/amount")
    try:
        return sepa.cents(f"{Decimal(payment['amount']):f}")
    except (ValueError, TypeError, InvalidOperation) as error:
        raise NotAccepted("geen bedrag", f"{path}/amount") from error


def remittance_of(payment: dict[str, Any], path: str) -> str:
    text, kind = payment.get("remittanceInformation", ""), payment.get("remittanceInformationType", "unstructured")
    right = isinstance(text, str) and kind in ("structured", "unstructured")
    if not right or (text and sepa.text_problem(text, 140)):
        raise NotAccepted("de omschrijving deugt niet", f"{path}/remittanceInformation")
    if kind == "structured" and not re.fullmatch(r"[0-9]{16}|RF[0-9]{2}[A-Z0-9]{1,21}", text):
        raise NotAccepted("geen betalingskenmerk", f"{path}/remittanceInformation")
    return text
