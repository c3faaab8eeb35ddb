"""When Nmbrs is looked at: at once after a hint, again with growing pauses, and regularly whatever happens."""

from datetime import UTC, datetime, timedelta

from core.bank_days import is_bank_day
from core.clock import amsterdam

# A run may be announced before it is listed (docs/facts/nmbrs.md, 7.1): looked for again within the hour, in seconds.
WEBHOOK_RETRY_DELAYS = (5, 10, 20, 40, 60, 120, 240, 480, 900, 1200)
HINT_LASTS = timedelta(hours=1)
# The later interface has no webhooks: every five minutes on working days from 7 to 19 h.
REST_BUSY_SECONDS, REST_QUIET_SECONDS = 300, 3600
_BUSY_HOURS = range(7, 19)
_GOLDEN = 2654435761  # Knuth's multiplicative hash: neighbours end up far apart


def poll_interval(interface: str, now: datetime, poll_seconds: int) -> int:
    """Seconds between two regular looks."""
    if interface == "soap":
        return poll_seconds
    here = amsterdam(now)
    busy = is_bank_day(here.date()) and here.hour in _BUSY_HOURS
    return REST_BUSY_SECONDS if busy else REST_QUIET_SECONDS


def next_regular_poll_at(company_id: int, now: datetime, seconds: int) -> datetime:
    """The next of this company's own moments; those of all companies are spread over the period."""
    seconds = max(seconds, 1)
    offset = (company_id * _GOLDEN % 2**32) * seconds // 2**32
    slot = (int(now.timestamp()) - offset) // seconds + 1
    return datetime.fromtimestamp(slot * seconds + offset, UTC)


def next_retry_after_webhook(hinted_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When to look again for a run that was announced; None when the hour is over."""
    if now - hinted_at >= HINT_LASTS:
        return None
    return now + timedelta(seconds=WEBHOOK_RETRY_DELAYS[min(attempts, len(WEBHOOK_RETRY_DELAYS) - 1)])
