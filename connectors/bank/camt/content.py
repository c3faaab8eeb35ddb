"""What an account report holds once it is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Direction = Literal["credit", "debit"]
Kind = Literal["statement", "notification", "report"]
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
    """One statement, notification or report about an account; `iban` is None if it is identified otherwise."""

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
