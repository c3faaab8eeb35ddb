"""Parse the payment file of a run: ISO 20022 pain.001, any version, strictly and safely.

Elements are matched by local name. No DTD, entities or network. The counts and sums in the file are checked; a file
with any error gives no payments at all.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import Any

from lxml import etree

from core.iban import normalise
from core.money import cents

MOST_LINES = 20_000
MOST_BYTES = 50 * 1024 * 1024
MOST_CENTS = 999_999_999_99  # maximum of one SEPA credit transfer (EPC rulebook, AT-04)
NOT_PROVIDED = "NOTPROVIDED"
_PAIN = re.compile(r"pain\.001\.\d{3}\.\d{2}")
_DECLARATION = re.compile(rb"""<\?xml[^>]*?(?:encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*?)?\?>""")
_ROUND = b"\xef\xbb\xbf \t\r\n"
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_ONE_BYTE = ("iso-8859-1", "iso-8859-15", "windows-1252")
_SAFE = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False, "remove_comments": True,
    "remove_pis": True, "encoding": "utf-8",
}  # fmt: skip
# The fields of a payment, as paths of local names. Only Ustrd and Ref may occur more than once.
_FIELDS = (
    "PmtId/EndToEndId", "Amt/InstdAmt", "Cdtr/Nm", "CdtrAcct/Id/IBAN", "RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref",
)  # fmt: skip


@dataclass(frozen=True)
class PaymentLine:
    """The payment of one person; the amount is in cents."""

    name: str
    iban: str
    amount_cents: int
    description: str
    end_to_end_id: str | None


@dataclass(frozen=True)
class PaymentFile:
    """A validated file. `total_cents` is the sum of its lines."""

    version: str
    debtor_name: str
    debtor_iban: str | None
    count: int
    total_cents: int
    lines: list[PaymentLine] = field(repr=False)


class FileRefused(Exception):
    """The file cannot be paid. `line` counts payments from 1. The message never contains a name, IBAN or amount.

    Codes: empty, not_xml, not_pain, wrong_sum, wrong_count, bad_iban, other_currency, doubled_id, no_lines, bad_amount,
    too_large, too_many_lines, missing_field, name_unusable.
    """

    def __init__(self, code: str, line: int | None, detail: str) -> None:
        super().__init__(f"{code}{f' at line {line}' if line else ''}: {detail}")
        self.code, self.line, self.detail = code, line, detail


def read_payment_file(raw: bytes, fallback_description: str) -> PaymentFile:
    """Parse the file of a run, raw or base64, in any common encoding.

    `fallback_description` is used for a payment without remittance information. Memory use grows only with the lines.

    Raises:
    - FileRefused: anything in the file is wrong.
    """
    if len(raw) > MOST_BYTES:
        raise FileRefused("too_large", None, "more than 50 MB")
    text, start = _xml_of(raw)
    try:
        version = _version(_stream(text, start))
        reader = _Reader(version, fallback_description)
        reader.read(_stream(text, start))
    except etree.XMLSyntaxError as error:
        raise FileRefused("not_xml", None, "not well-formed XML") from error
    return reader.finish()


# --- decoding to UTF-8 ---
def _xml_of(raw: bytes) -> tuple[bytes, int]:
    """Return the XML in UTF-8, and the offset after its declaration."""
    text = raw.lstrip(_ROUND)
    if not text:
        raise FileRefused("empty", None, "nothing in it")
    if not text.startswith((b"<", *_UTF_16)):
        text = _unpacked(text)
    text = _in_utf8(text)
    found = _DECLARATION.match(text)
    return text, found.end() if found else 0


def _unpacked(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True).lstrip(_ROUND)
    except binascii.Error as error:
        raise FileRefused("not_xml", None, "neither XML nor base64 of it") from error


def _in_utf8(text: bytes) -> bytes:
    """Convert to UTF-8. Valid UTF-8 stays as it is, whatever its declaration says, because it was sent as text; other
    bytes are decoded as declared.
    """
    encoding = _UTF_16.get(text[:2], "")
    if not encoding and _is_utf8(text):
        return text
    said = _DECLARATION.match(text)
    if said and said.group(1):
        encoding = said.group(1).decode().lower()
    try:
        if encoding in (*_UTF_16.values(), *_ONE_BYTE):
            return text.decode(encoding).encode().lstrip(_ROUND)
    except UnicodeDecodeError as error:
        raise FileRefused("not_xml", None, "not in the encoding that it says") from error
    raise FileRefused("not_xml", None, "in no encoding that we know")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _stream(text: bytes, start: int) -> BytesIO:
    stream = BytesIO(text)  # shares the bytes, copies nothing
    stream.seek(start)
    return stream


def _version(stream: BytesIO) -> str:
    """Check the root element before reading on: no DTD, and an ISO 20022 document. Return its version."""
    events: Any = etree.iterparse(stream, events=("start",), **_SAFE)
    for _, root in events:
        if root.getroottree().docinfo.doctype:
            raise FileRefused("not_xml", None, "a document type is not accepted")
        if _local(root) != "Document":
            raise FileRefused("not_pain", None, "not a credit transfer initiation")
        found = _PAIN.search(root.nsmap.get(root.prefix) or "")
        return found.group() if found else ""
    raise FileRefused("not_xml", None, "not well-formed XML")


# --- parsing ---
class _Reader:
    """Reads the file as a stream, and empties each payment's element after parsing it."""

    def __init__(self, version: str, fallback: str) -> None:
        self._version, self._fallback = version, fallback or "Salaris"
        self._lines: list[PaymentLine] = []
        self._ids: set[str] = set()
        self._debtor_name, self._debtor_iban = "", None
        self._group: dict[str, str] | None = None
        self._part_start = 0

    def read(self, stream: BytesIO) -> None:
        take = {"GrpHdr": self._header, "CdtTrfTxInf": self._payment, "PmtInf": self._part}
        events: Any = etree.iterparse(stream, events=("end",), tag=[f"{{*}}{name}" for name in take], **_SAFE)
        for _, element in events:
            take[_local(element)](element)
            element.clear()
        kinds = map(_local, events.root if events.root is not None else ())
        if not {"CstmrCdtTrfInitn", "pain.001.001.02"} & set(kinds):
            raise FileRefused("not_pain", None, "not a credit transfer initiation")

    def finish(self) -> PaymentFile:
        if not self._lines:
            raise FileRefused("no_lines", None, "no payment in it")
        _check_claims(self._group or {}, self._lines)
        total = sum(line.amount_cents for line in self._lines)
        return PaymentFile(self._version, self._debtor_name, self._debtor_iban, len(self._lines), total, self._lines)

    def _header(self, element: Any) -> None:
        if self._group is not None:
            raise FileRefused("not_pain", None, "more than one header")
        self._group = _claims(element)

    def _part(self, element: Any) -> None:
        """Parse one PmtInf: check its own totals and read the debtor. Its payments end before it does."""
        _check_claims(_claims(element), self._lines[self._part_start :])
        self._part_start = len(self._lines)
        if _text(element, "PmtMtd") not in (None, "TRF"):
            raise FileRefused("not_pain", None, "not paid by transfer")
        self._debtor_name = self._debtor_name or _text(element, "Dbtr", "Nm") or ""
        iban = _text(element, "DbtrAcct", "Id", "IBAN")
        if iban and self._debtor_iban is None:
            self._debtor_iban = _iban(iban, None)

    def _payment(self, element: Any) -> None:
        number = len(self._lines) + 1
        if number > MOST_LINES:
            raise FileRefused("too_many_lines", None, f"more than {MOST_LINES} payments")
        found, told = _fields(element, number)
        amount = found.get("InstdAmt")
        if amount is None:
            raise FileRefused("missing_field", number, "no instructed amount")
        if amount.get("Ccy") != "EUR":
            raise FileRefused("other_currency", number, "not in euros")
        name, iban = _folded(found.get("Nm")), _folded(found.get("IBAN"))
        if not name or not iban:
            raise FileRefused("missing_field", number, "no creditor IBAN" if name else "no creditor name")
        self._lines.append(
            PaymentLine(
                name, _iban(iban, number), _amount(amount.text, number), told or self._fallback,
                self._end_to_end_id(_folded(found.get("EndToEndId")), number),
            )
        )  # fmt: skip

    def _end_to_end_id(self, found: str, number: int) -> str | None:
        if not found or found == NOT_PROVIDED:
            return None
        if found in self._ids:
            raise FileRefused("doubled_id", number, "an end-to-end id stands twice in the file")
        self._ids.add(found)
        return found


