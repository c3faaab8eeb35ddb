"""What banks already have of what a run owes, so that nobody is paid more than the newest version says.

An order line counts against its due while the bank may still pay it, has paid it, or contradicts itself about it
(`models.COMMITTED`), and while its order is about to be submitted. A line that was proved unpaid, or that came back, no
longer counts. After a restore the lines of an order without a record count too (`lost_orders`). A payment that two
people allowed beyond what is owed counts only against what they allowed (`domain.payments.excess`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from domain.common.errors import MoreThanOwed
from domain.payments import excess, lost_orders
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, HeldLine, OrderLine
from models.prepared import Prepared
from models.states import BatchState, LineState, OrderState

_COMMITTED = OrderLine.standing.in_(COMMITTED)
_ABOUT_TO_GO = (OrderLine.standing == "unsent") & (BankOrder.state != OrderState.CLOSED)
# States of lines that the payment is to pay, or has sent.
_TO_GO = (LineState.OPEN, LineState.SENT)


@dataclass(frozen=True)
class CommittedLine:
    """An order line that counts against its due. `id` is that of the payment line."""

    id: int
    due_id: int | None
    name: str
    creditor_iban: str
    amount_cents: int
    description: str


def committed_lines(run_id: int) -> list[CommittedLine]:
    """Return every order line of this run that counts against its due, oldest first; then the lines of payments with a
    lost order.
    """
    lost = [
        CommittedLine(row.id, row.due_id, row.creditor_name, row.creditor_iban, row.amount_cents, row.remittance)
        for row in lost_orders.lost_lines(run_id)
    ]
    return [CommittedLine(*row) for row in _lines_owed(run_id)] + lost


def lines_beyond(run_id: int) -> list[CommittedLine]:
    """Return every order line of this run that counts and is beyond what is owed, oldest first."""
    return [CommittedLine(*row) for row in _lines_beyond(run_id)]


@Prepared
def _lines_owed(run: Any) -> Any:
    return _lines((Batch.run == run) & _not_beyond())


@Prepared
def _lines_beyond(run: Any) -> Any:
    return _lines((Batch.run == run) & Batch.id.in_(excess.beyond_payments()))


def _lines(where: Any) -> Any:
    return _order_lines(
        BatchLine.id, BatchLine.due, BatchLine.creditor_name, OrderLine.creditor_iban, OrderLine.amount_cents,
        BatchLine.remittance,
    ).where(where, _COMMITTED | _ABOUT_TO_GO).order_by(OrderLine.id).tuples()  # fmt: skip


def _not_beyond() -> Any:
    return Batch.id.not_in(excess.beyond_payments())


def require_owed(batch: Batch, lines: Sequence[BatchLine]) -> None:
    """Check that these lines pay nobody more than is owed, in a transaction that holds the client's lock.

    Raises:
    - MoreThanOwed: they do, or what is owed is not known at the moment.
    """
    if exceeding_dues(batch, lines):
        raise MoreThanOwed


def exceeding_dues(batch: Batch, lines: Sequence[BatchLine]) -> set[int | None]:
    """Return the dues that the payable ones of these lines would overpay; None among them means a line without a due.
    """
    allowance = excess.allowance_of(batch)
    if allowance is not None:
        asked = [line for line in lines if line.state in _TO_GO]
        if excess.exceeds(allowance, asked, _sent_before(batch) + lost_orders.lost_cents_of(batch)):
            return {line.due_id for line in asked}
        if excess.is_beyond(batch):
            return set()
    return _beyond_due(batch, lines)


def _sent_before(batch: Batch) -> int:
    """Return the cents that count of earlier orders of this batch."""
    earlier = _order_lines(fn.sum(OrderLine.amount_cents)).where(Batch.id == batch.id, _COMMITTED)
    return int(earlier.scalar() or 0)


def _beyond_due(batch: Batch, lines: Sequence[BatchLine]) -> set[int | None]:
    known: Any = Due.select(Due.id, Due.owed_cents).where(Due.run == batch.run_id, Due.suspended_at.is_null()).tuples()
    owed: dict[int | None, int] = dict(known)
    asked: Counter[int | None] = Counter()
    for line in lines:
        if line.state in _TO_GO:
            asked[line.due_id] += line.amount_cents
    committed = _given(batch) + _approved(batch) + _held_since(batch) + lost_orders.lost_cents(batch)
    return {due for due, cents in asked.items() if cents + committed[due] > owed.get(due, 0)}


def given_of_due(due_id: int, without: int | None = None) -> int:
    """Return what counts of this due, beyond what is owed or not (cents). `without`: the id of a payment to leave out.
    """
    others = _order_lines(fn.sum(OrderLine.amount_cents)).where(BatchLine.due == due_id, Batch.id != (without or 0))
    return int(others.where(_COMMITTED | _ABOUT_TO_GO).scalar() or 0)


def _held_since(batch: Batch) -> Counter[int | None]:
    """What is owed on lines that the newest version holds: a payment of an older version may not pay it either."""
    run = batch.run
    if not run.held_count or batch.version.partition(":")[0] == run.version:
        return Counter()
    newest = (HeldLine.run == run.id) & (HeldLine.version == run.version) & HeldLine.due.is_null(False)
    query: Any = HeldLine.select(HeldLine.due, fn.sum(HeldLine.amount_cents)).where(newest).group_by(HeldLine.due)
    return _sums(query.tuples())


def _given(batch: Batch) -> Counter[int | None]:
    """Return the cents per due that count of all orders of the run, except the order of this batch that is about to go.
    """
    return _sums(_given_cents(batch.run_id, batch.id))


@Prepared
def _given_cents(run: Any, batch: Any) -> Any:
    counts = _not_beyond() & (_COMMITTED | (_ABOUT_TO_GO & (Batch.id != batch)))
    query = _order_lines(BatchLine.due, fn.sum(OrderLine.amount_cents))
    return query.where(Batch.run == run, counts).group_by(BatchLine.due).tuples()


def _approved(batch: Batch) -> Counter[int | None]:
    """Return the cents per due in other approved payments of the run."""
    return _sums(_approved_cents(batch.run_id, batch.id))


@Prepared
def _approved_cents(run: Any, batch: Any) -> Any:
    query = BatchLine.select(BatchLine.due, fn.sum(BatchLine.amount_cents)).join(Batch)
    others = (Batch.run == run) & (Batch.id != batch) & (Batch.state == BatchState.APPROVED)
    return query.where(others, _not_beyond(), BatchLine.state == LineState.OPEN).group_by(BatchLine.due).tuples()


def _order_lines(*fields: Any) -> Any:
    return OrderLine.select(*fields).join(BatchLine).join(Batch).switch(OrderLine).join(BankOrder)


def _sums(rows: Iterable[tuple[int | None, Any]]) -> Counter[int | None]:
    return Counter({due: int(cents) for due, cents in rows})
