"""Parse the bank's account reports: ISO 20022 camt.053, camt.054 and camt.052, any version, matched by local name.

Every entry is returned as the bank reports it, with nothing derived: a debit marked as a reversal stays a debit. An
unreadable entry or statement is left out and reported as a problem; the rest is still returned.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal

from connectors import iso20022
from connectors.iso20022 import UnreadableField, cents_of, count_of, day_of, plain, reference_of
from connectors.xml_document import XmlRefused, child, children, local_name, open_document, text_at, text_of, texts
from core.iban import normalise

MOST_ENTRIES = 100_000
LONGEST_NAME, LONGEST_TEXT, LONGEST_CODE = 140, 1000, 60
Direction = Literal["credit", "debit"]
Kind = Literal["statement", "notification", "report"]
_VERSION = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[234]\.\d{3}\.\d{2})")
_KINDS: dict[str, Kind] = {"Stmt": "statement", "Ntfctn": "notification", "Rpt": "report"}
_DIRECTIONS: dict[str, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_REVERSAL = {"true": True, "1": True, "false": False, "0": False}
BOOKED = "BOOK"


class NotAnAccountReport(ValueError):
    """The bytes are not a readable camt document."""


@dataclass(frozen=True)
class BatchReference:
    """The batch that a single booking covers (NtryDtls/Btch)."""

    message_id: str | None = None
    payment_information_id: str | None = None
    count: int | None = None
    sum_cents: int | None = None
    direction: Direction | None = None


@dataclass(frozen=True)
class TransactionDetail:
    """One transaction within an entry. `amount_cents` is its own amount; None when the bank gives none in euros.

    `instructed_cents` is the amount before charges, if given. `return_reason` is a code of ISO 20022.
    """

    end_to_end_id: str | None = None
    message_id: str | None = None
    payment_information_id: str | None = None
    instruction_id: str | None = None
    amount_cents: int | None = None
    instructed_cents: int | None = None
    direction: Direction | None = None
    return_reason: str | None = None
    is_return: bool = False
    bank_transaction_code: str | None = None
    purpose: str | None = None
    account_servicer_reference: str | None = None
    debtor_name: str | None = field(default=None, repr=False)
    debtor_iban: str | None = field(default=None, repr=False)
    creditor_name: str | None = field(default=None, repr=False)
    creditor_iban: str | None = field(default=None, repr=False)
    remittance: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class AccountEntry:
    """One entry in euros. `amount_cents` is never negative; `direction` tells debit from credit.

    `key` is a hash of the content and the number of its occurrence in the document. The same entry has the same key in
    every document that words it equally (a camt.053 and a camt.054 may differ). References may repeat, so they do not
    identify an entry. `reversal` is the bank's own mark; `is_booked` is false for an expected entry.
    """

    key: str
    account_iban: str | None
    amount_cents: int
    direction: Direction
    reversal: bool
    status: str
    booking_date: date | None
    value_date: date | None
    entry_reference: str | None
    account_servicer_reference: str | None
    bank_transaction_code: str | None
    batches: tuple[BatchReference, ...] = ()
    details: tuple[TransactionDetail, ...] = field(default=(), repr=False)
    text: str | None = field(default=None, repr=False)

    @property
    def is_booked(self) -> bool:
        return self.status == BOOKED

    @property
    def signed_cents(self) -> int:
        """Return the amount with its sign: negative for a debit."""
        return self.amount_cents if self.direction == "credit" else -self.amount_cents

    def counterparty(self, detail: TransactionDetail) -> tuple[str | None, str | None]:
        """Return name and IBAN of the party that is not the account holder: by account, else by direction."""
        debtor, creditor = (detail.debtor_name, detail.debtor_iban), (detail.creditor_name, detail.creditor_iban)
        if self.account_iban in (detail.debtor_iban, detail.creditor_iban) and self.account_iban is not None:
            return creditor if detail.debtor_iban == self.account_iban else debtor
        return creditor if self.direction == "debit" else debtor


@dataclass(frozen=True)
class AccountStatement:
    """One statement, notification or report about one account; `iban` is None if the account is identified otherwise.
    """

    kind: Kind
    id: str | None
    created_at: datetime | None
    iban: str | None
    entries: tuple[AccountEntry, ...] = field(repr=False)


@dataclass(frozen=True)
class ReadingProblem:
    """Something unreadable: the statement and entry, counted from 1, and the field, never its content.

    `code`: bad_account (the statement is left out), bad_entry or other_currency (the entry is left out).
    """

    code: str
    statement: int
    entry: int | None
    detail: str


@dataclass(frozen=True)
class AccountReportDocument:
    """A whole document, with the problems found in it."""

    version: str
    message_id: str | None
    created_at: datetime | None
    statements: tuple[AccountStatement, ...]
    problems: tuple[ReadingProblem, ...]

    @property
    def entries(self) -> Iterator[AccountEntry]:
        return (entry for statement in self.statements for entry in statement.entries)


def read_account_report(raw: bytes) -> AccountReportDocument:
    """Parse a camt.053, camt.054 or camt.052.

    Raises:
    - NotAnAccountReport: not a camt, not well-formed, or more than `MOST_ENTRIES` entries.
    """
    try:
        document = open_document(raw, lenient=True)
        match = _VERSION.fullmatch(document.namespace)
        if match is None or document.root != "Document":
            raise NotAnAccountReport("no camt.053, camt.054 or camt.052")
        found = _Reader()
        for element in document.elements("GrpHdr", "Ntry", *_KINDS):
            found.take(element)
    except XmlRefused as error:
        raise NotAnAccountReport(str(error)) from error
    return found.document(match[1])


class _Reader:
    """Collects entries as their elements end. Each entry's element is emptied after parsing."""

    def __init__(self) -> None:
        self._message_id: str | None = None
        self._created_at: datetime | None = None
        self._entries: list[AccountEntry] = []
        self._count = self._number = 0
        self._statements: list[AccountStatement] = []
        self._found = 0
        self._problems: list[ReadingProblem] = []
        self._equals: Counter[str] = Counter()
        self._repeated: dict[tuple[Any, ...], tuple[AccountEntry, ...]] = {}

    def take(self, element: Any) -> None:
        name, parent = local_name(element), element.getparent()
        if name == "Ntry":
            if parent is not None and local_name(parent) in _KINDS and _stands_in_report(parent):
                self._take_entry(element)
            element.clear()
        elif not _stands_in_report(element):
            return
        elif name == "GrpHdr":
            self._message_id = reference_of(_shown(element, "MsgId"))
            self._created_at = iso20022.moment_of(_shown(element, "CreDtTm"))
        else:
            self._take_statement(element, _KINDS[name])
            element.clear()

    def _take_entry(self, element: Any) -> None:
        self._count += 1
        self._number += 1
        if self._count > MOST_ENTRIES:
            raise NotAnAccountReport(f"more than {MOST_ENTRIES} entries")
        try:
            entry = _entry(element)
        except (UnreadableField, XmlRefused) as error:
            self._problem("bad_entry", self._number, str(error))
            return
        if entry is None:
            self._problem("other_currency", self._number, "Amt is not in euros")
        else:
            self._entries.append(entry)

    def _take_statement(self, element: Any, kind: Kind) -> None:
        entries, self._entries, self._number = self._entries, [], 0
        try:
            iban = _account(element)
        except (UnreadableField, XmlRefused) as error:
            self._problem("bad_account", None, str(error))
        else:
            name = reference_of(_shown(element, "Id"))
            placed = self._placed(iban, kind, name, entries)
            made = iso20022.moment_of(_shown(element, "CreDtTm"))
            self._statements.append(AccountStatement(kind, name, made, iban, placed))
        self._found += 1

    def _placed(
        self, iban: str | None, kind: Kind, name: str | None, entries: list[AccountEntry]
    ) -> tuple[AccountEntry, ...]:
        """Return the entries with account and key.

        A statement repeated in one document gets the same keys. An intraday report (camt.052) may be cumulative: an
        entry
        that it repeats from the previous report gets the same key too.
        """
        hashes = [sha256(f"{iban}\n{entry.key}".encode()).hexdigest()[:40] for entry in entries]
        same = (iban, kind, name, *hashes)
        if kind == "report":
            self._equals.clear()
        if same not in self._repeated:
            placed = []
            for entry, content in zip(entries, hashes, strict=True):
                self._equals[content] += 1
                placed.append(replace(entry, key=f"{content}:{self._equals[content]}", account_iban=iban))
            self._repeated[same] = tuple(placed)
        return self._repeated[same]

    def _problem(self, code: str, entry: int | None, detail: str) -> None:
        self._problems.append(ReadingProblem(code, self._found + 1, entry, detail))

    def document(self, version: str) -> AccountReportDocument:
        if not self._found:
            raise NotAnAccountReport("a camt without a statement")
        return AccountReportDocument(
            version, self._message_id, self._created_at, tuple(self._statements), tuple(self._problems)
        )


