"""Parse the booked entries in euros of the bank's statement: ISO 20022 camt.053, any version.

`connectors.bank.camt` returns the whole document; this module returns only booked entries. A salary batch is often one
entry without names, known only by message id, count and total (docs/facts/bank.md, section 2); a return has the
end-to-end id and its reason.
"""

from dataclasses import dataclass, field
from datetime import date

from connectors.bank.camt import AccountEntry, NotAnAccountReport, read_account_report


class NotAStatement(ValueError):
    """The bytes are not a readable camt.053."""


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
    """All entries of one account in a file. `iban` is None when the account is identified otherwise."""

    version: str
    iban: str | None
    entries: tuple[Entry, ...]


def read_statements(raw: bytes) -> list[Statement]:
    """Parse every statement in a file. A statement with an unreadable account is left out if another is readable.

    Raises:
    - NotAStatement: not a camt.053, or an entry or every statement is unreadable.
    """
    try:
        document = read_account_report(raw)
    except NotAnAccountReport as error:
        raise NotAStatement(str(error)) from error
    wrong = [one for one in document.problems if one.code == "bad_entry"]
    if wrong or not document.statements:
        raise NotAStatement(next((one.detail for one in wrong), "no statement whose account can be read"))
    return [
        Statement(document.version, one.iban, tuple(_entry(entry) for entry in one.entries if entry.is_booked))
        for one in document.statements
    ]


def _entry(entry: AccountEntry) -> Entry:
    ids = [batch.message_id for batch in entry.batches] + [detail.message_id for detail in entry.details]
    counts = [batch.count for batch in entry.batches if batch.count is not None]
    details = tuple(
        Detail(one.end_to_end_id, one.message_id, one.amount_cents, one.return_reason) for one in entry.details
    )
    return Entry(
        entry.signed_cents, entry.booked_on, tuple(dict.fromkeys(one for one in ids if one)),
        sum(counts) if counts else None, details,
    )  # fmt: skip
