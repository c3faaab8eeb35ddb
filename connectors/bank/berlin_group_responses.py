"""Parse the answers of Berlin Group NextGenPSD2 1.3: accounts, balances, SCA steps, and a status that is a pain.002.

A field that is not as the standard says raises OutcomeUnknown.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.bank import payment_status_report, response_links, response_parsing
from connectors.bank.pain002 import NotAReport, read_status_report
from connectors.bank.port import (
    SCA_STATUSES,
    TRANSACTION_STATUSES,
    Account,
    Authorisation,
    Balance,
    BankConfig,
    OutcomeUnknown,
    StatusReport,
)
from connectors.bank.transport import Answer
from core.clock import amsterdam_midnight, utcnow
from core.iban import normalise
from core.money import cents

# In order of preference: what can be spent now before what is booked.
BALANCE_ORDER = ("interimAvailable", "forwardAvailable", "expected", "interimBooked", "closingBooked", "openingBooked")
LONGEST_RAW = 4000  # characters
_METHOD_PARTS = ("authenticationMethodId", "authenticationType", "name", "explanation")
_CHALLENGE_PARTS = {
    "image": str, "data": list, "imageLink": str, "otpMaxLength": int, "otpFormat": str, "additionalInformation": str,
}  # fmt: skip


def raw_text(answer: Answer) -> str:
    """Return the start of the answer's body, for the records."""
    return answer.body[:LONGEST_RAW].decode("utf-8", "replace")


def account_of(row: dict[str, Any]) -> Account:
    """Return an account of the list; its name is the first of name, displayName and product.

    Raises:
    - OutcomeUnknown: its IBAN is invalid, or its currency is missing.
    """
    try:
        iban = normalise(str(row["iban"]))
    except ValueError as error:
        raise OutcomeUnknown("an account with an invalid IBAN") from error
    names = (response_parsing.text_or_none(row, key) for key in ("name", "displayName", "product"))
    name = next((text for text in names if text), None)
    currency = response_parsing.text_or_none(row, "currency", 3)
    if currency is None:
        raise OutcomeUnknown("an account without a currency")
    return Account(
        resource_id=response_parsing.identifier(row, "resourceId"), iban=iban, name=name,
        owner_name=response_parsing.text_or_none(row, "ownerName"), currency=currency,
    )  # fmt: skip


def balance_of(rows: list[dict[str, Any]]) -> Balance | None:
    """Return the euro balance that best shows what can be spent, or None if there is none."""
    kinds = {row.get("balanceType"): row for row in reversed(rows) if _amount(row).get("currency") == "EUR"}
    kind = next((kind for kind in BALANCE_ORDER if kind in kinds), None)
    return _balance(kind, kinds[kind]) if kind else None


def _amount(row: Mapping[str, Any]) -> dict[str, Any]:
    amount = row.get("balanceAmount")
    if not isinstance(amount, dict):
        raise OutcomeUnknown("a balance without an amount")
    return amount


def _balance(kind: str, row: dict[str, Any]) -> Balance:
    text = _amount(row).get("amount")
    if not isinstance(text, str):
        raise OutcomeUnknown("a balance whose amount is invalid")
    try:
        value = -cents(text[1:]) if text.startswith("-") else cents(text)
    except ValueError as error:
        raise OutcomeUnknown("a balance whose amount is invalid") from error
    return Balance(value, kind, _as_of(kind, row))


def _as_of(kind: str, row: dict[str, Any]) -> datetime:
    """Return the moment of a balance: now for one that can be spent, the start or end of its date for a booked one.

    `lastChangeDateTime` is not used: it is the moment of the last booking.
    """
    day = response_parsing.day_or_none(row, "referenceDate")
    now = utcnow()
    if day is None or kind not in ("closingBooked", "openingBooked"):
        return now
    return min(now, amsterdam_midnight(day if kind == "openingBooked" else day + timedelta(days=1)))


def authorisation_of(config: BankConfig, found: dict[str, Any]) -> Authorisation:
    """Parse the answer to a step of an SCA: its status, methods, challenge and links."""
    known = response_links.read_links(config, found)
    methods = response_parsing.rows_of(found, "scaMethods") if found.get("scaMethods") else []
    chosen, challenge = found.get("chosenScaMethod"), found.get("challengeData")
    return Authorisation(
        id=response_parsing.identifier(found, "authorisationId") if "authorisationId" in found else None,
        sca_status=response_parsing.one_of(found, "scaStatus", SCA_STATUSES), redirect_url=known.get("scaRedirect"),
        methods=tuple(_method(row) for row in methods),
        challenge=_challenge(challenge) if isinstance(challenge, dict) else None,
        psu_message=response_parsing.text_or_none(found, "psuMessage"), links=known,
        chosen_method=_method(chosen) if isinstance(chosen, dict) else None,
    )  # fmt: skip


def _method(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of an SCA method that the person chooses by."""
    return {name: row[name] for name in _METHOD_PARTS if isinstance(row.get(name), str)}


def _challenge(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of the challenge that the standard defines, each only with its own type."""
    parts = {name: found[name] for name, kind in _CHALLENGE_PARTS.items() if isinstance(found.get(name), kind)}
    if "data" in parts:
        parts["data"] = [str(item) for item in parts["data"]]
    return parts


def status_from_xml(config: BankConfig, path: str, answer: Answer) -> StatusReport:
    """Parse a status in XML. The report may give a status for single payments only.

    Raises:
    - OutcomeUnknown: it is no pain.002, or has no known status.
    """
    try:
        document = read_status_report(answer.body)
    except NotAReport as error:
        raise OutcomeUnknown("the status is no pain.002") from error
    status = document.overall or ""
    if status not in TRANSACTION_STATUSES and (status or not document.statements):
        raise OutcomeUnknown("the pain.002 has no status that we know")
    reason = next(iter(document.reasons), None)
    # A pain.002 has no links; the standard fixes the path of this one.
    confirmation = response_links.api_address(config, f"{path}/creditor-confirmation")
    links = {"creditorNameConfirmation": confirmation} if status == "RVCM" else {}
    lines = payment_status_report.line_reports(document.statements)
    why = f"bank:{reason}" if reason else None
    return StatusReport(status, why, raw_text(answer), lines, links, document.statements, document.created_at)
