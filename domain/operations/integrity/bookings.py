"""Bookings: what banks booked is what we say of the orders, and the other way round."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from domain.operations.integrity.records import PaymentRecord
from domain.orders.booking_references import mentions_reference
from domain.orders.conclusion import SAID_PAID, SAID_UNPAID, Trust
from domain.orders.evidence import BOOKING
from models import COMMITTED, BankOrder, BankTransaction, Batch, Evidence, OrderLine
from models.states import MatchType

_OUR_REFERENCE = re.compile(r"(?<![A-Za-z0-9-])\d{14}-\d{5}(?:-\d+)?(?![A-Za-z0-9-])")
_AT_ONCE = 1000
# Bookings are matched with orders of so long before (see domain.reconciliation.matching).
_LOOKED_BACK = timedelta(days=120)


def booking_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield where the bookings that were matched with this payment's orders say something else than we do."""
    for order in record.orders:
        for fault in _order(order):
            yield f"{record.name}: order {order.msg_id}: {fault}"


def _order(order: BankOrder) -> Iterator[str]:
    booked = list(BankTransaction.select().where(BankTransaction.order == order.id).order_by(BankTransaction.id))
    told = Evidence.select().where(Evidence.order == order.id, Evidence.cents.is_null(False))
    evidence: Counter[tuple] = Counter()
    read: Counter[tuple] = Counter()  # of those, what the account's list told
    for row in told:
        key = (row.order_line_id, row.cents, row.said_at.date())
        evidence[key] += 1
        read[key] += row.source == BOOKING
    if not booked and not read:
        return
    lines = {row.batch_line_id: row for row in OrderLine.select().where(OrderLine.order == order.id)}
    named: Counter[tuple] = Counter()
    for row in booked:
        line = lines.get(row.line_id) if row.line_id else None
        yield from (f"booking {row.id} of {row.booking_date}: {fault}" for fault in _booking(order, row, line, lines))
        if line is not None or _names(order, row):
            named[(line and line.id, row.amount_cents, row.booking_date)] += 1
    for key in named - evidence:
        yield f"{key[1]} cents were booked on {key[2]}, and nothing follows from it"
    for key in read - named:
        yield f"{key[1]} cents count as booked on {key[2]}, and no such booking is there"


def _names(order: BankOrder, row: BankTransaction) -> bool:
    return mentions_reference(row, order.msg_id) or mentions_reference(row, order.bank_payment_id or order.msg_id)


def _booking(
    order: BankOrder, row: BankTransaction, line: OrderLine | None, lines: dict[int, OrderLine]
) -> Iterator[str]:
    if row.account_id != order.bank_account_id:
        yield "it is of another account"
    if row.line_id and line is None:
        yield "it is of a line that the order does not have"
        return
    role = MatchType.BATCH if line is None else MatchType.LINE if row.amount_cents < 0 else MatchType.RETURN
    if row.match_type != role:
        yield f"it is kept as {row.match_type}, and is a {role}"
    if line is not None and row.end_to_end_id != line.end_to_end_id:
        yield "it bears another end-to-end id than its line"
    by_total_and_day = (-row.amount_cents, row.booking_date) == (order.total_cents, order.execution_date)
    if line is None and not _names(order, row) and not by_total_and_day:
        yield "it bears neither reference nor total and day of the order"
    mine = [line] if line else list(lines.values())
    unpaid = not any(one.standing in (*COMMITTED, "returned") for one in mine)
    if row.amount_cents < 0 and unpaid and not _operators_said(order, SAID_UNPAID):
        yield "the money left the account, and we say that nothing was paid"
    stays = line is not None and line.standing not in ("returned", "disputed")
    if line is not None and row.amount_cents > 0 and stays and not _operators_said(order, SAID_PAID):
        yield f"the money came back, and we say that it is {line.standing}"


def _operators_said(order: BankOrder, code: str) -> bool:
    """Return whether operators settled against the booking; that two of them did is `outcomes`' concern."""
    word = (Evidence.trust == Trust.OPERATOR) & (Evidence.code == code)
    return Evidence.select().where(Evidence.order == order.id, word).exists()


# --- bookings of our money that were given to no payment -------------------------------------------
def unmatched_booking_faults() -> Iterator[str]:
    """Yield bookings that bear our ids and were matched with nothing."""
    rows: Any = (
        BankTransaction.select(
            BankTransaction.id, BankTransaction.amount_cents, BankTransaction.booking_date, Batch.reference
        )
        .join(OrderLine, on=(OrderLine.end_to_end_id == BankTransaction.end_to_end_id))
        .join(BankOrder, on=(OrderLine.order == BankOrder.id))
        .join(Batch, on=(BankOrder.batch == Batch.id))
        .where(BankTransaction.order.is_null(), BankOrder.bank_account == BankTransaction.account)
        .tuples()
    )
    for number, cents, day, reference in rows:
        yield f"payment {reference}: booking {number} of {cents} cents on {day} bears its id, and counts for nothing"
    last = 0
    while rows := _unmatched_after(last):
        yield from _with_our_reference(rows)
        last = rows[-1].id


def _unmatched_after(last: int) -> list[BankTransaction]:
    query = BankTransaction.select().where(BankTransaction.order.is_null(), BankTransaction.id > last)
    return list(query.order_by(BankTransaction.id).limit(_AT_ONCE))


def _with_our_reference(rows: list[BankTransaction]) -> Iterator[str]:
    named = {row.id: _OUR_REFERENCE.findall(row.remittance_information) for row in rows}
    wanted = sorted({one for found in named.values() for one in found})
    orders = {order.msg_id: order for order in BankOrder.select().where(BankOrder.msg_id.in_(wanted))} if wanted else {}
    for row in rows:
        for msg_id in named[row.id]:
            order = orders.get(msg_id)
            if order is None or order.submitted_at is None or order.bank_account_id != row.account_id:
                continue
            if order.execution_date >= row.imported_at.date() - _LOOKED_BACK:
                yield (
                    f"payment {msg_id}: booking {row.id} of {row.amount_cents} cents on {row.booking_date} bears its "
                    "reference, and counts for nothing"
                )
