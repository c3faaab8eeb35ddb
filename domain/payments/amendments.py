"""Changes to a payment before it is approved: lines, date, account. Every change voids all releases and approvals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from core.clock import utcnow
from domain.banking.bank_accounts import payable_accounts, require_may_pay
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.errors import AccountInvalid, BatchChanged, NotFound, NothingToPay, NotOpen
from domain.payments import (
    creditor_names,
    excess_allowances,
    four_eyes,
    line_doubts,
    line_verdicts,
    state_machine,
    totals,
    warnings,
)
from domain.payments.account_refusals import refused_accounts
from domain.payments.execution_dates import require_valid
from domain.payments.proposed_dates import execution_date
from domain.payments.queries import get_batch, get_batch_locked, wishes_in_force
from domain.payments.references import end_to_end_id, message_id
from models import Approval, BankOrder, Batch, BatchLine, Client, Release, User, require_client_lock, transaction
from models.states import BatchState, LineState, OrderState
from models.verdicts import LATER


def reopened_for_change(client: Client, user: User, reference: str) -> Batch:
    """Return the locked batch in state open. One that is approved and not yet submitted is opened again.

    All its releases and approvals become void.

    Raises:
    - NotOpen
    """
    batch = get_batch_locked(client, reference)
    if batch.state == BatchState.APPROVED:
        void_releases(batch, "changed")
        state_machine.transition(batch, "change", audit.by_user(user), "changed")
    if batch.state != BatchState.OPEN:
        raise NotOpen(batch.state)
    four_eyes.void_approvals_of(batch, "changed")
    return batch


def void_releases(batch: Batch, reason: str) -> None:
    """Void all releases and approvals, and close an order that was never submitted."""
    four_eyes.void_approvals_of(batch, reason)
    Release.update(voided_at=utcnow(), void_reason=reason).where(
        Release.batch == batch.id, Release.voided_at.is_null()
    ).execute()
    ended = (
        BankOrder.update(state=OrderState.CLOSED, due_at=None)
        .where(BankOrder.batch == batch.id, BankOrder.state == OrderState.PREPARED)
        .execute()
    )
    if ended:
        renew_end_to_end_ids(batch)


def void_approvals(client: Client, actor: str, reason: str, by: User | None = None) -> int:
    """Void what was approved and is not submitted yet, or what one person (`by`) approved of it; return the number
    of payments. In the caller's transaction.
    """
    require_client_lock(client.id)
    given = Approval.select(Approval.batch).where(Approval.voided_at.is_null(), *_given_by(Approval, by))
    released = Release.select(Release.batch).where(Release.voided_at.is_null(), *_given_by(Release, by))
    waiting = Batch.select(Batch.reference).where(
        Batch.client == client.id, Batch.state.in_((BatchState.OPEN, BatchState.APPROVED)),
        Batch.id.in_(given) | Batch.id.in_(released)
    )
    references = [row.reference for row in waiting.order_by(Batch.id)]
    for reference in references:
        batch = get_batch_locked(client, reference)
        void_releases(batch, reason)
        if batch.state == BatchState.APPROVED:
            state_machine.transition(batch, "change", actor, reason)
    return len(references)


def _given_by(table: Any, by: User | None) -> list[Any]:
    return [table.user == by.id] if by else []


def renew_end_to_end_ids(batch: Batch) -> None:
    """Give the lines the ids of the next order, which therefore needs a new release. Lines that were sent are open
    again.
    """
    batch.order_count = Batch.get_by_id(batch.id).order_count
    msg_id = message_id(batch.reference, batch.order_count + 1)
    lines = list(
        BatchLine.select().where(
            BatchLine.batch == batch.id, BatchLine.state.not_in((LineState.SUPERSEDED, LineState.EXECUTED))
        )
    )
    names, refused = creditor_names.load_creditor_names(batch.client_id, lines), refused_accounts(batch.run_id)
    for line in lines:
        state, fresh = (
            line.state if line.state == LineState.EXCLUDED else LineState.OPEN,
            creditor_names.reset_fields_for_new_order(line, names)
            | {"bank_reason_code": refused.get((line.due_id, line.creditor_iban))},
        )
        BatchLine.update(end_to_end_id=end_to_end_id(msg_id, line.position), state=state, **fresh).where(
            BatchLine.id == line.id
        ).execute()


@dataclass(frozen=True)
class LineDecision:
    """The payment's digest before and after a line was excluded or included.

    `alone`: nothing else changed on the page. Otherwise an approval became void, and the whole page is new.
    """

    before: str
    after: str
    alone: bool


def exclude_line(
    client: Client, user: User, reference: str, line_id: int, verdict: str | None = None
) -> LineDecision:  # fmt: skip
    """Exclude a line from the payment (✗). `verdict`: why (`line_verdicts`). None leaves the reason of a line that is
    excluded already; any other line is then paid later.
    """
    return _decide_line(client, user, reference, lambda batch: _exclude(batch, user, line_id, verdict))


def exclude_rest_of_person(client: Client, user: User, reference: str, line_id: int) -> LineDecision:
    """Exclude the other lines of the person whose line this is, for the same reason as this one.

    Raises:
    - BatchChanged: this line is not excluded (any more).
    """

    def exclude(batch: Batch) -> None:
        line = _undecided_line(batch, line_id)
        if line.state != LineState.EXCLUDED:
            raise BatchChanged
        verdict = line_verdicts.verdict_on(line.id)
        for other in _others_of_person(batch, line):
            _exclude(batch, user, other.id, verdict)

    return replace(_decide_line(client, user, reference, exclude), alone=False)


def _others_of_person(batch: Batch, line: BatchLine) -> list[BatchLine]:
    if line.person_group is None:  # of a payment from before groups were kept
        return []
    mine = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == LineState.OPEN)
    same = (BatchLine.person_group == line.person_group) & (BatchLine.id != line.id)
    return list(mine.where(same).order_by(BatchLine.position))


def include_line(client: Client, user: User, reference: str, line_id: int) -> LineDecision:
    """Include an excluded line again (✓)."""
    return _decide_line(client, user, reference, lambda batch: _include(batch, user, line_id))


def _decide_line(client: Client, user: User, reference: str, decide: Callable[[Batch], None]) -> LineDecision:
    with transaction(client.id):
        stood = get_batch_locked(client, reference)
        before, given = _digest(stood), four_eyes.valid_approvals(stood.id)
        batch = reopened_for_change(client, user, reference)
        decide(batch)
        return LineDecision(before, _digest(get_batch(client, reference)), stood.state == BatchState.OPEN and not given)


def exclude_line_held(batch: Batch, user: User, line_id: int) -> None:
    """Exclude a line of a payment that `reopened_for_change` returned, in the caller's transaction: to be paid later.
    """
    _exclude(batch, user, line_id, None)


def include_line_held(batch: Batch, user: User, line_id: int) -> None:
    """Include an excluded line of a payment that `reopened_for_change` returned, in the caller's transaction."""
    _include(batch, user, line_id)


