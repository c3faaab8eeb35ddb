"""The laws of money, checked on a world after every act (tests/support/money_world.py).

Each law is reckoned from the rows beneath, or from what the banks of the world know, never from the function that it
judges.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from core.names import normalise_name
from domain.operations import integrity
from domain.orders import conclusion, evidence, settlement
from domain.payroll import unpaid
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, Evidence, ExcessAllowance, OrderLine
from models.states import OrderState
from tests.support.money_world import MoneyWorld

# What may still be done about a payment whose lines were not paid: by a person, by the worker, or by waiting.
WAITING = frozenset({"open", "approved"})


@dataclass
class Laws:
    """The laws, with what was seen before: the newest order line, and what each name was owed at most."""

    world: MoneyWorld
    seen: int = 0
    most_owed: Counter[tuple[int, str]] = field(default_factory=Counter)
    lines: "list[GivenLine]" = field(default_factory=list)
    concluded: dict[int, tuple] = field(default_factory=dict)
    checks: int = 0
    shuffle: random.Random = field(default_factory=lambda: random.Random(13))

    def __post_init__(self) -> None:
        self.world.when_sent = self.check_what_was_sent

    def check_what_was_sent(self) -> None:
        """What counts is judged when an order is made: what stands beside an allowance may change a moment later."""
        self.lines = order_lines()
        self._note_owed()
        self.nobody_is_given_more_than_is_owed()

    def check(self) -> None:
        """Check everything that must hold at every moment. The books are checked at every tenth."""
        if self.world.wrote:
            self.lines, self.world.wrote = order_lines(), False
            self._note_owed()
            self.nobody_is_given_more_than_is_owed()
            self.the_conclusion_is_that_of_its_evidence()
            self.checks += 1
            if self.checks % 10 == 0:
                self.the_books_hold()
                self.whatever_is_not_paid_is_told()
        self.banks_pay_nobody_twice()
        self.each_order_goes_once()

    def _note_owed(self) -> None:
        for key, cents in owed_by_name().items():
            self.most_owed[key] = max(self.most_owed[key], cents)

    def nobody_is_given_more_than_is_owed(self) -> None:
        """At each release: what may be paid, was paid or is disputed of a due, or of a name, is not above what is owed,
        and what two people allowed beside it. What they allowed pays only itself, and is beyond what is owed only while
        the line beside it counts.
        """
        fresh = [line for line in self.lines if line.id > self.seen]
        self.seen = max((line.id for line in self.lines), default=0)
        if not fresh:
            return
        by_due, by_name, of_payment, beyond = Counter(), Counter(), Counter(), Counter()
        for line in self.lines:
            if line.counts:
                of_payment[line.batch] += line.cents
                if line.beyond:
                    beyond[line.due] += line.cents
                else:
                    by_due[line.due] += line.cents
                    by_name[(line.run, line.name)] += line.cents
        owed: dict[int, int] = {row.id: row.owed_cents for row in Due.select()}
        named, allowed = owed_by_name(), allowed_by_due()
        allowances = {row.batch_id: row for row in ExcessAllowance.select()}
        for line in fresh:
            assert beyond[line.due] <= allowed[line.due], f"due {line.due} was given {beyond[line.due]} beyond"
            if not line.beyond:
                name, due = (line.run, line.name), line.due
                assert by_due[due] <= owed[due], f"due {due} was given {by_due[due]} of {owed[due]}"
                assert by_name[name] <= named[name], f"{line.name} was given {by_name[name]} of {named[name]}"
            if allowance := allowances.get(line.batch):
                assert of_payment[line.batch] <= allowance.amount_cents and allowance.withdrawn_at is None
                assert (line.due, line.iban) == (allowance.due_id, allowance.creditor_iban)

    def banks_pay_nobody_twice(self) -> None:
        """Nobody really has more than the newest versions ever owed to them and two people allowed, unless a bank or
        its proof lied.
        """
        really, excused = Counter(), set()
        doubtful = self.world.bank.lied_about | self.world.words_trusted
        fates = {one: line for held in self.world.bank.orders for one, line in held.lines.items()}
        for line in self.lines:
            key = (line.run, line.name)
            if line.end_to_end_id in doubtful:
                excused.add(key)
            if line.end_to_end_id in fates:
                really[key] += fates[line.end_to_end_id].moved_cents
        allowed = allowed_by_name()
        for key, cents in really.items():
            most = self.most_owed[key] + allowed[key]
            assert key in excused or cents <= most, f"{key} has {cents} of {most}"

    def each_order_goes_once(self) -> None:
        times = Counter(held.msg_id for held in self.world.bank.orders)
        assert all(count == 1 for count in times.values()), times

    def the_conclusion_is_that_of_its_evidence(self) -> None:
        """In whichever order it came, and however often; what is stored is what follows."""
        said = Counter(row.order_id for row in Evidence.select(Evidence.order))
        today = self.world.today
        for order_id, lines in groupby(self.lines, key=lambda line: line.order):
            now = (said[order_id], today, *(line.standing for line in lines))
            if said[order_id] and self.concluded.get(order_id) != now:
                self._conclude(BankOrder.get_by_id(order_id), today)
                self.concluded[order_id] = now

    def _conclude(self, order: BankOrder, today: date) -> None:
        facts, said = settlement.facts_of(order), evidence.evidence_of(order)
        found = conclusion.conclude(facts, said, today)
        again = [*said, *said]
        self.shuffle.shuffle(again)
        other = conclusion.conclude(facts, again, today)
        assert other == found, f"{facts}: {found} or {other}, of {said}"
        for row in OrderLine.select().where(OrderLine.order == order.id):
            waits = row.may_execute_until is not None and row.may_execute_until < today
            assert waits or row.standing == found.lines[row.id].standing, f"{row.standing} of {found}, of {said}"

    def the_books_hold(self) -> None:
        faults = list(integrity.find_inconsistencies())
        assert faults == [], faults

    def whatever_is_not_paid_is_told(self) -> None:
        """What is owed and given to no bank is in a payment that waits, or told as unpaid with its reason."""
        told: Counter[int | None] = Counter()
        for one in unpaid.unpaid_lines(self.world.client):
            if one.owed:
                told[one.due] += one.amount_cents or 0
        waits = BatchLine.select(BatchLine, Batch).join(Batch).where(Batch.state.in_(WAITING))
        beyond = payments_beyond()
        for row in waits.where(BatchLine.state.in_(("open", "excluded"))):
            told[row.due_id] += 0 if row.batch_id in beyond else row.amount_cents
        for due, cents in self.left_to_pay().items():
            assert told[due] >= cents, f"due {due}: {cents} cents are owed, {told[due]} told"

    def left_to_pay(self) -> dict[int, int]:
        """Return what is owed and was given to no bank, by due; not of runs of which it is not known now."""
        given: Counter[int] = Counter()
        for line in order_lines():
            given[line.due] += line.cents if line.counts and not line.beyond else 0
        known = Due.select().where(Due.suspended_at.is_null())
        return {row.id: left for row in known if (left := row.owed_cents - given[row.id]) > 0}

    def everything_gets_paid_in_the_end(self) -> None:
        """Nothing that is owed is unreachable for good."""
        self.world.settle_everything()
        left, ended = self.left_to_pay(), [(one.reference, one.state) for one in self.world.batches()]
        assert left == {}, f"{left}: {ended}, {self.world.refused[-20:]}"
        open_still = [line for line in order_lines() if line.standing in ("possible", "unsent") and line.counts]
        assert open_still == [], f"{open_still}: {ended}, {self.world.refused[-20:]}"


@dataclass(frozen=True)
class GivenLine:
    """An order line with whom it pays. `counts`: it may be paid, was paid, or is disputed. `beyond`: it does not count
    against what is owed, two people allowed it.
    """

    id: int
    end_to_end_id: str
    cents: int
    due: int
    run: int
    name: str
    order: int
    standing: str
    batch: int
    iban: str
    counts: bool
    beyond: bool


def order_lines() -> list[GivenLine]:
    """Return every line that was ever made for a bank."""
    query = OrderLine.select(
        OrderLine.id, OrderLine.end_to_end_id, OrderLine.amount_cents, BatchLine.due, Batch.run,
        BatchLine.creditor_name,
        OrderLine.standing, BankOrder.state, OrderLine.order, BatchLine.batch, OrderLine.creditor_iban,
    )
    rows: Any = query.join(BatchLine).join(Batch).switch(OrderLine).join(BankOrder).order_by(OrderLine.id).tuples()
    beyond = payments_beyond()
    return [
        GivenLine(
            row_id, end_to_end_id, cents, due, run, normalise_name(name), order, standing, batch, iban,
            standing in COMMITTED or (standing == "unsent" and state != OrderState.CLOSED), batch in beyond,
        )
        for row_id, end_to_end_id, cents, due, run, name, standing, state, order, batch, iban in rows
    ]  # fmt: skip


def payments_beyond() -> set[int | None]:
    """Return the payments that two people allowed, beside a line that still counts."""
    live = ExcessAllowance.select().where(ExcessAllowance.withdrawn_at.is_null(), ExcessAllowance.batch.is_null(False))
    return {
        one.batch_id for one in live
        if one.beside.standing in COMMITTED or (one.beside.standing == "unsent" and one.beside.order.state != "closed")
    }  # fmt: skip


def allowed_by_due() -> Counter[int]:
    """Return what two people ever allowed beyond what is owed, by due (cents)."""
    found: Counter[int] = Counter()
    for row in ExcessAllowance.select().where(ExcessAllowance.allowed_at.is_null(False)):
        found[row.due_id] += row.amount_cents
    return found


def allowed_by_name() -> Counter[tuple[int, str]]:
    found: Counter[tuple[int, str]] = Counter()
    for row in ExcessAllowance.select().where(ExcessAllowance.allowed_at.is_null(False)):
        found[(row.due.run_id, normalise_name(row.creditor_name))] += row.amount_cents
    return found


def owed_by_name() -> Counter[tuple[int, str]]:
    """Return what the newest version of each run owes to each name, in cents, as payroll's file said it."""
    found: Counter[tuple[int, str]] = Counter()
    for due in Due.select().where(Due.owed_cents > 0):
        for _, name, *_rest, cents in due.lines:
            found[(due.run_id, normalise_name(name))] += cents
    return found
