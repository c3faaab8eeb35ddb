"""Orders that a bank has and that this database, restored since, has no record of (`models.LostOrder`).

Until an order is made of it, or two operators rule it out, every line of its payment counts against its due: nobody is
paid again what a bank was already told to pay.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from peewee import fn

from domain.payments import excess
from domain.payments.references import message_id
from models import Batch, BatchLine, LostOrder
from models.prepared import Prepared
from models.states import BatchState

REFERENCE_LENGTH = 20
# A MsgId of ours, alone or at the start of an end-to-end id: the reference, the attempt, the line's position.
_OUR_ID = re.compile(r"(?<![A-Za-z0-9-])(\d{14}-\d{5}(?:-\d{1,4}(?!\d))?)(?:-\d{5})?(?![A-Za-z0-9-])")
_COUNTS = LostOrder.order.is_null() & LostOrder.ruled_out_at.is_null()


def ids_named_in(texts: Iterable[str]) -> set[str]:
    """Return the MsgIds of ours that these texts of a booking name."""
    return {found for text in texts for found in _OUR_ID.findall(text)}


def reference_of(msg_id: str) -> str:
    """Return the reference of the payment whose order has this MsgId."""
    return msg_id[:REFERENCE_LENGTH]


def link_to_payment(batch: Batch) -> None:
    """Say of the lost orders of this payment, which was just made again, that they are its."""
    named = fn.substr(LostOrder.msg_id, 1, REFERENCE_LENGTH) == batch.reference
    LostOrder.update(batch=batch.id).where(
        LostOrder.client == batch.client_id, LostOrder.batch.is_null(), named
    ).execute()


def lost_order_of(batch: Batch, msg_id: str) -> LostOrder | None:
    """Return the lost order that this next order of the payment is; None if its bank was never given it."""
    return LostOrder.get_or_none(_COUNTS, LostOrder.batch == batch.id, LostOrder.msg_id == msg_id)


def lost_lines(run_id: int) -> list[BatchLine]:
    """Return the lines of this run's payments with a lost order that count against what is owed."""
    return _lost_lines(run_id)


@Prepared
def _lost_lines(run: Any) -> Any:
    counts = Batch.id.in_(_payments()) & Batch.id.not_in(excess.beyond_payments())
    return BatchLine.select().join(Batch).where(Batch.run == run, counts)


def lost_cents(batch: Batch) -> Counter[int | None]:
    """Return the cents per due in payments of the run with a lost order; not of those beyond what is owed.

    An approved payment whose next order is that lost order is left out: that order is made of it, and never sent as a
    new one.
    """
    payments = {row.batch_id for row in _lost_of_run(batch.run_id)}
    if batch.id in payments and is_its_next_order(batch):
        payments.discard(batch.id)
    if not payments:
        return Counter()
    query: Any = BatchLine.select(BatchLine.due, fn.sum(BatchLine.amount_cents)).where(BatchLine.batch.in_(payments))
    return Counter({due: int(cents) for due, cents in query.group_by(BatchLine.due).tuples()})


@Prepared
def _lost_of_run(run: Any) -> Any:
    owed = Batch.select(Batch.id).where(Batch.run == run, Batch.id.not_in(excess.beyond_payments()))
    return LostOrder.select(LostOrder.batch).where(_COUNTS, LostOrder.batch.in_(owed))


def lost_cents_of(batch: Batch) -> int:
    """Return the cents of this payment if it has a lost order that is not made of it next; else 0."""
    if is_its_next_order(batch) or not _payments().where(LostOrder.batch == batch.id).exists():
        return 0
    return sum(row.amount_cents for row in BatchLine.select().where(BatchLine.batch == batch.id))


def is_its_next_order(batch: Batch) -> bool:
    """Return whether the payment is approved and its only lost order is the one that would be made next."""
    if batch.state != BatchState.APPROVED:
        return False
    lost = [row.msg_id for row in LostOrder.select(LostOrder.msg_id).where(_COUNTS, LostOrder.batch == batch.id)]
    return lost == [message_id(batch.reference, batch.order_count + 1)]


def runs_with_lost_orders() -> set[int]:
    """Return the runs with a payment that has a lost order."""
    return {row.run_id for row in Batch.select(Batch.run).where(Batch.id.in_(_payments()))}


def _payments() -> Any:
    return LostOrder.select(LostOrder.batch).where(_COUNTS, LostOrder.batch.is_null(False))
