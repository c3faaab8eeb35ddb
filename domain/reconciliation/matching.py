"""Payments recognised in what the bank booked (the customer sees *geboekt*).

Salary bookings carry no names: a lump bears our reference (the order's MsgId), perhaps count and total, or no more
than total and day. A lump without a reference that could be two orders' is neither's; so is an order that two such
lumps could be. Bookings line by line are known by their end-to-end ids, and so is money that came back.

A booking under our own reference or ids is proof: the payment moves on as at the bank's own word, along the same
table as a file of the bank (bank_files), so that neither counts twice. Total and day alone are marked and move nothing.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.clock import today_amsterdam
from domain.common import audit
from domain.reconciliation import bank_reports
from models import BankAccount, BankOrder, BankTransaction, Batch, BatchLine, require_client_lock

# So a Dutch bank's text gives a reference; with one it tells more than total and day.
_REFERENCE = re.compile(r"/(PREF|EREF|MARF)/")
UNPAID = ("rejected", "void", "refused", "open")
LOOKED_BACK = timedelta(days=120)  # bookings are read for ninety days; some are of an order of before
IDS_AT_ONCE = 500
NO_REASON = "bank:MS03"  # not given: a booking says that it came back, not why


@dataclass(frozen=True)
class BookingReference:
    """A booking of an order: the day, and where the booking is shown."""

    booked_on: date
    account_id: int
    transaction_id: int


def match_transactions(account: BankAccount) -> None:
    """Give what was booked on this account, and is nobody's yet, to the orders and lines that it is of.

    In the caller's transaction, which no other recognises beside: it holds the account's client.
    """
    require_client_lock(account.client_id)
    orders = _orders(account)
    loose = (BankTransaction.account == account.id) & BankTransaction.order.is_null()
    rows = list(BankTransaction.select().where(loose).order_by(BankTransaction.booked_on, BankTransaction.id))
    if not orders or not rows:
        return
    left = [row for row in rows if not _by_reference(row, orders)]
    lines = _lines_named({row.end_to_end_id for row in left if row.end_to_end_id})
    left = [row for row in left if not _by_line(account, row, lines.get(row.end_to_end_id))]
    _by_total_and_day(account, left, orders)
    _lines_complete(account)


def _orders(account: BankAccount) -> list[BankOrder]:
    """What was given to the bank from this account and may have been paid, oldest first."""
    query = BankOrder.select(BankOrder, Batch).join(Batch).where(BankOrder.bank_account == account.id, *_paying())
    return list(query.order_by(BankOrder.id))


def _paying() -> tuple[Any, ...]:
    """Called, not over, and of a day that bookings are still read of."""
    since = today_amsterdam() - LOOKED_BACK
    return BankOrder.called_at.is_null(False), BankOrder.state != "ended", BankOrder.execution_date >= since


# --- one lump --------------------------------------------------------------------------------------
def _by_reference(row: BankTransaction, orders: list[BankOrder]) -> bool:
    """A lump under the order's MsgId, or the bank's own id of it where its form holds no MsgId, of the sum that it
    paid; a count that is told has to be right too."""
    if row.cents >= 0:
        return False
    order = next(
        (
            one
            for one in orders
            if mentions_reference(row, one.msg_id) or mentions_reference(row, one.payment_id or one.msg_id)
        ),
        None,
    )
    if order is None or _has_lump(order) or not _fits(row, order):
        return False
    _give(row, order, "lump")
    _prove(order, "bank_executed", {})
    return True


def mentions_reference(row: BankTransaction, msg_id: str) -> bool:
    """Whether a booking bears this reference: whole, and not as the beginning of a later order's (…-2)."""
    if msg_id not in row.text:
        return row.end_to_end_id == msg_id
    whole = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(msg_id)}(?![A-Za-z0-9-])")
    return bool(whole.search(row.text)) or row.end_to_end_id == msg_id


def _fits(row: BankTransaction, order: BankOrder) -> bool:
    """The whole, or what the bank paid of it."""
    paid = list(BatchLine.select().where(BatchLine.batch == order.batch_id, BatchLine.state.not_in(UNPAID)))
    sums = {(order.total_cents, order.line_count), (sum(one.amount_cents for one in paid), len(paid))}
    return any(-row.cents == cents and row.batch_count in (None, count) for cents, count in sums)


def _by_total_and_day(account: BankAccount, rows: list[BankTransaction], orders: list[BankOrder]) -> None:
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
            _give(found[0], mine[0], "lump")


# --- line by line ----------------------------------------------------------------------------------
def _lines_named(ids: set[str]) -> dict[str, BatchLine]:
    known, found = sorted(ids), []
    for start in range(0, len(known), IDS_AT_ONCE):
        part = known[start : start + IDS_AT_ONCE]
        found += list(BatchLine.select().where(BatchLine.end_to_end_id.in_(part)))
    return {line.end_to_end_id: line for line in found}


def _by_line(account: BankAccount, row: BankTransaction, line: BatchLine | None) -> bool:
    """Out: the line was paid. In, for the same id and sum: it came back."""
    if line is None or line.amount_cents != abs(row.cents):
        return False
    order, role = _order_of(account, line), "line" if row.cents < 0 else "return"
    if order is None or _taken(line, role):
        return False
    _give(row, order, role, line)
    if role == "return" and line.state in ("sent", "executed"):
        _prove(order, "bank_returned", {line.end_to_end_id: "returned"})
    return True


def _order_of(account: BankAccount, line: BatchLine) -> BankOrder | None:
    mine = (BankOrder.batch == line.batch_id) & (BankOrder.bank_account == account.id)
    return BankOrder.select().where(mine, *_paying()).first()


def _taken(line: BatchLine, role: str) -> bool:
    return BankTransaction.select().where(BankTransaction.line == line.id, BankTransaction.role == role).exists()


def _lines_complete(account: BankAccount) -> None:
    """An order whose every line is booked was executed."""
    for order in _orders(account):
        if order.batch.state in ("executed", "partly_executed"):
            continue
        mine = (BankTransaction.order == order.id) & (BankTransaction.role == "line")
        if BankTransaction.select().where(mine).count() == order.line_count:
            _prove(order, "bank_executed", {})


# --- what comes of it ------------------------------------------------------------------------------
def _give(row: BankTransaction, order: BankOrder, role: str, line: BatchLine | None = None) -> None:
    free = (BankTransaction.id == row.id) & BankTransaction.order.is_null()
    values = {"order": order.id, "role": role, "line": line.id if line else None}
    BankTransaction.update(**values).where(free).execute()


def _prove(order: BankOrder, event: str, lines: dict[str, str]) -> None:
    """The payment as the booking proves it. What is known already stays as it is."""
    batch, reason = Batch.get_by_id(order.batch_id), NO_REASON if lines else None
    finding = bank_reports.ReportOutcome(event, "BOOK", reason, lines)
    if not bank_reports.apply_outcome(batch, order, audit.WORKER, bank_reports.BOOKING, finding):
        bank_reports.apply_line_outcomes(batch, "", finding)


def _has_lump(order: BankOrder) -> bool:
    return BankTransaction.select().where(BankTransaction.order == order.id, BankTransaction.role == "lump").exists()


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
