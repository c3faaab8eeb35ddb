"""What changed since the payments before: who is new, who is gone, and whose pay is unusual.

Judged from what was executed to people in the same administratie, for periods of the same length. A payment is held
against the latest periods; in May, June and December, when holiday allowance and a thirteenth month are paid, a person
is held against the same month of last year if that was unusual for them too. Pure functions; amounts in cents.

The bounds below are those at which made-up histories tell what was planted and stay silent otherwise
(`tests/domain/test_pay_change_detection.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import chain

from core.names import normalise_name
from domain.payments.payee_findings import ByPerson, PaidAccount, Payee, Period, PlannedLine, Row, is_same

RECENT = 4  # periods that tell what is usual for a person
SPECIAL = frozenset({5, 6, 12})  # holiday allowance (Dutch minimum wage act, art. 17) and thirteenth month
# What a usual amount may differ from those before: in percent of the highest, and at least some cents.
ROOM, LEAST = 10, 2500
FEW = 2  # times as much room after a single amount
RAISED = 15  # the room below the same month of last year
VARYING = 60  # whose amounts vary gets more room: at most this percent of the highest
PEAK = 125  # percent of the next highest: an amount beyond it stands alone, and does not tell what is usual
ALLOWANCE = 190  # percent of the highest usual amount: the most that an allowance makes of it


class ChangeKind(StrEnum):
    """What changed for a person."""

    UNPAID = "unpaid"  # in the payroll run, without a payment
    NEW = "new"  # not paid in the latest period
    GONE = "gone"  # paid in the latest period, and not now
    CHANGED = "changed"  # paid an unusual amount


@dataclass(frozen=True)
class PaidPeriod:
    """A period that was paid, and its last day of payment."""

    period: Period
    day: date


@dataclass(frozen=True)
class Change:
    """What changed for one person. `lines`: theirs in this payment; of who is gone or unpaid, the last that paid them.

    `before_cents` is what they were paid in the period `against` (None if nothing was paid then). `last_paid`: when
    somebody new was paid before that; None if never.
    """

    kind: ChangeKind
    written: str
    lines: tuple[int, ...]
    cents: int
    before_cents: int = 0
    against: PaidPeriod | None = None
    last_paid: date | None = None


@dataclass(frozen=True)
class Changes:
    """What changed for people, and in all: `cents`, and `before_cents` in the period `against` (None: none was paid).

    `unnamed`: people of the payroll run without a payment of whom only the number is known.
    """

    people: tuple[Change, ...] = ()
    cents: int = 0
    before_cents: int = 0
    against: PaidPeriod | None = None
    unnamed: int = 0

    @property
    def tells(self) -> bool:
        """Return whether anything is unusual."""
        return bool(self.people or self.unnamed)

    def of(self, kind: ChangeKind) -> list[Change]:
        return [one for one in self.people if one.kind == kind]


NO_CHANGES = Changes()


def find_changes(
    planned: Sequence[PlannedLine], executed: Sequence[PaidAccount], period: Period | None,
    also_there: Sequence[Payee] = (), unpaid: Sequence[str] = (),
) -> Changes:  # fmt: skip
    """Return what changed.

    `planned`: all lines of the payment. `period`: its own; None if it can be held against nothing. `also_there`: people
    who have a line that cannot be paid. `unpaid`: names of people of the payroll run who have none; "?" if unknown.
    """
    past = _Past(planned[0].payee.company, executed, period) if planned and period else None
    if past is None or not past.recent:
        return _with_unpaid(NO_CHANGES, unpaid)
    found = [change for lines in by_person(planned) if (change := past.judge(lines))]
    gone = past.gone(ByPerson([*planned, *(PlannedLine(0, one, "") for one in also_there)]))
    total = sum(line.cents for line in planned)
    changes = Changes((*found, *gone), total, past.total_of(past.measure), past.paid(past.measure))
    return _with_unpaid(changes, unpaid)


def _with_unpaid(changes: Changes, unpaid: Sequence[str]) -> Changes:
    """Add who is in the run without a payment. Somebody who was paid before is told once: as unpaid, not as gone."""
    gone, people = changes.of(ChangeKind.GONE), [one for one in changes.people if one.kind != ChangeKind.GONE]
    for name in (one for one in unpaid if one != "?"):
        mine = next((one for one in gone if _is_named(one.written, name)), None)
        if mine is not None:
            gone.remove(mine)
        people.append(replace(mine or Change(ChangeKind.UNPAID, name, (), 0), kind=ChangeKind.UNPAID, written=name))
    return replace(changes, people=(*people, *gone), unnamed=sum(one == "?" for one in unpaid))


def _is_named(written: str, full: str) -> bool:
    """Return whether a name as payments write it may be this full name: its words, or initials of them."""
    words, whole = normalise_name(written).split(), normalise_name(full).split()
    initials = [word for word in words if word not in whole]
    return len(initials) < len(words) and all(
        len(word) == 1 and any(one.startswith(word) for one in whole) for word in initials
    )


def by_person(rows: Iterable[Row]) -> list[list[Row]]:
    """Return the rows of each person together, in the order of their first rows."""
    rows = list(rows)
    same, placed, found = ByPerson(rows), set[int](), list[list[Row]]()
    for row in rows:
        if id(row) not in placed:
            mine = [one for one in same.of(row.payee) if id(one) not in placed]
            placed |= {id(one) for one in mine}
            found.append(mine)
    return found


def is_usual(cents: int, before: Sequence[int], after_allowance: bool = False) -> bool:
    """Return whether an amount is usual after these, newest first: like the last one, or within their range, with room.

    `after_allowance`: the last one was paid in a month of allowances; one that stands alone there is not repeated.
    """
    kept = _without_peak(before)
    is_repeated = abs(cents - before[0]) <= _room(before[0]) and not (after_allowance and before[0] not in kept)
    low, high = min(kept), max(kept)
    room = _room(high) * (FEW if len(before) == 1 else 1) + min(high - low, high * VARYING // 100)
    return low - room <= cents <= high + room or is_repeated


def _room(cents: int) -> int:
    return max(LEAST, cents * ROOM // 100)


def _without_peak(before: Sequence[int]) -> Sequence[int]:
    """Leave out one amount that stands alone above the others: an allowance or a bonus."""
    *others, most = sorted(before)
    return others if others and most * 100 > others[-1] * PEAK else before


def _is_allowance(cents: int, least: int, recent: Sequence[int]) -> bool:
    """Return whether an amount is at least about `least`, and no more than an allowance makes of the usual amount.

    A year ago it may have been less: it is paid for the months that somebody was there.
    """
    return least * (100 - RAISED) <= cents * 100 <= max(_without_peak(recent)) * ALLOWANCE


class _Past:
    """The periods that were paid in one administratie, as a payment of `period` sees them."""

    def __init__(self, company: str, executed: Sequence[PaidAccount], period: Period) -> None:
        self.period, self.year_before = period, replace(period, year=period.year - 1)
        self._executed = [one for one in executed if one.last and one.payee.company == company]
        self._rows: dict[Period, list[PaidAccount]] = defaultdict(list)
        for one in self._executed:
            if one.period and one.period < period:
                self._rows[one.period].append(one)
        self._by_person = ByPerson(chain.from_iterable(self._rows.values()))
        self.recent = sorted(self._rows, reverse=True)[:RECENT]

    # --- people ---
    def judge(self, lines: Sequence[PlannedLine]) -> Change | None:
        """Return what changed for the person of these lines, or None."""
        payee, cents = lines[0].payee, sum(one.cents for one in lines)
        change = Change(ChangeKind.NEW, lines[0].written, tuple(one.line for one in lines), cents)
        amounts = self._amounts(payee)
        if self.recent[0] not in amounts:
            return replace(change, last_paid=self._last_paid(payee))
        against = self._unlike(cents, amounts)
        if against is None:
            return None
        return replace(change, kind=ChangeKind.CHANGED, before_cents=amounts[against], against=self.paid(against))

    def _unlike(self, cents: int, amounts: Mapping[Period, int]) -> Period | None:
        """Return the period that an unusual amount is held against; None if the amount is usual."""
        recent = [amounts[period] for period in self.recent if period in amounts]
        a_year_ago = amounts.get(self.year_before) if self._is_special else None
        if a_year_ago is not None and not is_usual(a_year_ago, recent):
            return None if _is_allowance(cents, a_year_ago, recent) else self.year_before
        after_allowance = self.recent[0].first in SPECIAL
        if is_usual(cents, recent, after_allowance) or (a_year_ago is None and self._may_be_allowance(cents, recent)):
            return None
        return self.recent[0]

    def _may_be_allowance(self, cents: int, recent: Sequence[int]) -> bool:
        """Return whether this may be an allowance of somebody who was not there a year ago, when others got one."""
        return self._allowance_is_paid and _is_allowance(cents, max(recent), recent)

    def gone(self, there: ByPerson[PlannedLine]) -> list[Change]:
        """Return who was paid in the latest period, and has no line now."""
        latest, rows = self.recent[0], self._rows[self.recent[0]]
        left = [mine for mine in by_person(rows) if not there.of(mine[0].payee)]
        return [
            Change(ChangeKind.GONE, mine[0].written, tuple(one.source for one in mine), 0,
                   sum(one.cents for one in mine), self.paid(latest))
            for mine in left
        ]  # fmt: skip

    def _amounts(self, payee: Payee) -> dict[Period, int]:
        found: dict[Period, int] = defaultdict(int)
        for one in self._by_person.of(payee):
            if one.period:
                found[one.period] += one.cents
        return found

    def _last_paid(self, payee: Payee) -> date | None:
        return max((one.last for one in self._executed if one.last and is_same(one.payee, payee)), default=None)

    # --- periods ---
    @property
    def _is_special(self) -> bool:
        return self.period.first == self.period.last and self.period.first in SPECIAL and self._was_paid_a_year_ago

    @property
    def _was_paid_a_year_ago(self) -> bool:
        return self.year_before in self._rows

    @cached_property
    def _allowance_is_paid(self) -> bool:
        """Return whether most people were paid a year ago what is unusual for them now: an allowance."""
        if not self._is_special:
            return False
        found = [self._amounts(mine[0].payee) for mine in by_person(self._rows[self.year_before])]
        both = [(one[self.year_before], [one[at] for at in self.recent if at in one]) for one in found]
        unlike = [not is_usual(then, recent) for then, recent in both if recent]
        return sum(unlike) * 2 > len(unlike)

    @property
    def measure(self) -> Period:
        """Return the period that the total is held against."""
        return self.year_before if self._is_special else self.recent[0]

    def total_of(self, period: Period) -> int:
        return sum(one.cents for one in self._rows[period])

    def paid(self, period: Period) -> PaidPeriod:
        """Return this period with its last day of payment."""
        return PaidPeriod(period, max(one.last for one in self._rows[period] if one.last))
