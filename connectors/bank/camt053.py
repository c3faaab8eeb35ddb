"""Parse account statements and notifications: ISO 20022 camt.053 and camt.054, any version, matched by local name.

Only booked entries in euros are kept. A salary batch is often one entry without names, recognised by its message id,
count and total (docs/facts/bank.md, section 2); a return carries the end-to-end id and a reason code.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

from lxml import etree

from core.iban import normalise
from core.money import cents

MOST_ENTRIES = 100_000
_VERSION = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[34]\.001\.\d{2})")
_CODE = re.compile(r"[A-Z0-9]{2,4}")


class NotAStatement(ValueError):
    """The bytes are not a readable camt.053 or camt.054."""


@dataclass(frozen=True)
class Detail:
    """One payment within an entry. `cents` is None when the bank gives no amount per payment."""

    end_to_end_id: str | None
    message_id: str | None
    cents: int | None
    return_reason: str | None


@dataclass(frozen=True)
class Entry:
    """One booked entry. `cents` is negative for a debit; `count` is the number of payments in a batch."""

    cents: int
    booked_on: date | None
    message_ids: tuple[str, ...]
    count: int | None
    details: tuple[Detail, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Statement:
    """All entries of one account in a file. `iban` is None when the account is identified in another way."""

    version: str
    iban: str | None
    entries: tuple[Entry, ...]


def read_statements(raw: bytes) -> list[Statement]:
    """Return every statement in a file. XML entities and external resources are never resolved.

    Raises:
    - NotAStatement
    """
    parser: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    found, entries = [], []
    version = None
    try:
        events: Any = etree.iterparse(BytesIO(raw), events=("start", "end"), **parser)
        for event, element in events:
            name = _local(element)
            if event == "start":
                version = version or _version(element, name)
            elif name == "Ntry":
                _keep(entries, element)
                element.clear()
            elif name in ("Stmt", "Ntfctn"):
                found.append(Statement(version or "", _account(element), tuple(entries)))
                entries = []
    except etree.XMLSyntaxError as error:
        raise NotAStatement("no XML") from error
    if version is None or not found:
        raise NotAStatement("no camt.053")
    return found


def _version(element: Any, name: str) -> str | None:
    """Return the version that the root element names. Refuses a DTD before anything else is read."""
    if name != "Document":
        raise NotAStatement("no camt.053")
    if element.getroottree().docinfo.doctype:
        raise NotAStatement("a document type of its own")
    match = _VERSION.fullmatch(etree.QName(element).namespace or "")
    if match is None:
        raise NotAStatement("no camt.053")
    return match[1]


def _keep(entries: list[Entry], element: Any) -> None:
    if len(entries) >= MOST_ENTRIES:
        raise NotAStatement(f"more than {MOST_ENTRIES} bookings")
    entry = _entry(element)
    if entry is not None:
        entries.append(entry)


def _entry(element: Any) -> Entry | None:
    """Return an entry, or None if it is not booked yet or not in euros."""
    amount, status = _child(element, "Amt"), _child(element, "Sts")
    said = _text(status, "Cd") or (status.text or "").strip() if status is not None else ""
    if said != "BOOK" or amount is None or amount.get("Ccy") != "EUR":
        return None
    details = tuple(_detail(part) for part in element.iter("{*}TxDtls"))
    lumps = list(element.iter("{*}Btch"))
    ids = [_text(lump, "MsgId") for lump in lumps] + [detail.message_id for detail in details]
    counts = [int(text) for lump in lumps if (text := _text(lump, "NbOfTxs")) and text.isdigit()]
    return Entry(
        _signed(amount, _text(element, "CdtDbtInd")), _day(_child(element, "BookgDt")),
        tuple(dict.fromkeys(one for one in ids if one)), sum(counts) if counts else None, details,
    )  # fmt: skip


def _detail(element: Any) -> Detail:
    refs, amount = _child(element, "Refs"), _child(element, "Amt")
    if amount is None:  # version .02 nests it one level deeper
        amount = _path(element, "AmtDtls", "TxAmt", "Amt")
    euros = amount is not None and amount.get("Ccy") == "EUR"
    reason = _path(element, "RtrInf", "Rsn")
    code = None if reason is None else _text(reason, "Cd")
    return Detail(
        None if refs is None else _text(refs, "EndToEndId"), None if refs is None else _text(refs, "MsgId"),
        _cents(amount) if euros else None, code if code and _CODE.fullmatch(code) else None,
    )  # fmt: skip


def _account(element: Any) -> str | None:
    found = _path(element, "Acct", "Id")
    text = None if found is None else _text(found, "IBAN")
    try:
        return normalise(text) if text else None
    except ValueError as error:
        raise NotAStatement("the account's IBAN is none") from error


def _signed(amount: Any, direction: str | None) -> int:
    if direction not in ("CRDT", "DBIT"):
        raise NotAStatement("a booking without a direction")
    return _cents(amount) if direction == "CRDT" else -_cents(amount)


def _cents(amount: Any) -> int:
    """Parse an amount to cents. Banks write 350, 350.0 and 350.00000 too."""
    whole, _, fraction = (amount.text or "").strip().partition(".")
    if fraction[2:].strip("0"):
        raise NotAStatement("an amount with parts of a cent")
    try:
        return cents(f"{whole}.{fraction[:2].ljust(2, '0')}")
    except ValueError as error:
        raise NotAStatement("an amount that is none") from error


def _day(element: Any) -> date | None:
    text = None if element is None else _text(element, "Dt") or _text(element, "DtTm")
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError as error:
        raise NotAStatement("a date that is none") from error


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if _local(child) == name), None)


def _path(element: Any, *names: str) -> Any:
    for name in names:
        element = _child(element, name)
        if element is None:
            return None
    return element


def _text(element: Any, name: str) -> str | None:
    found = _child(element, name)
    return (found.text or "").strip() or None if found is not None else None
