"""Until when wage tax must be paid.

It must be with the tax authority within a month after the period (AWR, art. 19); where that day is a Saturday, a Sunday
or a holiday (Algemene termijnenwet, art. 3), on the last working day before it (docs/facts/nmbrs.md, section 6).
"""

from calendar import monthrange
from datetime import date, timedelta

from core.bank_days import easter_sunday, is_bank_day


def pay_by(period_end: date) -> date:
    """Return the last day on which the wage tax of a period that ends on this day must have been received.

    A period that ends with a month is paid in the whole month after it; any other until the same day of the next month.
    """
    ends_with_month = (period_end + timedelta(days=1)).day == 1
    next_month = (period_end.replace(day=1) + timedelta(days=31)).replace(day=1)
    days = monthrange(next_month.year, next_month.month)[1]
    last = next_month.replace(day=days if ends_with_month else min(period_end.day, days))
    while not is_bank_day(last) or last in _holidays(last.year):
        last -= timedelta(days=1)
    return last


def _holidays(year: int) -> set[date]:
    """Return the Dutch holidays on which euro transfers do settle."""
    easter, kings_day = easter_sunday(year), date(year, 4, 27)
    if kings_day.weekday() == 6:
        kings_day -= timedelta(days=1)
    return {kings_day, date(year, 5, 5), easter + timedelta(days=39), easter + timedelta(days=50)}
