"""Parse statuses of single payments: from JSON (Berlin Group 1.3.16) and from a pain.002.

Banks list only payments that differ from the order, so an unlisted payment has the order's status.
"""

import re
from collections.abc import Iterable
from typing import Any

from connectors.bank import response_parsing
from connectors.bank.pain002 import TransactionStatus
from connectors.bank.port import NAME_MATCHES, OutcomeUnknown, TransactionStatusReport

LONGEST_NAME = 140
_CODE = re.compile(r"[A-Z0-9]{4}")
# Berlin Group's text says MBAM for a close match, its code list CMTC.
_MATCH = {code: code for code in NAME_MATCHES} | {"MBAM": "CMTC"}
# In files the result of payee verification is the status of the payment.
_MATCH_IN_FILE = {"RVNM": "NMTC", "RVMC": "CMTC", "RVNA": "NOAP"}


def of_names(found: dict[str, Any]) -> tuple[TransactionStatusReport, ...]:
    """Return the results of payee verification. The list omits payments whose name matches."""
    return tuple(_name(row) for row in _rows(found, "originalTransactionInformationAndVopStatus"))


def of_extended_status(found: dict[str, Any]) -> tuple[TransactionStatusReport, ...]:
    """Return status and reason of each payment. One payment may come as an object, several as a list."""
    return tuple(_status(row) for row in _rows(found, "originalTransactionInformationAndStatus"))


def parse_report_file(transactions: Iterable[TransactionStatus]) -> tuple[TransactionStatusReport, ...]:
    """Return the same from a pain.002, where the text is a name only for a close match."""
    return tuple(
        TransactionStatusReport(
            one.end_to_end_id, one.status, next(iter(one.reasons), None), _MATCH_IN_FILE.get(one.status or ""),
            _clean(next(iter(one.information), None)) if one.status == "RVMC" else None,
        )
        for one in transactions if one.end_to_end_id is not None
    )  # fmt: skip


def _rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects that name their payment."""
    rows = found.get(name)
    if isinstance(rows, dict):
        rows = [rows]
    kept = response_parsing.rows_of({name: rows}, name) if rows is not None else []
    return [row for row in kept if isinstance(row.get("originalEndToEndId"), str)]


def _name(row: dict[str, Any]) -> TransactionStatusReport:
    said = row.get("creditorNameMatch")
    match = _MATCH.get(said) if isinstance(said, str) else None
    if said is not None and match is None:
        raise OutcomeUnknown("creditorNameMatch is not one we know")
    name = _clean(row.get("matchedCreditorName")) if match == "CMTC" else None
    return TransactionStatusReport(
        row["originalEndToEndId"], _code(row, "transactionStatus"), _reason(row), match, name
    )


def _status(row: dict[str, Any]) -> TransactionStatusReport:
    return TransactionStatusReport(row["originalEndToEndId"], _code(row, "transactionStatus"), _reason(row))


def _reason(row: dict[str, Any]) -> str | None:
    return _code(row, "statusReasonInformationCode")


def _code(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not (isinstance(value, str) and _CODE.fullmatch(value)):
        raise OutcomeUnknown(f"{name} is no code")
    return value


def _clean(text: Any) -> str | None:
    """Return a name as one line of printable characters, or None."""
    if not isinstance(text, str):
        return None
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:LONGEST_NAME] or None
