"""*Niet betaald*: what is owed and was not paid, why, and whether it can be put into a payment now.

Over all runs of a client: what a bank rejected or returned, what it may still execute, what is disputed, and what the
owner excluded. Only the dues decide whether something is still owed (`domain.payroll.dues`): what has been paid since,
or is in a payment that can be approved, is not listed. The number of SQL statements does not depend on the runs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from peewee import fn

from domain.payments import excess, line_verdicts, state_machine
from domain.payments.account_refusals import ACCOUNT_CODES
from domain.payments.held_lines import is_line_held
from domain.payroll import run_dues
from domain.payroll.run_dues import OwedLine
from domain.payroll.run_versions import PayableLine
from domain.payroll.unpaid_history import (
    DID_NOT_ARRIVE,
    WAITING_STATES,
    AskedLine,
    ChosenLine,
    DueHistory,
    Said,
    Statements,
    read_histories,
    read_statements,
    select_attempts,
)
from models import (
    COMMITTED,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Due,
    HeldLine,
    OrderLine,
    PayrollCompany,
    PayrollRun,
    require_client_lock,
)
from models.prepared import Prepared
from models.states import BatchState, LineState, RunState
from models.verdicts import NEVER


class Why(StrEnum):
    """Why something was not paid. Each has a text and a next step (`blueprints/payments/presenters/unpaid.py`)."""

    REFUSED = "refused"  # proved: it will not be executed
    RETURNED = "returned"  # paid, and came back
    NOT_ASKED = "not_asked"  # owed, and in no payment
    WRONG_ACCOUNT = "wrong_account"  # rejected or returned because of its account, which is unchanged
    LATER = "later"  # excluded by the owner, to be paid later
    EXCLUDED = "excluded"  # excluded by the owner, who decided not to pay it
    PENDING = "pending"  # rejected, but the bank may still execute it
    DISPUTED = "disputed"  # the bank's statements contradict each other
    UNCERTAIN = "uncertain"  # the bank may still execute it, though its payment is over
    HELD = "held"  # the file holds it in a way in which it cannot be paid
    SUSPENDED = "suspended"  # what is owed is unknown: the run is gone, or its file is invalid


# Can be put into a payment now.
PAYABLE = frozenset({Why.REFUSED, Why.RETURNED, Why.NOT_ASKED})
# Owed, but somebody must do or say something before it can be paid.
WAITING = frozenset({Why.PENDING, Why.DISPUTED, Why.UNCERTAIN, Why.SUSPENDED})


Placed = Sequence[tuple[int, PayableLine]]  # lines with their positions in the file


@dataclass(frozen=True)
class UnpaidLine:
    """An amount that is owed and was not paid, in cents of `currency`; None if the file's amount has a part of one.

    `owed`: what can be put into a payment. `reference`, `since` (UTC): of the payment that did not pay it.
    `until`: last day on which the bank may still execute it.
    `excluded_line`: the line that the owner excluded, in a payment that went on without it.
    `left_out`: the line that the owner excluded, in whatever payment.
    `asked_line`: the payment line that may still be executed, or is disputed.
    `needs_action`: that payment itself asks for an action.
    `returned`: it was paid, and came back.
    `held`: why the file's line cannot be paid (`connectors.nmbrs.payment_file`); `due` is None if it is not in euros.
    """

    why: Why
    run: PayrollRun
    due: int | None
    name: str
    iban: str
    amount_cents: int | None
    owed: OwedLine | None
    reference: str | None
    since: datetime
    said: Said | None = None
    until: date | None = None
    excluded_line: int | None = None
    left_out: int | None = None
    asked_line: int | None = None
    needs_action: bool = False
    returned: bool = False
    held: str | None = None
    currency: str = "EUR"

    @property
    def key(self) -> str:
        """Tells the lines of a run apart that can be put into a payment."""
        return f"{self.due}-{self.owed.position}" if self.owed else ""


# --- asking ---------------------------------------------------------------------------------------
def unpaid_lines(client: Client) -> list[UnpaidLine]:
    """Return what is owed and not paid over all runs of a client: newest run first, in file order."""
    found = [*_of_client.read(client.id), *_held_without_due(PayrollRun.client == client.id)]
    return sorted(found, key=lambda one: -one.run.id)


def unpaid_lines_of_payment(batch_id: int, reference: str) -> list[UnpaidLine]:
    """Return what this payment did not pay, if it is still owed and in no other payment."""
    return [one for one in _of_payment.read(batch_id) if one.reference == reference]


def unpaid_lines_of_run(run: PayrollRun) -> list[UnpaidLine]:
    """Return what is owed and not paid of one run, in a transaction that holds the client's lock."""
    require_client_lock(run.client_id)
    return _of_run.read(run.id)


