"""Which payments wait for a person: what every badge counts, and what lists show under *Wacht op jou*.

A payment that its bank did not execute waits only while somebody is to be paid by it: not once each of its lines was
paid in another payment, waits in one, was left out since, or is no longer owed (docs/decisions/0052-what-waits.md).
Where that is not certain, it waits.
"""

from typing import Any

from peewee import JOIN, fn

from domain.payments import excess
from domain.payments.state_machine import NEEDS_ACTION
from models import COMMITTED, Approval, Batch, BatchLine, Due, OrderLine
from models.states import BatchState, LineState

# A bank did not execute it, and it can be prepared again or put away.
NOT_EXECUTED = (BatchState.REJECTED, BatchState.FAILED, BatchState.CANCELLED)
_WAITS = (BatchState.OPEN, BatchState.APPROVED)
_NOT_ITS_OWN = (LineState.EXCLUDED, LineState.SUPERSEDED, LineState.EXECUTED)


def awaiting_action_by(user: Any) -> Any:
    """Return the SQL condition for payments that wait for this person (a user, or the id in a prepared query).

    A payment that they approved, and that waits for a second person, is not one of them.
    """
    mine = Approval.select(Approval.batch).where(Approval.user == user, Approval.voided_at.is_null())
    return awaits_action() & ~((Batch.state == BatchState.OPEN) & Batch.id.in_(mine))


def awaits_action() -> Any:
    """Return the SQL condition for payments that wait for somebody."""
    return Batch.state.in_(NEEDS_ACTION) & ~is_settled_elsewhere()


def is_settled_elsewhere() -> Any:
    """Return the SQL condition for payments that were not executed, and of which nothing is to be paid any more."""
    beyond = Batch.id.in_(excess.beyond_payments())  # what was allowed is owed to nobody, and waits all the same
    return Batch.state.in_(NOT_EXECUTED) & ~beyond & ~fn.EXISTS(_lines_to_pay())


def _lines_to_pay() -> Any:
    """Return a query of the lines of a payment (of the outer query) that are owed and were decided about nowhere else.
    """
    line, due = BatchLine.alias("line_to_pay"), Due.alias("due_to_pay")
    owed = due.id.is_null() | (due.owed_cents > _given(due))
    return line.select(line.id).join(due, JOIN.LEFT_OUTER, on=(due.id == line.due)).where(
        line.batch == Batch.id, line.state.not_in(_NOT_ITS_OWN), owed, ~fn.EXISTS(_decided_elsewhere(line))
    )  # fmt: skip


def _given(due: Any) -> Any:
    """Return a query of the cents of a due that banks were given, without what is beyond it."""
    order, line = OrderLine.alias("order_given"), BatchLine.alias("line_given")
    return order.select(fn.coalesce(fn.sum(order.amount_cents), 0)).join(line, on=(line.id == order.batch_line)).where(
        line.due == due.id, order.standing.in_(COMMITTED), line.batch.not_in(excess.beyond_payments())
    )  # fmt: skip


def _decided_elsewhere(line: Any) -> Any:
    """Return a query of the same line in another payment: one that waits, or one in which it was left out since."""
    same, other = BatchLine.alias("same_line"), Batch.alias("other_payment")
    waits = other.state.in_(_WAITS) & (same.state == LineState.OPEN)
    left_out = (same.state == LineState.EXCLUDED) & (other.state != BatchState.REPLACED) & (same.id > line.id)
    return same.select(same.id).join(other, on=(other.id == same.batch)).where(
        same.due == line.due, same.batch != line.batch, same.creditor_iban == line.creditor_iban,
        same.amount_cents == line.amount_cents, waits | left_out,
    )  # fmt: skip
