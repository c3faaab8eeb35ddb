"""Set up a payment again that was not executed (*Opnieuw klaarzetten*): with what its run owes now, never old figures.

If what is payable is still exactly this payment, it is opened again, for a new order. Otherwise a new payment of all
that is payable of the run replaces it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from domain.common import audit
from domain.common.errors import NotOpen
from domain.payments import amendments, commitments, excess, lost_orders, state_machine
from domain.payments.queries import get_batch_locked, require_details
from domain.payments.totals import lines_of
from domain.payroll import excess_payment, payment_creation, run_dues, supersession
from domain.payroll.run_dues import Offer, OwedLine
from models import Batch, Client, PayrollRun, User, transaction
from models.states import BatchState, LineState, RunState

# States in which nothing is at a bank.
_WAITING = (BatchState.OPEN, BatchState.APPROVED)
# States of lines that no longer have to be paid.
_DONE = (LineState.SUPERSEDED, LineState.EXECUTED)


def reopen_payment(client: Client, user: User, reference: str) -> Batch | None:
    """Set up a rejected, failed or cancelled payment again. Return the payment that is open now.

    Return None if nothing is owed any more, or what is owed is unknown: the payment then gets no replacement.

    Raises:
    - NotOpen: it may have been paid, or is open already.
    - DetailsRemoved: whom it would pay was removed after the years that are kept.
    - NotFound: it is another client's.
    """
    with transaction(client.id):
        batch = get_batch_locked(client, reference)
        require_details(batch.run)
        if (batch.state, "reopen") not in state_machine.TRANSITIONS:
            raise NotOpen(batch.state)
        if excess.is_beyond(batch):
            return excess_payment.reopen(batch, user)
        found = run_dues.offer(batch.run)
        if _is_payable_as_it_is(batch, found):
            amendments.reopen_held(batch, user)
            return batch
        return _renew(batch, found, audit.by_user(user))


def _is_payable_as_it_is(batch: Batch, found: Offer) -> bool:
    """Return whether this payment, with those of its run that wait, pays exactly what is payable."""
    if excess.was_allowed(batch):
        return False
    waiting = Batch.select().where(
        Batch.run == batch.run_id, Batch.state.in_(_WAITING), Batch.id.not_in(excess.beyond_payments())
    )
    lines = [line for one in [batch, *waiting] for line in lines_of(one) if line.state not in _DONE]
    asked = Counter((line.due_id, line.creditor_name, line.creditor_iban, line.amount_cents, line.remittance)
                    for line in lines)  # fmt: skip
    payable = [*found.pay, *_excluded_among(found, [line.id for line in lines])]
    return asked == Counter((one.due, *one.line.key) for one in payable)


def _excluded_among(found: Offer, line_ids: Sequence[int]) -> list[OwedLine]:
    """Return which of these lines stay excluded. Exclusions in payments that stay are shown there."""
    return [found.excluded[one] for one in line_ids if one in found.excluded]


def _renew(batch: Batch, found: Offer, actor: str) -> Batch | None:
    """Replace all payments of the run that were not sent by one payment of what is payable."""
    run = batch.run
    beyond = excess.beyond_payments()
    before = Batch.select().where(Batch.run == run.id, Batch.id.not_in(beyond)).order_by(Batch.id)
    given_up = [one for one in before if one.state in _WAITING or (one.state, "reopen") in state_machine.TRANSITIONS]
    excluded = _excluded_among(
        found, [line.id for one in given_up for line in lines_of(one) if line.state == LineState.EXCLUDED]
    )
    stay = supersession.supersede_batches(run, "set_up_anew" if found.pay else _why_nothing(run))
    supersession.supersede_lines(found.superseded)
    run_dues.store_open(run, run.version, found)
    payment_creation.record_offer(run, found)
    if not found.pay:
        return None
    newest = given_up[-1]
    lines = sorted([*found.pay, *excluded], key=lambda one: one.position)
    return payment_creation.create_payment(
        run, lines, run.version or newest.version, bool(stay), newest.file_debtor_iban,
        payment_creation.known_employees(newest), actor, instead_of=batch.reference,
    )  # fmt: skip


def _why_nothing(run: PayrollRun) -> str:
    known: dict[str, str] = {RunState.DELETED: "vanished", RunState.INVALID: "run_refused"}
    return known.get(run.state, "nothing_more")


# --- payments that were overtaken -----------------------------------------------------------------
def overtaken_runs() -> list[int]:
    """Return the runs with a waiting payment that would pay more than is owed now.

    A payment that comes back from its bank still has the figures that it was made with.
    """
    several = {row.run_id for row in Batch.select(Batch.run).where(Batch.state.in_(state_machine.SENT)).distinct()}
    several |= lost_orders.runs_with_lost_orders()
    waiting = Batch.select(Batch, PayrollRun).join(PayrollRun).where(_waits()).order_by(Batch.id)
    doubtful = [one for one in waiting if one.run_id in several or one.version.partition(":")[0] != one.run.version]
    return sorted({one.run_id for one in doubtful if _is_overtaken(one)})


def _waits() -> Any:
    return Batch.state.in_(_WAITING) & Batch.id.not_in(excess.beyond_payments())


def _is_overtaken(batch: Batch) -> bool:
    return bool(commitments.exceeding_dues(batch, lines_of(batch)))


def renew_overtaken(run_id: int) -> Batch | None:
    """Replace the waiting payments of a run by one of what is payable; None if there is nothing to replace or to pay.
    """
    run = PayrollRun.get_by_id(run_id)
    with transaction(run.client_id):
        waiting = Batch.select().where(Batch.run == run.id, _waits()).order_by(Batch.id)
        batch = next((one for one in waiting if _is_overtaken(one)), None)
        if batch is None:
            return None
        held = get_batch_locked(Client.get_by_id(batch.client_id), batch.reference)
        made = _renew(held, run_dues.offer(run), audit.WORKER)
        if made is not None:
            payment_creation.notify_approvers(made)
        return made
