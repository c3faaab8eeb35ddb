"""A payment, and what people, the bank, Nmbrs and the worker do until it is paid, in steps that can be taken again.

Three plots: it is sent and signed, and the keys are rotated meanwhile; it is refused at the bank, set up again, sent
and signed; a person takes it to the bank, whose file says that it was paid. Whoever finds that a step was cut off does
what a person would: look, and go on from what is shown.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from flask import Flask

import jobs
import models
from connectors.anchors import FileAnchors
from connectors.marks import FileMarks
from core.clock import utcnow
from core.encryption import Keyring
from domain.accounts import push_subscriptions
from domain.common.services import configure, services
from domain.operations import integrity, key_rotation, log_anchors, operators
from domain.orders import manual_submission
from domain.payments import amendments
from domain.payroll import webhook_keys
from jobs import tasks
from jobs.marks import QueueMarks
from jobs.task_jobs import SERIALIZER, TaskJob
from models import BankOrder, Batch, PaymentHold
from tests.connectors.test_pain002 import report
from tests.support import factories
from tests.support.factories import PIN
from tests.support.kill_places import Places
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient

BY_HAND_IBAN = "NL61KNAB0257398104"
MOST_ROUNDS = 12  # sweeps, until one changes nothing
SIGNED, REFUSED, BY_HAND = "signed", "refused and set up again", "taken to the bank by hand"
KEYS = {"k1": b"1" * 32, "k2": b"2" * 32}
Step = Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    """What all who were involved know at the end, in words that two runs of the story have in common."""

    states: list[str]  # of each payment
    paid: dict[str, int]  # a person's account: cents, as the banks have executed them
    mails: Counter[str]
    mail_ids: int  # of different mails: one that came twice is the same one to a mailbox
    pushes: Counter[str]
    faults: tuple[str, ...]
    holds: int


def let_time_pass() -> None:
    """An hour goes by: leases have run out, and whatever waits is due."""
    now = utcnow()
    for table in models.TABLES:
        for field in table._meta.sorted_fields:
            if field.name == "lease_until":
                table.update(lease_until=None).where(field.is_null(False)).execute()
            elif field.name.endswith("due_at"):
                table.update({field: now}).where(field.is_null(False)).execute()


def drain(places: Places) -> None:
    """Do every job in the queue. The queue's own bookkeeping is no place; a job that was taken out and not done is
    lost, as when its worker is killed.
    """
    while True:
        with places.outside():
            queues = [jobs.queue(name) for name in jobs.NAMES]
            taken = next((one.pop_job_id() for one in queues if one.count), None)
            job = TaskJob.fetch(taken, connection=jobs.connection(), serializer=SERIALIZER) if taken else None
            work: tuple[Any, Any] = (job.func, job.args) if job else (None, ())
            if job:
                job.delete()
        if work[0] is None:
            return
        work[0](*work[1])


def sweep(places: Places) -> None:
    """What the worker does every five seconds, and now and then."""
    tasks.time = SimpleNamespace(time=lambda: 0)  # type: ignore[assignment]
    tasks.enqueue_due_work()
    drain(places)


class Story:
    """The world of the story, on an empty database and a sandbox in its initial state."""

    def __init__(self, app: Flask, sandbox: Sandbox, home: Path) -> None:
        self.app, self.sandbox, self.home = app, sandbox, home
        self.places = Places()
        self.enter()
        self.demo = factories.make_demo(sandbox)
        self.owner = self._sign_in()
        self.by_hand = manual_submission.add_account(self.demo.client, self.demo.user, BY_HAND_IBAN, "Demo BV")
        self.phone = Receiver(sandbox)
        device = models.Device.get(models.Device.user == self.demo.user.id)
        push_subscriptions.subscribe(self.demo.user, device, self.phone.written)
        address = webhook_keys.webhook_url(self.demo.client)
        self.hook = address[address.index("/client/") :]
        sandbox.run_payroll(lines=2, webhook="none")

    def enter(self, primary: str = "k1") -> None:
        """Begin as a process does: with connections of its own. `primary`: the key that encrypts."""
        world = factories.make_world(self.sandbox.url, self.sandbox.smtp_port, self.home)
        configure(
            replace(
                world, marks=(FileMarks(self.home), QueueMarks(jobs.connection)), keyring=Keyring(KEYS, primary),
                anchors=FileAnchors(self.home / "anchors.jsonl"),
            )
        )  # fmt: skip
        models.database.connect(reuse_if_open=True)

    def go_on(self, primary: str) -> None:
        """Begin after the process before this one was killed; the person signs in again."""
        self.enter(primary)
        self.owner = self._sign_in()

    def plot(self, name: str) -> tuple[list[Step], list[Step]]:
        """Return the steps before anything may happen, and those in which it may."""
        begin: list[Step] = [self.run_ends, self.work, self.pay, self.work]
        end: list[Step] = [self.the_day_comes, self.work]
        return {
            SIGNED: ([], [*begin, self.sign, self.work, self.rotate_keys, *end]),
            REFUSED: (begin, [self.refuse, self.work, self.set_up_again, self.pay, self.work, self.sign, *end]),
            BY_HAND: ([self.run_ends, self.work], [self.pay_by_hand, self.work, self.take_file, self.hand_in, *end]),
        }[name]

    def _sign_in(self) -> WebClient:
        return Site(self.app, self.sandbox).person(self.demo.user)

    def settle(self, run: Callable[[], None]) -> None:
        """Sweep until nothing changes any more, an hour at a time."""
        for _ in range(MOST_ROUNDS):
            with self.places.outside():
                before = self.known()
                let_time_pass()
            run()
            with self.places.outside():
                if self.known() == before:
                    return
        raise AssertionError(f"it never ends: {self.known()}")

    @staticmethod
    def known() -> tuple:
        """Return what the database knows, in short."""
        counts = [table.select().count() for table in (models.Evidence, models.PayrollRun, models.AuditEvent)]
        unsent = [table.select().where(table.sent_at.is_null()).count()
                  for table in (models.OutgoingMail, models.PushNotification)]  # fmt: skip
        return [(one.id, one.state) for one in Batch.select().order_by(Batch.id)], counts, unsent

    # --- what can be seen -------------------------------------------------------------------------
    @property
    def batch(self) -> Batch:
        """The payment that counts: the newest one."""
        found = Batch.select().order_by(Batch.id.desc()).first()
        assert found is not None, "there is no payment"
        return found

    def at(self, tail: str = "") -> str:
        return f"/{self.demo.client.public_id}/betalingen/{self.batch.reference}{tail}"

    # --- the steps --------------------------------------------------------------------------------
    def run_ends(self) -> None:
        """Nmbrs calls once; a call that gets no answer is lost."""
        self.app.test_client().post(self.hook, json={"CompanyId": 9969, "EventId": 7})

    def work(self) -> None:
        self.settle(lambda: sweep(self.places))

    def pay(self) -> None:
        """Press *Betaal* on what is shown, with the PIN where it is asked."""
        if self.batch.state != "open":
            return
        page = self.owner.open(self.at())
        for asked in page.all("#rekeningen [name=seen]"):
            self.owner.post(self.at("/rekeningen"), seen=asked.get("value") or "", antwoord="records")
            page = self.owner.open(self.at())
        shown = page.value("#payment > [name=shown]")
        answer = self.owner.post(self.at("/betalen"), shown=shown)
        if "/pincode" in answer.location:
            self.owner.post(answer.location, pin=PIN, shown=shown)
        assert self.batch.state != "open", self.owner.open(self.at()).text

    def pay_by_hand(self) -> None:
        if self.batch.state == "open" and self.batch.bank_account_id != self.by_hand.id:
            amendments.change_date_and_account(
                self.demo.client, self.demo.user, self.batch.reference, None, self.by_hand.id
            )
        self.pay()

    def _at_the_bank(self, choice: str) -> None:
        """Go to the bank, do it there, and come back."""
        if self.batch.state != "at_bank":
            return
        answer = self.owner.post(self.at("/ondertekenen"))
        if not answer.location.startswith("http"):
            return  # the page says what is going on
        with self.places.outside():
            back = requests.post(answer.location, data={"besluit": choice}, timeout=10, allow_redirects=False)
        if found := re.search(r"/bank/ondertekend/[\w.-]+", back.headers.get("Location", "")):
            self.owner.get(found[0])

    def sign(self) -> None:
        self._at_the_bank("ondertekenen")

    def refuse(self) -> None:
        self._at_the_bank("weiger")

    def set_up_again(self) -> None:
        if self.batch.state in ("rejected", "failed"):
            self.owner.post(self.at("/opnieuw"))

    def take_file(self) -> None:
        """Download the file; an answer that was cut off is asked for again."""
        if self.batch.state in ("approved", "sending"):
            answer = self.owner.post(self.at("/bestand.xml"))
            assert answer.status_code == 200 and self.batch.reference.encode() in answer.data, answer.text

    def hand_in(self) -> None:
        """Hand in the bank's file, and confirm it."""
        if self.batch.state == "executed":
            return
        raw = report("<GrpSts>ACSC</GrpSts>", message_id=BankOrder.get(BankOrder.batch == self.batch.id).msg_id)
        answer = self.owner.post(self.at("/bestand"), bestand=(BytesIO(raw), "status.xml"))
        self.owner.post(answer.location, pin=PIN)

    def rotate_keys(self) -> None:
        """An operator put a new key first and runs the command; again, if it was cut off."""
        configure(replace(services(), keyring=Keyring(KEYS, "k2")))
        with models.database.connection_context():
            key_rotation.rotate_keys()

    def the_day_comes(self) -> None:
        with self.places.outside():
            self.sandbox.control("POST", "clock", {"advance_days": 40})

    # --- the people who settle what no program knows ----------------------------------------------
    def ask_the_bank(self) -> int:
        """Two operators ask the bank about each order without an answer, and say what it said. Returns how many."""
        asked = 0
        for batch in Batch.select().where(Batch.state == "sending"):
            order = BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).get()
            if order.is_manual:
                continue
            has_it = any(one["msg_id"] == order.msg_id for one in self.sandbox.control("GET", "orders"))
            for who in ("anna", "bram"):
                operators.resolve_order(order.msg_id, "taken" if has_it else "not_taken", "asked the bank", who)
            asked += 1
        return asked

    # --- the end ----------------------------------------------------------------------------------
    def outcome(self) -> Outcome:
        told = self.sandbox.control("GET", "inbox")
        paid: Counter[str] = Counter()
        for order in self.sandbox.control("GET", "orders"):
            if order["status"] in ("ACSC", "ACCC"):
                paid.update(executed_in(order["body"]))
        for order in BankOrder.select().where(BankOrder.is_manual):  # what a person took to the bank
            if self.batch.state == "executed":
                lines = models.OrderLine.select().where(models.OrderLine.order == order.id)
                paid.update({line.creditor_iban: line.amount_cents for line in lines})
        faults = [*integrity.find_inconsistencies(), *log_anchors.anchor_faults()]
        faults += [f"not under the newest key: {name}" for name in key_rotation.under_other_keys()]
        return Outcome(
            states=[one.state for one in Batch.select().order_by(Batch.id)], paid=dict(paid),
            mails=Counter(mail["subject"] for mail in told), mail_ids=len({mail["message_id"] for mail in told}),
            pushes=Counter(one["title"] for one in self.phone.told()),
            faults=tuple(str(fault) for fault in faults), holds=PaymentHold.select().count(),
        )  # fmt: skip


def executed_in(body: str) -> dict[str, int]:
    """Return what a pain.001 pays: cents by account of the creditor."""
    lines = re.findall(r"<CdtTrfTxInf>.*?</CdtTrfTxInf>", body, re.DOTALL)
    found: Counter[str] = Counter()
    for line in lines:
        amount = re.search(r"<InstdAmt[^>]*>([\d.]+)<", line)
        account = re.search(r"<CdtrAcct>.*?<IBAN>(\w+)<", line, re.DOTALL)
        assert amount and account
        found[account[1]] += round(float(amount[1]) * 100)
    return dict(found)
