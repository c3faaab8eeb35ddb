"""Execution dates: bank days, cut-off times, and the days that a calendar offers."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.bank_days import is_bank_day, next_bank_day
from core.clock import amsterdam, utcnow
from domain.common.errors import DateInvalid

MAX_DAYS_AHEAD = timedelta(days=365)


@dataclass(frozen=True)
class CalendarDay:
    """A day in the calendar. `reason` is why it cannot be chosen: past, cut_off, not_a_bank_day or too_far; else None.
    """

    date: date
    enabled: bool
    reason: str | None
    today: bool
    chosen: bool
    other_month: bool


def earliest_execution_date(cut_off: time, now: datetime | None = None) -> date:
    """Return the first bank day whose cut-off (Amsterdam time) has not passed."""
    local = amsterdam(now or utcnow())
    today = local.date()
    return today if is_bank_day(today) and local.time() < cut_off else next_bank_day(today)


def unavailable_reason(day: date, cut_off: time, now: datetime | None = None) -> str | None:
    """Return why no payment can be executed on this day; None if one can."""
    local = amsterdam(now or utcnow())
    if day < local.date():
        return "past"
    if not is_bank_day(day):
        return "not_a_bank_day"
    if day == local.date() and local.time() >= cut_off:
        return "cut_off"
    return "too_far" if day > local.date() + MAX_DAYS_AHEAD else None


def require_valid(day: date, cut_off: time) -> None:
    """Check that a payment can be executed on this day.

    Raises:
    - DateInvalid: with the reason.
    """
    reason = unavailable_reason(day, cut_off)
    if reason:
        raise DateInvalid(reason)


def calendar_month(first: date, cut_off: time, chosen: date) -> list[list[CalendarDay]]:
    """Return the weeks of this month, from Monday."""
    today = amsterdam(utcnow()).date()
    day = first.replace(day=1)
    start = day - timedelta(days=day.weekday())
    weeks = []
    while start <= day.replace(day=28) + timedelta(days=4) and (start.month == day.month or start < day):
        weeks.append([_day(start + timedelta(days=i), day.month, cut_off, today, chosen) for i in range(7)])
        start += timedelta(days=7)
    return weeks


def _day(day: date, shown_month: int, cut_off: time, today: date, chosen: date) -> CalendarDay:
    reason = unavailable_reason(day, cut_off)
    return CalendarDay(day, reason is None, reason, day == today, day == chosen, day.month != shown_month)