class _Scope:
    """Which payments and runs are read: SQL conditions on them, from the one id that is given."""

    def __init__(self, conditions: Callable[[Any], tuple[Any, Any]]) -> None:
        self._dues = Prepared(lambda given: _select_dues(_doubtful_dues(*conditions(given))))
        self._attempts = Prepared(lambda given: select_attempts(_doubtful_dues(*conditions(given))))

    def read(self, given: int) -> list[UnpaidLine]:
        """Return the unpaid lines: newest run first, in file order."""
        dues = self._dues(given)
        if not dues:
            return []
        histories = read_histories(self._attempts(given))
        said = read_statements(one for history in histories.values() for one in history.asked)
        owed = run_dues.owed_lines(dues)
        found = [line for due in dues for line in _lines(due, owed[due.id], histories[due.id], said)]
        return sorted(found, key=lambda one: (-one.run.id, one.owed.position if one.owed else 0))


_of_client = _Scope(lambda client: (Batch.client == client, PayrollRun.client == client))
_of_run = _Scope(lambda run: (Batch.run == run, PayrollRun.id == run))
_of_payment = _Scope(
    lambda batch: (Batch.id == batch, PayrollRun.id.in_(Batch.select(Batch.run).where(Batch.id == batch)))
)


def _select_dues(dues: Any) -> Any:
    held = HeldLine.select(HeldLine.id).where(HeldLine.due == Due.id)
    return (
        Due.select(Due, PayrollRun, PayrollCompany, fn.EXISTS(held).alias("has_held"))
        .join(PayrollRun).join(PayrollCompany)
        .where(Due.id.in_(dues), Due.owed_cents > 0, PayrollRun.redacted_at.is_null())
        .order_by(Due.run.desc(), Due.id)
    )  # fmt: skip


def _held_without_due(runs: Any) -> Iterator[UnpaidLine]:
    """Yield the held lines of which nothing is owed in euros: in another currency, or with a part of a cent."""
    rows = (
        HeldLine.select(HeldLine, PayrollRun, PayrollCompany).join(PayrollRun).join(PayrollCompany)
        .where(runs, is_line_held(), HeldLine.due.is_null(), PayrollRun.redacted_at.is_null())
        .order_by(HeldLine.run.desc(), HeldLine.number)
    )  # fmt: skip
    for row in rows:
        known = row.run.state == RunState.IMPORTED and row.run.unlisted_since is None
        yield UnpaidLine(
            Why.HELD if known else Why.SUSPENDED, row.run, None, row.name, row.iban, row.amount_cents, None, None,
            row.run.changed_at, held=row.reason, currency=row.currency,
        )  # fmt: skip


def _doubtful_dues(batches: Any, runs: Any) -> Any:
    """Return a query of the dues that may be owed and unpaid. It skips payments that were executed whole by their only
    order: nothing of them came to nothing. An earlier order of another may have come back since.
    """
    asked = OrderLine.select(BatchLine.due).join(BatchLine).join(Batch).where(batches)
    left = (OrderLine.standing == "possible") & Batch.state.not_in(tuple(state_machine.AT_THE_BANK))
    not_over = (OrderLine.standing == "disputed") | OrderLine.may_execute_until.is_null(False) | left
    uncertain = asked.where(Batch.state != BatchState.EXECUTED, not_over)
    orders = BankOrder.select(BankOrder.batch).join(Batch).where(batches).group_by(BankOrder.batch)
    ordered_again = Batch.id.in_(orders.having(fn.count(BankOrder.id) > 1))
    refused = asked.where(
        (Batch.state != BatchState.EXECUTED) | ordered_again, OrderLine.standing.in_((*DID_NOT_ARRIVE, "unsent"))
    )
    shorter = BankOrder.select().where(BankOrder.batch == Batch.id, BankOrder.line_count < Batch.line_count)
    lines = BatchLine.select(BatchLine.due).join(Batch).where(batches)
    excluded = lines.where(
        Batch.state.not_in((*WAITING_STATES, BatchState.REPLACED)), BatchLine.state == LineState.EXCLUDED,
        (Batch.state != BatchState.EXECUTED) | fn.EXISTS(shorter),
    )  # fmt: skip
    replaced = lines.where(Batch.state == BatchState.REPLACED)
    suspended = (
        Due.select(Due.id)
        .join(PayrollRun)
        .where(runs, PayrollRun.state != RunState.IMPORTED, Due.suspended_at.is_null(False))
    )
    held = HeldLine.select(HeldLine.due).join(PayrollRun).where(runs, is_line_held(), HeldLine.due.is_null(False))
    return uncertain.union(still_owed(refused.union(excluded).union(replaced).union(suspended).union(held)))


def still_owed(dues: Any) -> Any:
    """Return a query of those dues (a query of ids) of which banks were given less than is owed."""
    given = OrderLine.select(fn.coalesce(fn.sum(OrderLine.amount_cents), 0)).join(BatchLine)
    given = given.join(Batch).where(
        BatchLine.due == Due.id, OrderLine.standing.in_(COMMITTED), Batch.id.not_in(excess.beyond_payments())
    )
    return Due.select(Due.id).where(Due.id.in_(dues), Due.owed_cents > given)


