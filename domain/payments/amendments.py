"""Changing a payment before it is approved: lines, day, account. Every change voids all releases."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from core.clock import utcnow
from domain.banking.linking import bank_config_of, payable_accounts
from domain.common import audit
from domain.common.errors import AccountInvalid, NotFound, NothingToPay, NotOpen
from domain.payments import creditor_names, four_eyes, state_machine, totals, warnings
from domain.payments.execution_dates import require_valid
from domain.payments.queries import execution_date, get_batch, get_batch_locked
from domain.payments.references import end_to_end_id, message_id
from models import Approval, BankOrder, Batch, BatchLine, Client, Release, User, require_client_lock, transaction


def _reopened(client: Client, user: User, reference: str) -> Batch:
    """The batch, open to changes: an approved one that is not being sent comes back, its releases void.

    So is the approval of one person, where two have to.
    """
    batch = get_batch_locked(client, reference)
    if batch.state == "approved":
        void_releases(batch, "changed")
        state_machine.transition(batch, "change", audit.by_user(user), "changed")
    if batch.state != "open":
        raise NotOpen(batch.state)
    four_eyes.void_approvals(batch, "changed")
    return batch


def void_releases(batch: Batch, reason: str) -> None:
    """No release or approval stands any more, and an order that never left ends."""
    four_eyes.void_approvals(batch, reason)
    Release.update(voided_at=utcnow(), void_reason=reason).where(
        Release.batch == batch.id, Release.voided_at.is_null()
    ).execute()
    ended = (
        BankOrder.update(state="ended", due_at=None)
        .where(BankOrder.batch == batch.id, BankOrder.state == "ready")
        .execute()
    )
    if ended:
        renew_end_to_end_ids(batch)


def void_approvals_by(client: Client, user: User, actor: str, reason: str) -> int:
    """What this person approved and is not being sent yet is approved no more; returns of how many payments.

    In the caller's transaction.
    """
    require_client_lock(client.id)
    given = Approval.select(Approval.batch).where(Approval.user == user.id, Approval.voided_at.is_null())
    released = Release.select(Release.batch).where(Release.user == user.id, Release.voided_at.is_null())
    theirs = Batch.select().where(
        Batch.client == client.id, Batch.state.in_(("open", "approved")), Batch.id.in_(given) | Batch.id.in_(released)
    )
    voided = 0
    for found in list(theirs.order_by(Batch.id)):
        batch = get_batch_locked(client, found.reference)
        if batch.state not in ("open", "approved"):
            continue
        void_releases(batch, reason)
        if batch.state == "approved":
            state_machine.transition(batch, "change", actor, reason)
        voided += 1
    return voided


def renew_end_to_end_ids(batch: Batch) -> None:
    """The next order draws new ids, hence needs a new release; lines that were on their way are open again."""
    batch.orders_made = Batch.get_by_id(batch.id).orders_made
    msg_id = message_id(batch.reference, batch.orders_made + 1)
    lines = list(BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state.not_in(("void", "executed"))))
    names = creditor_names.load_creditor_names(batch.client_id, lines)
    for line in lines:
        state, fresh = (
            line.state if line.state == "refused" else "open",
            creditor_names.reset_fields_for_new_order(line, names),
        )
        BatchLine.update(end_to_end_id=end_to_end_id(msg_id, line.position), state=state, **fresh).where(
            BatchLine.id == line.id
        ).execute()


@dataclass(frozen=True)
class LineDecision:
    """What a verdict about one line changed: the payment's digest before and after it, in one transaction.

    `alone`: nothing but this line changed; otherwise somebody had approved, and all of it is as new.
    """

    before: str
    after: str
    alone: bool


def exclude_line(client: Client, user: User, reference: str, line_id: int) -> LineDecision:
    """✗: this line is not paid."""
    return _decide_line(client, user, reference, line_id, "refused")


def include_line(client: Client, user: User, reference: str, line_id: int) -> LineDecision:
    """✓: takes back a ✗."""
    return _decide_line(client, user, reference, line_id, "open")


def _decide_line(client: Client, user: User, reference: str, line_id: int, verdict: str) -> LineDecision:
    with transaction(client.id):
        stood = get_batch_locked(client, reference)
        before, given = _digest(stood), four_eyes.valid_approvals(stood.id)
        batch = _reopened(client, user, reference)
        line = BatchLine.get_or_none(BatchLine.id == line_id, BatchLine.batch == batch.id)
        if line is None or line.state not in ("open", "refused"):
            raise NotFound
        if line.state != verdict:
            BatchLine.update(state=verdict).where(BatchLine.id == line.id).execute()
            _changed(batch, user)
            _note(batch, user, f"line.{'refused' if verdict == 'refused' else 'accepted'}", line=line.id)
        return LineDecision(before, _digest(get_batch(client, reference)), stood.state == "open" and not given)


def _digest(batch: Batch) -> str:
    """Of the payment as it stands in this transaction, which holds it."""
    return totals.get_totals(batch, execution_date(batch)).digest


def _changed(batch: Batch, user: User) -> None:
    """Who changed a line last. When every line is paid again as Nmbrs sent it, nobody's change is left."""
    struck = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == "refused").exists()
    now = Batch.get_by_id(batch.id)
    as_sent = not struck and now.execution_date is None and now.bank_account_id == now.company.bank_account_id
    Batch.update(changed_by=None if as_sent else user.id).where(Batch.id == batch.id).execute()


