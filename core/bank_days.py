"""TARGET days: the days on which euro credit transfers settle."""

from datetime import date, timedelta
from functools import lru_cache


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of a year in the Gregorian calendar (the "Meeus/Jones/Butcher" computation)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=16)
def closing_days(year: int) -> frozenset[date]:
    """Return TARGET's six closing days of a year, as the European Central Bank set them from 2002 on."""
    easter = easter_sunday(year)
    movable = {easter - timedelta(days=2), easter + timedelta(days=1)}  # Good Friday, Easter Monday
    return frozenset(movable | {date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)})


def is_bank_day(day: date) -> bool:
    """Return whether this is a TARGET day: Monday to Friday, except the closing days. King's Day is a bank day."""
    return day.weekday() < 5 and day not in closing_days(day.year)


def next_bank_day(day: date) -> date:
    """Return the first bank day after this day."""
    day += timedelta(days=1)
    while not is_bank_day(day):
        day += timedelta(days=1)
    return day


def previous_bank_day(day: date) -> date:
    """Return this day if it is a bank day, else the last one before it."""
    while not is_bank_day(day):
        day -= timedelta(days=1)
    return day


def bank_days_until(today: date, day: date) -> int:
    """Return how many bank days come after today, up to and including this day; 0 if it is today or over."""
    return sum(is_bank_day(today + timedelta(days=ahead)) for ahead in range(1, (day - today).days + 1))
