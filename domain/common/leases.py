"""Claims with a lease: a row is worked on by one, and comes free by itself when that one dies."""

from datetime import datetime, timedelta
from typing import Any

from core.clock import utcnow

# Growing pauses after a failure, in seconds; the last one repeats.
PAUSES = (5, 15, 60, 180, 600, 1800)


def claim_lease(table: Any, row_id: int, seconds: int, *conditions: Any) -> Any | None:
    """The row, now ours for so many seconds, or None when another has it or the conditions fail."""
    now = utcnow()
    free = table.lease_until.is_null() | (table.lease_until < now)
    query = table.update(lease_until=now + timedelta(seconds=seconds)).where(table.id == row_id, free, *conditions)
    return table.get_by_id(row_id) if query.execute() == 1 else None


def backoff(attempts: int) -> datetime:
    """When to try again after so many failures."""
    return utcnow() + timedelta(seconds=PAUSES[min(attempts, len(PAUSES) - 1)])


def release_lease(row: Any, **changes: Any) -> None:
    """Give the claim back, with what has come of it."""
    table = type(row)
    table.update(lease_until=None, **changes).where(table.id == row.id).execute()
