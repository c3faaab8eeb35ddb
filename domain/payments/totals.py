"""What is counted of all lines of a payment: digest, total, how many. Of a long one it is kept beside the payment.

What is kept names the version of the lines, and everything else, that it was made of. A trigger gives the lines
another version whenever one of them changes, in the same transaction, so nothing that is kept outlives a change.
Nothing rests on it but what a page shows: whoever approves or sends counts all lines again (release, sending).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from domain.payments import digest
from models import Batch, BatchLine

NOT_PAID = ("refused", "rejected", "returned", "void")
# Of so many lines or less everything is read and counted anew: one query, and nothing to keep.
CACHE_THRESHOLD = 100
# So many lines that the bank reads otherwise are named; of the others only the number is told.
NAMED = 5


@dataclass(frozen=True)
class BatchTotals:
    """Of all lines: `count` of them, `payable` and `cents` of those that are (or were) to be paid; the digest.

    `spelt` are the first lines that the bank reads otherwise, of `spelt_count`; `reasons`: a bank said why a line
    was not paid.
    """

    digest: str
    count: int
    payable: int
    cents: int
    spelt_count: int
    spelt: Sequence[int]
    reasons: bool


def is_counted(line_state: str, batch_state: str) -> bool:
    """Part of the total: what is to be paid, or what an order was that the bank refused as a whole."""
    return line_state not in NOT_PAID or line_state == batch_state == "rejected"


def lines_of(batch: Batch) -> list[BatchLine]:
    """Every line, in its order."""
    return list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))


def compute_totals(batch: Batch, day: date, rows: Sequence[BatchLine]) -> BatchTotals:
    """Counted of these rows, which are all lines of the batch; expects its account to be loaded."""
    payable = [row for row in rows if is_counted(row.state, batch.state)]
    spelt = [row.id for row in rows if row.state not in NOT_PAID and _spelt(row)]
    return BatchTotals(
        digest.payment_digest(batch.bank_account.iban, day, payable), len(rows), len(payable),
        sum(row.amount_cents for row in payable), len(spelt), spelt[:NAMED], any(row.bank_reason for row in rows),
    )  # fmt: skip


def _spelt(row: BatchLine) -> bool:
    return (row.name_shown, row.description_shown) != (row.name_sent, row.description_sent)


def get_totals(batch: Batch, day: date) -> BatchTotals:
    """Of a long payment what was kept while it still holds, else counted of all lines and kept.

    Read this before the lines that are shown beside it: then a change in between makes the digest the older of the
    two, which nobody can approve any more.
    """
    if batch.line_count <= CACHE_THRESHOLD:
        return compute_totals(batch, day, lines_of(batch))
    made_of = _made_of(batch, day)
    kept = batch.lines_kept
    if kept and kept["of"] == made_of:
        return BatchTotals(**kept["sums"])
    found = compute_totals(batch, day, lines_of(batch))
    # `made_of` was read before the lines: had they changed since, this version would be over and nothing be kept
    Batch.update(lines_kept={"of": made_of, "sums": asdict(found)}).where(
        Batch.id == batch.id, Batch.lines_version == batch.lines_version
    ).execute()
    return found


def _made_of(batch: Batch, day: date) -> list:
    return [_FORM, batch.lines_version, batch.bank_account.iban, day.isoformat(), batch.state == "rejected"]


# Another form of what is kept, or another digest, is another number: what the program of before kept is not read.
_FORM = 1
