"""Totals over all lines of a payment: digest, sum, counts. Those of a long payment are cached in its row.

The cache names the version of the lines and everything else that it was computed from. A trigger renews the version in
the same transaction as any change of a line, so the cache is never used after a change. Only pages use it: release and
submission always compute from all lines.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from domain.payments import digest, payee_checks
from domain.payments.digest import Wishes
from models import Batch, BatchLine
from models.states import LineState

NOT_PAID = (LineState.EXCLUDED, LineState.REJECTED, LineState.RETURNED, LineState.SUPERSEDED)
# States of a payment of which nobody got money: its total is still what the order was.
NOTHING_PAID = ("rejected", "failed", "cancelled", "returned")
# Up to this number of lines, totals are computed each time: it takes one query, and no cache.
CACHE_THRESHOLD = 100
# How many converted lines a page names; of the others it tells only the number.
NAMED = 5


@dataclass(frozen=True)
class BatchTotals:
    """Totals over all `count` lines; `payable` and `cents` cover the lines that are, or were, to be paid.

    `spelt`: ids of the first lines whose text was converted for the bank; `spelt_count`: how many there are.
    `reasons`: the bank gave a reason why a line was not paid.
    """

    digest: str
    count: int
    payable: int
    cents: int
    spelt_count: int
    spelt: Sequence[int]
    reasons: bool


def is_counted(line_state: str, batch_state: str) -> bool:
    """Return whether a line counts in the total: it is to be paid, or was part of an order that was not paid at all."""
    return line_state not in NOT_PAID or (batch_state in NOTHING_PAID and line_state in ("rejected", "returned"))


def lines_of(batch: Batch) -> list[BatchLine]:
    """Return all lines of a batch, by position."""
    return list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))


def compute_totals(batch: Batch, day: date, rows: Sequence[BatchLine], wishes: Wishes) -> BatchTotals:
    """Compute the totals from these rows, which must be all lines of the batch. The batch's account must be loaded."""
    payable = [row for row in rows if is_counted(row.state, batch.state)]
    spelt = [row.id for row in rows if row.state not in NOT_PAID and _spelt(row)]
    return BatchTotals(
        digest.payment_digest(
            batch.bank_account.iban, day, payable, batch.kind, wishes, payee_checks.marks_of(batch.id, payable)
        ),
        len(rows), len(payable), sum(row.amount_cents for row in payable), len(spelt), spelt[:NAMED],
        any(row.bank_reason_code for row in rows),
    )  # fmt: skip


def _spelt(row: BatchLine) -> bool:
    return (row.creditor_name, row.remittance) != (row.creditor_name_sepa, row.remittance_sepa)


def get_totals(batch: Batch, day: date, wishes: Wishes) -> BatchTotals:
    """Return the totals, of a long payment from the cache if it is valid.

    Call it before reading the lines to show: if a line changes in between, the page gets the older digest, which can no
    longer be approved.
    """
    if batch.line_count <= CACHE_THRESHOLD:
        return compute_totals(batch, day, lines_of(batch), wishes)
    made_of = _made_of(batch, day, wishes)
    kept = batch.totals_cache
    if kept and kept["of"] == made_of:
        return BatchTotals(**kept["sums"])
    found = compute_totals(batch, day, lines_of(batch), wishes)
    # `made_of` was read before the lines: if they changed since, the version differs and nothing is cached.
    Batch.update(totals_cache={"of": made_of, "sums": asdict(found)}).where(
        Batch.id == batch.id, Batch.lines_version == batch.lines_version
    ).execute()
    return found


def is_right(batch: Batch, day: date, rows: Sequence[BatchLine], wishes: Wishes) -> bool:
    """Return whether the totals kept beside this payment are those of its lines (`rows`, all of them), or outdated."""
    kept = batch.totals_cache
    if not kept or kept["of"] != _made_of(batch, day, wishes):
        return True
    return kept["sums"] == asdict(compute_totals(batch, day, rows, wishes))


def _made_of(batch: Batch, day: date, wishes: Wishes) -> list:
    return [
        _FORM, batch.lines_version, batch.bank_account.iban, day.isoformat(), batch.state in NOTHING_PAID, wishes.mark,
    ]  # fmt: skip


# Raise this number when the form of the cache or the digest changes, so that older caches are not used.
_FORM = 3
