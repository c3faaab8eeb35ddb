"""Outcomes: the conclusion is drawn again from all evidence, and compared with what orders and payments say."""

from collections.abc import Iterator

from domain.common.errors import BankUnavailable, UnknownBank
from domain.operations.integrity.records import PaymentRecord
from domain.orders import settlement
from domain.orders.conclusion import Conclusion, Standing
from domain.orders.evidence import is_as_added
from models import COMMITTED, BankOrder, Evidence, OrderLine
from models.states import BatchState, LineState, OrderState

# A payment that was given up, or is being paid anew, no longer follows its ended order.
_WITHOUT_ORDER = frozenset({BatchState.OPEN, BatchState.APPROVED, BatchState.REPLACED, BatchState.DISCARDED})


def outcome_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield where evidence, order lines, orders and payment do not agree."""
    for order in record.orders:
        rows = list(OrderLine.select().where(OrderLine.order == order.id).order_by(OrderLine.id))
        for fault in (*_evidence(order, rows), *_order(record, order, rows)):
            yield f"{record.name}: order {order.msg_id}: {fault}"


def _evidence(order: BankOrder, rows: list[OrderLine]) -> Iterator[str]:
    mine = {row.id for row in rows}
    for row in Evidence.select().where(Evidence.order == order.id).order_by(Evidence.id):
        if not is_as_added(row):
            yield f"evidence {row.id} no longer says what it said when it came"
        if row.order_line_id is not None and row.order_line_id not in mine:
            yield f"evidence {row.id} is about a line of another order"


def _order(record: PaymentRecord, order: BankOrder, rows: list[OrderLine]) -> Iterator[str]:
    if not rows:
        return  # it ended before orders had lines of their own
    try:
        found = _conclusion(order, rows)
    except (UnknownBank, BankUnavailable):
        yield "its bank's configuration cannot be read, so its outcome was not checked"
        return
    for row in rows:
        said = found.lines[row.id]
        why = "" if row.standing != said.standing else " for another reason"
        if (row.standing, row.reason, row.may_execute_until) != (said.standing, said.reason, said.until):
            yield f"line {row.end_to_end_id} is kept as {row.standing}; the evidence says {said.standing}{why}"
    if order is record.orders[-1]:
        yield from _states(record, order, found)
        yield from _shown(record, order, rows)


def _conclusion(order: BankOrder, rows: list[OrderLine]) -> Conclusion:
    """As of today, or of the last day on which the bank could execute: what follows after it is settled by a job."""
    found = settlement.conclude_order(order)
    last = max((row.may_execute_until for row in rows if row.may_execute_until), default=None)
    if last is None or all(row.standing == found.lines[row.id].standing for row in rows):
        return found
    return settlement.conclude_order(order, last)


def _states(record: PaymentRecord, order: BankOrder, found: Conclusion) -> Iterator[str]:
    batch, expected = record.batch, settlement.expected_states(found)
    if expected is None:
        if order.state not in (OrderState.PREPARED, OrderState.SUBMITTED, OrderState.CLOSED):
            yield f"it is {order.state}, and no evidence says so"
        if order.state in (OrderState.PREPARED, OrderState.SUBMITTED) and batch.state not in (
            BatchState.APPROVED,
            BatchState.SENDING,
        ):
            yield f"nobody has answered yet, and its payment is {batch.state}"
        return
    gone = order.state == OrderState.CLOSED and batch.state in _WITHOUT_ORDER
    # The order of a payment that came back whole is closed when the payment is opened again.
    came_back = gone and expected[1] == BatchState.RETURNED
    if order.state != expected[0] and not came_back:
        yield f"it is {order.state}; the evidence says {expected[0]}"
    if not gone and batch.state not in (expected[1], BatchState.REPLACED, BatchState.DISCARDED):
        yield f"its payment is {batch.state}; the evidence says {expected[1]}"


def _shown(record: PaymentRecord, order: BankOrder, rows: list[OrderLine]) -> Iterator[str]:
    """The payment's lines say what the lines of its newest order say."""
    if order.state == OrderState.CLOSED and record.batch.state in _WITHOUT_ORDER:
        return
    of_payment, ordered = {line.id: line for line in record.lines}, {row.batch_line_id for row in rows}
    for row in rows:
        line = of_payment.get(row.batch_line_id)
        if line is None:
            yield f"line {row.end_to_end_id} belongs to no line of the payment"
        elif line.state == LineState.SUPERSEDED and row.standing not in COMMITTED:
            continue  # a newer version pays this person
        elif (line.state, line.bank_reason_code) != settlement.shown_state(Standing(row.standing), row.reason):
            yield f"line {row.end_to_end_id} is {row.standing}, and the payment shows {line.state}"
        elif line.end_to_end_id != row.end_to_end_id:
            yield f"line {row.end_to_end_id} has another end-to-end id in the payment"
    for line in record.lines:
        if line.id not in ordered and line.state not in (LineState.EXCLUDED, LineState.SUPERSEDED, LineState.EXECUTED):
            yield f"line {line.position} of the payment is {line.state}, and is not in the order"
