"""Pay somebody more than is owed: ask for it beside a line, allow it as a second person, and make the payment of it.

The payment holds one line and is approved like any other; only its arithmetic differs (`domain.payments.excess`).
"""

from dataclasses import dataclass, replace

from domain.common import audit
from domain.common.errors import (
    ExcessOutdated,
    ExcessUnderWay,
    NoPendingRequest,
    NotCounting,
    NotFound,
    NotOpen,
    NotSignedYet,
)
from domain.payments import commitments, excess, excess_allowances, four_eyes, state_machine
from domain.payments.amendments import reopen_held, void_releases
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.references import EXCESS_MARK, excess_version
from domain.payments.release import require_person_with_pin, require_still_may
from domain.payroll import payment_creation, run_dues, supersession
from domain.payroll.run_dues import OwedLine
from models import (
    COMMITTED,
    Batch,
    BatchLine,
    Client,
    Device,
    Due,
    ExcessAllowance,
    Membership,
    OrderLine,
    PayrollRun,
    User,
    transaction,
)
from models.states import BatchState, RunState

_OVER = (BatchState.DISCARDED, BatchState.REPLACED)
# States in which its payment may be at a bank, or has moved money: too late to withdraw.
_TOO_LATE = state_machine.SENT - {BatchState.RETURNED}
_UNSIGNED = frozenset({BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK})


@dataclass(frozen=True)
class Beside:
    """A line that counts, and whom an amount beyond what is owed would be paid to, by the newest version of the run.

    `line`: its order line. `amount_cents`: what the chosen line pays, proposed as the amount. `owed_cents`: what this
    person is owed; `given_cents`: what was paid of it, or may be.
    """

    line: int
    due: int
    name: str
    iban: str
    remittance: str
    amount_cents: int
    owed_cents: int
    given_cents: int


# --- asking ---------------------------------------------------------------------------------------
def may_ask(state: str, is_manual: bool) -> bool:
    """Return whether money of a payment in this state may have moved, so that more can be asked beside its lines.

    Whether a payment that a person took to the bank (`is_manual`) was signed, nobody tells us.
    """
    return state in state_machine.SENT and (is_manual or state not in _UNSIGNED)


def find_beside(client: Client, reference: str, line_id: int) -> Beside:
    """Return what may be paid beside this line of a payment.

    Raises:
    - NotFound
    - NotSignedYet: its payment waits for the signature.
    - NotCounting: the line neither was paid nor may be paid: what is owed can be paid in the ordinary way.
    - ExcessUnderWay: more is asked or allowed beside this line already.
    - ExcessOutdated: what the run owes is unknown now, or holds this person no longer as somebody who can be paid.
    """
    batch = get_batch(client, reference)
    line = BatchLine.get_or_none(BatchLine.id == line_id, BatchLine.batch == batch.id)
    if line is None or line.due_id is None:
        raise NotFound
    counting = _counting_line(line)
    allowance = excess.allowance_of(batch)
    beside = allowance.beside if allowance else counting
    if counting is None or beside is None or beside.standing not in COMMITTED:
        raise NotCounting
    if batch.state in _UNSIGNED and not counting.order.is_manual:
        raise NotSignedYet
    if excess_allowances.unfinished_beside(beside.id):
        raise ExcessUnderWay
    due = Due.get_by_id(line.due_id)
    owed = _present_line(due, line.creditor_name, line.creditor_iban, line.remittance)
    if owed is None or not _is_known(due):
        raise ExcessOutdated
    return Beside(
        beside.id, due.id, owed.line.creditor_name, owed.line.creditor_iban, owed.line.remittance, line.amount_cents,
        due.owed_cents, commitments.given_of_due(due.id),
    )  # fmt: skip


def _counting_line(line: BatchLine) -> OrderLine | None:
    given = OrderLine.select().where(OrderLine.batch_line == line.id, OrderLine.standing.in_(COMMITTED))
    return given.order_by(OrderLine.id.desc()).first()