@lru_cache(maxsize=16)
def _paths(namespace: str) -> etree.XPath:
    """Compile one XPath for all fields of a payment: separate lookups take twice the time of the parsing."""
    prefix, known = ("p:", {"p": namespace}) if namespace else ("", None)
    paths = ("/".join(prefix + step for step in path.split("/")) for path in _FIELDS)
    return etree.XPath("|".join(paths), namespaces=known)


def _fields(payment: Any, number: int) -> tuple[dict[str, Any], str]:
    """Return the fields of one payment by local name, and its remittance information."""
    namespace = payment.tag[1:].partition("}")[0] if payment.tag[0] == "{" else ""
    cut = len(namespace) + 2 if namespace else 0
    found: dict[str, Any] = {}
    unstructured, reference = [], ""
    for element in _paths(namespace)(payment):
        name = element.tag[cut:]
        if len(element):
            raise FileRefused("missing_field", number, f"{name} holds more than text")
        if name == "Ustrd":
            unstructured.append(_folded(element))
        elif name == "Ref":
            reference = reference or _folded(element)
        elif name in found:
            raise FileRefused("missing_field", number, f"{name} stands there twice")
        else:
            found[name] = element
    return found, " ".join(filter(None, unstructured)) or reference


def _claims(element: Any) -> dict[str, str]:
    """Return the totals that a header gives; each may occur once."""
    found = {}
    for key, code in (("NbOfTxs", "wrong_count"), ("CtrlSum", "wrong_sum")):
        texts = [text for child in element.iterchildren(f"{{*}}{key}") if (text := _folded(child))]
        if len(texts) > 1:
            raise FileRefused(code, None, f"{key} stands there twice")
        if texts:
            found[key] = texts[0]
    return found


