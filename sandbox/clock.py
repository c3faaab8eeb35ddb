"""The banks' own day: today in Amsterdam plus the days it was advanced."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.store import get_store

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

_hooks: list[Callable[[date], None]] = []


def now() -> datetime:
    """Return the current time in Amsterdam, aware, in whole seconds."""
    return datetime.now(AMSTERDAM).replace(microsecond=0)


def bank_now() -> datetime:
    """Return the banks' time: the current time of day, on the bank day."""
    return now() + timedelta(days=_advanced())


def bank_day() -> date:
    """Return the banks' day (Amsterdam)."""
    return bank_now().date()


def advance(days: int) -> date:
    """Advance the bank day one day at a time, so that no day's work is skipped; return the new day."""
    for _ in range(days):
        get_store().update("clock", "bank", lambda doc: {"days": (doc or {"days": 0})["days"] + 1})
        for hook in _hooks:
            hook(bank_day())
    return bank_day()


def on_advance(hook: Callable[[date], None]) -> Callable[[date], None]:
    """Call `hook` with the new day each time the bank day advances."""
    if hook not in _hooks:
        _hooks.append(hook)
    return hook


def _advanced() -> int:
    return get_store().get("clock", "bank", {"days": 0})["days"]
