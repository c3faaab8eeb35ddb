"""Parse the statuses of an order and its payments in JSON (Berlin Group 1.3.16) into the statements of a pain.002.

Banks list only payments that differ from the order. The status of the order and that of a payment are both kept;
neither is derived from the other.
"""

import re
from collections.abc import Iterable
from typing import Any

from connectors.bank import response_parsing
from connectors.bank.port import NAME_MATCHES, OutcomeUnknown, StatusStatement, TransactionStatusReport
from connectors.iso20022 import LONGEST_INFORMATION, plain, reference_of

LONGEST_NAME = 140
_CODE = re.compile(r"[A-Z0-9]{4}")
# Berlin Group's text has MBAM for a close match, its code list CMTC.
_MATCH = {code: code for code in NAME_MATCHES} | {"MBAM": "CMTC"}


def of_status(found: dict[str, Any]) -> tuple[StatusStatement, ...]:
    """Return the statements of a status: about the order, and the results of payee verification.

    The bank's list omits payments whose name matches.

    Raises:
    - OutcomeUnknown: a field is not as the standard says.
    """
    reason = response_parsing.reason_of([*response_parsing.messages(found), {"text": found.get("psuMessage")}])
    reasons = (reason.removeprefix("bank:"),) if reason else ()
    whole = StatusStatement("group", _code(found, "transactionStatus"), reasons)
    return (whole, *(_name_check(row) for row in _rows(found, "originalTransactionInformationAndVopStatus")))


def of_extended_status(found: dict[str, Any]) -> tuple[StatusStatement, ...]:
    """Return the statements of an extended status: about the order, and about each payment listed.

    One payment may come as an object, several as a list.

    Raises:
    - OutcomeUnknown: a field is not as the standard says.
    """
    status = _code(found, "groupStatus")
    whole = [StatusStatement("group", status, _reasons(found, "reasonCode", "reasonPropietary"))] if status else []
    return (*whole, *(_payment(row) for row in _rows(found, "originalTransactionInformationAndStatus")))


def line_reports(statements: Iterable[StatusStatement]) -> tuple[TransactionStatusReport, ...]:
    """Return one report for each statement with an end-to-end id, with its first reason."""
    return tuple(
        TransactionStatusReport(
            one.end_to_end_id, one.code, next(iter(one.reasons), None), one.vop_result, one.matched_name
        )
        for one in statements if one.level == "line" and one.end_to_end_id is not None
    )  # fmt: skip


def _rows(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = found.get(name)
    if isinstance(rows, dict):
        rows = [rows]
    return response_parsing.rows_of({name: rows}, name) if rows is not None else []


def _payment(row: dict[str, Any]) -> StatusStatement:
    return StatusStatement(
        "line", _code(row, "transactionStatus"),
        _reasons(row, "statusReasonInformationCode", "statusReasonInformationProprietary"),
        end_to_end_id=_reference(row, "originalEndToEndId"), instruction_id=_reference(row, "originalInstructionId"),
        information=_information(row),
    )  # fmt: skip


def _name_check(row: dict[str, Any]) -> StatusStatement:
    said = row.get("creditorNameMatch")
    match = _MATCH.get(said) if isinstance(said, str) else None
    if said is not None and match is None:
        raise OutcomeUnknown("creditorNameMatch is not one we know")
    name = row.get("matchedCreditorName")
    return StatusStatement(
        "line", _code(row, "transactionStatus"),
        _reasons(row, "statusReasonInformationCode", "statusReasonInformationProprietary"),
        end_to_end_id=_reference(row, "originalEndToEndId"), instruction_id=_reference(row, "originalInstructionId"),
        information=_information(row), vop_result=match,
        matched_name=plain(name, LONGEST_NAME) if match == "CMTC" and isinstance(name, str) else None,
    )  # fmt: skip


def _reasons(row: dict[str, Any], code: str, proprietary: str) -> tuple[str, ...]:
    """Return the codes among the reasons; a proprietary reason may be free text."""
    own = row.get(proprietary)
    found = (_code(row, code), own if isinstance(own, str) and _CODE.fullmatch(own) else None)
    return tuple(reason for reason in found if reason)


def _information(row: dict[str, Any]) -> tuple[str, ...]:
    said = row.get("statusReasonAdditionalInformation")
    text = plain(said, LONGEST_INFORMATION) if isinstance(said, str) else None
    return (text,) if text else ()


def _reference(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return reference_of(value) if isinstance(value, str) else None


def _code(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not (isinstance(value, str) and _CODE.fullmatch(value)):
        raise OutcomeUnknown(f"{name} is no code")
    return value
