"""Parse the payment file of a run: ISO 20022 pain.001, any version, strictly and safely, matched by local name.

The counts and sums in the file are checked; a file in which they are wrong gives no payments at all. A single payment
that cannot be made is held with its reason, and the others stay payable. Nothing is dropped silently: structured
references are returned as they came, payments of zero and every second debtor account or execution date are reported.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from lxml import etree

from connectors.iso20022 import reference_of
from connectors.xml_document import XmlDocument, XmlRefused, child, children, local_name, open_document, text_at, texts
from core.clock import AMSTERDAM
from core.iban import in_sepa, normalise
from core.sepa_text import NAME, REFERENCE, is_reference, is_sepa, to_sepa

MOST_LINES = 20_000
MOST_BYTES = 50 * 1024 * 1024
MOST_CENTS = 999_999_999_99  # maximum of one SEPA credit transfer (EPC rulebook, AT-04)
_PAIN = re.compile(r"pain\.001\.\d{3}\.\d{2}")
_INITIATIONS = ("CstmrCdtTrfInitn", "pain.001.001.02")
_PACKED = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])*[A-Za-z0-9+/]")
_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,18}))?")
ZERO_AMOUNT = "zero_amount"  # the reason of a line that asks nothing
SCOR = "SCOR"  # the type of a creditor reference (ISO 20022 ExternalDocumentType)
_RF = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
_UNITS = 100_000  # a control sum may have five decimals, and adds up amounts of all currencies (ISO 20022)
_UNITS_PER_CENT = _UNITS // 100
# The fields of a payment, as paths of local names. Only Ustrd and Strd may occur more than once.
_FIELDS = ("PmtId/EndToEndId", "Amt/*", "Cdtr/Nm", "CdtrAcct/Id/IBAN", "RmtInf/*")


@dataclass(frozen=True)
class StructuredReference:
    """A creditor reference, unchanged (ISO 20022 CdtrRefInf): `kind` SCOR; `issuer` CUR, or ISO for ISO 11649 (RF)."""

    value: str
    kind: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class PaymentLine:
    """The payment of one person; the amount is in cents. `number` counts the payments of the file from 1.

    Without remittance text, the description of a line with a structured reference is that reference.
    """

    name: str
    iban: str
    amount_cents: int
    description: str
    end_to_end_id: str | None
    reference: StructuredReference | None = None
    number: int = 0


@dataclass(frozen=True)
class HeldLine:
    """A payment that is owed but cannot be made, or one of zero; name and account are as in the file.

    `reason`: bad_iban, outside_sepa, other_currency, name_unusable, no_name, no_iban, bad_amount (negative, or with a
    part of a cent), amount_too_large, reference_unusable; zero_amount for one that is left out. `amount_cents` is in
    `currency`; None if it is not a whole number of them.
    """

    number: int
    reason: str
    name: str = field(repr=False)
    iban: str = field(repr=False)
    amount_cents: int | None
    currency: str
    description: str = field(repr=False)
    end_to_end_id: str | None = None
    reference: StructuredReference | None = None


@dataclass(frozen=True)
class Caution:
    """Something unusual about these lines (numbers from 1) that does not prevent their payment.

    `code`: doubled_id (the order gets new ids anyway), text_beside_reference (SEPA carries only one: the reference),
    remittance_not_carried, bad_check_digits (of an ISO 11649 reference), bad_date.
    """

    code: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class FilePayment:
    """The payments of one debtor account on one execution date; None for a field that the file omits."""

    debtor_name: str
    debtor_iban: str | None
    execution_date: date | None
    lines: tuple[PaymentLine, ...] = field(repr=False)
    held: tuple[HeldLine, ...] = field(repr=False)


@dataclass(frozen=True)
class PaymentFile:
    """A validated file. `lines` are payable; `count` and `total_cents` are theirs.

    `held` lines are owed but cannot be paid. `left_out` are lines of zero. `payments` has one entry for each pair of
    debtor account and execution date.
    """

    version: str
    debtor_name: str
    debtor_iban: str | None
    count: int
    total_cents: int
    lines: list[PaymentLine] = field(repr=False)
    held: tuple[HeldLine, ...] = field(default=(), repr=False)
    left_out: tuple[HeldLine, ...] = field(default=(), repr=False)
    cautions: tuple[Caution, ...] = ()
    payments: tuple[FilePayment, ...] = field(default=(), repr=False)


class FileRefused(Exception):
    """The file cannot be paid. `line` counts payments from 1. The message never contains a name, IBAN or amount.

    Codes of the reader: empty, not_xml, not_pain, wrong_sum, wrong_count, bad_iban (of the debtor), no_lines,
    bad_amount, too_large, too_many_lines, missing_field.
    """

    def __init__(self, code: str, line: int | None, detail: str) -> None:
        super().__init__(f"{code}{f' at line {line}' if line else ''}: {detail}")
        self.code, self.line, self.detail = code, line, detail


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


# --- parsing ---
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
        _check_claims(self._group or {}, self._count, sum(block.units for block in blocks))
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
        self._group = _claims(element)

    def _part(self, element: Any) -> None:
        """Parse one PmtInf: check its own totals, read debtor and date. The elements of its payments end before it."""
        block = self._block
        _check_claims(_claims(element), block.count, block.units)
        if _text(element, "PmtMtd") not in ("", "TRF"):
            raise FileRefused("not_pain", None, "not paid by transfer")
        block.debtor_name = _text(element, "Dbtr", "Nm")
        iban = _text(element, "DbtrAcct", "Id", "IBAN")
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
        found, words, structured = _fields(element, number)
        amount = found.get("InstdAmt", found.get("EqvtAmt"))
        if amount is None or {"InstdAmt", "EqvtAmt"} <= found.keys():
            raise FileRefused("missing_field", number, "not one amount")
        currency = amount.get("Ccy") or ""
        units, amount_cents = _amount(amount.text, number)
        self._block.count += 1
        self._block.units += units
        reference, wrong = self._reference(structured, words, number) if structured else (None, None)
        name, iban = _folded(found.get("Nm")), _folded(found.get("IBAN"))
        told = " ".join(filter(None, words)) or (reference.value if reference else "") or self._fallback
        end_to_end_id = self._end_to_end_id(_folded(found.get("EndToEndId")), number)
        wrong = wrong if "InstdAmt" in found else "other_currency"
        reason = ZERO_AMOUNT if units == 0 else _why_held(name, iban, currency, amount_cents) or wrong
        if reason is None and amount_cents is not None:
            self._block.lines.append(
                PaymentLine(name, normalise(iban), amount_cents, told, end_to_end_id, reference, number)
            )
            return
        kept = self._left_out if reason == ZERO_AMOUNT else self._block.held
        kept.append(
            HeldLine(number, reason or "", name, iban, amount_cents, currency, told, end_to_end_id, reference)
        )

    def _reference(
        self, structured: list[Any], words: list[str], number: int
    ) -> tuple[StructuredReference | None, str | None]:
        """Return the reference, and why it cannot be sent unchanged. Append its text to `words`."""
        found, more, is_whole = _structured(structured)
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
        if _RF.fullmatch(reference.value) and not _rf_is_valid(reference.value):
            self._caution("bad_check_digits", number)
        return reference, None if _is_carried(reference) else "reference_unusable"

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


# --- one payment ---
def _why_held(name: str, iban: str, currency: str, amount_cents: int | None) -> str | None:
    """Return why a payment cannot be made; None when it can."""
    if currency != "EUR":
        return "other_currency"
    if not name:
        return "no_name"
    if not _is_usable(name):
        return "name_unusable"
    if not iban:
        return "no_iban"
    try:
        found = normalise(iban)
    except ValueError:
        return "bad_iban"
    if not in_sepa(found):
        return "outside_sepa"
    if amount_cents is None or amount_cents < 0:
        return "bad_amount"
    return "amount_too_large" if amount_cents > MOST_CENTS else None


def _is_usable(name: str) -> bool:
    """Return whether the name keeps letters or digits in SEPA characters, and no character was lost in decoding."""
    if name.isascii():
        return any(map(str.isalnum, name[:NAME]))
    lost = any(sign == "\ufffd" or "\x7f" <= sign <= "\x9f" for sign in name)
    return not lost and any(map(str.isalnum, to_sepa(name, NAME)))


@lru_cache(maxsize=16)
def _paths(namespace: str) -> etree.XPath:
    """Compile one XPath for all fields of a payment: separate lookups take twice the time of the parsing."""
    prefix, known = ("p:", {"p": namespace}) if namespace else ("", None)
    paths = (path.replace("/", f"/{prefix}").replace(f"{prefix}*", "*") for path in _FIELDS)
    paths = (prefix + path for path in paths)
    return etree.XPath("|".join(paths), namespaces=known)


def _fields(payment: Any, number: int) -> tuple[dict[str, Any], list[str], list[Any]]:
    """Return the fields of one payment by local name, its remittance texts, and its structured remittance."""
    namespace = payment.tag[1:].partition("}")[0] if payment.tag[0] == "{" else ""
    cut = len(namespace) + 2 if namespace else 0
    found: dict[str, Any] = {}
    unstructured, structured = [], []
    for element in _paths(namespace)(payment):
        name = element.tag[cut:]
        if name == "Strd":
            structured.append(element)
        elif len(element) and name != "EqvtAmt":
            raise FileRefused("missing_field", number, f"{name} holds more than text")
        elif name == "Ustrd":
            unstructured.append(_folded(element))
        elif name in found:
            raise FileRefused("missing_field", number, f"{name} occurs twice")
        else:  # EqvtAmt: euros that are to be paid in another currency
            found[name] = element if name != "EqvtAmt" else child(element, "Amt")
    return found, unstructured, structured


def _structured(elements: Iterable[Any]) -> tuple[list[StructuredReference], list[str], bool]:
    """Return the distinct references, their texts, and whether the elements hold nothing else."""
    found: list[StructuredReference] = []
    words: list[str] = []
    is_whole = True
    for element in elements:
        words += texts(children(element, "AddtlRmtInf"))
        is_whole = is_whole and {local_name(part) for part in element} <= {"CdtrRefInf", "AddtlRmtInf"}
        for part in children(element, "CdtrRefInf"):
            value = _text(part, "Ref")
            kind = _text(part, "Tp", "CdOrPrtry", "Cd") or _text(part, "Tp", "CdOrPrtry", "Prtry") or None
            reference = StructuredReference(value, kind, _text(part, "Tp", "Issr") or None)
            if value and reference not in found:
                found.append(reference)
    return found, [" ".join(word.split()) for word in words], is_whole


def _is_carried(reference: StructuredReference) -> bool:
    """Return whether SEPA carries the reference: SCOR is the only type that it allows (EPC132-08)."""
    fits = is_reference(reference.value) and (not reference.issuer or is_sepa(reference.issuer, REFERENCE))
    return fits and reference.kind in (None, SCOR)


def _rf_is_valid(reference: str) -> bool:
    """Check the check digits of a creditor reference (ISO 11649: mod 97, as for an IBAN)."""
    return int("".join(str(int(sign, 36)) for sign in reference[4:] + reference[:4])) % 97 == 1


def _amount(text: str | None, number: int) -> tuple[int, int | None]:
    """Return an amount in the units of a control sum, and in cents unless it has a part of one."""
    units = _units((text or "").strip())
    if units is None:
        raise FileRefused("bad_amount", number, "not an amount")
    return units, units // _UNITS_PER_CENT if units % _UNITS_PER_CENT == 0 else None


def _units(text: str) -> int | None:
    match = _DECIMAL.fullmatch(text)
    if match is None or (match[3] or "")[5:].strip("0"):
        return None
    units = int(match[2]) * _UNITS + int((match[3] or "")[:5].ljust(5, "0"))
    return -units if match[1] else units


# --- totals ---
def _claims(element: Any) -> dict[str, str]:
    """Return the totals in a header; each may occur once."""
    found = {}
    for key, code in (("NbOfTxs", "wrong_count"), ("CtrlSum", "wrong_sum")):
        said = [text for part in children(element, key) if (text := _folded(part))]
        if len(said) > 1:
            raise FileRefused(code, None, f"{key} occurs twice")
        if said:
            found[key] = said[0]
    return found


def _check_claims(claims: dict[str, str], number: int, units: int) -> None:
    """Check that the totals of a header match the payments."""
    count, total = claims.get("NbOfTxs"), claims.get("CtrlSum")
    if count is not None and not (re.fullmatch(r"[0-9]{1,15}", count) and int(count) == number):
        raise FileRefused("wrong_count", None, "the count is not that of the payments")
    if total is not None and _units(total) != units:
        raise FileRefused("wrong_sum", None, "the control sum is not that of the payments")


def _debtor_iban(text: str) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        raise FileRefused("bad_iban", None, "the debtor's IBAN is not valid") from error


def _folded(element: Any) -> str:
    """Return the text of an element with folded white space, or ""."""
    return " ".join((element.text or "").split()) if element is not None else ""


def _text(element: Any, *path: str) -> str:
    """Return the folded text at a path of local names, or ""."""
    return " ".join((text_at(element, *path) or "").split())