def _is_known(due: Due) -> bool:
    run = due.run
    known = run.unlisted_since is None and run.state == RunState.IMPORTED
    return known and due.suspended_at is None and run.redacted_at is None


def _present_line(due: Due, *text: str) -> OwedLine | None:
    """Return the line of this person that is most like it (name, account, description), as the newest version has it.
    """
    placed = [OwedLine(due.id, position, line) for position, line in run_dues.placed_lines(due)]
    name, iban, remittance = text

    def likeness(one: OwedLine) -> tuple[bool, bool, bool]:
        line = one.line
        return (line.remittance == remittance, line.creditor_iban == iban, line.creditor_name == name)

    return max(placed, key=likeness, default=None)


def ask(
    membership: Membership, reference: str, line_id: int, amount_cents: int, reason: str, pin: str,
    device: Device | None,
) -> ExcessAllowance:  # fmt: skip
    """Ask a second person to allow an amount (cents) beyond what is owed, beside this line. Nothing is paid yet.

    Raises:
    - NotFound, NotCounting, NotSignedYet, ExcessUnderWay, ExcessOutdated: the line.
    - InsufficientRole, NotIdentified, ReidentificationRequired, AuthorityPending, AuthorityRefused,
      RegisterUnavailable, UnknownCompany: the person.
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed: the proof.
    - TooFewApprovers: nobody else may allow it.
    """
    client = membership.client
    find_beside(client, reference, line_id)
    require_person_with_pin(membership, pin, device)
    with transaction(client.id):
        get_batch_locked(client, reference)
        found = find_beside(client, reference, line_id)
        return excess_allowances.store_request(
            membership, due=found.due, beside=found.line, creditor_name=found.name, creditor_iban=found.iban,
            remittance=found.remittance, amount_cents=amount_cents, reason=reason,
        )  # fmt: skip


# --- allowing -------------------------------------------------------------------------------------
def allow(membership: Membership, allowance_id: int, pin: str, device: Device | None) -> Batch:
    """Allow it, as a second natural person. Return the payment that was made of it, which is still to be approved.

    Raises:
    - NotFound
    - NoPendingRequest: it was allowed or withdrawn, or who asked may no longer sign.
    - SamePerson: the user asked for it, with this account or another.
    - NotCounting, ExcessOutdated: what is paid or owed has changed since it was asked.
    - InsufficientRole, NotIdentified, ReidentificationRequired, AuthorityPending, AuthorityRefused,
      RegisterUnavailable, UnknownCompany: the person.
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed: the proof.
    """
    client, user = membership.client, membership.user
    excess_allowances.require_other_person(excess_allowances.get_allowance(client, allowance_id), user)
    require_person_with_pin(membership, pin, device)
    with transaction(client.id):
        require_still_may(membership)
        allowance = excess_allowances.get_allowance(client, allowance_id)
        if allowance.allowed_at is not None or allowance.withdrawn_at is not None:
            raise NoPendingRequest
        excess_allowances.require_other_person(allowance, user)
        batch = _make_payment(allowance, audit.by_user(user))
        excess_allowances.store_allowed(allowance, user, batch)
        payment_creation.notify_approvers(batch)
        return batch


def _make_payment(allowance: ExcessAllowance, actor: str) -> Batch:
    beside, due = allowance.beside, allowance.due
    if beside.standing not in COMMITTED:
        raise NotCounting
    owed = _asked_line(allowance)
    if owed is None or not _is_known(due) or due.run.version is None:
        raise ExcessOutdated
    line = replace(owed, line=replace(owed.line, amount_cents=allowance.amount_cents), position=1)
    run, earlier = due.run, beside.batch_line.batch
    return payment_creation.create_payment(
        run, [line], due.run.version, False, earlier.file_debtor_iban, None, actor,
        attempt=_attempt(allowance, due.run.version), allowance=allowance.id,
    )  # fmt: skip


