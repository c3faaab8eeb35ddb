"""Versions of a run: when two are the same, and what a newer one still owes after the older one was paid.

A version is identified by its sorted lines, not by the file, whose date and ids differ at every download
(docs/design.md, never-list 1).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.encryption import digest_sha256


@dataclass(frozen=True)
class PayableLine:
    """A line of the newest file.

    Amounts are integer cents; `paid_cents` is what this account received for this run before.
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


@dataclass(frozen=True)
class PreviousLine:
    """A line of a submitted payment. `paid` is False if it was excluded, rejected or returned."""

    id: int
    name: str
    iban: str
    amount_cents: int
    description: str
    paid: bool

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.name, self.iban, self.amount_cents, self.description)


Line = TypeVar("Line", PayableLine, PreviousLine)


@dataclass(frozen=True)
class VersionDiff:
    """What the newest version changes.

    - pay: lines that are still owed.
    - overpaid: (name, IBAN, cents) that was paid and is no longer in the run.
    - void: ids of unpaid earlier lines whose creditor is in the newer version.
    """

    pay: list[PayableLine]
    overpaid: list[tuple[str, str, int]] = field(default_factory=list)
    void: list[int] = field(default_factory=list)


def version_hash(lines: Iterable[PayableLine]) -> str:
    """Return the hash that identifies a version."""
    rows = sorted((line.name_shown, line.iban, str(line.amount_cents), line.description_shown) for line in lines)
    return digest_sha256("\n".join("\t".join(row) for row in rows).encode())


def diff_versions(wanted: Sequence[PayableLine], previous: Sequence[PreviousLine]) -> VersionDiff:
    """Return what the newest version asks beyond what was submitted.

    Lines that are in both need nothing: paid stays paid, excluded stays excluded. For the other lines, each account
    gets what it should get less what it got. An overpayment is reported, never reclaimed.
    """
    new, old = _unlike(wanted, previous)
    accounts = list(dict.fromkeys([line.iban for line in new] + [line.iban for line in old]))
    wanted_of, before_of = _by_iban(new), _by_iban(old)
    diff = VersionDiff([])
    for iban in accounts:
        _settle(diff, wanted_of[iban], before_of[iban])
    return diff


def _settle(diff: VersionDiff, new: list[PayableLine], old: list[PreviousLine]) -> None:
    """Add the difference of one account."""
    paid = sum(line.amount_cents for line in old if line.paid)
    owed = sum(line.amount_cents for line in new) - paid
    if new:
        diff.void.extend(line.id for line in old if not line.paid)
    if not paid:
        diff.pay.extend(new)
    elif owed > 0:
        diff.pay.append(replace(new[-1], amount_cents=owed, paid_cents=paid))
    elif owed < 0:
        diff.overpaid.append((old[-1].name, old[-1].iban, -owed))


def _unlike(
    wanted: Sequence[PayableLine], previous: Sequence[PreviousLine]
) -> tuple[list[PayableLine], list[PreviousLine]]:
    """Return both lists without the lines they have in common, each counted as often as it occurs."""
    spare = Counter(line.key for line in previous)
    new = []
    for line in wanted:
        if spare[line.key] > 0:
            spare[line.key] -= 1
        else:
            new.append(line)
    old = []
    for line in sorted(previous, key=lambda line: line.paid):  # unpaid ones first, so that they remain
        if spare[line.key] > 0:
            spare[line.key] -= 1
            old.append(line)
    return new, old


def _by_iban(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.iban].append(line)
    return found
