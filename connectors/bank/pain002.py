"""Parse the bank's status report: ISO 20022 pain.002, any version, matched by local name.

Banks differ in version (.03, .10, .11, .14) and in the levels they fill; the codes are the same. Each status is
returned at the level where the bank gave it; none is derived from another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import iso20022
from connectors.bank.port import StatementLevel, StatusCount, StatusStatement
from connectors.xml_document import XmlRefused, child, children, local_name, open_document, text_at, texts

MOST_TRANSACTIONS = 100_000
_VERSION = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(pain\.002\.\d{3}\.\d{2})")
_CODE = re.compile(r"[A-Z0-9]{4}")
# Payee verification codes in files, as API codes. The API uses the same kind of code with other meanings
# (docs/facts/bank.md, section 3).
_IN_API_WORDS = {"RVMC": "RVCM", "RVNM": "RVCM", "RVNA": "RVCM"}
# In files the result of payee verification is the status of the payment: no match, close match, not available.
_NAME_MATCH = {"RVNM": "NMTC", "RVMC": "CMTC", "RVNA": "NOAP"}
LONGEST_NAME = 140


class NotAReport(ValueError):
    """The bytes are not a readable pain.002."""


@dataclass(frozen=True)
class StatusReportDocument:
    """A whole status report. `message_id` and `created_at` (UTC) are the bank's own for this report.

    A time without a zone is Amsterdam time. `statements` are in the order group, batch, lines of that batch.
    """

    version: str
    message_id: str | None
    created_at: datetime | None
    original_message_id: str | None
    statements: tuple[StatusStatement, ...]

    @property
    def overall(self) -> str | None:
        """Return the status that the report gives for the whole order, as an API code; None when it gives none.

        It is the status of the group, else the one that all batches share: the rejection of one line says nothing about
        the others. Payee verification results on lines mean that the whole order is being checked.
        """
        group = next((one.code for one in self._at("group")), None)
        status = group or _shared([one.code for one in self._at("batch") if one.code])
        if status in (None, "PART") and {one.code for one in self._at("line")} & set(_NAME_MATCH):
            return _IN_API_WORDS["RVMC"]
        return _IN_API_WORDS.get(status, status) if status else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the reasons given for the group and batches; if there are none, those of the lines."""
        found = [reason for level in ("group", "batch") for one in self._at(level) for reason in one.reasons]
        found = found or [reason for one in self._at("line") for reason in one.reasons]
        return tuple(dict.fromkeys(found))

    def _at(self, level: StatementLevel) -> Iterator[StatusStatement]:
        return (one for one in self.statements if one.level == level)


def _shared(statuses: list[str]) -> str | None:
    return statuses[0] if len(set(statuses)) == 1 else None


