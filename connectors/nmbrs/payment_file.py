"""The payment file of a run: pain.001 of any version, read strictly and safely, line by line.

Elements go by their local name. No DTD, no entity, no network. What the file claims (counts, sums)
is checked; a file that is wrong anywhere gives no payment at all.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from lxml import etree

from core.iban import normalise
from core.money import cents

MOST_LINES = 20_000
MOST_BYTES = 50 * 1024 * 1024
NOT_PROVIDED = "NOTPROVIDED"
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")
_PAIN = re.compile(r"pain\.001\.\d{3}\.\d{2}")


@dataclass(frozen=True)
class PaymentLine:
    """What one person gets; the amount in cents."""

    name: str
    iban: str
    amount_cents: int
    description: str
    end_to_end_id: str | None


@dataclass(frozen=True)
class PaymentFile:
    """The whole file, already checked; the total in cents is the sum of its lines."""

    version: str
    debtor_name: str
    debtor_iban: str | None
    count: int
    total_cents: int
    lines: list[PaymentLine] = field(repr=False)


class FileRefused(Exception):
    """No payment is made of this file. `line` counts payments from 1. Never names a person, IBAN or amount.

    Codes: empty, not_xml, not_pain, wrong_sum, wrong_count, bad_iban, other_currency, doubled_id,
    no_lines, bad_amount, too_large, too_many_lines, missing_field, name_unusable.
    """

    def __init__(self, code: str, line: int | None, detail: str) -> None:
        super().__init__(f"{code}{f' at line {line}' if line else ''}: {detail}")
        self.code, self.line, self.detail = code, line, detail


def read_payment_file(raw: bytes, fallback_description: str) -> PaymentFile:
    """Read the file that Nmbrs gave for a run, raw or base64, whatever encoding its declaration claims.

    FileRefused when anything in it is wrong. Memory stays flat but for the lines themselves.
    """
    if len(raw) > MOST_BYTES:
        raise FileRefused("too_large", None, "more than 50 MB")
    reader = _Reader(fallback_description)
    try:
        reader.read(_xml_of(raw))
    except etree.XMLSyntaxError as error:
        raise FileRefused("not_xml", None, "not well-formed XML") from error
    return reader.finish()


def _xml_of(raw: bytes) -> bytes:
    """The XML in UTF-8, without a declaration: it came as text, so what it says of its encoding is moot."""
    text = raw.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        raise FileRefused("empty", None, "nothing in it")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = text.decode("utf-16").encode()
    if not text.startswith(b"<"):
        try:
            text = base64.b64decode(b"".join(text.split()), validate=True).lstrip(b"\xef\xbb\xbf \t\r\n")
        except binascii.Error as error:
            raise FileRefused("not_xml", None, "neither XML nor base64 of it") from error
        if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = text.decode("utf-16", "replace").encode()
    text = _DECLARATION.sub(b"", text, count=1)
    if b"<!DOCTYPE" in text[:4096] or b"<!ENTITY" in text[:4096]:
        raise FileRefused("not_xml", None, "a document type is not accepted")
    return text


class _Reader:
    """Walks the file once; each payment is taken and its element dropped."""

    def __init__(self, fallback: str) -> None:
        self._fallback = fallback
        self._version = ""
        self._lines: list[PaymentLine] = []
        self._ids: set[str] = set()
        self._debtor_name, self._debtor_iban = "", None
        self._group: dict[str, str] = {}
        self._part_start = 0

    def read(self, text: bytes) -> None:
        names = ("{*}GrpHdr", "{*}CdtTrfTxInf", "{*}PmtInf")
        events = etree.iterparse(
            BytesIO(text), events=("end",), tag=names, resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8",
        )  # fmt: skip
        for _, element in events:
            self._take(element)
        root = events.root
        if root is None or root.getroottree().docinfo.doctype:
            raise FileRefused("not_xml", None, "a document type is not accepted")
        self._check_root(root)

    def _check_root(self, root: Any) -> None:
        found = _PAIN.search(root.nsmap.get(root.prefix) or "")
        kinds = [_local(child) for child in root]
        if _local(root) != "Document" or not any(k in ("CstmrCdtTrfInitn", "pain.001.001.02") for k in kinds):
            raise FileRefused("not_pain", None, "not a credit transfer initiation")
        self._version = found.group() if found else ""

    def _take(self, element: Any) -> None:
        name = _local(element)
        if name == "GrpHdr":
            self._group = {key: text for key in ("NbOfTxs", "CtrlSum") if (text := _text(element, key))}
        elif name == "CdtTrfTxInf":
            if len(self._lines) >= MOST_LINES:
                raise FileRefused("too_many_lines", None, f"more than {MOST_LINES} payments")
            self._lines.append(self._line(element, len(self._lines) + 1))
        else:
            self._part(element)
            self._part_start = len(self._lines)
        if name != "GrpHdr":
            _drop(element)

    def _part(self, element: Any) -> None:
        """One PmtInf: its own claims, and who pays."""
        claims = {key: text for key in ("NbOfTxs", "CtrlSum") if (text := _text(element, key))}
        _check_claims(claims, self._lines[self._part_start :])
        self._debtor_name = self._debtor_name or _text(element, "Dbtr", "Nm") or ""
        iban = _text(element, "DbtrAcct", "Id", "IBAN")
        if iban and self._debtor_iban is None:
            self._debtor_iban = _iban(iban, None)

    def _line(self, element: Any, number: int) -> PaymentLine:
        amount = _child(_child(element, "Amt"), "InstdAmt")
        if amount is None:
            raise FileRefused("missing_field", number, "no instructed amount")
        if amount.get("Ccy") != "EUR":
            raise FileRefused("other_currency", number, "not in euros")
        name = _text(element, "Cdtr", "Nm")
        iban = _text(element, "CdtrAcct", "Id", "IBAN")
        if not name or not iban:
            raise FileRefused("missing_field", number, "no creditor name" if not name else "no creditor IBAN")
        return PaymentLine(
            name, _iban(iban, number), _amount(amount.text, number), self._description(element),
            self._end_to_end_id(element, number),
        )  # fmt: skip

    def _description(self, element: Any) -> str:
        info = _child(element, "RmtInf")
        parts = [" ".join((e.text or "").split()) for e in info if _local(e) == "Ustrd"] if info is not None else []
        text = " ".join(filter(None, parts)) or _text(info, "Strd", "CdtrRefInf", "Ref") or self._fallback
        return text or "Salaris"

    def _end_to_end_id(self, element: Any, number: int) -> str | None:
        found = _text(element, "PmtId", "EndToEndId")
        if not found or found == NOT_PROVIDED:
            return None
        if found in self._ids:
            raise FileRefused("doubled_id", number, "an end-to-end id stands twice in the file")
        self._ids.add(found)
        return found

    def finish(self) -> PaymentFile:
        if not self._lines:
            raise FileRefused("no_lines", None, "no payment in it")
        _check_claims(self._group, self._lines)
        total = sum(line.amount_cents for line in self._lines)
        return PaymentFile(
            self._version, self._debtor_name, self._debtor_iban, len(self._lines), total, self._lines
        )


def _check_claims(claims: dict[str, str], lines: list[PaymentLine]) -> None:
    """What a header says of its payments must be so."""
    if "NbOfTxs" in claims and claims["NbOfTxs"] != str(len(lines)):
        raise FileRefused("wrong_count", None, "the count is not that of the payments")
    if "CtrlSum" not in claims:
        return
    if _control_sum(claims["CtrlSum"]) != sum(line.amount_cents for line in lines):
        raise FileRefused("wrong_sum", None, "the control sum is not that of the payments")


def _control_sum(text: str) -> int:
    """A control sum in cents; it may carry zeros that an amount may not."""
    whole, _, fraction = text.partition(".")
    if fraction[2:].strip("0"):
        raise FileRefused("wrong_sum", None, "the control sum has parts of a cent")
    try:
        return cents(f"{whole}.{fraction[:2]}" if fraction else whole)
    except ValueError as error:
        raise FileRefused("wrong_sum", None, "the control sum is no amount") from error


def _amount(text: str | None, number: int) -> int:
    try:
        found = cents((text or "").strip())
    except ValueError as error:
        raise FileRefused("bad_amount", number, "not an amount with at most two decimals") from error
    if found == 0:
        raise FileRefused("bad_amount", number, "an amount of nothing")
    return found


def _iban(text: str, number: int | None) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        raise FileRefused("bad_iban", number, "the IBAN is not valid") from error


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if _local(child) == name)


def _child(element: Any, name: str) -> Any:
    return next(_children(element, name), None) if element is not None else None


def _text(element: Any, *path: str) -> str | None:
    """The text at the end of a path of local names, without outer space; None when there is none."""
    for name in path:
        element = _child(element, name)
    text = " ".join((element.text or "").split()) if element is not None else ""
    return text or None


def _drop(element: Any) -> None:
    """Free what was read; the element itself and what stands before it in its parent."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None and _local(element.getprevious()) == _local(element):
        del parent[0 if _local(parent[0]) == _local(element) else parent.index(element.getprevious())]
