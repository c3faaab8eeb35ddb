"""Payments recognised in what the bank booked (the customer sees *geboekt*).

Salary bookings carry no names: a lump bears our reference (the order's MsgId), perhaps count and total, or no more
than total and day. A lump without a reference that could be two orders' is neither's; so is an order that two such
lumps could be. Bookings line by line are known by their end-to-end ids, and so is money that came back.

A booking under our own reference or ids is evidence (`domain.orders.evidence`), the same row whether the interface or
a file tells it. Total and day alone are marked and move nothing.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.clock import today_amsterdam
from domain.common import audit
from domain.orders import evidence, settlement
from domain.orders.conclusion import BOOKED, Level, Trust
from domain.orders.evidence import Statement
from models import BankAccount, BankOrder, BankTransaction, Batch, BatchLine, OrderLine, require_client_lock

# So a Dutch bank's text gives a reference; with one it tells more than total and day.
_REFERENCE = re.compile(r"/(PREF|EREF|MARF)/")
UNPAID = ("rejected", "void", "refused", "open")
LOOKED_BACK = timedelta(days=120)  # bookings are read for ninety days; some are of an order of before
IDS_AT_ONCE = 500
NO_REASON = "MS03"  # not given: a booking says that it came back, not why


@dataclass(frozen=True)
class BookingReference:
    """A booking of an order: the day, and where the booking is shown."""

    booked_on: date
    account_id: int
    transaction_id: int


def match_transactions(account: BankAccount) -> None:
    """Give each new booking on this account to the order or the line that it names, and let those orders settle.

    In the caller's transaction, which holds the account's client.
    """
    require_client_lock(account.client_id)
    orders = _orders(account)
    loose = (BankTransaction.account == account.id) & BankTransaction.order.is_null()
    rows = list(BankTransaction.select().where(loose).order_by(BankTransaction.booked_on, BankTransaction.id))
    if not orders or not rows:
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
    _by_total_and_day(left, orders)
    for order_id, statements in proved.items():
        order = by_id[order_id]
        evidence.add_evidence(order, evidence.BOOKING, Trust.BANK, statements)
        settlement.settle(order, audit.WORKER, source="booking")


def _orders(account: BankAccount) -> list[BankOrder]:
    """Return the orders from this account, oldest first: ended ones too, as money may still move, and those that we
    do not remember sending: a booking under their ids proves that we did (a restored backup)."""
    since = today_amsterdam() - LOOKED_BACK
    query = BankOrder.select(BankOrder, Batch).join(Batch).where(
        BankOrder.bank_account == account.id, BankOrder.execution_date >= since
    )
    return list(query.order_by(BankOrder.id))


# --- what a booking names --------------------------------------------------------------------------
def _named_order(row: BankTransaction, orders: list[BankOrder]) -> BankOrder | None:
    """The order whose message id, or id at the bank, the booking bears."""
    named = (
        order for order in orders
        if mentions_reference(row, order.msg_id) or mentions_reference(row, order.payment_id or order.msg_id)
    )  # fmt: skip
    return next(named, None)


def mentions_reference(row: BankTransaction, msg_id: str) -> bool:
    """Whether a booking bears this reference: whole, and not as the beginning of a later order's (…-2)."""
    if msg_id not in row.text:
        return row.end_to_end_id == msg_id
    whole = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(msg_id)}(?![A-Za-z0-9-])")
    return bool(whole.search(row.text)) or row.end_to_end_id == msg_id


def _by_total_and_day(rows: list[BankTransaction], orders: list[BankOrder]) -> None:
    """Where the bank tells no more than that, and only where it is one lump and one order."""
    lumps: dict[Any, list[BankTransaction]] = defaultdict(list)
    for row in rows:
        if row.cents < 0 and not (row.party_name or row.party_iban or row.end_to_end_id or _REFERENCE.search(row.text)):
            lumps[(-row.cents, row.booked_on)].append(row)
    alike: dict[Any, list[BankOrder]] = defaultdict(list)
    for order in orders:
        if not _has_booking(order):
            alike[(order.total_cents, order.execution_date)].append(order)
    for key, found in lumps.items():
        mine = [order for order in alike[key] if found[0].batch_count in (None, order.line_count)]
        if len(found) == 1 and len(mine) == 1 and mine[0].state in ("signed", "executed"):
            _mark(found[0], mine[0], "lump", None)


def _lines_named(ids: set[str], orders: dict[int, BankOrder]) -> dict[str, OrderLine]:
    known, found = sorted(ids), []
    for start in range(0, len(known), IDS_AT_ONCE):
        part = known[start : start + IDS_AT_ONCE]
        found += list(OrderLine.select().where(OrderLine.end_to_end_id.in_(part)))
    return {line.end_to_end_id: line for line in found if line.order_id in orders}


# --- what comes of it ------------------------------------------------------------------------------
def _give(row: BankTransaction, order: BankOrder, line: OrderLine | None) -> Statement:
    """Make the booking this order's, and return what it states."""
    role = "lump" if line is None else "line" if row.cents < 0 else "return"
    _mark(row, order, role, line)
    alike = BankTransaction.select().where(
        BankTransaction.order == order.id, BankTransaction.booked_on == row.booked_on,
        BankTransaction.cents == row.cents, BankTransaction.end_to_end_id == row.end_to_end_id,
        BankTransaction.id <= row.id,
    )  # fmt: skip
    level, reason = Level.GROUP if line is None else Level.LINE, NO_REASON if role == "return" else None
    return booking_statement(level, row.booked_on, row.cents, line and line.end_to_end_id, reason, alike.count())


def booking_statement(
    level: Level, booked_on: date, cents: int, end_to_end_id: str | None, reason: str | None, number: int,
    code: str = BOOKED,
) -> Statement:  # fmt: skip
    """Return what a booking states; the same from whichever document. `number` counts equal bookings of one day."""
    at = datetime.combine(booked_on, time(), UTC)
    return Statement(level, code, at, end_to_end_id, reason, cents, key=f"{booked_on.isoformat()}:{number}")


def _mark(row: BankTransaction, order: BankOrder, role: str, line: OrderLine | None) -> None:
    free = (BankTransaction.id == row.id) & BankTransaction.order.is_null()
    values = {"order": order.id, "role": role, "line": line.batch_line_id if line else None}
    BankTransaction.update(**values).where(free).execute()


def _has_booking(order: BankOrder) -> bool:
    paid = BankTransaction.role.in_(("lump", "line"))
    return BankTransaction.select().where(BankTransaction.order == order.id, paid).exists()


# --- showing ---------------------------------------------------------------------------------------
def booking_of_order(order_id: int) -> BookingReference | None:
    """The booking of this order: its lump, or the last of its lines when all are booked; None when it is not."""
    paid = (BankTransaction.order == order_id) & BankTransaction.role.in_(("lump", "line"))
    rows = list(BankTransaction.select().where(paid).order_by(BankTransaction.booked_on, BankTransaction.id))
    if not rows:
        return None
    last, batch = rows[-1], BankOrder.select(BankOrder.batch).where(BankOrder.id == order_id)
    lines = BatchLine.select().where(BatchLine.batch.in_(batch), BatchLine.state.not_in(UNPAID))
    whole = last.role == "lump" or len(rows) >= lines.count()
    return BookingReference(last.booked_on, last.account_id, last.id) if whole else None
