"""Read an account report as a stream."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors import iso20022
from connectors.bank.camt.content import (
    AccountEntry,
    AccountReportDocument,
    AccountStatement,
    Kind,
    NotAnAccountReport,
    ReadingProblem,
)
from connectors.bank.camt.entry import read_entry
from connectors.bank.camt.fields import shown
from connectors.iso20022 import UnreadableField, reference_of
from connectors.xml_document import XmlRefused, local_name, open_document, text_at
from core.iban import normalise

MOST_ENTRIES = 100_000
_VERSION = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[234]\.\d{3}\.\d{2})")
_KINDS: dict[str, Kind] = {"Stmt": "statement", "Ntfctn": "notification", "Rpt": "report"}


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
            self._message_id = reference_of(shown(element, "MsgId"))
            self._created_at = iso20022.moment_of(shown(element, "CreDtTm"))
        else:
            self._take_statement(element, _KINDS[name])
            element.clear()

    def _take_entry(self, element: Any) -> None:
        self._count += 1
        self._number += 1
        if self._count > MOST_ENTRIES:
            raise NotAnAccountReport(f"more than {MOST_ENTRIES} entries")
        try:
            entry = read_entry(element)
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
            name = reference_of(shown(element, "Id"))
            placed = self._placed(iban, kind, name, entries)
            made = iso20022.moment_of(shown(element, "CreDtTm"))
            self._statements.append(AccountStatement(kind, name, made, iban, placed))
        self._found += 1

    def _placed(
        self, iban: str | None, kind: Kind, name: str | None, entries: list[AccountEntry]
    ) -> tuple[AccountEntry, ...]:
        """Return the entries with account and key.

        A statement repeated in one document gets the same keys. An intraday report (camt.052) may be cumulative: an
        entry that it repeats from the previous report gets the same key too.
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
    other = None if named else shown(element, "Acct", "Id", "Othr", "Id")
    try:
        return normalise(named or other or "") if named or other else None
    except ValueError as error:
        if named is None:
            return None
        raise UnreadableField("the account's IBAN is not valid") from error
