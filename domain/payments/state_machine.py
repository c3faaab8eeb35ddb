"""The states of a batch: one table, and the one function that moves along it.

Labels for people live with the screens; the meaning of a bank's codes lives in `bank_status`.
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
    ("sending", "bank_checks_names"): "name_check",
    ("sending", "bank_has_it"): "at_bank",
    ("sending", "bank_signed"): "signed",
    ("sending", "bank_executed"): "executed",
    ("sending", "bank_rejected"): "rejected",
    ("sending", "person_says_paid"): "executed",
    ("sending", "person_says_refused"): "rejected",
    ("name_check", "bank_has_it"): "at_bank",
    ("name_check", "bank_signed"): "signed",
    ("name_check", "bank_executed"): "executed",
    ("name_check", "bank_executed_partly"): "partly_executed",
    ("name_check", "bank_rejected"): "rejected",
    ("name_check", "change"): "open",
    ("name_check", "bank_cancelled"): "cancelled",
    ("at_bank", "bank_checks_names"): "name_check",
    ("at_bank", "bank_signed"): "signed",
    ("at_bank", "bank_executed"): "executed",
    ("at_bank", "bank_executed_partly"): "partly_executed",
    ("at_bank", "bank_rejected"): "rejected",
    ("at_bank", "bank_cancelled"): "cancelled",
    ("at_bank", "signing_failed"): "failed",
    ("at_bank", "person_says_paid"): "executed",
    ("at_bank", "person_says_refused"): "rejected",
    ("signed", "bank_executed"): "executed",
    ("signed", "bank_executed_partly"): "partly_executed",
    ("signed", "bank_rejected"): "rejected",
    ("signed", "bank_cancelled"): "cancelled",
    ("signed", "person_says_paid"): "executed",
    ("signed", "person_says_refused"): "rejected",
    ("executed", "bank_returned"): "partly_executed",
    ("rejected", "reopen"): "open",
    ("failed", "reopen"): "open",
    ("cancelled", "reopen"): "open",
}

# Nothing more can come of these by themselves.
SETTLED = frozenset({"executed", "partly_executed", "rejected", "failed", "cancelled", "discarded", "replaced"})
# A person has something to do.
NEEDS_ACTION = frozenset({"open", "at_bank", "name_check", "rejected", "failed", "cancelled"})


def transition(batch: Batch, event: str, actor: str, reason: str | None = None, **details: Any) -> None:
    """Move the batch along the table and write the audit event, in the caller's transaction.

    StateConflict when the table has no such edge, or the row is no longer where it was read.
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
