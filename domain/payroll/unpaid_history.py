"""What was attempted to pay dues, and its outcome: order lines, lines that wait or were excluded, and statements.

Read for many dues at once, with one SQL statement for each kind.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from domain.payments import excess, state_machine
from domain.payroll import run_dues
from domain.payroll.dues import EarlierLine
from models import COMMITTED, BankOrder, Batch, BatchLine, Evidence, OrderLine
from models.states import BatchState, LineState, OrderState

# Payments that can still be approved, or wait for the worker.
WAITING_STATES = (BatchState.OPEN, BatchState.APPROVED)
DID_NOT_ARRIVE = ("unpaid", "returned")
# Codes of evidence that give an outcome: those of ISO 20022 and our own (`domain.orders.conclusion`).
_OUTCOMES = ("RJCT", "CANC", "NTKN", "SCAF", "NPAI", "RTRN", "BOOK", "RVSL")


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
    """A payment line that was not given to a bank: it waits there, or the owner excluded it."""

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


def read_histories(dues: Any) -> dict[int, DueHistory]:
    """Return the attempts by due. `dues`: a query of due ids."""
    found: dict[int, DueHistory] = defaultdict(DueHistory)
    for asked in _read_asked(dues):
        found[asked.due].asked.append(asked)
    for chosen in _read_chosen(dues):
        found[chosen.due].chosen.append(chosen)
    return found


def _read_asked(dues: Any) -> Iterator[AskedLine]:
    counts = OrderLine.standing.in_(COMMITTED) | (
        (OrderLine.standing == "unsent") & (BankOrder.state != OrderState.CLOSED)
    )
    beyond = Batch.id.in_(excess.beyond_payments())
    rows: Any = (
        OrderLine.select(
            OrderLine.id, OrderLine.batch_line, BatchLine.due, BatchLine.creditor_name, OrderLine.creditor_iban,
            OrderLine.amount_cents, BatchLine.remittance, OrderLine.standing, OrderLine.reason,
            OrderLine.may_execute_until, counts & ~beyond, BankOrder.id, BankOrder.line_count, Batch.reference,
            Batch.state, Batch.state_changed_at, beyond,
        )
        .join(BatchLine).join(Batch).switch(OrderLine).join(BankOrder)
        .where(BatchLine.due.in_(dues)).order_by(OrderLine.id).tuples()
    )  # fmt: skip
    return (AskedLine(*row) for row in rows)


def _read_chosen(dues: Any) -> Iterator[ChosenLine]:
    rows: Any = (
        BatchLine.select(
            BatchLine.id,
            BatchLine.due,
            BatchLine.creditor_name,
            BatchLine.creditor_iban,
            BatchLine.amount_cents,
            BatchLine.remittance,
            BatchLine.state,
            Batch.reference,
            Batch.state,
            Batch.state_changed_at,
        )
        .join(Batch)
        .where(
            BatchLine.due.in_(dues),
            Batch.state != BatchState.REPLACED,
            Batch.id.not_in(excess.beyond_payments()),
            ((BatchLine.state == LineState.EXCLUDED) & ~excess.is_excess())
            | (Batch.state.in_(WAITING_STATES) & (BatchLine.state == LineState.OPEN)),
        )
        .order_by(BatchLine.id)
        .tuples()
    )
    return (ChosenLine(*row) for row in rows)


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
