"""A customer with payroll, people, banks and a clock, all in this process: what a law about money is tried on.

Acts are those of the product, called as its pages, jobs and commands call them. What the product refuses stays as it
was (`act`); the power may go off at any write. Banks and payroll know the truth, whatever they say.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import time_machine

from connectors.bank.port import StatusStatement
from core.clock import today_amsterdam, utcnow
from core.encryption import Keyring
from core.money import format_iso
from domain.common.errors import DomainError
from domain.common.services import Services, configure
from domain.operations import operators
from domain.orders import cancellation, manual_submission, status_polling, submission
from domain.payments import amendments, four_eyes, queries, state_machine, warnings
from domain.payments.release import release
from domain.payroll import excess_payment, intake, reopening, run_discovery, unpaid_payment
from domain.payroll.unpaid_payment import Choice
from domain.reconciliation import bank_reports, transactions
from models import (
    Authority,
    BankAccount,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    ExcessAllowance,
    Membership,
    OrderLine,
    PayrollCompany,
    PayrollRun,
    Pin,
)
from tests.connectors.test_pain002 import block, line, report
from tests.support import factories, payees
from tests.support.camt_builder import entry, statement
from tests.support.factories import DEMO_IBAN, PIN, PSU
from tests.support.large_batches import iban
from tests.support.model_bank import PLAIN, STEADY, TAKES, Directory, HeldOrder, ModelBank
from tests.support.model_payroll import ModelPayroll, ModelRun, Wage
from tests.support.power_cut import Passed, power_cut_at

START = datetime(2026, 11, 23, 8, tzinfo=UTC)  # a Monday morning
NAMES = ("Jong, Wouter de", "Meijer, Naomi", "Bakker, Jan", "Bakker, Jo")
IBANS = tuple(iban(number) for number in range(1, 5))
MOST_DAYS = 15  # in which everything comes to its end
UNFINISHED = ("open", "approved", "sending", "at_bank", "signed", "pending_rejection", "disputed", "rejected", "failed",
              "cancelled", "returned")  # fmt: skip
ACCOUNTS = (STEADY, PLAIN, "by_hand")


def _status(name: str, one: StatusStatement) -> str:
    why = "".join(f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" for reason in one.reasons)
    return f"<{name}>{one.code}</{name}>{why}"


class MoneyWorld:
    """Everything that a law speaks of, and the acts of everyone in it. Expects an empty database."""

    def __init__(self) -> None:
        self._travel = time_machine.travel(START, tick=False)
        self.clock = self._travel.start()
        self.bank, self.payroll = ModelBank(), ModelPayroll()
        nobody = cast(Any, None)
        configure(
            Services(
                payroll=cast(Any, self.payroll), payroll_rest=nobody, nmbrs_oauth=nobody, bank=cast(Any, self.bank),
                banks=Directory(), identity=nobody, register=nobody, mailer=nobody, pusher=nobody, anchors=nobody,
                keyring=Keyring({"k1": b"1" * 32}, "k1"), lookup_key=b"lookup" * 8, pin_pepper=b"pepper" * 8,
                base_url="http://localhost:8000", hook_url="http://localhost:8000", support_email="a@b.example",
            )
        )
        self.demo = factories.make_demo(bank=STEADY)
        self.client, self.company = self.demo.client, self.demo.company
        self.accounts = [self.demo.account, *(self._account(bank, at) for at, bank in enumerate(ACCOUNTS[1:], 90))]
        self.owner, self.colleague = self.demo.membership, self._colleague()
        BankAccount.update(limit_payment_cents=10**12, limit_day_cents=10**12, holder_check="matched").execute()
        self.words_trusted: set[str] = set()  # end-to-end ids of which people said what is not so
        self._said_by: dict[tuple[int, object], set[int]] = {}
        self.refused: list[str] = []
        self.wrote = True  # something was written since somebody set this to False
        self.when_sent: Callable[[], None] = lambda: None  # called whenever an order may have been made

    def end(self) -> None:
        self._travel.stop()

    def _account(self, bank: str, number: int) -> BankAccount:
        return factories.make_account(factories.make_consent(self.client, self.demo.user, bank), iban(number))

    def _colleague(self) -> Membership:
        user = factories.make_user(name="Naomi Meijer")
        Pin.create(user=user, pin_hash=factories.passwords.hash_pin(user.id, PIN))
        factories.authorise(self.client, user)
        return Membership.create(user=user, client=self.client, role="approver")

    # --- acts and time ----------------------------------------------------------------------------
    def act(self, call: Callable[..., Any], *given: Any, cut: int = 0, **named: Any) -> Any:
        """Let somebody do this. What the product refuses is no fault; every other error is one."""
        self.clock.shift(timedelta(seconds=1))
        passed = Passed()
        try:
            with power_cut_at(cut) as passed:
                try:
                    return call(*given, **named)
                finally:
                    self.wrote = self.wrote or passed.places > 0
        except DomainError as error:
            self.refused.append(type(error).__name__)
        finally:
            if passed.places:
                self.when_sent()
        return None

    def pass_time(self, hours: int) -> None:
        self.clock.shift(timedelta(hours=hours))
        Authority.update(checked_at=utcnow()).execute()  # the register says the same each day

    def work(self, cut: int = 0) -> None:
        """One sweep of the worker: first what is owed, then what goes, then what became of it."""
        if self.payroll.news:
            PayrollCompany.update(poll_due_at=utcnow()).execute()
        jobs: tuple[tuple[Callable[[], list[int]], Callable[[int], Any]], ...] = (
            (run_discovery.due_companies, run_discovery.discover_runs),
            (intake.due_runs, intake.import_run),
            (reopening.overtaken_runs, reopening.renew_overtaken),
            (submission.due_batches, submission.submit_order),
            (status_polling.due_orders, status_polling.poll_status),
            (transactions.due_accounts, lambda account: transactions.refresh_transactions(account, None)),
        )

        def sweep() -> None:
            for due, job in jobs:
                for row_id in due():
                    job(row_id)
                    if job is submission.submit_order:
                        self.when_sent()
            self.payroll.news = False

        self.act(sweep, cut=cut)

    # --- payroll ----------------------------------------------------------------------------------
    def run_payroll(
        self, number: int, wages: Sequence[Wage], year: int | None = None, gone: bool = False, broken: bool = False
    ) -> None:
        """Run this number for the first time, or again with other figures. `year`: this one, unless another is said."""
        self.clock.shift(timedelta(minutes=1))
        self.payroll.run(ModelRun(year or self.today.year, number, tuple(wages), utcnow(), gone, broken))

    def pays_from(self, account: BankAccount) -> None:
        PayrollCompany.update(bank_account=account.id).where(PayrollCompany.id == self.company.id).execute()

    # --- people -----------------------------------------------------------------------------------
    def batches(self, *states: str) -> list[Batch]:
        query = Batch.select().where(Batch.client == self.client.id)
        return list((query.where(Batch.state.in_(states)) if states else query).order_by(Batch.id))

    def approve(self, batch: Batch, who: Membership, cut: int = 0) -> None:
        self.act(self._approve, batch, who, cut=cut)

    def _approve(self, batch: Batch, who: Membership) -> None:
        payment = queries.get_payment(self.client, batch.reference)
        read = [warnings.name(one) for one in payment.cautions]
        amendments.open_cautions(self.client, who.user, batch.reference, read)
        payees.answer_all(who, batch)
        payment = queries.get_payment(self.client, batch.reference)
        proof = "pin" if payment.needs_pin else "session"
        device = factories.here(who)
        release(who, batch.reference, payment.digest, proof, PSU, PIN if proof == "pin" else None, device)

    def strike(self, batch: Batch, at: int, back: bool) -> None:
        lines = list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))
        decide = amendments.include_line if back else amendments.exclude_line
        self.act(decide, self.client, self.demo.user, batch.reference, lines[at % len(lines)].id)

    def discard(self, batch: Batch) -> None:
        for line_row in BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == "open"):
            self.act(amendments.exclude_line, self.client, self.demo.user, batch.reference, line_row.id)
        self.act(amendments.discard, self.client, self.demo.user, batch.reference)

    def change_account(self, batch: Batch, account: BankAccount) -> None:
        self.act(
            amendments.change_date_and_account, self.client, self.demo.user, batch.reference, None, account.id
        )

    def reopen(self, batch: Batch, cut: int = 0) -> None:
        self.act(reopening.reopen_payment, self.client, self.demo.user, batch.reference, cut=cut)

    def runs(self) -> list[PayrollRun]:
        """The runs that the product knows, the last one first."""
        mine = PayrollRun.select().where(PayrollRun.company == self.company.id)
        return list(mine.order_by(PayrollRun.year.desc(), PayrollRun.number.desc()))

    def pay_unpaid(self, run: PayrollRun, choice: Choice, cut: int = 0) -> None:
        """*Niet betaald*: put what was not paid of this run into a payment."""
        self.act(unpaid_payment.pay_unpaid, self.client, self.demo.user, run.id, choice, cut=cut)

    def ask_excess(self, batch: Batch, at: int, cents: int, who: Membership, cut: int = 0) -> None:
        """Somebody asks to pay this amount beyond what is owed, beside a line of this payment."""
        lines = list(BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position))
        line_row, device = lines[at % len(lines)], factories.here(who)
        self.act(
            excess_payment.ask, who, batch.reference, line_row.id, cents, "It did not arrive", PIN, device, cut=cut
        )

    def allow_excess(self, at: int, who: Membership, cut: int = 0) -> None:
        """Somebody allows one of the things that were asked: the newest ones, whatever became of them."""
        if asked := self.excess_allowances():
            one = asked[-1 - at % min(len(asked), 3)]
            self.act(excess_payment.allow, who, one.id, PIN, factories.here(who), cut=cut)

    def withdraw_excess(self, at: int, who: Membership, cut: int = 0) -> None:
        if asked := self.excess_allowances():
            self.act(excess_payment.withdraw, who, asked[-1 - at % min(len(asked), 3)].id, cut=cut)

    def excess_allowances(self) -> list[ExcessAllowance]:
        return list(ExcessAllowance.select().order_by(ExcessAllowance.id))

    def cancel(self, batch: Batch, cut: int = 0) -> None:
        self.act(
            cancellation.request_cancellation, self.owner, batch.reference, PIN, factories.here(self.owner), PSU,
            cut=cut,
        )  # fmt: skip

    def take_file(self, batch: Batch, cut: int = 0) -> None:
        """Somebody takes the file of a payment by hand, and brings it to the bank when it is there for the first time.
        """
        taken = self.act(manual_submission.download_order_file, self.owner, batch.reference, cut=cut)
        if taken is not None and not any(one.msg_id == taken[0] for one in self.bank.orders):
            self.bank.take(taken[1])

    def set_four_eyes(self, on: bool) -> None:
        Client.update(dual_approval_from_cents=0 if on else None).where(Client.id == self.client.id).execute()

    # --- what people say and hand in --------------------------------------------------------------
    def _may_believe(self, batch: Batch, said: object, who: Membership, untrue: Sequence[str]) -> None:
        """Note who says what need not be so: once enough people did, the product may believe it."""
        people = self._said_by.setdefault((batch.id, said), set())
        people.add(who.user_id)
        order = self.newest_order(batch)
        alone = order is not None and order.is_manual and four_eyes.people_behind(order.release) < 2
        if alone or len(people) > 1:
            self.words_trusted |= set(untrue)

    def say(self, batch: Batch, verdict: str, who: Membership) -> None:
        """A person's word about a payment by hand; it need not be so."""
        held = self.held(batch)
        if held is not None:
            self._may_believe(batch, verdict, who, list(held.lines))
        self.act(
            manual_submission.report_manual_outcome, who, batch.reference, verdict, PIN, factories.here(who)
        )

    def hand_in(self, batch: Batch, raw: bytes, who: Membership, cut: int = 0) -> None:
        """Somebody hands in a file, and confirms it with the PIN where it counts only then."""
        handed = self.act(bank_reports.receive_report, self.client, who.user, batch.reference, raw)
        if handed is not None and handed.to_confirm:
            device = factories.here(who)
            self.act(bank_reports.confirm_report, who, batch.reference, handed.document, PIN, device, cut=cut)

    def newest_order(self, batch: Batch) -> BankOrder | None:
        return BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).first()

    def held(self, batch: Batch) -> HeldOrder | None:
        """The payment's newest order as its bank has it."""
        order = self.newest_order(batch)
        return next((one for one in self.bank.orders if order and one.msg_id == order.msg_id), None)

    def status_file(self, held: HeldOrder) -> bytes:
        """What the bank says of this order now, as a file."""
        said = list(self.bank.statements(held))
        group = "".join(_status("GrpSts", one) for one in said if one.level == "group")
        lines = "".join(
            line(one.end_to_end_id or "", one.code or "", next(iter(one.reasons), "")) for one in said
            if one.level == "line"
        )  # fmt: skip
        return self._dated(report(group, block("", lines) if lines else "", message_id=held.msg_id))

    def batch_of(self, held: HeldOrder) -> Batch:
        return BankOrder.get(BankOrder.msg_id == held.msg_id).batch

    def forge(self, held: HeldOrder, code: str, about: str | None, who: Membership) -> None:
        """Somebody hands in what no bank has said: that all of it, or one line, was refused, cancelled or paid."""
        batch = self.batch_of(held)
        self._may_believe(batch, (code, about), who, list(held.lines) if about is None else [about])
        self.hand_in(batch, self._forged_file(held, code, about), who)

    def _forged_file(self, held: HeldOrder, code: str, one: str | None) -> bytes:
        if one is None:
            return self._dated(report(f"<GrpSts>{code}</GrpSts><StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>",
                                      message_id=held.msg_id))  # fmt: skip
        return self._dated(report("", block("", line(one, code, "AC01")), message_id=held.msg_id))

    def statement_file(self, held: HeldOrder, only: int | None = None) -> bytes:
        """The account's bookings of this order, or one of them, as a file."""
        mine = [one for one in self.bank.bookings if one.msg_id == held.msg_id]
        mine = mine if only is None or not mine else [mine[only % len(mine)]]
        entries = [
            entry(
                format_iso(abs(one.cents)), "DBIT" if one.cents < 0 else "CRDT",
                inside=f"<NtryDtls><TxDtls><Refs><EndToEndId>{one.end_to_end_id}</EndToEndId></Refs></TxDtls></NtryDtls>"
                if one.end_to_end_id
                else f"<NtryDtls><Btch><MsgId>{one.msg_id}</MsgId></Btch></NtryDtls>",
            ).replace("2026-11-24", one.day.isoformat())
            for one in mine
        ]  # fmt: skip
        return statement(*entries).replace(DEMO_IBAN.encode(), held.order.debtor_iban.encode())

    def _dated(self, raw: bytes) -> bytes:
        return raw.replace(b"2026-05-04T08:00:00Z", f"{utcnow():%Y-%m-%dT%H:%M:%SZ}".encode())

    def operator_tells(self, batch: Batch, by: str) -> None:
        """An operator tells what the bank told: whether it has the order, and what became of it."""
        batch = Batch.get_by_id(batch.id)  # the other operator may have settled it
        order, held = self.newest_order(batch), self.held(batch)
        if order is None or batch.state not in ("sending", "disputed"):
            return
        if held is None:
            verdict = "not_taken"
        elif batch.state == "sending":
            verdict = "taken"
        else:
            verdict = "paid" if held.with_fate("executed") else "unpaid"
            # of all lines that are not proved at once, which need not be so
            doubtful = OrderLine.standing.in_(("possible", "disputed"))
            told = OrderLine.select().where(OrderLine.order == order.id, doubtful)
            self.words_trusted |= {row.end_to_end_id for row in told}
        self.act(operators.resolve_order, order.msg_id, verdict, "asked the bank", by)

    # --- until all is done --------------------------------------------------------------------------
    def settle_everything(self) -> None:
        """Banks and payroll answer plainly, time passes, and everybody goes on until nothing changes any more."""
        self.set_four_eyes(False)
        for run in list(self.payroll.runs_of.values()):
            self.run_payroll(run.number, run.wages, run.year)
        for _ in range(MOST_DAYS):
            self.bank.answer, self.bank.voice = TAKES, "levels"
            self.pass_time(24)
            self.work()
            for batch in self.batches():
                self._go_on(batch)
            self._pay_and_tell()
            for run in self.runs():
                for choice in Choice:
                    self.pay_unpaid(run, choice)
            if not self.batches(*UNFINISHED):
                return

    def _go_on(self, batch: Batch) -> None:
        if batch.state in ("open", "approved", "sending"):
            for line_row in BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.state == "excluded"):
                self.act(amendments.include_line, self.client, self.demo.user, batch.reference, line_row.id)
            self.change_account(batch, batch.bank_account)  # a day that is over is chosen anew
            self.approve(batch, self.owner)
            self.take_file(batch)
        elif (batch.state, "reopen") in state_machine.TRANSITIONS and not self._waits(batch):
            self.reopen(batch)
        if batch.state in ("sending", "disputed"):
            for by in ("anna", "bram"):
                self.operator_tells(batch, by)

    def _waits(self, batch: Batch) -> bool:
        """Whether a payment of the same run waits already: to set another up would replace it."""
        return any(one.run_id == batch.run_id for one in self.batches("open", "approved"))

    def _pay_and_tell(self) -> None:
        """Banks pay whatever they may; people bring the files of payments that no bank tells of."""
        self.work()
        for held in self.bank.orders:
            held.signed = True
            self.bank.execute(held, [one for one in held.lines.values() if self.bank.may_execute_yet(one, held)], False)
        self.pass_time(7)
        self.work()
        for held in self.bank.orders:
            batch = self.batch_of(held)
            for raw in (self.statement_file(held), self.status_file(held)):
                for who in (self.owner, self.colleague):
                    self.hand_in(batch, raw, who)

    @property
    def today(self) -> Any:
        return today_amsterdam()