def _stands_in_report(element: Any) -> bool:
    """Return whether the element is a child of the message, which is a child of the root."""
    message = element.getparent()
    root = None if message is None else message.getparent()
    return root is not None and root.getparent() is None


def _account(element: Any) -> str | None:
    """Return the account's IBAN; None when the account is identified otherwise.

    Raises:
    - UnreadableField: the IBAN is invalid.
    - XmlRefused
    """
    named = text_at(element, "Acct", "Id", "IBAN")
    other = None if named else _shown(element, "Acct", "Id", "Othr", "Id")
    try:
        return normalise(named or other or "") if named or other else None
    except ValueError as error:
        if named is None:
            return None
        raise UnreadableField("the account's IBAN is not valid") from error


# --- one entry ----------------------------------------------------------------------------------------
def _entry(element: Any) -> AccountEntry | None:
    """Return the entry without its account, its text content as key; None when it is not in euros."""
    amount = child(element, "Amt")
    if amount is not None and amount.get("Ccy") != "EUR":
        return None
    found = children(element, "NtryDtls")
    return AccountEntry(
        key=_content(element), account_iban=None, amount_cents=cents_of(text_of(amount), "Amt"),
        direction=_direction(text_at(element, "CdtDbtInd")), reversal=_reversal(text_at(element, "RvslInd")),
        status=_status(child(element, "Sts")), booking_date=_day(element, "BookgDt"), value_date=_day(element, "ValDt"),
        entry_reference=reference_of(_shown(element, "NtryRef")),
        account_servicer_reference=reference_of(_shown(element, "AcctSvcrRef")),
        bank_transaction_code=_transaction_code(element),
        batches=tuple(_batch(part) for one in found for part in children(one, "Btch")),
        details=tuple(_detail(part) for one in found for part in children(one, "TxDtls")),
        text=plain(_shown(element, "AddtlNtryInf"), LONGEST_TEXT),
    )  # fmt: skip


