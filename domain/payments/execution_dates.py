"""Execution dates: bank days, cut-off times, and the days that a calendar offers."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.bank_days import is_bank_day, next_bank_day
from core.clock import amsterdam, utcnow
from domain.common.errors import DateInvalid

MAX_DAYS_AHEAD = timedelta(days=365)
WEEK = timedelta(days=7)
WEEKS_SHOWN = 5


@dataclass(frozen=True)
class CalendarDay:
    """A day in the calendar. `reason` is why it cannot be chosen: past, cut_off, not_a_bank_day or too_far; else None.
    """

    date: date
    enabled: bool
    reason: str | None
    today: bool
    chosen: bool


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


def calendar_start(day: date) -> date:
    """Return the Monday with which the calendar page of this day begins. The first page begins with this week; a day
    beyond the first or last page is on that page.
    """
    today = amsterdam(utcnow()).date()
    monday = today - timedelta(days=today.weekday())
    near = min(max(day, today), today + MAX_DAYS_AHEAD)
    return monday + (near - monday) // (WEEKS_SHOWN * WEEK) * (WEEKS_SHOWN * WEEK)


def calendar_weeks(monday: date, cut_off: time, chosen: date) -> list[list[CalendarDay]]:
    """Return the weeks of the calendar page that begins with this Monday."""
    today = amsterdam(utcnow()).date()
    days = [_day(monday + timedelta(days=number), cut_off, today, chosen) for number in range(7 * WEEKS_SHOWN)]
    return [days[first : first + 7] for first in range(0, len(days), 7)]


def _day(day: date, cut_off: time, today: date, chosen: date) -> CalendarDay:
    reason = unavailable_reason(day, cut_off)
    return CalendarDay(day, reason is None, reason, day == today, day == chosen)
