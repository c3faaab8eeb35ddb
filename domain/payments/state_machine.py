"""The states of a batch: one transition table, and the one function that applies it.

Texts for people are with the presenters.
"""

from typing import Any

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import StateConflict
from domain.outbox import push
from models import Batch, require_client_lock

TRANSITIONS: dict[tuple[str, str], str] = {
    ("open", "release"): "approved",
    ("open", "discard"): "discarded",
    ("open", "replace"): "replaced",
    ("approved", "change"): "open",
    ("approved", "replace"): "replaced",
    ("approved", "send"): "sending",
    ("sending", "bank_did_not_take"): "approved",
    ("rejected", "reopen"): "open",
    ("failed", "reopen"): "open",
    ("cancelled", "reopen"): "open",
    ("returned", "reopen"): "open",
}
# Events that follow from the conclusion about an order (domain.orders.settlement), and the state after each.
CONCLUDED = {
    "bank_checks_names": "name_check",
    "bank_has_it": "at_bank",
    "bank_signed": "signed",
    "bank_may_still_execute": "pending_rejection",
    "bank_executed": "executed",
    "bank_executed_partly": "partly_executed",
    "bank_returned_all": "returned",
    "bank_rejected": "rejected",
    "bank_cancelled": "cancelled",
    "signing_failed": "failed",
    "bank_contradicts": "disputed",
}
# States in which the bank may have the payment's newest order.
AT_THE_BANK = frozenset({"sending", "name_check", "at_bank", "signed", "pending_rejection", "disputed"})
# From these, an earlier order may turn out to be executed after the payment was opened again.
BEFORE_THE_BANK = frozenset({"open", "approved"})
# So may the order of a payment that was given up since: refused, and replaced by another.
_GIVEN_UP = frozenset({"discarded", "replaced"})
_MONEY_MOVED = ("bank_executed", "bank_executed_partly", "bank_returned_all", "bank_contradicts")
_PAID = frozenset({"executed", "partly_executed", "returned"})
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
    for state in BEFORE_THE_BANK | _GIVEN_UP | _PAID
    for event in _MONEY_MOVED
    if state != CONCLUDED[event]
}

# States that change only by an act of a person, or by a booking.
SETTLED = frozenset(
    {"executed", "partly_executed", "returned", "rejected", "failed", "cancelled", "discarded", "replaced"}
)
# States in which a person has something to do.
NEEDS_ACTION = frozenset(
    {"open", "at_bank", "name_check", "pending_rejection", "disputed", "rejected", "failed", "cancelled"}
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
        Batch.update(state=target, state_reason=reason, state_at=now)
        .where((Batch.id == batch.id) & (Batch.state == before))
        .execute()
    )
    if moved != 1:
        raise StateConflict(f"{batch.reference}: no longer {before}")
    batch.state, batch.state_reason, batch.state_at = target, reason, now
    extra = {"reason": reason, **details} if reason else details
    audit.record_event(
        batch.client_id, actor, f"batch.{event}", f"batch:{batch.reference}", before=before, after=target, **extra
    )
    push.enqueue_for_state_change(batch)
