"""The JSON format of a bulk payment (sepa-credit-transfers), validated as strictly as the XML."""

import json
from datetime import date
from typing import Any

from sandbox import clock
from sandbox.bank import sepa
from sandbox.bank.instruction import Block, Instruction, Line, NotAccepted, doubled
from sandbox.bank.pain001 import MAX_NAME, MAX_REMITTANCE, PURPOSES

MAX_PAYMENTS = 5000
ORDER_FIELDS = {
    "batchBookingPreferred", "debtorAccount", "requestedExecutionDate", "categoryPurposeCode", "payments",
}  # fmt: skip
PAYMENT_FIELDS = {
    "endToEndIdentification", "instructedAmount", "creditorAccount", "creditorName", "creditorAgent",
    "creditorAddress", "remittanceInformationUnstructured", "remittanceInformationStructured",
}  # fmt: skip
STRUCTURED_FIELDS = {"reference", "referenceType", "referenceIssuer"}
MAX_REFERENCE = 35


def read(raw: bytes) -> Instruction:
    """Parse the order in a JSON body.

    Raises:
    - NotAccepted: names the first error.
    """
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise NotAccepted("geen leesbare JSON") from error
    check_fields(body, ORDER_FIELDS, "")
    payments = body.get("payments")
    if not isinstance(payments, list) or not 1 <= len(payments) <= MAX_PAYMENTS:
        raise NotAccepted(f"1 tot {MAX_PAYMENTS} betalingen", "payments")
    lines = [read_payment(payment, f"payments[{index}]") for index, payment in enumerate(payments)]
    if twice := doubled(lines):
        raise NotAccepted(f"het end-to-end-kenmerk {twice} komt twee keer voor", "payments")
    block = Block("", "", iban_of(body, "debtorAccount"), day_of(body), booking_of(body), purpose_of(body), lines)
    return Instruction("json", None, None, [block])


def check_fields(body: Any, known: set[str], path: str) -> None:
    if not isinstance(body, dict):
        raise NotAccepted("een object wordt verwacht", path)
    if unknown := sorted(set(body) - known):
        raise NotAccepted(f"onbekend veld {unknown[0]}", path)


def iban_of(body: dict[str, Any], name: str) -> str:
    account = body.get(name)
    iban = account.get("iban") if isinstance(account, dict) else None
    if not isinstance(iban, str) or not sepa.iban_is_valid(iban):
        raise NotAccepted("geen geldige IBAN (AC01)", name)
    return iban


def day_of(body: dict[str, Any]) -> date:
    text = body.get("requestedExecutionDate")
    if text is None:
        return clock.bank_day()
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise NotAccepted(f"{text} is geen datum", "requestedExecutionDate") from error


def booking_of(body: dict[str, Any]) -> bool:
    preferred = body.get("batchBookingPreferred", True)
    if not isinstance(preferred, bool):
        raise NotAccepted("true of false wordt verwacht", "batchBookingPreferred")
    return preferred


def purpose_of(body: dict[str, Any]) -> str:
    purpose = body.get("categoryPurposeCode", "")
    if purpose and purpose not in PURPOSES:
        raise NotAccepted(f"onbekende code {purpose}", "categoryPurposeCode")
    return purpose


def read_payment(payment: Any, path: str) -> Line:
    check_fields(payment, PAYMENT_FIELDS, path)
    end_to_end_id = text_of(payment, "endToEndIdentification", path) or "NOTPROVIDED"
    name = text_of(payment, "creditorName", path)
    remittance = remittance_of(payment, path)
    if problem := sepa.reference_problem(end_to_end_id):
        raise NotAccepted(problem, f"{path}/endToEndIdentification")
    if not name or (problem := sepa.text_problem(name, MAX_NAME)):
        raise NotAccepted("de naam ontbreekt of deugt niet", f"{path}/creditorName")
    if remittance and (problem := sepa.text_problem(remittance, MAX_REMITTANCE)):
        raise NotAccepted(problem, f"{path}/remittanceInformationUnstructured")
    return Line(end_to_end_id, amount_of(payment, path), name, iban_of(payment, "creditorAccount"), remittance)


def remittance_of(payment: dict[str, Any], path: str) -> str:
    """Return the free text or the reference of a payment; both together are refused."""
    structured = payment.get("remittanceInformationStructured")
    if structured is None:
        return text_of(payment, "remittanceInformationUnstructured", path)
    here = f"{path}/remittanceInformationStructured"
    if "remittanceInformationUnstructured" in payment:
        raise NotAccepted("vrije tekst of een betalingskenmerk, niet allebei", here)
    check_fields(structured, STRUCTURED_FIELDS, here)
    reference = text_of(structured, "reference", here)
    if not reference or sepa.text_problem(reference, MAX_REFERENCE):
        raise NotAccepted("het kenmerk ontbreekt of deugt niet", f"{here}/reference")
    return reference


def text_of(payment: dict[str, Any], name: str, path: str) -> str:
    text = payment.get(name, "")
    if not isinstance(text, str):
        raise NotAccepted("een tekst wordt verwacht", f"{path}/{name}")
    return text


def amount_of(payment: dict[str, Any], path: str) -> int:
    amount = payment.get("instructedAmount")
    path = f"{path}/instructedAmount"
    if not isinstance(amount, dict) or amount.get("currency") != "EUR":
        raise NotAccepted("een bedrag in EUR wordt verwacht (AM03)", path)
    try:
        return sepa.cents(amount.get("amount") or "")
    except (TypeError, ValueError) as error:
        raise NotAccepted("geen bedrag (AM12)", path) from error
