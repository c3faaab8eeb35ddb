"""Integrity check of the whole database.

Totals equal the sum of their lines, no payment has two live orders, and every audit log is intact.
"""

from collections.abc import Iterator
from typing import Any

from peewee import fn

from domain.common import audit
from domain.payroll import run_dues
from models import BankOrder, Batch, BatchLine, Client, OrderLine, Release


def find_inconsistencies() -> Iterator[str]:
    """Return a sentence for each inconsistency; none if the database is consistent."""
    yield from _batch_totals()
    yield from _order_totals()
    yield from _duplicate_orders()
    yield from run_dues.due_inconsistencies()
    for client in Client.select(Client.id, Client.public_id):
        for number in audit.verify_chain(client.id):
            yield f"client {client.public_id}: the log does not hold at event {number}"


def _totals_per_batch(*conditions) -> dict[int, tuple[int, int]]:
    query = BatchLine.select(BatchLine.batch, fn.sum(BatchLine.amount_cents), fn.count(BatchLine.id))
    chosen = query.where(*conditions) if conditions else query
    rows: Any = chosen.group_by(BatchLine.batch).tuples()
    return {batch: (int(total), count) for batch, total, count in rows}


def _batch_totals() -> Iterator[str]:
    sums = _totals_per_batch()
    for batch in Batch.select(Batch.id, Batch.reference, Batch.total_cents, Batch.line_count):
        if sums.get(batch.id) != (batch.total_cents, batch.line_count):
            yield f"batch {batch.reference}: total or count is not that of its lines"


def _order_totals() -> Iterator[str]:
    # lines that the bank rejected, and lines that are void since, were part of the order too
    states = ("sent", "executed", "returned", "rejected", "disputed")
    live_order = OrderLine.select().join(BankOrder).where(
        OrderLine.batch_line == BatchLine.id, BankOrder.state != "ended"
    )
    sums = _totals_per_batch(BatchLine.state.in_(states) | fn.EXISTS(live_order))
    for order in BankOrder.select(BankOrder, Batch, Release).join(Batch).switch(BankOrder).join(Release):
        if (order.total_cents, order.line_count) != (order.release.total_cents, order.release.line_count):
            yield f"order {order.msg_id}: not what was released"
        live = order.state not in ("ended",)
        if live and sums.get(order.batch_id) != (order.total_cents, order.line_count):
            yield f"order {order.msg_id}: total or count is not that of the lines sent"


def _duplicate_orders() -> Iterator[str]:
    query = BankOrder.select(BankOrder.batch, fn.count(BankOrder.id)).where(BankOrder.state != "ended")
    rows: Any = query.group_by(BankOrder.batch).having(fn.count(BankOrder.id) > 1).tuples()
    for batch, count in rows:
        yield f"batch {batch}: {count} orders that may live"
