"""Versions of a run: what makes two of them the same.

A version is identified by its sorted lines, not by the file, whose date and ids differ at every download
(docs/design.md, never-list 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from core.encryption import digest_sha256


@dataclass(frozen=True)
class PayableLine:
    """A line of the newest file.

    Amounts are integer cents; `paid_cents` is what this person received for this run before.
    """

    name_shown: str
    name_sent: str
    description_shown: str
    description_sent: str
    iban: str
    amount_cents: int
    paid_cents: int | None = None
    employee: str | None = None  # employee number, if the source has it

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.name_shown, self.iban, self.amount_cents, self.description_shown)


def version_hash(lines: Iterable[PayableLine]) -> str:
    """Return the hash that identifies a version."""
    rows = sorted((line.name_shown, line.iban, str(line.amount_cents), line.description_shown) for line in lines)
    return digest_sha256("\n".join("\t".join(row) for row in rows).encode())
