"""What was attempted to pay dues, and its outcome: order lines, lines that wait or were excluded, and statements.

Read for many dues at once: attempts in one SQL statement, statements about them in another.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from peewee import JOIN

from domain.payments import excess, line_verdicts, state_machine
from domain.payroll import run_dues
from domain.payroll.dues import EarlierLine
from models import COMMITTED, BankOrder, Batch, BatchLine, Evidence, OrderLine
from models.states import BatchState, LineState, OrderState

# Payments that can still be approved, or wait for the worker.
WAITING_STATES = (BatchState.OPEN, BatchState.APPROVED)
DID_NOT_ARRIVE = ("unpaid", "returned")
# Codes of evidence that give an outcome: those of ISO 20022 and our own (`domain.orders.conclusion`).
_OUTCOMES = ("RJCT", "CANC", "NTKN", "SCAF", "NPAI", "RTRN", "BOOK", "RVSL")
# The fields of a payment line that an attempt and a choice both have.
_SHARED = (
    BatchLine.id, BatchLine.due, BatchLine.creditor_name, BatchLine.remittance, Batch.reference, Batch.state,
    Batch.state_changed_at,
)  # fmt: skip
# Where in a row of attempts the fields of the order line begin, and those of a choice.
_ASKED, _CHOICE = 7, 17


@dataclass(frozen=True)
class Said:
    """The last statement about a line: code, the bank's reason, and its own time (UTC)."""

    code: str
    reason: str | None
    at: datetime
    about_line: bool  # about this line, not about an order of several


@dataclass(frozen=True)
class AskedLine:
    """An order line with its order and payment. `counts`: 1 if it counts against the due, else 0. `beyond`: its payment
    was allowed by two people beyond what is owed.
    """

    id: int
    batch_line: int
    due: int
    name: str
    iban: str
    cents: int
    description: str
    standing: str
    reason: str | None
    until: date | None
    counts: int
    order: int
    order_lines: int
    reference: str
    batch_state: str
    since: datetime
    beyond: int

    @property
    def uncertain(self) -> bool:
        """Return whether the bank may still execute it although its payment no longer waits for that."""
        return self.standing == "possible" and self.until is None and self.batch_state not in state_machine.AT_THE_BANK


@dataclass(frozen=True)
class ChosenLine:
    """A payment line that was not given to a bank: it waits there, or the owner excluded it.

    `verdict`: why it was excluded; None if nobody said.
    """

    id: int
    due: int
    name: str
    iban: str
    cents: int
    description: str
    state: str
    reference: str
    batch_state: str
    since: datetime
    verdict: str | None = None

    @property
    def waits(self) -> bool:
        return self.batch_state in WAITING_STATES

    @property
    def excluded(self) -> bool:
        return self.state == LineState.EXCLUDED


@dataclass
class DueHistory:
    """The attempts to pay one due, oldest first."""

    asked: list[AskedLine] = field(default_factory=list)
    chosen: list[ChosenLine] = field(default_factory=list)

    def earlier(self) -> list[EarlierLine]:
        """Return the lines that count against the due, wait in a payment, or were excluded by the owner."""
        given = [_earlier(one.batch_line, one) for one in self.asked if one.counts]
        known = {one.id for one in given}
        waiting = [_earlier(one.id, one) for one in self.chosen if one.waits and not one.excluded]
        excluded = [one for one in self.chosen if one.excluded and one.batch_state not in run_dues.OVER]
        return [*given, *(one for one in waiting if one.id not in known), *(_earlier(one.id, one) for one in excluded)]


def _earlier(line_id: int, one: AskedLine | ChosenLine) -> EarlierLine:
    excluded = isinstance(one, ChosenLine) and one.excluded
    return EarlierLine(line_id, one.name, one.iban, one.cents, one.description, excluded)


def read_histories(attempts: Iterable[tuple]) -> dict[int, DueHistory]:
    """Return the attempts by due. `attempts`: the rows of `select_attempts`."""
    found: dict[int, DueHistory] = defaultdict(DueHistory)
    chosen: dict[int, ChosenLine] = {}
    for row in attempts:
        shared, asked, choice = row[:_ASKED], row[_ASKED:_CHOICE], row[_CHOICE:]
        if asked[0] is not None:
            found[shared[1]].asked.append(_asked_line(shared, asked))
        if choice[-1]:  # once for each of its order lines
            chosen[shared[0]] = _chosen_line(shared, choice)
    for _, one in sorted(chosen.items()):
        found[one.due].chosen.append(one)
    return found


