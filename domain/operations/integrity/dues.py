"""Dues: whether they count, and that banks were given no more than is owed."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from peewee import fn

from domain.payments import excess
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, Evidence, ExcessAllowance, OrderLine, PayrollRun
from models.states import OrderState, RunState

_KNOWN, _UNKNOWN = (RunState.IMPORTED, RunState.EMPTY), (RunState.INVALID, RunState.DELETED)


def due_faults() -> Iterator[str]:
    """Yield what is wrong with dues beside their sums and versions (`domain.payroll.run_dues`)."""
    yield from _suspended()
    yield from _exceeded(fn.coalesce(_allowed(), 0))
    yield from _exceeded(0, ~excess.is_excess())
    yield from _allowances_exceeded()


def _suspended() -> Iterator[str]:
    """What is owed is unknown exactly while the run is gone or its file is wrong."""
    wrong = (PayrollRun.state.in_(_KNOWN) & Due.suspended_at.is_null(False)) | (
        PayrollRun.state.in_(_UNKNOWN) & Due.suspended_at.is_null()
    )
    rows: Any = (
        Due.select(Due.id, PayrollRun.id, PayrollRun.state).join(PayrollRun).where(wrong).order_by(Due.id).tuples()
    )
    for due_id, run_id, state in rows:
        yield f"run {run_id}: due {due_id} is {'not ' if state in _UNKNOWN else ''}suspended, and the run is {state}"


def _allowed() -> Any:
    """What two people allowed beyond a due."""
    mine = (ExcessAllowance.due == Due.id) & ExcessAllowance.allowed_at.is_null(False)
    return ExcessAllowance.select(fn.sum(ExcessAllowance.amount_cents)).where(mine)


def _allowances_exceeded() -> Iterator[str]:
    """Compare what banks may pay of each allowance with its amount."""
    given = fn.sum(OrderLine.amount_cents)
    rows: Any = (
        OrderLine.select(ExcessAllowance.id, ExcessAllowance.batch, ExcessAllowance.amount_cents, given)
        .join(BankOrder).switch(OrderLine).join(BatchLine)
        .join(ExcessAllowance, on=(ExcessAllowance.batch == BatchLine.batch))
        .where(_counts()).group_by(ExcessAllowance.id, ExcessAllowance.batch, ExcessAllowance.amount_cents)
        .having(given > ExcessAllowance.amount_cents).tuples()
    )  # fmt: skip
    for allowance, batch, allowed, cents in list(rows):
        if not _came_back_to_life(BatchLine.batch == batch):
            yield f"allowance {allowance}: the payment is of {allowed} cents, and banks may pay {int(cents)} of it"


def _counts() -> Any:
    return OrderLine.standing.in_(COMMITTED) | (
        (OrderLine.standing == "unsent") & (BankOrder.state != OrderState.CLOSED)
    )


def _exceeded(allowed: Any, *which: Any) -> Iterator[str]:
    """Compare what banks may pay of each due, by these payments, with what is owed and allowed.

    A newer version that owes less than was paid before it is no fault: the run tells it as paid too much.
    """
    given = fn.sum(OrderLine.amount_cents)
    rows: Any = (
        OrderLine.select(Due.id, Due.run, Due.owed_cents, given)
        .join(BankOrder).switch(OrderLine).join(BatchLine).join(Due).switch(BatchLine).join(Batch)
        .where(_counts(), *which).group_by(Due.id, Due.run, Due.owed_cents)
        .having(given > Due.owed_cents + allowed)
        .tuples()
    )  # fmt: skip
    for due_id, run_id, owed, cents in list(rows):
        due = Due.get_by_id(due_id)
        if not (_was_owed_more(due) or _came_back_to_life(BatchLine.due == due.id)):
            yield f"run {run_id}: due {due_id} is of {owed} cents, and banks may pay {int(cents)} of it"


def _was_owed_more(due: Due) -> bool:
    """Whether something of it was ordered by another version than the newest one."""
    if due.version != due.run.version:  # the newest version no longer holds this person
        return True
    rows = BatchLine.select(Batch.version).join(Batch).where(BatchLine.due == due.id).switch(BatchLine).join(OrderLine)
    versions: Any = rows.tuples()
    return any(version.partition(":")[0] != due.version for (version,) in versions)


def _came_back_to_life(lines: Any) -> bool:
    """Whether a bank spoke of an earlier order of these lines after the next one was made: it had counted as not paid
    until then.
    """
    orders = OrderLine.select(OrderLine.order).join(BatchLine).where(lines)
    rows = BankOrder.select().where(BankOrder.id.in_(orders)).order_by(BankOrder.id)
    return any(
        Evidence.select().where(Evidence.order == earlier.id, Evidence.received_at >= later.created_at).exists()
        for earlier, later in pairwise(list(rows))
    )
