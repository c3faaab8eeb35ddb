"""A run was run again, or is gone: what becomes of the payments that were made of it before.

What was not sent gives way: it is "replaced" and its lines are never payable. What is being sent or was sent
stays as it is; the newer version pays only the difference (`versions`).
"""

from domain.common import audit
from domain.payments import four_eyes, state_machine
from domain.payments.amendments import void_releases
from domain.payments.queries import get_batch_locked
from domain.payroll.run_versions import PreviousLine
from models import Batch, BatchLine, Client, Run

# The bank has it, or may have it.
SENT = ("sending", "name_check", "at_bank", "signed", "executed", "partly_executed")
_NEVER_WENT = ("rejected", "failed", "cancelled")
_PAID = ("open", "sent", "executed")


def batches_of(run: Run) -> list[Batch]:
    return list(Batch.select().where(Batch.run == run.id).order_by(Batch.id))


def supersede_batches(run: Run, reason: str) -> list[Batch]:
    """Replace every payment of the run that was not sent, in the caller's transaction; returns those that stay."""
    stay = []
    for batch in batches_of(run):
        held = get_batch_locked(Client.get_by_id(batch.client_id), batch.reference)
        if held.state in SENT:
            stay.append(held)
        else:
            _replace(held, reason)
    return stay


def _replace(batch: Batch, reason: str) -> None:
    if batch.state in _NEVER_WENT:
        state_machine.transition(batch, "reopen", audit.WORKER, reason)
    if batch.state in ("open", "approved"):
        void_releases(batch, reason)
        state_machine.transition(batch, "replace", audit.WORKER, reason)
    # also of a payment that was struck as a whole: the newer version holds these people
    BatchLine.update(state="void").where(BatchLine.batch == batch.id).execute()


def revoke_approval(run: Run, reason: str) -> None:
    """What is approved and not yet being sent has to be approved anew, in the caller's transaction."""
    for batch in batches_of(run):
        if batch.state not in ("open", "approved"):
            continue
        held = get_batch_locked(Client.get_by_id(batch.client_id), batch.reference)
        four_eyes.void_approvals(held, reason)
        if held.state == "approved":
            void_releases(held, reason)
            state_machine.transition(held, "change", audit.WORKER, reason)


def previous_lines(batches: list[Batch]) -> list[PreviousLine]:
    """The lines of payments that were sent, paid and unpaid ones; those that were void already count no more."""
    if not batches:
        return []
    rows = BatchLine.select().where(
        BatchLine.batch.in_([batch.id for batch in batches]), BatchLine.state != "void"
    ).order_by(BatchLine.batch, BatchLine.position)  # fmt: skip
    return [
        PreviousLine(row.id, row.name_shown, row.iban, row.amount_cents, row.description_shown, row.state in _PAID)
        for row in rows
    ]


def void_lines(line_ids: list[int]) -> None:
    """Unpaid lines of sent payments whose person a newer version holds."""
    BatchLine.update(state="void").where(BatchLine.id.in_(line_ids), BatchLine.state.not_in(_PAID)).execute()