def select_attempts(dues: Any) -> Any:
    """Return the query of the payment lines of these dues (a query of ids) that were asked or chosen, once for each
    order line: its fields, those of the order line, and those of a choice.
    """
    beyond = Batch.id.in_(excess.beyond_payments())
    counts = OrderLine.standing.in_(COMMITTED) | (
        (OrderLine.standing == "unsent") & (BankOrder.state != OrderState.CLOSED)
    )
    asked = (
        OrderLine.id, OrderLine.creditor_iban, OrderLine.amount_cents, OrderLine.standing, OrderLine.reason,
        OrderLine.may_execute_until, counts & ~beyond, BankOrder.id, BankOrder.line_count, beyond,
    )  # fmt: skip
    choice = (
        BatchLine.creditor_iban, BatchLine.amount_cents, BatchLine.state, line_verdicts.newest_verdict(),
        _is_chosen(beyond),
    )
    return (
        BatchLine.select(*_SHARED, *asked, *choice)
        .join(Batch).switch(BatchLine)
        .join(OrderLine, JOIN.LEFT_OUTER, on=(OrderLine.batch_line == BatchLine.id)).join(BankOrder, JOIN.LEFT_OUTER)
        .where(BatchLine.due.in_(dues), OrderLine.id.is_null(False) | _is_chosen(beyond))
        .order_by(OrderLine.id, BatchLine.id).tuples()
    )  # fmt: skip


def _is_chosen(beyond: Any) -> Any:
    """Return the condition of a payment line that waits, or that the owner excluded."""
    excluded = (BatchLine.state == LineState.EXCLUDED) & ~excess.is_excess()
    waits = Batch.state.in_(WAITING_STATES) & (BatchLine.state == LineState.OPEN)
    return (Batch.state != BatchState.REPLACED) & ~beyond & (excluded | waits)


def _asked_line(shared: tuple, asked: tuple) -> AskedLine:
    line, due, name, text, reference, state, since = shared
    order_line, iban, cents, standing, reason, until, counts, order, order_lines, beyond = asked
    return AskedLine(
        order_line, line, due, name, iban, cents, text, standing, reason, until, counts, order, order_lines, reference,
        state, since, beyond,
    )  # fmt: skip


def _chosen_line(shared: tuple, choice: tuple) -> ChosenLine:
    line, due, name, text, reference, batch_state, since = shared
    iban, cents, state, verdict, _ = choice
    return ChosenLine(line, due, name, iban, cents, text, state, reference, batch_state, since, verdict)


class Statements:
    """The statements about orders and their lines."""

    def __init__(self, rows: Iterable[tuple[int, int | None, str, str | None, datetime]]) -> None:
        self._of: dict[tuple[int, int | None], list[Said]] = defaultdict(list)
        for order, line, code, reason, at in rows:
            self._of[(order, line)].append(Said(code, reason, at, line is not None))

    def last(self, one: AskedLine) -> Said | None:
        """Return the last statement about this line, else about its order; of several, the one with a reason."""
        said = self._of.get((one.order, one.id)) or self._of.get((one.order, None)) or []
        last = next((each for each in reversed(said) if each.reason == one.reason), said[-1] if said else None)
        return replace(last, about_line=True) if last and one.order_lines == 1 else last


def read_statements(asked: Iterable[AskedLine]) -> Statements:
    """Return the statements about the orders of these lines that give an outcome."""
    orders = {one.order for one in asked if one.standing != "paid"}
    rows: Any = (
        Evidence.select(Evidence.order, Evidence.order_line, Evidence.code, Evidence.reason, Evidence.said_at)
        .where(
            Evidence.order.in_(orders), Evidence.code.in_(_OUTCOMES), Evidence.trust != "hint",
            Evidence.cents.is_null() | (Evidence.cents > 0),
        )
        .order_by(Evidence.said_at, Evidence.id).tuples()
    )  # fmt: skip
    return Statements(rows)
