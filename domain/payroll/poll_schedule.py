"""When to poll Nmbrs: at once after a webhook, then with growing pauses, and at regular times in any case."""

from datetime import UTC, datetime, timedelta

from core.bank_days import is_bank_day
from core.clock import amsterdam
from models.states import NmbrsApi

# Seconds. A run may be announced before it is listed (docs/facts/nmbrs.md, 7.1): poll again for an hour.
WEBHOOK_RETRY_DELAYS = (5, 10, 20, 40, 60, 120, 240, 480, 900, 1200)
WEBHOOK_RETRY_PERIOD = timedelta(hours=1)
# Seconds. REST has no webhooks: poll every five minutes on bank days from 7 to 19 h (Europe/Amsterdam), else hourly.
REST_BUSY_SECONDS, REST_QUIET_SECONDS = 300, 3600
_BUSY_HOURS = range(7, 19)
_HASH_MULTIPLIER = 2654435761  # Knuth's multiplicative hash spreads consecutive ids


def poll_interval(interface: str, now: datetime, poll_seconds: int) -> int:
    """Return the seconds between two regular polls."""
    if interface == NmbrsApi.SOAP:
        return poll_seconds
    local = amsterdam(now)
    busy = is_bank_day(local.date()) and local.hour in _BUSY_HOURS
    return REST_BUSY_SECONDS if busy else REST_QUIET_SECONDS


def next_regular_poll_at(company_id: int, now: datetime, seconds: int) -> datetime:
    """Return the company's next regular poll (UTC). Companies are spread evenly over the interval."""
    seconds = max(seconds, 1)
    offset = (company_id * _HASH_MULTIPLIER % 2**32) * seconds // 2**32
    slot = (int(now.timestamp()) - offset) // seconds + 1
    return datetime.fromtimestamp(slot * seconds + offset, UTC)


def next_retry_after_webhook(webhook_received_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """Return when to poll again for an announced run (UTC); None after an hour."""
    if now - webhook_received_at >= WEBHOOK_RETRY_PERIOD:
        return None
    return now + timedelta(seconds=WEBHOOK_RETRY_DELAYS[min(attempts, len(WEBHOOK_RETRY_DELAYS) - 1)])


def years_to_list(now: datetime, polled_at: datetime | None, hint_unanswered: bool) -> tuple[int, ...]:
    """Return the years of which to list runs: this year (Europe/Amsterdam), and last year where its runs may be news.

    That is in January, at the first poll of each day, and when a webhook led to nothing new (`hint_unanswered`): a run
    of December can be recalculated months later. `polled_at`: the last poll (UTC), if any.
    """
    today = amsterdam(now).date()
    first_of_day = polled_at is None or amsterdam(polled_at).date() != today
    with_last = today.month == 1 or first_of_day or hint_unanswered
    return (today.year - 1, today.year) if with_last else (today.year,)
