"""Match account transactions with orders (shown as *geboekt*).

Salary bookings carry no names. A batch booking has our reference (the order's MsgId), perhaps with count and total, or
only total and day. One without a reference is matched only if exactly one order fits, and it fits no other booking.
Single bookings and returns are matched by end-to-end id.

A booking with our reference or an end-to-end id is evidence (`domain.orders.evidence`): the same row, whether it comes
from the interface or from a file. A match on total and day alone is shown and proves nothing.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.clock import today_amsterdam
from domain.common import audit
from domain.orders import evidence, recovery, settlement
from domain.orders.booking_references import mentions_reference
from domain.orders.conclusion import BOOKED, Level, Trust
from domain.orders.evidence import Statement
from models import BankAccount, BankOrder, BankTransaction, Batch, BatchLine, OrderLine, require_client_lock
from models.states import LineState, MatchType, OrderState

# How the text of a Dutch bank gives a reference.
_REFERENCE = re.compile(r"/(PREF|EREF|MARF)/")
UNPAID = (LineState.REJECTED, LineState.SUPERSEDED, LineState.EXCLUDED, LineState.OPEN)
LOOKED_BACK = timedelta(days=120)  # bookings go back ninety days; their orders may be older
IDS_AT_ONCE = 500
NO_REASON = "MS03"  # ISO 20022: reason not given


@dataclass(frozen=True)
class BookingReference:
    """A booking of an order: its day, and the transaction to link to."""

    booking_date: date
    account_id: int
    transaction_id: int


def match_transactions(account: BankAccount) -> None:
    """Match new bookings on this account with orders and lines, and settle those orders.

    Runs in the caller's transaction, which holds the client's lock.
    """
    require_client_lock(account.client_id)
    orders = _orders(account)
    loose = (BankTransaction.account == account.id) & BankTransaction.order.is_null()
    rows = list(BankTransaction.select().where(loose).order_by(BankTransaction.booking_date, BankTransaction.id))
    if not rows:
        return
    by_id, proved = {order.id: order for order in orders}, defaultdict(list)
    lines = _lines_named({row.end_to_end_id for row in rows if row.end_to_end_id}, by_id)
    left = []
    for row in rows:
        line = lines.get(row.end_to_end_id)
        order = by_id[line.order_id] if line else _named_order(row, orders)
        if order is None:
            left.append(row)
            continue
        proved[order.id].append(_give(row, order, line))
    recovery.note_bookings(account.client_id, left)
    _by_total_and_day(left, orders)
    for order_id, statements in proved.items():
        order = by_id[order_id]
        if order.submitted_at is None:  # a restored database does not know that it was sent
            recovery.note_lost_order(account.client_id, order.msg_id, recovery.BOOKING, statements[0].said_at)
        evidence.add_evidence(order, evidence.BOOKING, Trust.BANK, statements)
        settlement.settle(order, audit.WORKER, source="booking")


def _orders(account: BankAccount) -> list[BankOrder]:
    """Return the orders from this account, oldest first.

    Closed orders are included, as money may still move, and so are orders that were never submitted according to our
    records: after restoring a backup, a booking with their ids proves that they were.
    """
    since = today_amsterdam() - LOOKED_BACK
    query = BankOrder.select(BankOrder, Batch).join(Batch).where(
        BankOrder.bank_account == account.id, BankOrder.execution_date >= since
    )
    return list(query.order_by(BankOrder.id))


# --- what a booking names --------------------------------------------------------------------------
def _named_order(row: BankTransaction, orders: list[BankOrder]) -> BankOrder | None:
    """Return the order whose message id, or id at the bank, the booking mentions."""
    named = (
        order for order in orders
        if mentions_reference(row, order.msg_id) or mentions_reference(row, order.bank_payment_id or order.msg_id)
    )  # fmt: skip
    return next(named, None)


def _by_total_and_day(rows: list[BankTransaction], orders: list[BankOrder]) -> None:
    """Match batch bookings without a reference by total and day, where exactly one booking and one order fit."""
    lumps: dict[Any, list[BankTransaction]] = defaultdict(list)
    for row in rows:
        if row.amount_cents < 0 and not (
            row.counterparty_name
            or row.counterparty_iban
            or row.end_to_end_id
            or _REFERENCE.search(row.remittance_information)
        ):
            lumps[(-row.amount_cents, row.booking_date)].append(row)
    alike: dict[Any, list[BankOrder]] = defaultdict(list)
    for order in orders:
        if not _has_booking(order):
            alike[(order.total_cents, order.execution_date)].append(order)
    for key, found in lumps.items():
        mine = [order for order in alike[key] if found[0].batch_count in (None, order.line_count)]
        if len(found) == 1 and len(mine) == 1 and mine[0].state in (OrderState.SIGNED, OrderState.EXECUTED):
            _mark(found[0], mine[0], MatchType.BATCH, None)


def _lines_named(ids: set[str], orders: dict[int, BankOrder]) -> dict[str, OrderLine]:
    known, found = sorted(ids), []
    for start in range(0, len(known), IDS_AT_ONCE):
        part = known[start : start + IDS_AT_ONCE]
        found += list(OrderLine.select().where(OrderLine.end_to_end_id.in_(part)))
    return {line.end_to_end_id: line for line in found if line.order_id in orders}


# --- what comes of it ------------------------------------------------------------------------------
def _give(row: BankTransaction, order: BankOrder, line: OrderLine | None) -> Statement:
    """Assign the booking to the order and return it as a statement."""
    role = MatchType.BATCH if line is None else MatchType.LINE if row.amount_cents < 0 else MatchType.RETURN
    _mark(row, order, role, line)
    alike = BankTransaction.select().where(
        BankTransaction.order == order.id, BankTransaction.booking_date == row.booking_date,
        BankTransaction.amount_cents == row.amount_cents, BankTransaction.end_to_end_id == row.end_to_end_id,
        BankTransaction.id <= row.id,
    )  # fmt: skip
    level, reason = Level.GROUP if line is None else Level.LINE, NO_REASON if role == MatchType.RETURN else None
    return booking_statement(
        level, row.booking_date, row.amount_cents, line and line.end_to_end_id, reason, alike.count()
    )


def booking_statement(
    level: Level, booking_date: date, cents: int, end_to_end_id: str | None, reason: str | None, number: int,
    code: str = BOOKED,
) -> Statement:  # fmt: skip
    """Return a booking as a statement, the same from every source. `number` counts equal bookings of one day."""
    at = datetime.combine(booking_date, time(), UTC)
    return Statement(level, code, at, end_to_end_id, reason, cents, key=f"{booking_date.isoformat()}:{number}")


def _mark(row: BankTransaction, order: BankOrder, role: str, line: OrderLine | None) -> None:
    free = (BankTransaction.id == row.id) & BankTransaction.order.is_null()
    values = {"order": order.id, "match_type": role, "line": line.batch_line_id if line else None}
    BankTransaction.update(**values).where(free).execute()


def _has_booking(order: BankOrder) -> bool:
    paid = BankTransaction.match_type.in_((MatchType.BATCH, MatchType.LINE))
    return BankTransaction.select().where(BankTransaction.order == order.id, paid).exists()


# --- showing ---------------------------------------------------------------------------------------
def booking_of_order(order_id: int) -> BookingReference | None:
    """Return the batch booking of this order, or the last of its single bookings if all are booked; else None."""
    paid = (BankTransaction.order == order_id) & BankTransaction.match_type.in_((MatchType.BATCH, MatchType.LINE))
    rows = list(BankTransaction.select().where(paid).order_by(BankTransaction.booking_date, BankTransaction.id))
    if not rows:
        return None
    last, batch = rows[-1], BankOrder.select(BankOrder.batch).where(BankOrder.id == order_id)
    lines = BatchLine.select().where(BatchLine.batch.in_(batch), BatchLine.state.not_in(UNPAID))
    whole = last.match_type == MatchType.BATCH or len(rows) >= lines.count()
    return BookingReference(last.booking_date, last.account_id, last.id) if whole else None
