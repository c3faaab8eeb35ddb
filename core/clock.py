"""The clock: UTC in the program, Europe/Amsterdam for users, bank days and limits."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def utcnow() -> datetime:
    """Return the current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def amsterdam(moment: datetime) -> datetime:
    """Return the same moment in Europe/Amsterdam."""
    return moment.astimezone(AMSTERDAM)


def today_amsterdam() -> date:
    """Return today's date in Amsterdam."""
    return amsterdam(utcnow()).date()


def amsterdam_midnight(day: date) -> datetime:
    """Return the UTC moment at which this day starts in Amsterdam."""
    return datetime(day.year, day.month, day.day, tzinfo=AMSTERDAM).astimezone(UTC)