def _exclude(batch: Batch, user: User, line_id: int, verdict: str | None) -> None:
    line = _undecided_line(batch, line_id)
    if verdict is not None:
        line_doubts.withdraw_doubt(batch, user, line_id)
    if line.state == LineState.EXCLUDED and verdict in (None, line_verdicts.verdict_on(line.id)):
        return
    _set_state(batch, user, line, LineState.EXCLUDED)
    line_verdicts.record_verdict(batch, user, line.id, verdict or LATER)


def _include(batch: Batch, user: User, line_id: int) -> None:
    line = _undecided_line(batch, line_id)
    if line.state == LineState.EXCLUDED:
        line_doubts.withdraw_doubt(batch, user, line_id)
        _set_state(batch, user, line, LineState.OPEN)
        _note(batch, user, "line.accepted", line=line.id)


def _undecided_line(batch: Batch, line_id: int) -> BatchLine:
    line = BatchLine.get_or_none(BatchLine.id == line_id, BatchLine.batch == batch.id)
    if line is None or line.state not in (LineState.OPEN, LineState.EXCLUDED):
        raise NotFound
    return line


def _set_state(batch: Batch, user: User, line: BatchLine, state: str) -> None:
    BatchLine.update(state=state).where(BatchLine.id == line.id).execute()
    _changed(batch, user)