def _content(element: Any) -> str:
    """Return all text of the entry except NtryRef: its number in the statement, which differs between documents."""
    parts = (part.itertext() for part in element if local_name(part) != "NtryRef")
    return "\x1f".join(word for texts_of in parts for text in texts_of if (word := " ".join(text.split())))


def _direction(text: str | None) -> Direction:
    direction = _DIRECTIONS.get(text or "")
    if direction is None:
        raise UnreadableField("CdtDbtInd is neither CRDT nor DBIT")
    return direction


def _reversal(text: str | None) -> bool:
    reversal = _REVERSAL.get((text or "false").lower())
    if reversal is None:
        raise UnreadableField("RvslInd is neither true nor false")
    return reversal


def _status(element: Any) -> str:
    """Return the status: text in version .02, a code in later ones; "" when there is none."""
    if element is None:
        return ""
    return (text_at(element, "Cd") or text_at(element, "Prtry") or "") if len(element) else text_of(element) or ""


def _day(element: Any, name: str) -> date | None:
    found = child(element, name)
    return None if found is None else day_of(text_at(found, "Dt") or text_at(found, "DtTm"), name)


def _transaction_code(element: Any) -> str | None:
    """Return domain, family and sub-family (PMNT/ICDT/SALA), or the bank's own code."""
    found = next(element.iterchildren("{*}BkTxCd"), None)
    if found is None:
        return None
    domain = [_shown(found, "Domn", *path) or "" for path in (("Cd",), ("Fmly", "Cd"), ("Fmly", "SubFmlyCd"))]
    return plain("/".join(domain) if any(domain) else _shown(found, "Prtry", "Cd"), LONGEST_CODE)


