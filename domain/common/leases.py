"""Claims on rows. One worker holds a row for a limited time; if that worker dies, the claim expires by itself."""

from datetime import datetime, timedelta
from typing import Any

from core.clock import utcnow

# Pauses after successive failures, in seconds; the last one repeats.
PAUSES = (5, 15, 60, 180, 600, 1800)


def claim_lease(table: Any, row_id: int, seconds: int, *conditions: Any) -> Any | None:
    """Claim the row for `seconds` and return it; None if another worker holds it or `conditions` do not match."""
    now = utcnow()
    held = now + timedelta(seconds=seconds)
    query = table.update(lease_until=held).where(table.id == row_id, is_free(table, now), *conditions)
    return table.get_by_id(row_id) if query.execute() == 1 else None


def is_free(table: Any, now: Any) -> Any:
    """Return the condition that nobody holds a row of this table at this time (UTC)."""
    return table.lease_until.is_null() | (table.lease_until < now)


def backoff(attempts: int) -> datetime:
    """Return when to try again after this number of failures (UTC)."""
    return utcnow() + timedelta(seconds=PAUSES[min(attempts, len(PAUSES) - 1)])


def release_lease(row: Any, **changes: Any) -> None:
    """Release the claim and store the result."""
    table = type(row)
    table.update(lease_until=None, **changes).where(table.id == row.id).execute()
