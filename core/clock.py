"""One clock: UTC inside, Amsterdam for people, bank days and limits."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def amsterdam(moment: datetime) -> datetime:
    """The same moment on the clock in Amsterdam."""
    return moment.astimezone(AMSTERDAM)


def today_amsterdam() -> date:
    """The date a person in Amsterdam reads on the calendar now."""
    return amsterdam(utcnow()).date()


def amsterdam_midnight(day: date) -> datetime:
    """The UTC moment at which this day begins in Amsterdam."""
    return datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM).astimezone(UTC)
