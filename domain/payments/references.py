"""Reference, MsgId, end-to-end ids and X-Request-ID of a payment, derived from what it pays and which attempt it is.

The same payment made again from a restored backup has the same ids, so its bank detects the duplicate
(docs/decisions/0028-derived-ids.md). Neither clock nor chance is used. The key is BIZCUIT_LOOKUP_KEY, which is kept
outside the database and does not rotate with the data keys.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from domain.common.encryption import blind_index
from models import Batch

# In the version of a payment that two people allowed beyond what is owed.
EXCESS_MARK = ":extra:"
# IBAN, cents, name and description as in Nmbrs.
PaidLine = tuple[str, int, str, str]


@dataclass(frozen=True)
class PaidRun:
    """One attempt to pay a version of a run.

    `client`: the public id. `company`: the key that never changes. `version`: the hash of the version, with the number
    of the attempt from the second one on. Of a payment beyond what is owed: with the line that it is beside, and the
    number of the attempt (`excess_version`).
    """

    client: str
    company: str
    kind: str
    year: int
    number: int
    version: str
    run_at: datetime | None = None


def excess_version(version: str, beside: str, number: int) -> str:
    """Return the version of a payment beyond what is owed: the `number`th beside the line with this end-to-end id.

    That id is derived as well. So is all of it, and it does not depend on how often the run was paid before.
    """
    return f"{version}{EXCESS_MARK}{beside}" + (f":{number}" if number > 1 else "")


def payment_identity(run: PaidRun, lines: Iterable[PaidLine]) -> str:
    """Return the keyed hash of what is paid and which attempt it is. The order of the lines does not matter."""
    paid = [run.client, run.company, run.kind, run.year, run.number, run.version, sorted(lines)]
    return blind_index(f"payment:{json.dumps(paid, separators=(',', ':'))}")


def unused_reference(run: PaidRun, identity: str) -> str:
    """Return the first reference of this payment that no batch has. The database's unique key decides."""
    known = Batch.select(Batch.id)
    return next(one for one in reference_candidates(run, identity) if not known.where(Batch.reference == one).exists())


def reference_candidates(run: PaidRun, identity: str) -> Iterator[str]:
    """Yield references YYYYMMDDHHMMSS-NNNNN without end: the run's time in UTC, and five digits of the identity."""
    at = f"{_time_of(run):%Y%m%d%H%M%S}"
    for number in count():
        digits = int(blind_index(f"reference:{identity}:{number}"), 16) % 100_000
        yield f"{at}-{digits:05d}"


def _time_of(run: PaidRun) -> datetime:
    """Return the time of the run; if Nmbrs gives none, as many seconds after the start of its year as its number."""
    return (run.run_at or datetime(run.year, 1, 1, tzinfo=UTC) + timedelta(seconds=run.number)).astimezone(UTC)


def message_id(reference: str, order_number: int) -> str:
    """Return the MsgId: the reference for the first order, then the reference with -2, -3."""
    return reference if order_number == 1 else f"{reference}-{order_number}"


def end_to_end_id(msg_id: str, position: int) -> str:
    """Return the end-to-end id, which is never used again: the order's MsgId and the line's position."""
    return f"{msg_id}-{position:05d}"


def request_id(msg_id: str) -> str:
    """Return the X-Request-ID of an order: a UUID (Berlin Group), also for orders in JSON, which have no MsgId."""
    return str(UUID(hex=blind_index(f"request:{msg_id}")[:32], version=4))
