"""Put unpaid amounts into a payment: what a bank rejected or returned, and what the owner excluded before.

The payment holds what is owed now, at most once (`domain.payroll.unpaid`), and is approved like any other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.common import audit
from domain.common.errors import NotFound
from domain.payments import amendments, excess, line_verdicts, state_machine
from domain.payments.queries import get_batch_locked
from domain.payments.totals import lines_of
from domain.payroll import payment_creation, supersession, unpaid
from domain.payroll.run_dues import OwedLine
from domain.payroll.unpaid import PAYABLE, UnpaidLine, Why
from models import Batch, BatchLine, Client, PayrollRun, User, transaction
from models.states import BatchState, LineState

_WAITING = (BatchState.OPEN, BatchState.APPROVED)
# States of lines that a payment does not pay.
_NOT_ASKED = (LineState.SUPERSEDED, LineState.EXECUTED, LineState.EXCLUDED)


class Choice(StrEnum):
    """Which lines a person puts into a payment."""

    PAYABLE = "payable"
    LATER = "later"
    EXCLUDED = "excluded"  # to be paid later, or not
    WRONG_ACCOUNT = "wrong_account"  # to the same account that a bank rejected


_WHY = {
    Choice.PAYABLE: PAYABLE,
    Choice.LATER: frozenset({Why.LATER}),
    Choice.EXCLUDED: frozenset({Why.LATER, Why.EXCLUDED}),
    Choice.WRONG_ACCOUNT: frozenset({Why.WRONG_ACCOUNT}),
}


@dataclass(frozen=True)
class Prepared:
    """The payment to approve; None if nothing is left to pay. `new`: it was prepared just now."""

    batch: Batch | None
    new: bool


def pay_unpaid(client: Client, user: User, run_id: int, choice: Choice, key: str | None = None) -> Prepared:
    """Put the chosen lines of a run into a payment to approve. `key`: only this line (`UnpaidLine.key`).

    If they are in a payment already, return the waiting payment of this run.

    Raises:
    - NotFound: the run is another client's.
    """
    with transaction(client.id):
        run = _run_of(client, run_id)
        found = unpaid.unpaid_lines_of_run(run)
        chosen = [one for one in found if one.why in _WHY[choice] and key in (None, one.key)]
        if not chosen:
            return Prepared(_newest(run, _WAITING), new=False)
        if choice is not Choice.PAYABLE:
            _take_back(chosen)
            lines = (replace(one.owed, excluded=False) for one in chosen if one.owed)
            return Prepared(_create(run, lines, audit.by_user(user), choice), new=True)
        same = _reopen_same(client, user, run, chosen)
        return Prepared(same or _replace_refused(run, chosen, found, audit.by_user(user)), new=True)


def decide_left_out(client: Client, user: User, run_id: int, key: str, verdict: str) -> bool:
    """Say of a line that was left out whether it is paid later or not (`line_verdicts`). Return whether it is one.

    Raises:
    - NotFound: the run is another client's.
    """
    with transaction(client.id):
        run = _run_of(client, run_id)
        for one in unpaid.unpaid_lines_of_run(run):
            if one.why in _WHY[Choice.EXCLUDED] and one.key == key and one.left_out and one.reference:
                batch = get_batch_locked(client, one.reference)
                line_verdicts.record_verdict(batch, user, one.left_out, verdict)
                return True
        return False


def _run_of(client: Client, run_id: int) -> PayrollRun:
    run = PayrollRun.get_or_none(PayrollRun.id == run_id, PayrollRun.client == client.id)
    if run is None:
        raise NotFound
    return run


def _newest(run: PayrollRun, states: Sequence[str]) -> Batch | None:
    mine = Batch.select().where(Batch.run == run.id, Batch.state.in_(states), ~excess.is_excess())
    return mine.order_by(Batch.id.desc()).first()


def _reopen_same(client: Client, user: User, run: PayrollRun, chosen: Sequence[UnpaidLine]) -> Batch | None:
    """Open an earlier payment again if it holds exactly these lines."""
    wanted = Counter((one.due, *one.owed.line.key) for one in chosen if one.owed)
    for batch in Batch.select().where(Batch.run == run.id, ~excess.is_excess()).order_by(Batch.id.desc()):
        if (batch.state, "reopen") in state_machine.TRANSITIONS and _asked(batch) == wanted:
            held = get_batch_locked(client, batch.reference)
            amendments.reopen_held(held, user)
            return held
    return None


def _asked(batch: Batch) -> Counter:
    lines = [line for line in lines_of(batch) if line.state not in _NOT_ASKED]
    return Counter(
        (one.due_id, one.creditor_name, one.creditor_iban, one.amount_cents, one.remittance) for one in lines
    )


def _replace_refused(run: PayrollRun, chosen: Sequence[UnpaidLine], found: Sequence[UnpaidLine], actor: str) -> Batch:
    """Make a payment of these lines in place of those that a bank rejected whole; waiting payments stay.

    Lines that the owner excluded in a replaced payment stay excluded in the new one.
    """
    given_up = supersession.refused_batches(run)
    excluded = [one for one in found if one.excluded_line and one.reference in {batch.reference for batch in given_up}]
    supersession.replace_batches(given_up, "set_up_anew")
    return _create(run, (one.owed for one in (*chosen, *excluded) if one.owed), actor, Choice.PAYABLE)


def _take_back(chosen: Sequence[UnpaidLine]) -> None:
    """End the owner's exclusion: the line is in another payment now."""
    excluded = [one.excluded_line for one in chosen if one.excluded_line]
    BatchLine.update(state=LineState.SUPERSEDED).where(
        BatchLine.id.in_(excluded), BatchLine.state == LineState.EXCLUDED
    ).execute()


def _create(run: PayrollRun, lines: Iterable[OwedLine], actor: str, choice: Choice) -> Batch:
    earlier = supersession.batches_of(run)
    return payment_creation.create_payment(
        run, sorted(lines, key=lambda one: one.position), run.version or earlier[-1].version.partition(":")[0],
        any(one.state in state_machine.SENT for one in earlier), earlier[-1].file_debtor_iban,
        payment_creation.known_employees(earlier[-1]), actor, unpaid=choice.value,
    )  # fmt: skip
