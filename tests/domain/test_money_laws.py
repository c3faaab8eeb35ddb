"""Laws of money under everything at once: payroll, people, banks, files, operators, time and power cuts, in any order.

A stateful test: Hypothesis chooses the acts, and after each of them every law holds (tests/support/money_laws.py).
`make test` takes fifteen hundred steps, always the same; `make test-long` a hundred thousand, others each time. A
failure prints the acts that led to it; to shorten them, add Phase.shrink to the settings below.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from domain.orders import manual_submission
from domain.payments import state_machine
from domain.payroll.unpaid_payment import Choice
from models import Batch, Membership
from tests.support import figures
from tests.support.model_bank import ANSWERS, VOICES, HeldLine, HeldOrder
from tests.support.money_laws import Laws
from tests.support.money_world import IBANS, NAMES, MoneyWorld

pytestmark = pytest.mark.asks_payees  # the questions are answered as a person answers them

LONG = bool(os.environ.get("BIZCUIT_TEST_LONG"))
STEPS = 50
EXAMPLES = 2400 if LONG else 30
AT_BANK = tuple(sorted(state_machine.SENT))

accounts, amounts = st.sampled_from(IBANS), st.sampled_from([10_000, 25_000, 25_001, 40_000])
wages = st.lists(st.tuples(st.sampled_from(NAMES), accounts, amounts), min_size=1, max_size=4)
picks = st.integers(0, 11)
cuts = st.integers(-60, 40).map(lambda place: max(place, 0))  # mostly the power stays on
runs = st.integers(1, 2)
some = st.one_of(st.none(), picks)  # of an order's lines: all, or one
reasons = st.sampled_from(["AC04", "AM04", None])


def exists(*states: str) -> Callable[[Any], Any]:
    """The act needs a payment in one of these states."""
    return precondition(lambda self: not self.states.isdisjoint(states))


def chosen(lines: list[HeldLine], only: int | None) -> list[HeldLine]:
    return lines if only is None or not lines else [lines[only % len(lines)]]


at_a_bank = precondition(lambda self: bool(self.world.bank.orders))


class MoneyMachine(RuleBasedStateMachine):
    """Every act that anybody has, with whatever it is done to."""

    new_database: ClassVar[list[Callable[[], str]]] = []
    steps, ended = 0, 0

    def __init__(self) -> None:
        super().__init__()
        self.new_database[-1]()
        self.world = MoneyWorld()
        self.laws = Laws(self.world)
        self.states: set[str] = set()

    def teardown(self) -> None:
        try:
            self.laws.the_books_hold()
            type(self).ended += 1
            if LONG or self.ended % 5 == 0:
                self.laws.everything_gets_paid_in_the_end()
                self.laws.check()
                self.laws.the_books_hold()
        finally:
            self.world.end()

    def one(self, at: int, *states: str) -> Batch:
        found = self.world.batches(*states)
        return found[-1 - at % len(found)]

    def order(self, at: int) -> HeldOrder:
        return self.world.bank.orders[-1 - at % len(self.world.bank.orders)]

    def member(self, colleague: bool) -> Membership:
        return self.world.colleague if colleague else self.world.owner

    # --- payroll ----------------------------------------------------------------------------------
    @initialize(wages=wages, account=st.sampled_from([0, 1, 2]), goes=st.sampled_from([True, True, False]))
    def payroll_has_run(self, wages, account, goes):
        self.world.pays_from(self.world.accounts[account])
        self.world.run_payroll(1, wages)
        self.world.work()
        self.states = {batch.state for batch in self.world.batches()}
        if goes:
            self.somebody_goes_on(0, 0)

    @rule(number=runs, wages=wages, cut=cuts)
    def payroll_runs(self, number, wages, cut):
        self.world.run_payroll(number, wages)
        self.world.work(cut)

    @rule(number=runs, changes=st.lists(st.tuples(picks, accounts, amounts), max_size=2), cut=cuts)
    def payroll_corrects_a_run(self, number, changes, cut):
        """Other accounts or amounts for people who are in it already."""
        before = self.world.payroll.newest(number)
        new = list(before.wages) if before else []
        for at, account, cents in changes if new else ():
            new[at % len(new)] = (new[at % len(new)][0], account, cents)
        self.world.run_payroll(number, new, before.year if before else None)
        self.world.work(cut)

    @rule(number=runs, how=st.sampled_from(["gone", "broken", "empty", "back", "back"]))
    def payroll_loses_a_run(self, number, how):
        if before := self.world.payroll.newest(number):
            wages = () if how == "empty" else before.wages
            self.world.run_payroll(number, wages, before.year, gone=how == "gone", broken=how == "broken")
            self.world.work()

    # --- people -----------------------------------------------------------------------------------
    @exists("open", "approved", "sending", "rejected", "failed", "cancelled", "returned")
    @rule(at=picks, cut=cuts)
    def somebody_goes_on(self, at, cut):
        """Approve it, have it sent or bring it, sign it; or set it up again."""
        batch = self.one(at, "open", "approved", "sending", "rejected", "failed", "cancelled", "returned")
        if batch.state in ("rejected", "failed", "cancelled", "returned"):
            self.world.reopen(batch, cut)
            return
        for who in (self.world.owner, self.world.colleague):
            self.world.approve(batch, who)
        self.world.work(cut)
        self.world.take_file(batch)
        for held in self.world.bank.orders:
            held.signed = True

    @rule(number=runs, choice=st.sampled_from(Choice), cut=cuts)
    def somebody_pays_what_was_not_paid(self, number, choice, cut):
        if run := next((one for one in self.world.runs() if one.number == number), None):
            self.world.pay_unpaid(run, choice, cut)

    @exists("open", "approved", "sending")
    @rule(at=picks, colleague=st.booleans(), cut=cuts, file=st.booleans())
    def somebody_does_a_part_of_it(self, at, colleague, cut, file):
        batch = self.one(at, "open", "approved", "sending")
        if file:
            self.world.take_file(batch, cut)
        else:
            self.world.approve(batch, self.member(colleague), cut)

    @exists("open", "approved")
    @rule(at=picks, line=picks, what=st.sampled_from(["strike", "take back", "account", "everything"]))
    def somebody_changes_a_payment(self, at, line, what):
        batch = self.one(at, "open", "approved")
        if what == "account":
            self.world.change_account(batch, self.world.accounts[line % 3])
        elif what == "everything":
            self.world.discard(batch)
        else:
            self.world.strike(batch, line, back=what == "take back")

    @exists(*AT_BANK)
    @rule(at=picks, cut=cuts, answer=st.sampled_from(ANSWERS))
    def somebody_cancels(self, at, cut, answer):
        self.world.bank.answer = answer
        self.world.cancel(self.one(at, *AT_BANK), cut)

    # --- more than is owed ------------------------------------------------------------------------
    @exists(*AT_BANK)
    @rule(at=picks, line=picks, cents=amounts, colleague=st.booleans(), cut=cuts)
    def somebody_asks_to_pay_more_than_is_owed(self, at, line, cents, colleague, cut):
        self.world.ask_excess(self.one(at, *AT_BANK), line, cents, self.member(colleague), cut)

    @exists(*AT_BANK)
    @rule(at=picks, line=picks, cents=amounts, cut=cuts)
    def two_insist_on_paying_more_than_is_owed(self, at, line, cents, cut):
        """One asks, the other allows, both approve, and it goes."""
        self.world.ask_excess(self.one(at, *AT_BANK), line, cents, self.world.owner, cut)
        self.world.allow_excess(0, self.world.colleague, cut)
        for batch in self.world.batches("open"):
            if ":extra:" in batch.version:
                self.world.approve(batch, self.world.owner)
                self.world.approve(batch, self.world.colleague)
        self.world.work(cut)

    @precondition(lambda self: self.world.excess_allowances())
    @rule(at=picks, colleague=st.booleans(), cut=cuts)
    def somebody_allows_it(self, at, colleague, cut):
        self.world.allow_excess(at, self.member(colleague), cut)

    @precondition(lambda self: self.world.excess_allowances())
    @rule(at=picks, colleague=st.booleans(), cut=cuts)
    def somebody_withdraws_it(self, at, colleague, cut):
        self.world.withdraw_excess(at, self.member(colleague), cut)

    @rule(on=st.booleans())
    def two_must_approve(self, on):
        self.world.set_four_eyes(on)

    # --- banks ------------------------------------------------------------------------------------
    @rule(answer=st.sampled_from(ANSWERS), voice=st.sampled_from(VOICES))
    def banks_will_answer(self, answer, voice):
        self.world.bank.answer, self.world.bank.voice = answer, voice

    @at_a_bank
    @rule(at=picks, what=st.sampled_from(["execute", "refuse", "give back", "contradict"]), only=some,
          lump=st.booleans(), reason=reasons)  # fmt: skip
    def a_bank_acts(self, at, what, only, lump, reason):
        bank, held = self.world.bank, self.order(at)
        if what == "execute" and held.signed:
            may = [line for line in held.lines.values() if bank.may_execute_yet(line, held)]
            bank.execute(held, chosen(may, only), lump)
        elif what == "refuse":
            bank.refuse(held, chosen(held.with_fate("held"), only), reason)
        elif what == "give back":
            bank.give_back(held, chosen(held.with_fate("executed"), only), lump)
        elif what == "contradict" and reason is None:  # it pays what it had refused for good
            lines = [*held.with_fate("refused"), *held.with_fate("cancelled")]
            bank.lied_about |= {line.end_to_end_id for line in lines}
            bank.execute(held, lines, lump)

    # --- files and words --------------------------------------------------------------------------
    @at_a_bank
    @rule(at=picks, status=st.booleans(), only=some, colleague=st.booleans())
    def somebody_hands_in_a_file_of_the_bank(self, at, status, only, colleague):
        held = self.order(at)
        raw = self.world.status_file(held) if status else self.world.statement_file(held, only)
        self.world.hand_in(self.world.batch_of(held), raw, self.member(colleague))

    @at_a_bank
    @rule(at=picks, code=st.sampled_from(["RJCT", "CANC", "ACSC"]), only=some, colleague=st.booleans())
    def somebody_forges_a_file(self, at, code, only, colleague):
        held = self.order(at)
        about = None if only is None else list(held.lines)[only % len(held.lines)]
        self.world.forge(held, code, about, self.member(colleague))

    @exists(*AT_BANK)
    @rule(at=picks, paid=st.booleans(), colleague=st.booleans())
    def somebody_says_what_became_of_it(self, at, paid, colleague):
        verdict = manual_submission.PAID if paid else manual_submission.REFUSED
        self.world.say(self.one(at, *AT_BANK), verdict, self.member(colleague))

    @exists("sending", "disputed")
    @rule(at=picks, by=st.sampled_from(["anna", "bram"]))
    def an_operator_says_what_the_bank_told(self, at, by):
        self.world.operator_tells(self.one(at, "sending", "disputed"), by)

    # --- time -------------------------------------------------------------------------------------
    @rule(hours=st.sampled_from([1, 1, 5, 24, 72, 120]), cut=cuts)
    def time_passes(self, hours, cut):
        self.world.pass_time(hours)
        self.world.work(cut)

    @invariant()
    def every_law_holds(self):
        type(self).steps += 1
        if self.world.wrote:
            self.states = {batch.state for batch in self.world.batches()}
        self.laws.check()


def test_the_laws_of_money_hold_whatever_happens(new_database: Callable[[], str]):
    MoneyMachine.new_database.append(new_database)
    MoneyMachine.steps, MoneyMachine.ended = 0, 0
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    chosen_by = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=not LONG,
        suppress_health_check=slow, phases=[Phase.generate],
    )  # fmt: skip
    run_state_machine_as_test(MoneyMachine, settings=chosen_by)
    assert MoneyMachine.steps >= EXAMPLES * STEPS / 2
    figures.add(steps=MoneyMachine.steps)
    print(f"{MoneyMachine.steps} steps")
