"""Find what has changed since a payment was approved and keeps it from being sent; open it again with that reason."""

from domain.banking.bank_accounts import may_pay
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.payments import (
    bank_capabilities,
    commitments,
    digest,
    execution_dates,
    line_doubts,
    lost_orders,
    payee_checks,
    state_machine,
)
from domain.payments.amendments import void_releases
from domain.payments.totals import lines_of
from models import Batch, Client, Release, transaction
from models.states import AuthenticationMethod, BatchState, LineState


def reopen_if_too_late(batch: Batch) -> None:
    """Open an approved payment that waits for a person or a hold again, if its execution date can no longer be met."""
    why_not = obstacle(batch, Release.get(Release.batch == batch.id, Release.voided_at.is_null()))
    if why_not:
        open_again(batch, why_not)


def obstacle(batch: Batch, release: Release) -> str | None:
    """Return the code of what keeps this release from being sent now; None if nothing does."""
    if lost_orders.is_its_next_order(batch):
        return None  # it was sent before the database was restored: its record is made, whatever changed since
    if not may_pay(batch.bank_account.iban, batch.kind):
        return "g_account"
    config = bank_config_of(batch.bank_account.bank)
    lines = lines_of(batch)
    going = [line for line in lines if line.state in (LineState.OPEN, LineState.SENT)]
    if unfit := bank_capabilities.unsupported_reason(config, going, batch.kind):
        return unfit
    if (config.signing == "delegated") != (release.authentication_method != AuthenticationMethod.SESSION):
        return "proof_changed"
    if wish := changed_wish(release, batch.client):
        return wish
    if commitments.exceeding_dues(batch, lines):
        return "run_again"
    if payee_checks.has_open_questions(batch):
        return "payees_changed"
    if line_doubts.stands(batch.id):
        return "doubted"
    return execution_dates.unavailable_reason(release.execution_date, config.cut_off)


def changed_wish(release: Release, client: Client) -> str | None:
    """Return the code of a wish of the client that changed since the release; None if none did."""
    return digest.wish_that_changed(digest.wishes_of(release), digest.wishes_of(client))


def open_again(batch: Batch, reason: str) -> None:
    """Open the payment for a new approval. Its execution date is never moved without the person."""
    with transaction(batch.client_id):
        open_again_locked(batch, reason)


def open_again_locked(batch: Batch, reason: str) -> None:
    """`open_again` within a transaction of the client."""
    if batch.state == BatchState.SENDING:  # stored, and certainly not at the bank
        state_machine.transition(batch, "bank_did_not_take", audit.WORKER, reason)
    void_releases(batch, reason)
    Batch.update(execution_date=None).where(Batch.id == batch.id).execute()
    state_machine.transition(batch, "change", audit.WORKER, reason)
