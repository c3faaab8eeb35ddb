"""The states of a batch: one transition table, and the one function that applies it.

Texts for people are with the presenters.
"""

from typing import Any

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import StateConflict
from domain.outbox import push
from models import Batch, require_client_lock
from models.states import BatchState

TRANSITIONS: dict[tuple[str, str], str] = {
    (BatchState.OPEN, "release"): BatchState.APPROVED,
    (BatchState.OPEN, "discard"): BatchState.DISCARDED,
    (BatchState.OPEN, "replace"): BatchState.REPLACED,
    (BatchState.APPROVED, "change"): BatchState.OPEN,
    (BatchState.APPROVED, "replace"): BatchState.REPLACED,
    (BatchState.APPROVED, "send"): BatchState.SENDING,
    (BatchState.SENDING, "bank_did_not_take"): BatchState.APPROVED,
    (BatchState.REJECTED, "reopen"): BatchState.OPEN,
    (BatchState.FAILED, "reopen"): BatchState.OPEN,
    (BatchState.CANCELLED, "reopen"): BatchState.OPEN,
    (BatchState.RETURNED, "reopen"): BatchState.OPEN,
}
# Events that follow from the conclusion about an order (domain.orders.settlement), and the state after each.
CONCLUDED = {
    "bank_checks_names": BatchState.NAME_CHECK,
    "bank_has_it": BatchState.AT_BANK,
    "bank_signed": BatchState.SIGNED,
    "bank_may_still_execute": BatchState.PENDING_REJECTION,
    "bank_executed": BatchState.EXECUTED,
    "bank_executed_partly": BatchState.PARTLY_EXECUTED,
    "bank_returned_all": BatchState.RETURNED,
    "bank_rejected": BatchState.REJECTED,
    "bank_cancelled": BatchState.CANCELLED,
    "signing_failed": BatchState.FAILED,
    "bank_contradicts": BatchState.DISPUTED,
}
# States in which the bank may have the payment's newest order.
AT_THE_BANK = frozenset(
    {
        BatchState.SENDING,
        BatchState.NAME_CHECK,
        BatchState.AT_BANK,
        BatchState.SIGNED,
        BatchState.PENDING_REJECTION,
        BatchState.DISPUTED,
    }
)
# From these, an earlier order may turn out to be executed after the payment was opened again.
BEFORE_THE_BANK = frozenset({BatchState.OPEN, BatchState.APPROVED})
# So may the order of a payment that was given up since: refused, and replaced by another.
GIVEN_UP = frozenset({BatchState.DISCARDED, BatchState.REPLACED})
_MONEY_MOVED = ("bank_executed", "bank_executed_partly", "bank_returned_all", "bank_contradicts")
_PAID = frozenset({BatchState.EXECUTED, BatchState.PARTLY_EXECUTED, BatchState.RETURNED})
# States in which a bank has the payment, may have it, or has executed it.
SENT = AT_THE_BANK | _PAID
TRANSITIONS |= {
    (state, event): target
    for state in (AT_THE_BANK | set(CONCLUDED.values())) - _PAID
    for event, target in CONCLUDED.items()
    if state != target
}
TRANSITIONS |= {
    (state, event): CONCLUDED[event]
    for state in BEFORE_THE_BANK | GIVEN_UP | _PAID
    for event in _MONEY_MOVED
    if state != CONCLUDED[event]
}

# States that change only by an act of a person, or by a booking.
SETTLED = frozenset(
    {
        BatchState.EXECUTED,
        BatchState.PARTLY_EXECUTED,
        BatchState.RETURNED,
        BatchState.REJECTED,
        BatchState.FAILED,
        BatchState.CANCELLED,
        BatchState.DISCARDED,
        BatchState.REPLACED,
    }
)
# States in which a person has something to do.
NEEDS_ACTION = frozenset(
    {
        BatchState.OPEN,
        BatchState.AT_BANK,
        BatchState.NAME_CHECK,
        BatchState.PENDING_REJECTION,
        BatchState.DISPUTED,
        BatchState.REJECTED,
        BatchState.FAILED,
        BatchState.CANCELLED,
    }
)


def transition(batch: Batch, event: str, actor: str, reason: str | None = None, **details: Any) -> None:
    """Move the batch to the state that follows and write the audit event, in the caller's transaction.

    Raises:
    - StateConflict: the table has no such transition, or the row was changed since it was read.
    """
    require_client_lock(batch.client_id)
    before, target = batch.state, TRANSITIONS.get((batch.state, event))
    if target is None:
        raise StateConflict(f"{batch.reference}: {event} from {batch.state}")
    now = utcnow()
    moved = (
        Batch.update(state=target, state_reason=reason, state_changed_at=now)
        .where((Batch.id == batch.id) & (Batch.state == before))
        .execute()
    )
    if moved != 1:
        raise StateConflict(f"{batch.reference}: no longer {before}")
    batch.state, batch.state_reason, batch.state_changed_at = target, reason, now
    extra = {"reason": reason, **details} if reason else details
    audit.record_event(
        batch.client_id, actor, f"batch.{event}", f"batch:{batch.reference}", before=before, after=target, **extra
    )
    push.enqueue_for_state_change(batch)
