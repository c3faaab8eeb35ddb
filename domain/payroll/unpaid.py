"""*Niet betaald*: who did not get what is owed, why, and whether it can be put into a payment now.

What a bank refused or returned, what it may still execute, what contradicts itself, and what the owner left out, of
all runs of a client. Whether something is still owed is reckoned by the dues alone (`domain.payroll.dues`): whatever
was paid since, or waits in a payment that can be approved, is not here. The number of statements is fixed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from peewee import fn

from domain.payments import state_machine
from domain.payments.account_refusals import ACCOUNT_CODES
from domain.payroll import run_dues
from domain.payroll.run_dues import OwedLine
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
)
from models import (
    COMMITTED,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Due,
    OrderLine,
    PayrollCompany,
    Run,
    require_client_lock,
)


class Why(StrEnum):
    """Why somebody did not get it. Each has words and a way on (`blueprints/payments/presenters/unpaid.py`)."""

    REFUSED = "refused"  # proved: it will not be executed
    RETURNED = "returned"  # it was paid, and came back
    NOT_ASKED = "not_asked"  # owed, and in no payment
    WRONG_ACCOUNT = "wrong_account"  # refused or returned because of its account, which is still the same
    EXCLUDED = "excluded"  # the owner left it out
    PENDING = "pending"  # refused, and the bank may still execute it
    DISPUTED = "disputed"  # the bank contradicts itself
    UNCERTAIN = "uncertain"  # the bank may still execute it, though its payment is over
    SUSPENDED = "suspended"  # it is not known what is owed: the run is gone, or its file is wrong


# May be paid now without a second thought.
PAYABLE = frozenset({Why.REFUSED, Why.RETURNED, Why.NOT_ASKED})
# Owed, and not to be paid now: somebody else has to do or say something first.
WAITING = frozenset({Why.PENDING, Why.DISPUTED, Why.UNCERTAIN, Why.SUSPENDED})


@dataclass(frozen=True)
class UnpaidLine:
    """Something that is owed and was not paid; cents.

    `owed`: what could be put into a payment. `reference` and `since` (UTC) are of the payment that did not pay it.
    `until`: the last day on which the bank may still execute it. `excluded_line` is the line that the owner excluded.
    `needs_action`: the payment itself asks somebody to do something. `returned`: it had been paid, and came back.
    """

    why: Why
    run: Run
    due: int
    name: str
    iban: str
    amount_cents: int
    owed: OwedLine | None
    reference: str | None
    since: datetime
    said: Said | None = None
    until: date | None = None
    excluded_line: int | None = None
    needs_action: bool = False
    returned: bool = False

    @property
    def key(self) -> str:
        """Tells the lines of a run apart that can be put into a payment."""
        return f"{self.due}-{self.owed.position}" if self.owed else ""


# --- asking ---------------------------------------------------------------------------------------
def unpaid_lines(client: Client) -> list[UnpaidLine]:
    """Return what is owed and not paid of all runs of a client, the newest run first, in the order of its file."""
    return _read(Batch.client == client.id, Run.client == client.id)


def unpaid_lines_of_payment(batch_id: int, reference: str) -> list[UnpaidLine]:
    """Return what this payment did not pay, as far as it is still owed and waits in no other payment."""
    run = Batch.select(Batch.run).where(Batch.id == batch_id)
    return [one for one in _read(Batch.id == batch_id, Run.id.in_(run)) if one.reference == reference]


def unpaid_lines_of_run(run: Run) -> list[UnpaidLine]:
    """Return the same of one run, in a transaction that holds the client."""
    require_client_lock(run.client_id)
    return _read(Batch.run == run.id, Run.id == run.id)


def _read(batches: Any, runs: Any) -> list[UnpaidLine]:
    """`batches` and `runs` say of which payments and runs."""
    doubtful = _doubtful_dues(batches, runs)
    dues = list(
        Due.select(Due, Run, PayrollCompany).join(Run).join(PayrollCompany)
        .where(Due.id.in_(doubtful), Due.owed_cents > 0).order_by(Due.run.desc(), Due.id)
    )  # fmt: skip
    if not dues:
        return []
    histories = read_histories(doubtful)
    said = read_statements(one for history in histories.values() for one in history.asked)
    found = [line for due in dues for line in _lines(due, histories[due.id], said)]
    return sorted(found, key=lambda one: (-one.run.id, one.owed.position if one.owed else 0))


def _doubtful_dues(batches: Any, runs: Any) -> Any:
    """The ids of dues that may be owed and unpaid. Payments that were executed whole are not read for it."""
    asked = OrderLine.select(BatchLine.due).join(BatchLine).join(Batch).where(batches, Batch.state != "executed")
    left = (OrderLine.standing == "possible") & Batch.state.not_in(tuple(state_machine.AT_THE_BANK))
    uncertain = asked.where((OrderLine.standing == "disputed") | OrderLine.may_execute_until.is_null(False) | left)
    refused = asked.where(OrderLine.standing.in_((*DID_NOT_ARRIVE, "unsent")))
    shorter = BankOrder.select().where(BankOrder.batch == Batch.id, BankOrder.line_count < Batch.line_count)
    lines = BatchLine.select(BatchLine.due).join(Batch).where(batches)
    excluded = lines.where(
        Batch.state.not_in((*WAITING_STATES, "replaced")), BatchLine.state == "refused",
        (Batch.state != "executed") | fn.EXISTS(shorter),
    )  # fmt: skip
    replaced = lines.where(Batch.state == "replaced")
    suspended = Due.select(Due.id).join(Run).where(runs, Run.state != "taken", Due.suspended_at.is_null(False))
    return uncertain.union(_still_owed(refused.union(excluded).union(replaced).union(suspended)))


def _still_owed(dues: Any) -> Any:
    """Those of these dues of which banks were given less than is owed."""
    given = OrderLine.select(fn.coalesce(fn.sum(OrderLine.amount_cents), 0)).join(BatchLine)
    given = given.where(BatchLine.due == Due.id, OrderLine.standing.in_(COMMITTED))
    return Due.select(Due.id).where(Due.id.in_(dues), Due.owed_cents > given)


# --- concluding -----------------------------------------------------------------------------------
def _lines(due: Due, history: DueHistory, said: Statements) -> Iterator[UnpaidLine]:
    offer = run_dues.offer_of([(due.id, run_dues.placed_lines(due), history.earlier())])
    for one in offer.pay:
        yield _payable(due, one, history, said)
    chosen = {one.id: one for one in history.chosen}
    for line_id, one in offer.struck.items():
        if not chosen[line_id].waits:
            yield _excluded(due, one, chosen[line_id], line_id)
    for asked in history.asked:
        if why := _why_waiting(asked):
            yield UnpaidLine(
                why, due.run, due.id, asked.name, asked.iban, asked.cents, None, asked.reference,
                _since(asked, said.last(asked)), said.last(asked), asked.until,
                needs_action=asked.batch_state in state_machine.NEEDS_ACTION,
            )  # fmt: skip


def _why_waiting(asked: AskedLine) -> Why | None:
    if asked.standing == "disputed":
        return Why.DISPUTED
    if asked.standing == "possible" and asked.until:
        return Why.PENDING
    return Why.UNCERTAIN if asked.uncertain else None


def _payable(due: Due, one: OwedLine, history: DueHistory, said: Statements) -> UnpaidLine:
    """What is owed and given to no bank: what was said of it when it was tried last."""
    tried = _last_try(one, [each for each in history.asked if each.standing in DID_NOT_ARRIVE])
    left_out = [each for each in history.chosen if each.excluded and each.batch_state == "discarded"]
    if left_out and (tried is None or left_out[-1].id > tried.batch_line):
        return _excluded(due, one, left_out[-1], None)
    last = said.last(tried) if tried else None
    since = _suspended_since(due) or (_since(tried, last) if tried else due.updated_at)
    why = Why.SUSPENDED if _suspended_since(due) else _why_unpaid(one, tried, last)
    return UnpaidLine(
        why, due.run, due.id, one.line.name_shown, one.line.iban, one.line.amount_cents, one,
        tried.reference if tried else None, since, last,
        needs_action=tried is not None and tried.batch_state in state_machine.NEEDS_ACTION,
        returned=tried is not None and tried.standing == "returned",
    )  # fmt: skip


def _last_try(one: OwedLine, tries: Sequence[AskedLine]) -> AskedLine | None:
    """The last try to pay it, to this account rather than to another."""
    same = [each for each in tries if each.iban == one.line.iban]
    return (same or list(tries) or [None])[-1]


def _why_unpaid(one: OwedLine, tried: AskedLine | None, said: Said | None) -> Why:
    if tried is None:
        return Why.NOT_ASKED
    same_account = tried.iban == one.line.iban and tried.reason in ACCOUNT_CODES
    if same_account and (tried.order_lines == 1 or (said is not None and said.about_line)):
        return Why.WRONG_ACCOUNT
    return Why.RETURNED if tried.standing == "returned" else Why.REFUSED


def _excluded(due: Due, one: OwedLine, line: ChosenLine, excluded_line: int | None) -> UnpaidLine:
    return UnpaidLine(
        Why.SUSPENDED if _suspended_since(due) else Why.EXCLUDED, due.run, due.id, one.line.name_shown, one.line.iban,
        one.line.amount_cents, one, line.reference, line.since, excluded_line=excluded_line,
    )  # fmt: skip


def _suspended_since(due: Due) -> datetime | None:
    """Since when (UTC) it is not known what is owed; None when it is."""
    return due.suspended_at or due.run.missing_since


def _since(asked: AskedLine, said: Said | None) -> datetime:
    return said.at if said else asked.since
