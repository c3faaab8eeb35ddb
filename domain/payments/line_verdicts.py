"""Why a line is left out of a payment: *later betalen* or *niet betalen*.

Verdicts are only ever added, and each is in the log. The newest one counts while the line is excluded; a line that was
excluded without one is paid later. They are no part of the digest, because they bear on nothing that is paid.
"""

from collections.abc import Sequence
from typing import Any

from peewee import fn

from core.clock import utcnow
from core.encryption import digest_sha256
from domain.common import audit
from domain.payments.line_doubts import doubted_cents, newest_step, right_mark
from models import Batch, BatchLine, LineVerdict, User, require_client_lock
from models.states import BatchState, LineState
from models.verdicts import LATER, NEVER

VERDICTS = (LATER, NEVER)
_ABOUT = (BatchLine.due, BatchLine.creditor_name, BatchLine.creditor_iban, BatchLine.amount_cents)


def newest_verdict() -> Any:
    """Return the subquery of the newest verdict on a line, for a query of lines."""
    mine = LineVerdict.select(LineVerdict.verdict).where(LineVerdict.line == BatchLine.id)
    return mine.order_by(LineVerdict.id.desc()).limit(1)


def lines_with_verdicts(*more: Any) -> Any:
    """Return a query of lines, each with the `verdict` on it, the newest `step` of a doubt about it with the
    `right_mark` of an answer, the `doubted_cents` that it had when it was doubted, and with what else is selected.
    """
    doubt = [newest_step().alias("step"), right_mark().alias("right_mark"), doubted_cents().alias("doubted_cents")]
    return BatchLine.select(BatchLine, newest_verdict().alias("verdict"), *doubt, *more)


def verdict_on(line_id: int) -> str:
    """Return the verdict that counts for this line while it is excluded."""
    mine = LineVerdict.select(LineVerdict.verdict).where(LineVerdict.line == line_id)
    row = mine.order_by(LineVerdict.id.desc()).first()
    return row.verdict if row else LATER


def record_verdict(batch: Batch, user: User, line_id: int, verdict: str) -> None:
    """Add a verdict and its event, in a transaction that holds the client's lock."""
    require_client_lock(batch.client_id)
    row = LineVerdict.create(batch=batch.id, line=line_id, verdict=verdict, user=user.id)
    audit.record_event(
        batch.client_id, audit.by_user(user), "line.refused", f"batch:{batch.reference}", line=line_id, verdict=verdict,
        row=row.id,
    )


# --- runs that are run again ----------------------------------------------------------------------
def carry_verdicts(batch: Batch) -> int:
    """Take over why lines were left out of earlier payments of the same run, in the transaction that makes this one;
    return how many.
    """
    require_client_lock(batch.client_id)
    excluded = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == LineState.EXCLUDED)
    known = _earlier_verdicts(batch) if excluded.exists() else {}
    rows = [
        {"batch": batch.id, "line": line.id, "verdict": found.verdict, "user": found.user_id, "earlier": found.id}
        for line in excluded.order_by(BatchLine.id) if (found := known.get(_facts(line)))
    ]  # fmt: skip
    for row in rows:
        LineVerdict.create(given_at=utcnow(), **row)
    if rows:
        carried = LineVerdict.select().where(LineVerdict.batch == batch.id, LineVerdict.earlier.is_null(False))
        audit.record_event(
            batch.client_id, audit.WORKER, "verdicts.carried", f"batch:{batch.reference}", count=len(rows),
            hash=verdicts_hash(list(carried)),
        )  # fmt: skip
    return len(rows)


def _earlier_verdicts(batch: Batch) -> dict[tuple, LineVerdict]:
    """Return the newest verdict on each line of the earlier payments of this run, by what the line pays."""
    rows = LineVerdict.select(LineVerdict, BatchLine).join(BatchLine).join(Batch)
    mine = rows.where(Batch.run == batch.run_id, Batch.id != batch.id, LineVerdict.earlier.is_null())
    return {_facts(row.line): row for row in mine.order_by(LineVerdict.id)}


def _facts(line: BatchLine) -> tuple:
    return tuple(getattr(line, field.column_name) for field in _ABOUT)


def verdicts_hash(rows: Sequence[LineVerdict]) -> str:
    """Return the hash of carried verdicts, for the log."""
    told = sorted(f"{row.line_id}:{row.verdict}:{row.user_id}:{row.earlier_id}" for row in rows)
    return digest_sha256("\n".join(told).encode())


# --- what is still to be paid ---------------------------------------------------------------------
def paid_later() -> Any:
    """Return the condition of a line that was left out to be paid later, in a payment that no longer waits."""
    over = Batch.state.not_in((BatchState.OPEN, BatchState.APPROVED, BatchState.REPLACED))
    return (BatchLine.state == LineState.EXCLUDED) & over & (fn.coalesce(newest_verdict(), LATER) == LATER)
