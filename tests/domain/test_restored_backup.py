"""A payment made again from a restored backup has the same ids, so its bank detects the duplicate.

The sandbox's bank keeps its data while our database returns to a backup.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from core.clock import utcnow
from domain.operations import integrity
from domain.orders import payee_verification, submission
from domain.payments import amendments
from domain.payments.release import release
from domain.payroll import reopening
from models import BankOrder, Batch, BatchLine, OrderLine
from tests.conftest import POSTGRES
from tests.support.backups import Backup
from tests.support.factories import PSU, Demo
from tests.support.intake import work
from tests.support.names import CLOSE, OTHER, follow, send, sign
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.skipif(bool(POSTGRES), reason="the backup is a copy of the file; the ids are made in Python")


@pytest.fixture(autouse=True)
def books_hold(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


@pytest.fixture
def backup(database: str) -> Backup:
    return Backup(database)


def ids(batch: Batch) -> tuple:
    """Return every id that a bank gets of the payment's newest order, and the reference."""
    order = BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()).get()
    lines = OrderLine.select().where(OrderLine.order == order.id).order_by(OrderLine.id)
    named = [(line.end_to_end_id, line.creditor_iban, line.amount_cents) for line in lines]
    return Batch.get_by_id(batch.id).reference, order.msg_id, order.x_request_id, named


def approve(demo: Demo, batch: Batch) -> None:
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)


def pay(demo: Demo, take: Callable[[str], None]) -> Batch:
    """Import the run, approve and submit it; `take` is called at each moment."""
    take("before the run")
    batch = Batch.get_or_none() or work(demo)[0]
    take("before approval")
    if batch.state == "open":
        approve(demo, batch)
    take("before sending")
    submission.submit_order(batch.id)
    return Batch.get_by_id(batch.id)


def payment_of(orders: list[dict]) -> list[str]:
    return [order["msg_id"] for order in orders]


@pytest.mark.parametrize(
    ("form", "honours"), [("pain.001.001.09", True), ("pain.001.001.09", False), ("json", True)],
    ids=["file, idempotent", "file, not idempotent", "json, idempotent"],
)  # fmt: skip
@pytest.mark.parametrize("moment", ["before the run", "before approval", "before sending"])
def test_a_payment_made_again_from_a_backup_has_the_same_ids(
    demo: Demo, sandbox: Sandbox, backup: Backup, moment: str, form: str, honours: bool
):
    sandbox.control("PUT", "banks/redirect", {"format": form, "honours_request_id": honours})
    sandbox.run_payroll(webhook="none")
    copies: dict[str, Path] = {}
    first = pay(demo, lambda where: copies.update({where: backup.take()}))
    assert first.state == "at_bank"
    was, payment = ids(first), BankOrder.get().bank_payment_id
    backup.restore(copies[moment])
    with time_machine.travel(utcnow() + timedelta(minutes=5)):
        again = pay(demo, lambda _: None)
    assert ids(again) == was
    assert len(sandbox.control("GET", "orders")) == 1, "the bank has it once"
    same_bytes = form == "json" or moment == "before sending"
    if honours and same_bytes:
        assert (again.state, BankOrder.get().bank_payment_id) == ("at_bank", payment)
    else:
        assert again.state == "sending", "the bank says that it has it: nobody may send another by pressing a button"


def test_a_payment_executed_since_the_backup_is_not_paid_again(demo: Demo, sandbox: Sandbox, backup: Backup):
    """Its date has passed, so it is approved for another; the bank still knows the message."""
    sandbox.run_payroll(webhook="none")
    copies: dict[str, Path] = {}
    batch = pay(demo, lambda where: copies.update({where: backup.take()}))
    was = ids(batch)
    sign(demo, batch)
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert follow(batch).state == "executed"
    backup.restore(copies["before sending"])
    with time_machine.travel(utcnow() + timedelta(days=6)):
        assert pay(demo, lambda _: None).state == "open"
        again = pay(demo, lambda _: None)
        assert (follow(again).state, ids(again)) == ("sending", was)
    assert payment_of(sandbox.control("GET", "orders")) == [was[1]]


@pytest.mark.parametrize("moment", ["while names are checked", "before the second approval"])
def test_a_name_accepted_again_gets_the_same_end_to_end_id(demo: Demo, sandbox: Sandbox, backup: Backup, moment: str):
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    batch = send(demo, (CLOSE, OTHER))
    copies = {"while names are checked": backup.take()}
    who, reference = (demo.client, demo.user), batch.reference
    close, other = (row.id for row in BatchLine.select().order_by(BatchLine.position))
    payee_verification.accept_bank_name(*who, reference, close)
    payee_verification.exclude_line_and_cancel(*who, reference, other, PSU)
    copies["before the second approval"] = backup.take()
    first = ids(send(demo, batch=batch))
    assert (first[1], len(first[3])) == (f"{reference}-2", 1)
    backup.restore(copies[moment])
    if moment == "while names are checked":
        payee_verification.accept_bank_name(*who, reference, close)
        assert follow(batch).state == "cancelled", "the bank knows that it was taken back"
        reopening.reopen_payment(*who, reference)
        amendments.exclude_line(*who, reference, other)
    assert ids(send(demo, batch=batch)) == first
    assert len(sandbox.control("GET", "orders")) == 2
