"""The figures of operators, for `/metrics` and `flask status`: what waits, since when, and what went wrong.

Each is a statement that reads an index of what waits or failed, never a table that grows with history. No figure names
a client or a person, and none is an amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from peewee import Case, fn

from core.clock import utcnow
from domain.banking.manual_bank import MANUAL_BANK_ID
from domain.common.queue_state import QueueState
from domain.common.services import services
from domain.payroll.nmbrs_client import is_callable
from models import (
    BankAccount,
    BankOrder,
    Batch,
    NameCheckTask,
    NmbrsConnection,
    OrderLine,
    OutgoingMail,
    PaymentHold,
    PayrollCompany,
    PayrollRun,
    PushNotification,
    RowRegister,
    TokenRevocation,
    WebhookDelivery,
)
from models.states import BatchState, OrderState, RunState

# Of these there are ever more: their number says nothing, and counting them takes ever longer.
_PAST = (
    BatchState.EXECUTED, BatchState.PARTLY_EXECUTED, BatchState.RETURNED, BatchState.DISCARDED, BatchState.REPLACED,
)  # fmt: skip
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
CURRENT = tuple(one for one in BatchState if one not in _PAST)


@dataclass(frozen=True)
class Waiting:
    """How many, and how long the oldest has waited, in seconds; 0 if there is none."""

    count: int
    oldest_seconds: float


@dataclass(frozen=True)
class Books:
    """What the last check of the books found, and when. Without a number it runs now, or failed."""

    faults: int | None
    checked_at: datetime | None


@dataclass(frozen=True)
class Figures:
    """`waiting`: by kind, what the worker has yet to do. `batches`: those that are not over, by state.

    `unanswered`: orders that a bank may have and has not answered. `given_up`: what was tried and is not tried again.
    `queue`: None if the queue server cannot be reached, or if this program has none.
    """

    waiting: Mapping[str, Waiting]
    batches: Mapping[str, Waiting]
    unanswered: Waiting
    given_up: Mapping[str, int]
    contradictions: int
    deliveries: int
    holds: int
    books: Books
    queue: QueueState | None


def read_figures() -> Figures:
    """Return the figures of this moment."""
    now = utcnow()
    return Figures(
        waiting=_waiting(now), batches=_batches(now), unanswered=_unanswered(now),
        given_up={"mail": _given_up(OutgoingMail), "push": _given_up(PushNotification)},
        contradictions=OrderLine.select().where(OrderLine.standing == "disputed").count(),
        deliveries=WebhookDelivery.select(fn.MAX(WebhookDelivery.id)).scalar() or 0,  # ids count up; rows are kept
        holds=PaymentHold.select().where(PaymentHold.lifted_at.is_null()).count(),
        books=_books(), queue=_queue(),
    )  # fmt: skip


def _waiting(now: datetime) -> dict[str, Waiting]:
    deliveries = WebhookDelivery.select().where(WebhookDelivery.processed_at.is_null())
    mails = OutgoingMail.select().where(_is_set(OutgoingMail.due_at), OutgoingMail.sent_at.is_null())
    pushes = PushNotification.select().where(
        _is_set(PushNotification.due_at), PushNotification.sent_at.is_null()
    )
    imported_again = _runs().where(PayrollRun.due_at <= now, PayrollRun.state == RunState.IMPORTED)
    orders = Batch.select().join(BankAccount).where(
        Batch.state == BatchState.APPROVED, BankAccount.bank != MANUAL_BANK_ID
    )
    return {
        "delivery": _measure(now, deliveries, WebhookDelivery.received_at),
        "run": _measure(now, _new_runs(), _wanted_since()),
        "run_again": _measure(now, imported_again, PayrollRun.due_at),
        "order": _measure(now, orders, Batch.state_changed_at),
        "name_check": _measure(now, NameCheckTask.select().where(NameCheckTask.due_at <= now), NameCheckTask.due_at),
        "mail": _measure(now, mails, OutgoingMail.created_at),
        "push": _measure(now, pushes, PushNotification.created_at),
        "revocation": _measure(now, TokenRevocation.select(), TokenRevocation.created_at),
    }


def _is_set(due_at: Any) -> Any:
    """Return the condition that there is a due time, so that its index is used: SQLite reads the table for IS NOT NULL.
    """
    return due_at > _EVER


def _runs() -> Any:
    """Return the runs of connections that may be called: what else waits, waits for the client."""
    return PayrollRun.select().join(PayrollCompany).join(NmbrsConnection).where(is_callable())


def _new_runs() -> Any:
    """Return the runs that have not become a payment, nor were found to be none."""
    return _runs().where(
        _is_set(PayrollRun.due_at), PayrollRun.state.in_((RunState.PENDING, RunState.RETRYING))
    )


def _wanted_since() -> Any:
    """Return since when a run is to be imported: it was found, asked for by hand, or got its account later."""
    found = fn.COALESCE(PayrollRun.manually_selected_at, PayrollRun.found_at)
    return Case(None, [(PayrollCompany.mapped_at > found, PayrollCompany.mapped_at)], found)


def _batches(now: datetime) -> dict[str, Waiting]:
    query: Any = Batch.select(Batch.state, fn.COUNT(Batch.id), _first(Batch.state_changed_at))
    rows = query.where(Batch.state.in_(CURRENT)).group_by(Batch.state).tuples()
    found = {state: Waiting(count, _age(now, since)) for state, count, since in rows}
    return {state: found.get(state, Waiting(0, 0.0)) for state in CURRENT}


def _unanswered(now: datetime) -> Waiting:
    """Return the orders in state "submitted" of payments that are being sent, without those that a person uploads."""
    orders = BankOrder.select().join(Batch).where(
        Batch.state == BatchState.SENDING, BankOrder.state == OrderState.SUBMITTED, ~BankOrder.is_manual
    )
    return _measure(now, orders, BankOrder.submitted_at)


def _measure(now: datetime, query: Any, since: Any) -> Waiting:
    count, oldest = query.select(fn.COUNT(query.model.id), _first(since)).tuples().get()
    return Waiting(count, _age(now, oldest))


def _first(since: Any) -> Any:
    return fn.MIN(since).converter(Batch.created_at.python_value)


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _given_up(table: type[OutgoingMail] | type[PushNotification]) -> int:
    """Return how many were tried and are not tried again, as long as their rows are kept."""
    return table.select().where(table.due_at.is_null(), table.sent_at.is_null(), table.attempts > 0).count()


def _books() -> Books:
    row = RowRegister.get_or_none()
    return Books(row.fault_count, row.checked_at) if row is not None else Books(None, None)


def _queue() -> QueueState | None:
    watch = services().queue
    try:
        return watch.state() if watch is not None else None
    except OSError:
        return None
