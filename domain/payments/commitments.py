"""What banks were given of what is owed: nobody gets more than the newest version of a run says.

An order line counts against the due of its person while its bank may pay it, has paid it, or contradicts itself about
it (`models.COMMITTED`); what was proved not to be paid and what came back counts no more. A line of a live order that
has not reached its bank counts as well: it is about to.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from domain.common.errors import MoreThanOwed
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, OrderLine

_COMMITTED = OrderLine.standing.in_(COMMITTED)
_ABOUT_TO_GO = (OrderLine.standing == "unsent") & (BankOrder.state != "ended")
# Lines of a payment that are, or were, to be paid by it.
_TO_GO = ("open", "sent")


@dataclass(frozen=True)
class CommittedLine:
    """A line that counts against its due; cents. `id` is that of the payment's line."""

    id: int
    due_id: int | None
    name: str
    iban: str
    amount_cents: int
    description: str


def committed_lines(run_id: int) -> list[CommittedLine]:
    """Return every line of this run that counts, the oldest first."""
    rows: Any = _order_lines(
        BatchLine.id, BatchLine.due, BatchLine.name_shown, OrderLine.iban, OrderLine.amount_cents,
        BatchLine.description_shown,
    ).where(Batch.run == run_id, _COMMITTED | _ABOUT_TO_GO).order_by(OrderLine.id).tuples()  # fmt: skip
    return [CommittedLine(*row) for row in rows]


def require_owed(batch: Batch, lines: Sequence[BatchLine]) -> None:
    """Make sure that these lines pay nobody more than is owed, in a transaction that holds the client.

    Raises:
        MoreThanOwed: they would; or it is not known now what is owed.
    """
    if exceeding_dues(batch, lines):
        raise MoreThanOwed


def exceeding_dues(batch: Batch, lines: Sequence[BatchLine]) -> set[int | None]:
    """Return the dues that this payment would overpay with those of its lines that are to go.

    None among them stands for a line that is owed to nobody.
    """
    known: Any = Due.select(Due.id, Due.owed_cents).where(Due.run == batch.run_id, Due.suspended_at.is_null()).tuples()
    owed: dict[int | None, int] = dict(known)
    asked: Counter[int | None] = Counter()
    for line in lines:
        if line.state in _TO_GO:
            asked[line.due_id] += line.amount_cents
    committed = _given(batch) + _approved(batch)
    return {due for due, cents in asked.items() if cents + committed[due] > owed.get(due, 0)}


def _given(batch: Batch) -> Counter[int | None]:
    """What counts of all orders of the payment's run, but for its own that is about to go."""
    about_to_go = _ABOUT_TO_GO & (Batch.id != batch.id)
    query = _order_lines(BatchLine.due, fn.sum(OrderLine.amount_cents))
    return _sums(query.where(Batch.run == batch.run_id, _COMMITTED | about_to_go).group_by(BatchLine.due))


def _approved(batch: Batch) -> Counter[int | None]:
    """What other payments of the run that are approved will give to a bank."""
    query = BatchLine.select(BatchLine.due, fn.sum(BatchLine.amount_cents)).join(Batch)
    others = (Batch.run == batch.run_id) & (Batch.id != batch.id) & (Batch.state == "approved")
    return _sums(query.where(others, BatchLine.state == "open").group_by(BatchLine.due))


def _order_lines(*fields: Any) -> Any:
    return OrderLine.select(*fields).join(BatchLine).join(Batch).switch(OrderLine).join(BankOrder)


def _sums(query: Any) -> Counter[int | None]:
    return Counter({due: int(cents) for due, cents in query.tuples()})
