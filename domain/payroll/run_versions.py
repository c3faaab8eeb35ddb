"""Versions of a run: what makes two of them the same.

A version is identified by its sorted lines, not by the file, whose date and ids differ at every download
(docs/design.md, never-list 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.nmbrs.payment_file import ZERO_AMOUNT
from core.encryption import digest_sha256


@dataclass(frozen=True)
class PayableLine:
    """A line of the newest file.

    Amounts are integer cents; `already_paid_cents` is what this person received for this run before.
    """

    creditor_name: str
    creditor_name_sepa: str
    remittance: str
    remittance_sepa: str
    creditor_iban: str
    amount_cents: int
    already_paid_cents: int | None = None
    employee: str | None = None  # employee number, if the source has it
    held: str | None = None  # why it cannot be paid: owed, and in no payment
    reference_type: str | None = None  # `remittance_sepa` is a structured reference of this type, else a text
    reference_issuer: str | None = None

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.creditor_name, self.creditor_iban, self.amount_cents, self.remittance)


@dataclass(frozen=True)
class UnpayableLine:
    """A line of the newest file that is no payment, as the file writes it, and why (`connectors.nmbrs.payment_file`).

    `amount_cents` is in `currency`; None if it is not a whole number of cents.
    """

    number: int
    reason: str
    name: str
    iban: str
    description: str
    amount_cents: int | None
    currency: str

    @property
    def owed_cents(self) -> int:
        """What the line asks in euros; 0 where that is not known, and of an amount that nobody can be owed."""
        return max(self.amount_cents or 0, 0) if self.currency == "EUR" else 0

    def as_owed(self) -> PayableLine:
        """Return the line as what is owed to a person."""
        return PayableLine(
            self.name, self.name, self.description, self.description, self.iban, self.owed_cents, held=self.reason
        )


def version_hash(lines: Iterable[PayableLine], unpayable: Iterable[UnpayableLine] = ()) -> str:
    """Return the hash that identifies a version. Lines of zero do not count: they change nothing."""
    rows: list[tuple[str, ...]] = [_version_row(line) for line in lines]
    rows += [
        (one.name, one.iban, str(one.amount_cents), one.description, "held", one.reason, one.currency)
        for one in unpayable if one.reason != ZERO_AMOUNT
    ]  # fmt: skip
    return digest_sha256("\n".join("\t".join(row) for row in sorted(rows)).encode())


def _version_row(line: PayableLine) -> tuple[str, ...]:
    row = (line.creditor_name, line.creditor_iban, str(line.amount_cents), line.remittance)
    return (*row, line.reference_type, line.reference_issuer or "") if line.reference_type else row