def _check_claims(claims: dict[str, str], lines: list[PaymentLine]) -> None:
    """Check that the totals of a header match the payments."""
    count, total = claims.get("NbOfTxs"), claims.get("CtrlSum")
    if count is not None and not (re.fullmatch(r"[0-9]{1,15}", count) and int(count) == len(lines)):
        raise FileRefused("wrong_count", None, "the count is not that of the payments")
    if total is not None and _control_sum(total) != sum(line.amount_cents for line in lines):
        raise FileRefused("wrong_sum", None, "the control sum is not that of the payments")


def _control_sum(text: str) -> int:
    """Convert a control sum to cents; it may have trailing zeros that an amount may not."""
    whole, point, fraction = text.partition(".")
    if fraction[2:].strip("0"):
        raise FileRefused("wrong_sum", None, "the control sum has parts of a cent")
    try:
        return cents(f"{whole}{point}{fraction[:2]}")
    except ValueError as error:
        raise FileRefused("wrong_sum", None, "the control sum is no amount") from error


def _amount(text: str | None, number: int) -> int:
    try:
        found = cents((text or "").strip())
    except ValueError as error:
        raise FileRefused("bad_amount", number, "not an amount with at most two decimals") from error
    if not 0 < found <= MOST_CENTS:
        raise FileRefused("bad_amount", number, "an amount that cannot be transferred")
    return found


def _iban(text: str, number: int | None) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        raise FileRefused("bad_iban", number, "the IBAN is not valid") from error


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _folded(element: Any) -> str:
    """Return the text of an element with folded white space, or ""."""
    return " ".join((element.text or "").split()) if element is not None else ""


def _text(element: Any, *path: str) -> str | None:
    """Return the text at a path of local names, or None."""
    for name in path:
        element = next((child for child in element if _local(child) == name), None)
        if element is None:
            return None
    return _folded(element) or None