def read_status_report(raw: bytes) -> StatusReportDocument:
    """Parse a status report: every statement in it, at its own level.

    Raises:
    - NotAReport
    """
    try:
        document = open_document(raw, lenient=True)
        match = _VERSION.fullmatch(document.namespace)
        if match is None or document.root != "Document":
            raise NotAReport("no pain.002")
        found = _Reader()
        for element in document.elements("GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "TxInfAndSts"):
            found.take(element)
    except (XmlRefused, iso20022.UnreadableField) as error:
        raise NotAReport(str(error)) from error
    return found.document(match[1])


class _Reader:
    """Collects statements as their elements end. Each transaction's element is emptied after parsing."""

    def __init__(self) -> None:
        self._message_id: str | None = None
        self._created_at: datetime | None = None
        self._groups = 0
        self._original: str | None = None
        self._statements: list[StatusStatement] = []
        self._lines: list[tuple[Any, ...]] = []
        self._count = 0

    def take(self, element: Any) -> None:
        name, parent = local_name(element), element.getparent()
        if name == "TxInfAndSts":
            if _stands_in_report(element) or (
                local_name(parent) == "OrgnlPmtInfAndSts" and _stands_in_report(parent)
            ):
                self._take_line(element)
            element.clear()
        elif not _stands_in_report(element):
            return
        elif name == "GrpHdr":
            self._message_id = text_at(element, "MsgId")
            self._created_at = iso20022.moment_of(text_at(element, "CreDtTm"))
        elif name == "OrgnlGrpInfAndSts":
            self._take_group(element)
        else:
            self._take_batch(element)

    def _take_group(self, element: Any) -> None:
        self._groups += 1
        if self._groups > 1:
            raise NotAReport("more than one original group")
        self._original = iso20022.reference_of(text_at(element, "OrgnlMsgId"))
        self._statements += _of_whole(element, "group", "GrpSts", self._original, None)

    def _take_batch(self, element: Any) -> None:
        """Take the batch and its lines, whose elements end before it."""
        name = iso20022.reference_of(text_at(element, "OrgnlPmtInfId"))
        self._statements += _of_whole(element, "batch", "PmtInfSts", self._original, name)
        self._statements += self._placed(name)

    def _take_line(self, element: Any) -> None:
        self._count += 1
        if self._count > MOST_TRANSACTIONS:
            raise NotAReport(f"more than {MOST_TRANSACTIONS} payments")
        self._lines.append(_line(element))

    def _placed(self, batch: str | None) -> Iterator[StatusStatement]:
        for code, reasons, information, own_batch, reference, instruction, cents in self._lines:
            match = _NAME_MATCH.get(code or "")
            yield StatusStatement(
                "line", code, reasons, self._original, own_batch or batch, reference, cents, information=information,
                instruction_id=instruction, vop_result=match,
                matched_name=iso20022.plain(next(iter(information), None), LONGEST_NAME) if match == "CMTC" else None,
            )  # fmt: skip
        self._lines = []

    def document(self, version: str) -> StatusReportDocument:
        self._statements += self._placed(None)
        if not self._groups and not self._statements:
            raise NotAReport("a pain.002 that says nothing")
        return StatusReportDocument(
            version, self._message_id, self._created_at, self._original, tuple(self._statements)
        )


def _stands_in_report(element: Any) -> bool:
    """Return whether the element is a child of the report, which is a child of the root."""
    report = element.getparent()
    root = None if report is None else report.getparent()
    return root is not None and root.getparent() is None


def _of_whole(
    element: Any, level: StatementLevel, status: str, original: str | None, batch: str | None
) -> Iterator[StatusStatement]:
    """Yield the statement about the group or a batch; nothing when it holds only references."""
    code, reasons, information = _code(element, status), _reasons(element), _information(element)
    count = iso20022.count_of(text_at(element, "OrgnlNbOfTxs"), "OrgnlNbOfTxs")
    total = text_at(element, "OrgnlCtrlSum")
    cents = iso20022.cents_of(total, "OrgnlCtrlSum") if total is not None else None
    counts = tuple(_status_count(part) for part in children(element, "NbOfTxsPerSts"))
    if (code, count, cents) != (None, None, None) or reasons or information or counts:
        yield StatusStatement(
            level, code, reasons, original, batch, count=count, sum_cents=cents, status_counts=counts,
            information=information,
        )  # fmt: skip


def _status_count(element: Any) -> StatusCount:
    total = text_at(element, "DtldCtrlSum")
    return StatusCount(
        _code(element, "DtldSts"), iso20022.count_of(text_at(element, "DtldNbOfTxs"), "DtldNbOfTxs"),
        iso20022.cents_of(total, "DtldCtrlSum") if total is not None else None,
    )  # fmt: skip


def _line(element: Any) -> tuple[Any, ...]:
    """Return the fields of one transaction. Only version .02 names the batch in the transaction itself."""
    amount = child(element, "OrgnlTxRef", "Amt", "InstdAmt")
    in_euros = amount is not None and amount.get("Ccy") == "EUR"
    return (
        _code(element, "TxSts"), _reasons(element), _information(element),
        *(iso20022.reference_of(text_at(element, name)) for name in (
            "OrgnlPmtInfId", "OrgnlEndToEndId", "OrgnlInstrId")),
        iso20022.cents_of(text_at(element, "OrgnlTxRef", "Amt", "InstdAmt"), "InstdAmt") if in_euros else None,
    )  # fmt: skip


def _code(element: Any, name: str) -> str | None:
    value = text_at(element, name)
    if value is not None and not _CODE.fullmatch(value):
        raise NotAReport(f"{name} is no code")
    return value


def _reasons(element: Any) -> tuple[str, ...]:
    found = (iso20022.reason_of(child(part, "Rsn")) for part in children(element, "StsRsnInf"))
    return tuple(reason for reason in found if reason)


def _information(element: Any) -> tuple[str, ...]:
    """Return the bank's texts, followed by its own reasons that are not codes."""
    parts = children(element, "StsRsnInf")
    said = texts(line for part in parts for line in children(part, "AddtlInf"))
    own = (text_at(part, "Rsn", "Prtry") for part in parts)
    said += tuple(text for text in own if text and not _CODE.fullmatch(text))
    return tuple(text[: iso20022.LONGEST_INFORMATION] for text in said)