def include_all_lines(client: Client, user: User, reference: str) -> int:
    """Take back every ✗; of how many lines."""
    with transaction(client.id):
        batch = _reopened(client, user, reference)
        back = BatchLine.update(state="open").where(BatchLine.batch == batch.id, BatchLine.state == "refused").execute()
        if back:
            _changed(batch, user)
            _note(batch, user, "line.all_accepted", count=back)
        return back


def change_date_and_account(
    client: Client, user: User, reference: str, execution_date: date | None, account_id: int
) -> None:
    """Another day (None: the first that is possible) or account. DateInvalid, AccountInvalid."""
    usable = {view.id for view in payable_accounts(client)}
    if account_id not in usable:
        raise AccountInvalid
    with transaction(client.id):
        batch = _reopened(client, user, reference)
        Batch.update(bank_account=account_id, execution_date=execution_date, changed_by=user.id).where(
            Batch.id == batch.id
        ).execute()
        changed = get_batch(client, reference)
        if execution_date is not None:
            require_valid(execution_date, bank_config_of(changed.bank_account.bank).cut_off)
        day = execution_date.isoformat() if execution_date else None
        _note(batch, user, "batch.changed", day=day, account=account_id)


def open_cautions(client: Client, user: User, reference: str, seen: list[str]) -> None:
    """The warnings that must be opened were: `seen` are the names ("kind:about") of those on the screen."""
    warnings.acknowledge_warnings(get_batch(client, reference), user, seen)


def discard(client: Client, user: User, reference: str) -> None:
    """Niet betalen: every line is refused, and the payment ends."""
    with transaction(client.id):
        batch = _reopened(client, user, reference)
        if BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == "open").exists():
            raise NothingToPay
        state_machine.transition(batch, "discard", audit.by_user(user), "all_refused")


def reopen_held(batch: Batch, user: User) -> None:
    """Open the same batch again after a refusal, in the caller's transaction: a new order to come, with new ids and a
    new release. Whether it still pays what is owed is for the caller to know (domain.payroll.reopening)."""
    if (batch.state, "reopen") not in state_machine.TRANSITIONS:
        raise NotOpen(batch.state)
    void_releases(batch, "reopened")
    # an order whose whole sum came back is over; its bookings are still matched
    BankOrder.update(state="ended", due_at=None).where(
        BankOrder.batch == batch.id, BankOrder.state == "executed"
    ).execute()
    renew_end_to_end_ids(batch)
    Batch.update(execution_date=None).where(Batch.id == batch.id).execute()
    state_machine.transition(batch, "reopen", audit.by_user(user))


def _note(batch: Batch, user: User, kind: str, **details: Any) -> None:
    audit.record_event(batch.client_id, audit.by_user(user), kind, f"batch:{batch.reference}", **details)
