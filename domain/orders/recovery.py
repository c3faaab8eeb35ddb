"""Keep what is learnt, after a restore, of orders that this database has no record of (`models.LostOrder`)."""

from collections.abc import Iterable
from datetime import UTC, datetime, time

from domain.common import audit
from domain.orders import settlement
from domain.orders.conclusion import Standing
from domain.payments import lost_orders, state_machine
from models import BankOrder, BankTransaction, Batch, LostOrder, require_client_lock
from models.states import BatchState, OrderState

MARK, BOOKING = "mark", "booking"


def note_lost_order(client_id: int, msg_id: str, source: str, sent_at: datetime) -> bool:
    """Keep that the bank has this order, or may have it, unless its record says so. Return whether that is news.

    In the caller's transaction, which holds the client's lock. An order that is stored here and was never sent, as far
    as the database knows, becomes one without an answer.
    """
    require_client_lock(client_id)
    order = _order_of(client_id, msg_id)
    if (order is not None and order.submitted_at is not None) or _is_noted(client_id, msg_id):
        return False
    batch = Batch.get_or_none(Batch.client == client_id, Batch.reference == lost_orders.reference_of(msg_id))
    LostOrder.create(
        client=client_id, msg_id=msg_id, source=source, sent_at=sent_at, batch=batch, order=order,
    )  # fmt: skip
    subject = f"order:{msg_id}"
    audit.record_event(client_id, audit.WORKER, "order.found_after_restore", subject, source=source)
    if order is not None:
        take_as_sent(order, sent_at)
    return True


def _order_of(client_id: int, msg_id: str) -> BankOrder | None:
    query = BankOrder.select(BankOrder, Batch).join(Batch)
    return query.where(BankOrder.msg_id == msg_id, Batch.client == client_id).first()


def _is_noted(client_id: int, msg_id: str) -> bool:
    return LostOrder.select().where(LostOrder.client == client_id, LostOrder.msg_id == msg_id).exists()


def take_as_sent(order: BankOrder, sent_at: datetime) -> None:
    """Record that the bank may have this order, although this database knows of no call that sent it."""
    if order.state == OrderState.CLOSED:
        return  # it ended without the bank, in a release of its own: a booking of it is matched as evidence
    batch = Batch.get_by_id(order.batch_id)
    if batch.state == BatchState.APPROVED:
        state_machine.transition(batch, "send", audit.WORKER, order=order.id, sha256=order.body_sha256)
    BankOrder.update(submitted_at=sent_at, state=OrderState.SUBMITTED).where(
        BankOrder.id == order.id, BankOrder.state == OrderState.PREPARED
    ).execute()
    settlement.set_standing(order, Standing.POSSIBLE)


def note_bookings(client_id: int, rows: Iterable[BankTransaction]) -> int:
    """Keep the orders of ours that these bookings name and no record knows; return how many were news."""
    found = 0
    for row in rows:
        if row.amount_cents >= 0:
            continue
        named = lost_orders.ids_named_in((row.remittance_information, row.end_to_end_id))
        at = datetime.combine(row.booking_date, time(), UTC)
        found += sum(note_lost_order(client_id, msg_id, BOOKING, at) for msg_id in sorted(named))
    return found
