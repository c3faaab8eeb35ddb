"""Read a payment file as a stream."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from connectors.iso20022 import reference_of
from connectors.nmbrs.payment_file.amounts import check_claims, read_amount, read_claims
from connectors.nmbrs.payment_file.content import (
    ZERO_AMOUNT,
    Caution,
    FilePayment,
    FileRefused,
    HeldLine,
    PaymentFile,
    PaymentLine,
    StructuredReference,
)
from connectors.nmbrs.payment_file.texts import folded, folded_at
from connectors.nmbrs.payment_file.transfer import is_carried, read_fields, read_structured, rf_is_valid, why_held
from connectors.xml_document import XmlDocument, XmlRefused, child, local_name, open_document, text_at
from core.clock import AMSTERDAM
from core.iban import normalise

MOST_LINES = 20_000
MOST_BYTES = 50 * 1024 * 1024
_PAIN = re.compile(r"pain\.001\.\d{3}\.\d{2}")
_INITIATIONS = ("CstmrCdtTrfInitn", "pain.001.001.02")
_PACKED = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])*[A-Za-z0-9+/]")
_RF = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
# XmlRefused codes as codes of FileRefused; any other is not_xml.
_REFUSALS = {"empty": "empty", "too_large": "too_large", "not_one": "missing_field", "not_text": "missing_field"}


def read_payment_file(raw: bytes, fallback_description: str) -> PaymentFile:
    """Parse the file of a run, raw or base64, in any common encoding.

    `fallback_description` is used for a payment without remittance information. Memory use grows only with the lines.

    Raises:
    - FileRefused: it is no payment file, or its own counts or sums are wrong.
    """
    if len(raw) > MOST_BYTES:
        raise FileRefused("too_large", None, "more than 50 MB")
    try:
        document = open_document(_unpacked(raw), MOST_BYTES)
        if document.root != "Document":
            raise FileRefused("not_pain", None, "not a credit transfer initiation")
        found = _PAIN.search(document.namespace)
        reader = _Reader(found.group() if found else "", fallback_description)
        reader.read(document)
    except XmlRefused as error:
        raise FileRefused(_REFUSALS.get(error.code, "not_xml"), None, str(error)) from error
    return reader.finish()


def _unpacked(raw: bytes) -> bytes:
    """Return the bytes, decoded when they are base64."""
    if not _PACKED.match(raw):
        return raw
    try:
        return base64.b64decode(b"".join(raw.removeprefix(b"\xef\xbb\xbf").split()), validate=True)
    except binascii.Error as error:
        raise FileRefused("not_xml", None, "neither XML nor base64 of it") from error


@dataclass
class _Block:
    """One PmtInf. `units` is the sum of its amounts in all currencies."""

    count: int = 0
    units: int = 0
    lines: list[PaymentLine] = field(default_factory=list)
    held: list[HeldLine] = field(default_factory=list)
    debtor_name: str = ""
    debtor_iban: str | None = None
    execution_date: date | None = None


class _Reader:
    """Reads the file as a stream, and empties each payment's element after parsing it."""

    def __init__(self, version: str, fallback: str) -> None:
        self._version, self._fallback = version, fallback or "Salaris"
        self._blocks: list[_Block] = []
        self._block = _Block()
        self._left_out: list[HeldLine] = []
        self._cautions: dict[str, list[int]] = {}
        self._ids: dict[str, list[int]] = {}
        self._count = 0
        self._group: dict[str, str] | None = None
        self._is_initiation = False

    def read(self, document: XmlDocument) -> None:
        take = {"GrpHdr": self._header, "CdtTrfTxInf": self._payment, "PmtInf": self._part}
        for element in document.elements(*take, *_INITIATIONS):
            name = local_name(element)
            if name in _INITIATIONS:
                self._is_initiation |= element.getparent().getparent() is None
                continue
            take[name](element)
            element.clear()
        if not self._is_initiation:
            raise FileRefused("not_pain", None, "not a credit transfer initiation")

    def finish(self) -> PaymentFile:
        blocks = [*self._blocks, self._block] if self._block.count else self._blocks
        if not self._count:
            raise FileRefused("no_lines", None, "no payment in it")
        check_claims(self._group or {}, self._count, sum(block.units for block in blocks))
        lines = [line for block in blocks for line in block.lines]
        names, ibans = (
            [value for block in blocks if (value := getattr(block, part))] for part in ("debtor_name", "debtor_iban")
        )
        doubled = (Caution("doubled_id", tuple(numbers)) for numbers in self._ids.values() if len(numbers) > 1)
        return PaymentFile(
            self._version, next(iter(names), ""), next(iter(ibans), None), len(lines),
            sum(line.amount_cents for line in lines), lines,
            held=tuple(line for block in blocks for line in block.held), left_out=tuple(self._left_out),
            cautions=(*doubled, *(Caution(code, tuple(numbers)) for code, numbers in self._cautions.items())),
            payments=tuple(_payments(blocks)),
        )  # fmt: skip

    def _header(self, element: Any) -> None:
        if self._group is not None:
            raise FileRefused("not_pain", None, "more than one header")
        self._group = read_claims(element)

    def _part(self, element: Any) -> None:
        """Parse one PmtInf: check its own totals, read debtor and date. The elements of its payments end before it."""
        block = self._block
        check_claims(read_claims(element), block.count, block.units)
        if folded_at(element, "PmtMtd") not in ("", "TRF"):
            raise FileRefused("not_pain", None, "not paid by transfer")
        block.debtor_name = folded_at(element, "Dbtr", "Nm")
        iban = folded_at(element, "DbtrAcct", "Id", "IBAN")
        block.debtor_iban = _debtor_iban(iban) if iban else None
        block.execution_date = self._execution_date(element)
        self._blocks.append(block)
        self._block = _Block()

    def _execution_date(self, element: Any) -> date | None:
        """Return the day in Amsterdam: a plain date in older versions, a choice of date and moment in newer ones."""
        found = child(element, "ReqdExctnDt")
        if found is None:
            return None
        text = (text_at(found, "Dt") or text_at(found, "DtTm") or "") if len(found) else (found.text or "").strip()
        try:
            moment = datetime.fromisoformat(text) if "T" in text else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(AMSTERDAM).date()
            return date.fromisoformat(text[:10])
        except (ValueError, OverflowError):
            self._caution("bad_date")
            return None

    def _caution(self, code: str, number: int | None = None) -> None:
        lines = self._cautions.setdefault(code, [])
        if number is not None:
            lines.append(number)

    def _payment(self, element: Any) -> None:
        self._count += 1
        number = self._count
        if number > MOST_LINES:
            raise FileRefused("too_many_lines", None, f"more than {MOST_LINES} payments")
        found, words, structured = read_fields(element, number)
        amount = found.get("InstdAmt", found.get("EqvtAmt"))
        if amount is None or {"InstdAmt", "EqvtAmt"} <= found.keys():
            raise FileRefused("missing_field", number, "not one amount")
        currency = amount.get("Ccy") or ""
        units, amount_cents = read_amount(amount.text, number)
        self._block.count += 1
        self._block.units += units
        reference, wrong = self._reference(structured, words, number) if structured else (None, None)
        name, iban = folded(found.get("Nm")), folded(found.get("IBAN"))
        told = " ".join(filter(None, words)) or (reference.value if reference else "") or self._fallback
        end_to_end_id = self._end_to_end_id(folded(found.get("EndToEndId")), number)
        wrong = wrong if "InstdAmt" in found else "other_currency"
        reason = ZERO_AMOUNT if units == 0 else why_held(name, iban, currency, amount_cents) or wrong
        if reason is None and amount_cents is not None:
            self._block.lines.append(
                PaymentLine(name, normalise(iban), amount_cents, told, end_to_end_id, reference, number)
            )
            return
        kept = self._left_out if reason == ZERO_AMOUNT else self._block.held
        kept.append(HeldLine(number, reason or "", name, iban, amount_cents, currency, told, end_to_end_id, reference))

    def _reference(
        self, structured: list[Any], words: list[str], number: int
    ) -> tuple[StructuredReference | None, str | None]:
        """Return the reference, and why it cannot be sent unchanged. Append its text to `words`."""
        found, more, is_whole = read_structured(structured)
        if not is_whole:
            self._caution("remittance_not_carried", number)
        if found and any(words + more):
            self._caution("text_beside_reference", number)
        words += more
        if len(found) > 1:
            return found[0], "reference_unusable"
        reference = found[0] if found else None
        if reference is None:
            return None, None
        if _RF.fullmatch(reference.value) and not rf_is_valid(reference.value):
            self._caution("bad_check_digits", number)
        return reference, None if is_carried(reference) else "reference_unusable"

    def _end_to_end_id(self, found: str, number: int) -> str | None:
        reference = reference_of(found)
        if reference is not None:
            self._ids.setdefault(reference, []).append(number)
        return reference


def _payments(blocks: list[_Block]) -> Iterator[FilePayment]:
    """Group the parts by account and date. A part that omits one takes it from the others, if they agree."""
    ibans = {block.debtor_iban for block in blocks} - {None}
    days = {block.execution_date for block in blocks} - {None}
    alone_iban = next(iter(ibans)) if len(ibans) == 1 else None
    alone_day = next(iter(days)) if len(days) == 1 else None
    grouped: dict[tuple[str | None, date | None], list[_Block]] = {}
    for block in blocks:
        key = (block.debtor_iban or alone_iban, block.execution_date or alone_day)
        grouped.setdefault(key, []).append(block)
    for (iban, day), found in grouped.items():
        yield FilePayment(
            next((block.debtor_name for block in found if block.debtor_name), ""), iban, day,
            tuple(line for block in found for line in block.lines),
            tuple(line for block in found for line in block.held),
        )  # fmt: skip


def _debtor_iban(text: str) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        raise FileRefused("bad_iban", None, "the debtor's IBAN is not valid") from error