def _digest(batch: Batch) -> str:
    """Return the digest of the payment as it is in this transaction."""
    return totals.get_totals(batch, execution_date(batch), wishes_in_force(batch)).digest


def _changed(batch: Batch, user: User) -> None:
    """Record who changed the payment last; nobody when every change was undone."""
    excluded = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == LineState.EXCLUDED).exists()
    now = Batch.get_by_id(batch.id)
    as_sent = not excluded and now.execution_date is None and now.bank_account_id == now.company.bank_account_id
    Batch.update(last_edited_by=None if as_sent else user.id).where(Batch.id == batch.id).execute()


def include_all_lines(client: Client, user: User, reference: str) -> int:
    """Include every excluded line again, but those of which a doubt stands; return how many there were."""
    with transaction(client.id):
        batch = reopened_for_change(client, user, reference)
        back = (
            BatchLine.update(state=LineState.OPEN)
            .where(
                BatchLine.batch == batch.id, BatchLine.state == LineState.EXCLUDED,
                BatchLine.id.not_in(line_doubts.doubted_lines(batch.id)),
            )
            .execute()
        )
        if back:
            _changed(batch, user)
            _note(batch, user, "line.all_accepted", count=back)
        return back


def change_date_and_account(
    client: Client, user: User, reference: str, execution_date: date | None, account_id: int
) -> None:
    """Set the execution date (None: the first possible one) and the account.

    Raises:
    - DateInvalid
    - AccountInvalid: the account is not one that payments can be made from.
    - GAccountPaysTaxOnly: it cannot pay salaries.
    """
    usable = {view.id for view in payable_accounts(client)}
    if account_id not in usable:
        raise AccountInvalid
    with transaction(client.id):
        batch = reopened_for_change(client, user, reference)
        Batch.update(bank_account=account_id, execution_date=execution_date, last_edited_by=user.id).where(
            Batch.id == batch.id
        ).execute()
        changed = get_batch(client, reference)
        require_may_pay(changed.bank_account.iban, changed.kind)
        if execution_date is not None:
            require_valid(execution_date, bank_config_of(changed.bank_account.bank).cut_off)
        day = execution_date.isoformat() if execution_date else None
        _note(batch, user, "batch.changed", day=day, account=account_id)


def open_cautions(client: Client, user: User, reference: str, seen: list[str]) -> None:
    """Record that the user read these warnings; `seen` holds their names ("kind:about") as the screen had them."""
    warnings.acknowledge_warnings(get_batch(client, reference), user, seen)


def discard(client: Client, user: User, reference: str) -> None:
    """End a payment whose lines are all excluded, without paying (*Niet betalen*).

    Raises:
    - NothingToPay: not all lines are excluded.
    - DoubtStands
    """
    with transaction(client.id):
        batch = reopened_for_change(client, user, reference)
        line_doubts.require_settled(batch)
        if BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == LineState.OPEN).exists():
            raise NothingToPay
        excess_allowances.end_of_payment(batch, "discarded", user)
        state_machine.transition(batch, "discard", audit.by_user(user), "all_refused")


def reopen_held(batch: Batch, user: User) -> None:
    """Open a payment again that its bank did not execute, in the caller's transaction. It needs a new release, and gets
    a new order with new ids.

    The caller checks that it still pays what is owed (domain.payroll.reopening).

    Raises:
    - NotOpen
    """
    if (batch.state, "reopen") not in state_machine.TRANSITIONS:
        raise NotOpen(batch.state)
    void_releases(batch, "reopened")
    # An order that came back whole is closed; later bookings of it are still matched.
    BankOrder.update(state=OrderState.CLOSED, due_at=None).where(
        BankOrder.batch == batch.id, BankOrder.state == OrderState.EXECUTED
    ).execute()
    renew_end_to_end_ids(batch)
    Batch.update(execution_date=None).where(Batch.id == batch.id).execute()
    state_machine.transition(batch, "reopen", audit.by_user(user))


def _note(batch: Batch, user: User, kind: str, **details: Any) -> None:
    audit.record_event(batch.client_id, audit.by_user(user), kind, f"batch:{batch.reference}", **details)
