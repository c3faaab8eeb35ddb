"""Supersession: payments of a run that was recalculated or deleted since are replaced.

What two people allowed beyond what is owed is not touched here (`excess_payment`).

A payment that was not submitted is replaced, and its lines are never paid. A submitted one stays, and the newer version
pays only what is owed beyond it (`dues`).
"""

from collections.abc import Iterable

from domain.common import audit
from domain.payments import excess, excess_allowances, four_eyes, state_machine
from domain.payments.amendments import void_releases
from domain.payments.queries import get_batch_locked
from models import Batch, BatchLine, Client, PayrollRun
from models.states import BatchState, LineState

_NOT_EXECUTED = (BatchState.REJECTED, BatchState.FAILED, BatchState.CANCELLED)


def batches_of(run: PayrollRun) -> list[Batch]:
    return list(Batch.select().where(Batch.run == run.id).order_by(Batch.id))


def supersede_batches(run: PayrollRun, reason: str) -> list[Batch]:
    """Replace every payment of the run that was not submitted.

    Returns those that stay. Call it inside a transaction.
    """
    stay = []
    for batch in batches_of(run):
        held = get_batch_locked(Client.get_by_id(batch.client_id), batch.reference)
        if held.state in state_machine.SENT:
            stay.append(held)
        elif not excess.is_beyond(held):
            _replace(held, reason)
    return stay


def refused_batches(run: PayrollRun) -> list[Batch]:
    """Return the payments of the run that were not executed and can be set up again."""
    return [batch for batch in batches_of(run) if batch.state in _NOT_EXECUTED and not excess.is_beyond(batch)]


def replace_batches(batches: Iterable[Batch], reason: str) -> None:
    """Replace these payments, of which nothing is at a bank. Call it inside a transaction."""
    for batch in batches:
        _replace(get_batch_locked(Client.get_by_id(batch.client_id), batch.reference), reason)


def _replace(batch: Batch, reason: str) -> None:
    excess_allowances.end_of_payment(batch, reason)
    if batch.state in _NOT_EXECUTED:
        state_machine.transition(batch, "reopen", audit.WORKER, reason)
    if batch.state in (BatchState.OPEN, BatchState.APPROVED):
        void_releases(batch, reason)
        state_machine.transition(batch, "replace", audit.WORKER, reason)
    # also for a discarded payment: its creditors are in the newer version
    BatchLine.update(state=LineState.SUPERSEDED).where(BatchLine.batch == batch.id).execute()


def revoke_approval(run: PayrollRun, reason: str) -> None:
    """Revoke the approval of payments that are not yet submitted. Call it inside a transaction."""
    for batch in batches_of(run):
        if batch.state not in (BatchState.OPEN, BatchState.APPROVED):
            continue
        held = get_batch_locked(Client.get_by_id(batch.client_id), batch.reference)
        four_eyes.void_approvals_of(held, reason)
        if held.state == BatchState.APPROVED:
            void_releases(held, reason)
            state_machine.transition(held, "change", audit.WORKER, reason)


def supersede_lines(line_ids: list[int]) -> None:
    """Mark excluded lines of submitted payments as superseded: the newer version has other lines for these people."""
    BatchLine.update(state=LineState.SUPERSEDED).where(
        BatchLine.id.in_(line_ids), BatchLine.state == LineState.EXCLUDED
    ).execute()
