"""Parse the bank's status report: ISO 20022 pain.002, any version, matched by local name.

Banks differ in version (.03, .10, .11, .14) and in the levels they fill; the codes are the same.
"""

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from lxml import etree

MOST_TRANSACTIONS = 100_000
_VERSION = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(pain\.002\.001\.\d{2})")
_CODE = re.compile(r"[A-Z0-9]{4}")
# Payee verification codes in files, as API codes. The API uses the same kind of code with other meanings
# (docs/facts/bank.md, section 3).
_IN_API_WORDS = {"RVMC": "RVCM", "RVNM": "RVCM", "RVNA": "RVCM"}


class NotAReport(ValueError):
    """The bytes are not a readable pain.002."""


@dataclass(frozen=True)
class TransactionStatus:
    """The status of one payment. `information` holds the bank's texts, such as the name of a close match."""

    end_to_end_id: str | None
    status: str | None
    reasons: tuple[str, ...] = ()
    information: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Report:
    """The statuses of a file: ISO 20022 codes and payee verification codes."""

    version: str
    original_message_id: str | None
    group_status: str | None
    payment_statuses: tuple[str, ...]
    reasons: tuple[str, ...]
    transactions: tuple[TransactionStatus, ...]

    @property
    def overall(self) -> str | None:
        """Return the status of the whole order, as an API code.

        It is the status of the group; else of the payment block; else the one that all listed payments share. If only
        some payments are rejected, it is PART.
        """
        listed = tuple(one.status for one in self.transactions if one.status)
        status = self.group_status or _shared(self.payment_statuses) or _shared(listed)
        if status is None and "RJCT" in listed:
            return "PART"
        return _IN_API_WORDS.get(status, status) if status else None


def _shared(statuses: tuple[str, ...]) -> str | None:
    return statuses[0] if statuses and len(set(statuses)) == 1 else None


def read_report(raw: bytes) -> Report:
    """Parse a status report. XML entities and external resources are never resolved.

    Raises:
    - NotAReport
    """
    found = _Reader()
    try:
        parts = etree.iterparse(
            BytesIO(raw), events=("end",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        for _, element in parts:
            if isinstance(element.tag, str):
                found.take(element)
    except etree.XMLSyntaxError as error:
        raise NotAReport("no XML") from error
    if parts.root is None or parts.root.getroottree().docinfo.internalDTD is not None:
        raise NotAReport("a document type of its own")
    return found.report()


class _Reader:
    """Collects the levels of a report as their elements end, and releases the element of each payment."""

    def __init__(self) -> None:
        self._version: str | None = None
        self._message_id: str | None = None
        self._group: str | None = None
        self._payments: list[str] = []
        self._reasons: list[str] = []
        self._transactions: list[TransactionStatus] = []

    def take(self, element: Any) -> None:
        name = _local(element)
        if name == "TxInfAndSts":
            self._take_transaction(element)
        elif name == "OrgnlGrpInfAndSts":
            self._message_id, self._group = _text(element, "OrgnlMsgId"), _code(element, "GrpSts")
            self._reasons += _reasons(element)
        elif name == "OrgnlPmtInfAndSts":
            self._payments += [status] if (status := _code(element, "PmtInfSts")) else []
            self._reasons += _reasons(element)
        elif name == "Document":
            match = _VERSION.fullmatch(etree.QName(element).namespace or "")
            self._version = match[1] if match else None

    def _take_transaction(self, element: Any) -> None:
        if len(self._transactions) >= MOST_TRANSACTIONS:
            raise NotAReport(f"more than {MOST_TRANSACTIONS} payments")
        self._transactions.append(
            TransactionStatus(
                _text(element, "OrgnlEndToEndId"), _code(element, "TxSts"), _reasons(element), _information(element)
            )
        )
        element.clear()

    def report(self) -> Report:
        if self._version is None:
            raise NotAReport("no pain.002")
        # A group without its own reason has those of its payments.
        reasons = self._reasons or [reason for one in self._transactions for reason in one.reasons]
        return Report(
            self._version, self._message_id, self._group, tuple(self._payments), tuple(dict.fromkeys(reasons)),
            tuple(self._transactions),
        )  # fmt: skip


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if isinstance(child.tag, str) and _local(child) == name), None)


def _text(element: Any, name: str) -> str | None:
    found = _child(element, name)
    return (found.text or "").strip() or None if found is not None else None


def _code(element: Any, name: str) -> str | None:
    value = _text(element, name)
    if value is not None and not _CODE.fullmatch(value):
        raise NotAReport(f"{name} is no code")
    return value


def _reason_parts(element: Any) -> list[Any]:
    return [child for child in element if isinstance(child.tag, str) and _local(child) == "StsRsnInf"]


def _reasons(element: Any) -> tuple[str, ...]:
    codes = []
    for part in _reason_parts(element):
        reason = _child(part, "Rsn")
        value = None if reason is None else _text(reason, "Cd") or _text(reason, "Prtry")
        if value and _CODE.fullmatch(value):
            codes.append(value)
    return tuple(codes)


def _information(element: Any) -> tuple[str, ...]:
    lines = (child for part in _reason_parts(element) for child in part if isinstance(child.tag, str))
    return tuple((line.text or "").strip()[:105] for line in lines if _local(line) == "AddtlInf")