def _asked_line(allowance: ExcessAllowance) -> OwedLine | None:
    """Return the line of its person and account; None if the newest version no longer has one."""
    asked = (allowance.creditor_name, allowance.creditor_iban, allowance.remittance)
    owed = _present_line(allowance.due, *asked)
    same = owed is not None and (owed.line.creditor_name, owed.line.creditor_iban) == asked[:2]
    return owed if same else None


def _attempt(allowance: ExcessAllowance, version: str) -> str:
    beside = allowance.beside
    mark = f"{EXCESS_MARK}{beside.end_to_end_id}"
    earlier = Batch.select().where(Batch.run == allowance.due.run_id, Batch.version.contains(mark)).count()
    return excess_version(version, beside.end_to_end_id, earlier + 1)


# --- withdrawing, and what follows a recalculation ------------------------------------------------
def withdraw(membership: Membership, allowance_id: int) -> ExcessAllowance:
    """Withdraw a request or an allowance. It pays nothing from then on; its payment gets no replacement.

    Whoever may release may stop it too, until its payment goes to a bank.

    Raises:
    - NotFound, InsufficientRole
    - NoPendingRequest: it was withdrawn already.
    - NotOpen: its payment may be at a bank.
    """
    client, user = membership.client, membership.user
    with transaction(client.id):
        require_still_may(membership)
        allowance = excess_allowances.get_allowance(client, allowance_id)
        if allowance.withdrawn_at is not None:
            raise NoPendingRequest
        batch = get_batch_locked(client, allowance.batch.reference) if allowance.batch else None
        if batch is not None and batch.state in _TOO_LATE:
            raise NotOpen(batch.state)
        excess_allowances.end_allowance(allowance, "withdrawn", user)
        if batch is not None and batch.state not in state_machine.SENT:
            supersession.replace_batches([batch], "excess_withdrawn")
        return allowance


def carry_over(run: PayrollRun) -> None:
    """Keep what was allowed of a run that was calculated again, if its person and account are as they were; else end
    it, and tell so. Its payment is to be approved anew. Call it in the transaction of the new version.
    """
    for allowance in _live(run):
        if _asked_line(allowance) is None or not _is_still_owed(allowance.due):
            _end(allowance, "run_again")
        elif allowance.batch is not None:
            _approve_anew(allowance.batch)


def end_all(run: PayrollRun, reason: str) -> None:
    """End all requests and allowances of a run whose dues are unknown. Call it inside a transaction."""
    for allowance in _live(run):
        _end(allowance, reason)


def reopen(batch: Batch, user: User) -> Batch | None:
    """Open a payment beyond what is owed again, which its bank did not execute, in the caller's transaction.

    Return None if its person or account is no longer as it was allowed: then the allowance ends.
    """
    allowance = excess.allowance_of(batch)
    if allowance is None or _asked_line(allowance) is None or not _is_known(allowance.due):
        if allowance is not None:
            _end(allowance, "run_again")
        return None
    reopen_held(batch, user)
    return batch


def _is_still_owed(due: Due) -> bool:
    """Return whether the newest version holds this person."""
    return due.owed_cents > 0


def _live(run: PayrollRun) -> list[ExcessAllowance]:
    query = ExcessAllowance.select(ExcessAllowance, Due).join(Due)
    rows = query.where(Due.run == run.id, ExcessAllowance.withdrawn_at.is_null()).order_by(ExcessAllowance.id)
    return [one for one in rows if one.batch is None or one.batch.state not in _TOO_LATE]


def _approve_anew(found: Batch) -> None:
    batch = get_batch_locked(Client.get_by_id(found.client_id), found.reference)
    if batch.state == BatchState.OPEN:
        four_eyes.void_approvals_of(batch, "run_again")
    elif batch.state == BatchState.APPROVED:
        void_releases(batch, "run_again")
        state_machine.transition(batch, "change", audit.WORKER, "run_again")


def _end(allowance: ExcessAllowance, reason: str) -> None:
    excess_allowances.end_allowance(allowance, reason)
    if allowance.batch is not None and allowance.batch.state not in (BatchState.RETURNED, *_OVER):
        supersession.replace_batches([allowance.batch], reason)