def people_paid_later(clients: Any) -> dict[int, int]:
    """Return how many people of each of these clients (ids, or a query of them) somebody left out of a payment, to be
    paid later: who is still owed something, and is in no payment that waits.
    """
    lines = BatchLine.select(BatchLine.due).join(Batch).where(Batch.client.in_(clients))
    waits = lines.where(Batch.state.in_(WAITING_STATES), BatchLine.state == LineState.OPEN)
    left_out = lines.where(line_verdicts.paid_later(), ~excess.is_excess())
    query: Any = Due.select(PayrollRun.client, fn.count(Due.id)).join(PayrollRun).where(
        Due.id.in_(still_owed(left_out)), Due.id.not_in(waits), Due.suspended_at.is_null(),
        PayrollRun.unlisted_since.is_null(), PayrollRun.redacted_at.is_null(),
    )  # fmt: skip
    return dict(query.group_by(PayrollRun.client).tuples())


# --- concluding -----------------------------------------------------------------------------------
def _lines(due: Due, owed: Placed, history: DueHistory, said: Statements) -> Iterator[UnpaidLine]:
    offer = run_dues.offer_of([(due.id, owed, history.earlier())])
    for one in offer.pay:
        yield _payable(due, one, history, said)
    for one in offer.held:
        yield _held(due, one)
    chosen = {one.id: one for one in history.chosen}
    for line_id, one in offer.excluded.items():
        if not chosen[line_id].waits:
            yield _excluded(due, one, chosen[line_id], line_id)
    for asked in history.asked:
        if why := _why_waiting(asked):
            yield UnpaidLine(
                why, due.run, due.id, asked.name, asked.iban, asked.cents, None, asked.reference,
                _since(asked, said.last(asked)), said.last(asked), asked.until,
                asked_line=asked.batch_line, needs_action=asked.batch_state in state_machine.NEEDS_ACTION,
            )  # fmt: skip


def _why_waiting(asked: AskedLine) -> Why | None:
    if asked.standing == "disputed":
        return Why.DISPUTED
    if asked.standing == "possible" and asked.until:
        return Why.PENDING
    return Why.UNCERTAIN if asked.uncertain else None


def _payable(due: Due, one: OwedLine, history: DueHistory, said: Statements) -> UnpaidLine:
    """Return an amount that is owed and given to no bank, with the outcome of the last attempt to pay it."""
    tried = _last_try(one, [each for each in history.asked if _failed(each)])
    left_out = [each for each in history.chosen if each.excluded and each.batch_state == BatchState.DISCARDED]
    if left_out and (tried is None or left_out[-1].id >= tried.batch_line):
        return _excluded(due, one, left_out[-1], None)
    last = said.last(tried) if tried else None
    since = _suspended_since(due) or (_since(tried, last) if tried else due.updated_at)
    why = Why.SUSPENDED if _suspended_since(due) else _why_unpaid(one, tried, last)
    return UnpaidLine(
        why, due.run, due.id, one.line.creditor_name, one.line.creditor_iban, one.line.amount_cents, one,
        tried.reference if tried else None, since, last,
        needs_action=tried is not None and tried.batch_state in state_machine.NEEDS_ACTION,
        returned=tried is not None and tried.standing == "returned",
    )  # fmt: skip


def _failed(one: AskedLine) -> bool:
    return one.standing in DID_NOT_ARRIVE and not one.beyond


def _last_try(one: OwedLine, tries: Sequence[AskedLine]) -> AskedLine | None:
    """Return the last attempt to pay it, preferably to this account."""
    same = [each for each in tries if each.iban == one.line.creditor_iban]
    return (same or list(tries) or [None])[-1]


def _why_unpaid(one: OwedLine, tried: AskedLine | None, said: Said | None) -> Why:
    if tried is None:
        return Why.NOT_ASKED
    same_account = tried.iban == one.line.creditor_iban and tried.reason in ACCOUNT_CODES
    if same_account and (tried.order_lines == 1 or (said is not None and said.about_line)):
        return Why.WRONG_ACCOUNT
    return Why.RETURNED if tried.standing == "returned" else Why.REFUSED


def _excluded(due: Due, one: OwedLine, line: ChosenLine, excluded_line: int | None) -> UnpaidLine:
    why = Why.EXCLUDED if line.verdict == NEVER else Why.LATER
    return UnpaidLine(
        Why.SUSPENDED if _suspended_since(due) else why, due.run, due.id, one.line.creditor_name,
        one.line.creditor_iban, one.line.amount_cents, one, line.reference, line.since,
        excluded_line=excluded_line, left_out=line.id,
    )  # fmt: skip


def _held(due: Due, one: OwedLine) -> UnpaidLine:
    return UnpaidLine(
        Why.SUSPENDED if _suspended_since(due) else Why.HELD, due.run, due.id, one.line.creditor_name,
        one.line.creditor_iban,
        one.line.amount_cents, None, None, due.updated_at, held=one.line.held,
    )  # fmt: skip


def _suspended_since(due: Due) -> datetime | None:
    """Return since when (UTC) what is owed is unknown; None if it is known."""
    return due.suspended_at or due.run.unlisted_since


def _since(asked: AskedLine, said: Said | None) -> datetime:
    return said.at if said else asked.since