def _batch(element: Any) -> BatchReference:
    direction, total = text_at(element, "CdtDbtInd"), child(element, "TtlAmt")
    return BatchReference(
        reference_of(text_at(element, "MsgId")), reference_of(text_at(element, "PmtInfId")),
        count_of(text_at(element, "NbOfTxs"), "NbOfTxs"), _cents(total, "TtlAmt", unmarked=True),
        _direction(direction) if direction else None,
    )  # fmt: skip


def _detail(element: Any) -> TransactionDetail:
    references, parties, returned = (child(element, name) for name in ("Refs", "RltdPties", "RtrInf"))
    amounts, amount, direction = child(element, "AmtDtls"), child(element, "Amt"), text_at(element, "CdtDbtInd")
    if amount is None and amounts is not None:  # version .02 has it one level deeper
        amount = child(amounts, "TxAmt", "Amt")
    return TransactionDetail(
        *_references(references), amount_cents=_cents(amount, "TxAmt"),
        instructed_cents=None if amounts is None else _cents(child(amounts, "InstdAmt", "Amt"), "InstdAmt"),
        direction=_direction(direction) if direction else None, is_return=returned is not None,
        return_reason=None if returned is None else iso20022.reason_of(child(returned, "Rsn")),
        bank_transaction_code=_transaction_code(element), purpose=plain(_shown(element, "Purp", "Cd"), LONGEST_CODE),
        account_servicer_reference=None if references is None else reference_of(_shown(references, "AcctSvcrRef")),
        debtor_name=_name(parties, "Dbtr"), debtor_iban=_iban(parties, "DbtrAcct"),
        creditor_name=_name(parties, "Cdtr"), creditor_iban=_iban(parties, "CdtrAcct"),
        remittance=_remittance(element),
    )  # fmt: skip


def _references(element: Any) -> list[str | None]:
    names = ("EndToEndId", "MsgId", "PmtInfId", "InstrId")
    return [None if element is None else reference_of(text_at(element, name)) for name in names]


def _cents(amount: Any, name: str, unmarked: bool = False) -> int | None:
    """Return an amount in euros; None if absent or in another currency. `unmarked`: the currency may be absent."""
    if amount is None or amount.get("Ccy") not in ("EUR", None if unmarked else "EUR"):
        return None
    return cents_of(text_of(amount), name)


def _remittance(element: Any) -> str | None:
    """Return the payer's text, the references and the bank's text."""
    found: list[str] = []
    for one in element.iterchildren("{*}RmtInf"):
        found += texts(children(one, "Ustrd"))
        found += (_shown(part, "CdtrRefInf", "Ref") or "" for part in children(one, "Strd"))
    found.append(_shown(element, "AddtlTxInf") or "")
    return plain(" ".join(found), LONGEST_TEXT)


# --- display-only fields: the first one counts, and an odd one is None -----------------------------------
def _shown(element: Any, *path: str) -> str | None:
    """Return the text of the first element at the path; None when there is none."""
    for name in path:
        element = next(element.iterchildren(f"{{*}}{name}"), None)
        if element is None:
            return None
    return (element.text or "").strip() or None


def _name(parties: Any, role: str) -> str | None:
    """Return a party's name, which is nested one level deeper since version .08."""
    if parties is None:
        return None
    return plain(_shown(parties, role, "Nm") or _shown(parties, role, "Pty", "Nm"), LONGEST_NAME)


def _iban(parties: Any, name: str) -> str | None:
    text = None if parties is None else _shown(parties, name, "Id", "IBAN")
    try:
        return normalise(text) if text else None
    except ValueError:
        return None
