"""The usual day on which a company pays its salaries (*betaaldag*), and the execution date that follows from it.

A payday that falls on a closing day is the bank day before it: wages are then there in time. Pure functions; a person
confirms what `propose_payday` finds (docs/decisions/0044-payday.md).
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from core.bank_days import previous_bank_day

NEEDED = 3  # executed payments from which a payday is proposed
NO_PAYDAY = "none"  # stored: a person said that there is no fixed day
_DAY, _LAST, _WEEKDAY = "day", "last", "weekday"
_LONGEST_WEEK = timedelta(days=4)  # a weekly run that is further from its payday than this missed the one before


@dataclass(frozen=True)
class Payday:
    """A day of the month ("day", 1-31), the last bank day of the month ("last", 0), or a day of the week ("weekday",
    0 is Monday).
    """

    kind: str
    number: int = 0

    def __str__(self) -> str:
        """Return the payday as it is stored: day:25, last, weekday:4."""
        return self.kind if self.kind == _LAST else f"{self.kind}:{self.number}"

    @property
    def is_monthly(self) -> bool:
        return self.kind != _WEEKDAY


MONTHLY = (*(Payday(_DAY, number) for number in range(1, 32)), Payday(_LAST))
WEEKLY = tuple(Payday(_WEEKDAY, number) for number in range(5))
_KNOWN = {str(one): one for one in (*MONTHLY, *WEEKLY)}


def parse_payday(text: str | None) -> Payday | None:
    """Return the payday that is stored as this text; None for another text, such as that there is none."""
    return _KNOWN.get(text or "")


def payday_of_month(payday: Payday, year: int, month: int) -> date:
    """Return the payday of a month. The 31st of a shorter month is its last day."""
    last = monthrange(year, month)[1]
    return previous_bank_day(date(year, month, last if payday.kind == _LAST else min(payday.number, last)))


def next_payday(payday: Payday, start: date) -> date:
    """Return the first payday on this day or after it."""
    return next(day for day in _paydays(payday, start) if day >= start)


def last_payday(payday: Payday, end: date) -> date:
    """Return the last payday before this day."""
    start = end - timedelta(days=45 if payday.is_monthly else 14)
    return max(day for day in _paydays(payday, start) if day < end)


def _paydays(payday: Payday, start: date) -> Iterator[date]:
    """Yield the paydays around this day and some time after it, oldest first."""
    if not payday.is_monthly:
        monday = start - timedelta(days=start.weekday())
        yield from (previous_bank_day(monday + timedelta(days=7 * week + payday.number)) for week in range(-1, 5))
        return
    for month in range(start.month - 1, start.month + 3):  # the first of a month may be paid on the last of another
        yield payday_of_month(payday, start.year + (month - 1) // 12, (month - 1) % 12 + 1)


def payday_of_payment(payday: Payday, made: date, period: tuple[int, int, int]) -> date | None:
    """Return the payday for which a payment was made on this day; None if it missed its payday, or none is near.

    `period`: year, first and last period of its run, which are months where a company pays by the month. A payment that
    comes after its payday is one to make soon, not one for the next month.
    """
    after, before = next_payday(payday, made), last_payday(payday, made)
    if not payday.is_monthly:
        return after if after - made <= _LONGEST_WEEK else None
    year, first, last = period
    is_of_its_month = year == after.year and first <= after.month <= last
    return after if is_of_its_month or after - made < made - before else None


def propose_payday(executed: Sequence[date]) -> Payday | None:
    """Return the payday that the last three execution dates have in common, newest first or last; None if none is
    clear.
    """
    days = sorted(set(executed))[-NEEDED:]
    if len(days) < NEEDED:
        return None
    return _common_day_of_month(days) or _common_weekday(days)


def _common_day_of_month(days: Sequence[date]) -> Payday | None:
    gaps = [later - earlier for earlier, later in pairwise(days)]
    if not all(timedelta(days=25) <= gap <= timedelta(days=36) for gap in gaps):
        return None
    if all(payday_of_month(Payday(_LAST), day.year, day.month) == day for day in days):
        return Payday(_LAST)
    fitting = [one for one in MONTHLY if all(next_payday(one, day) == day for day in days)]
    return max(fitting, key=lambda one: sum(one.number == day.day for day in days), default=None)


def _common_weekday(days: Sequence[date]) -> Payday | None:
    """Return the day of the week of weekly or four-weekly payments."""
    gaps = {round((later - earlier).days / 7) for earlier, later in pairwise(days)}
    if gaps not in ({1}, {4}):
        return None
    return next((one for one in WEEKLY if all(next_payday(one, day) == day for day in days)), None)
