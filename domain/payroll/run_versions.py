"""Two versions of one run: what makes them the same, and what is still to be paid when the first was paid.

A version is the sorted lines, never the file, whose date and ids change at each fetch (docs/design.md, never-list 1).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from core.encryption import digest_sha256


@dataclass(frozen=True)
class PayableLine:
    """A line of the newest file; `paid_cents` is what this account got for this run before. Cents."""

    name_shown: str
    name_sent: str
    description_shown: str
    description_sent: str
    iban: str
    amount_cents: int
    paid_cents: int | None = None
    employee: str | None = None  # the number of the employee, where the source tells it

    @property
    def key(self) -> tuple[str, str, int, str]:
        return (self.name_shown, self.iban, self.amount_cents, self.description_shown)


@dataclass(frozen=True)
class PreviousLine:
    """A line of a payment that was sent; `paid` unless it was struck, refused or came back."""

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
    """`pay` is owed still; `overpaid` lists (name, IBAN, cents) that went out and is no longer in the run;
    `void` are the ids of unpaid earlier lines whose person the newer version holds."""

    pay: list[PayableLine]
    overpaid: list[tuple[str, str, int]] = field(default_factory=list)
    void: list[int] = field(default_factory=list)


def version_hash(lines: Iterable[PayableLine]) -> str:
    """The name of a version."""
    rows = sorted((line.name_shown, line.iban, str(line.amount_cents), line.description_shown) for line in lines)
    return digest_sha256("\n".join("\t".join(row) for row in rows).encode())


def diff_versions(wanted: Sequence[PayableLine], before: Sequence[PreviousLine]) -> VersionDiff:
    """What the newest version asks beyond what was sent.

    Lines that are the same in both need nothing: paid is paid, and what was struck stays struck. Of the others,
    per account: what it should get, less what it got. More than it should have got is told, never taken back.
    """
    new, old = _unlike(wanted, before)
    accounts = list(dict.fromkeys([line.iban for line in new] + [line.iban for line in old]))
    wanted_of, before_of = _by_iban(new), _by_iban(old)
    found = VersionDiff([])
    for iban in accounts:
        _settle(found, wanted_of[iban], before_of[iban])
    return found


def _settle(found: VersionDiff, new: list[PayableLine], old: list[PreviousLine]) -> None:
    """One account."""
    paid = sum(line.amount_cents for line in old if line.paid)
    owed = sum(line.amount_cents for line in new) - paid
    if new:
        found.void.extend(line.id for line in old if not line.paid)
    if not paid:
        found.pay.extend(new)
    elif owed > 0:
        found.pay.append(replace(new[-1], amount_cents=owed, paid_cents=paid))
    elif owed < 0:
        found.overpaid.append((old[-1].name, old[-1].iban, -owed))


def _unlike(
    wanted: Sequence[PayableLine], before: Sequence[PreviousLine]
) -> tuple[list[PayableLine], list[PreviousLine]]:
    """Both without the lines that are the same in both, each as often as it stands there."""
    spare = Counter(line.key for line in before)
    new = []
    for line in wanted:
        if spare[line.key] > 0:
            spare[line.key] -= 1
        else:
            new.append(line)
    old = []
    for line in sorted(before, key=lambda line: line.paid):  # the unpaid ones are left over first
        if spare[line.key] > 0:
            spare[line.key] -= 1
            old.append(line)
    return new, old


def _by_iban(lines: Sequence[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.iban].append(line)
    return found
