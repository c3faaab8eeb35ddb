"""A database that was restored, in whatever way, is noticed before anything goes to a bank.

Our database returns to a copy; the marks outside it and the sandbox's bank keep what they know.
"""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

import models
from connectors.anchors import REGISTER
from connectors.marks import FileMarks, Mark
from core.clock import utcnow
from domain.common import marks
from domain.common.errors import MoreThanOwed, OperatorRefused
from domain.common.services import Services, configure, services
from domain.operations import found_orders, integrity, log_anchors, operator_access, payment_holds, restore_check
from domain.orders import order_building, restore_watch, status_polling, submission
from domain.payments import holds
from domain.payments.release import release
from domain.payroll import intake, reopening, run_discovery
from domain.reconciliation import transactions
from models import BankAccount, BankOrder, Batch, LostOrder, OrderLine, PaymentHold
from tests.conftest import POSTGRES
from tests.support.backups import Backup
from tests.support.bookings import allow
from tests.support.factories import PSU, Demo
from tests.support.intake import work
from tests.support.marks import MemoryMarks
from tests.support.names import follow, sign
from tests.support.sandbox import Sandbox

copies = pytest.mark.skipif(bool(POSTGRES), reason="the copy is one of a file; PostgreSQL: tests/domain/test_backup.py")
MOMENTS = ("before the run", "before approval", "before sending", "before the answer")


@pytest.fixture
def file(tmp_path: Path) -> FileMarks:
    return FileMarks(tmp_path)


@pytest.fixture
def queue() -> MemoryMarks:
    return MemoryMarks()


@pytest.fixture(autouse=True)
def watched(world: Services, file: FileMarks, queue: MemoryMarks) -> Services:
    """The world with two places of marks, as in production: files and the queue's server."""
    changed = replace(world, marks=(file, queue))
    configure(changed)
    return changed


@pytest.fixture
def backup(database: str) -> Backup:
    return Backup(database)


def approve(demo: Demo, batch: Batch) -> None:
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)


def sweep() -> PaymentHold | None:
    """The part of the sweep that looks for a restore, and keeps a mark."""
    found = restore_watch.hold_if_no_witness_agrees()
    marks.keep_newest_mark()
    return found


def pay(demo: Demo, backup: Backup) -> tuple[Batch, dict[str, Path]]:
    """Import, approve, send and sign a payment; return it with a copy of the database of each moment."""
    taken = {"before the run": backup.take()}
    batch = work(demo)[0]
    taken["before approval"] = backup.take()
    approve(demo, batch)
    taken["before sending"] = backup.take()
    order_building.build_order(Batch.get_by_id(batch.id))
    taken["before the answer"] = backup.take()
    submission.submit_order(batch.id)
    sign(demo, batch)
    sweep()
    return follow(batch), taken


def ask_everything(demo: Demo) -> None:
    """What the workers do under the hold: Nmbrs, the orders' status, the bookings."""
    for company_id in run_discovery.due_companies():
        run_discovery.discover_runs(company_id)
    for run_id in intake.due_runs():
        intake.import_run(run_id)
    for order_id in status_polling.due_orders():
        status_polling.poll_status(order_id)
    for account_id in transactions.due_accounts():
        transactions.refresh_transactions(account_id, None)


def try_to_pay_all(demo: Demo) -> int:
    """Approve whatever can be approved, and let the worker send; return how often an approval was refused."""
    refused = 0
    for _ in range(3):
        for batch in Batch.select().where(Batch.state == "open"):
            if demo.view(batch).lines_payable:
                try:
                    approve(demo, batch)
                except MoreThanOwed:
                    refused += 1
        for batch_id in submission.due_batches():
            submission.submit_order(batch_id)
        for run_id in reopening.overtaken_runs():
            reopening.renew_overtaken(run_id)
    return refused


def placed(sandbox: Sandbox) -> list[str]:
    return [order["msg_id"] for order in sandbox.control("GET", "orders")]


@copies
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_copied_back_database_sends_nothing_until_all_was_asked(
    demo: Demo, sandbox: Sandbox, backup: Backup, moment: str
):
    """Not even with the marks alone telling: the money has not been booked yet."""
    allow(demo, sandbox)
    sandbox.run_payroll(webhook="none")
    batch, taken = pay(demo, backup)
    backup.restore(taken[moment])
    with time_machine.travel(utcnow() + timedelta(minutes=5)):
        try_to_pay_all(demo)  # a worker goes on as if nothing had happened
        sweep()
        (hold,) = holds.active_holds()
        assert (hold.cause, placed(sandbox)) == ("restore", [batch.reference])
        assert restore_check.unasked_clients(hold) == [demo.client]
        ask_everything(demo)
        assert restore_check.unasked_clients(hold) == []
        try_to_pay_all(demo)
        assert placed(sandbox) == [batch.reference], "asked, but nobody has said go"
        payment_holds.lift(hold.id, "olga", None, "all was asked")
        try_to_pay_all(demo)
        assert sweep() is None, "lifted once, it stays lifted"
    assert placed(sandbox) == [batch.reference]
    assert list(integrity.find_inconsistencies()) == []
    sandbox.control("POST", "clock", {"advance_days": 3})
    assert [order["status"] for order in sandbox.control("GET", "orders")] in (["ACSC"], ["ACCC"])


@copies
@pytest.mark.parametrize("witness", ["marks", "bookings"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_booked_since_the_copy_is_not_payable(
    demo: Demo, sandbox: Sandbox, backup: Backup, queue: MemoryMarks, file: FileMarks, moment: str, witness: str
):
    """With the marks of orders, and without them: by what the bank booked under our ids alone."""
    allow(demo, sandbox)
    sandbox.run_payroll(webhook="none")
    batch, taken = pay(demo, backup)
    sandbox.control("POST", "clock", {"advance_days": 5})
    assert follow(batch).state == "executed"
    backup.restore(taken[moment])
    if witness == "bookings":
        queue.empty()
        file._orders.unlink()
    with time_machine.travel(utcnow() + timedelta(days=5)):
        hold = sweep()
        assert hold is not None
        ask_everything(demo)
        assert (try_to_pay_all(demo) > 0) == (moment in ("before the run", "before approval"))
        payment_holds.lift(hold.id, "olga", None, "all was asked")
        try_to_pay_all(demo)
        for account_id in transactions.accounts_to_match():
            transactions.match_kept(account_id)
        assert transactions.accounts_to_match() == []
        replaced = moment in ("before the run", "before approval")
        assert [row.state for row in Batch.select()] == ["replaced" if replaced else "executed"]
        lost = [row.msg_id for row in LostOrder.select()]
        assert lost == [batch.reference]
        assert placed(sandbox) == [batch.reference]
    assert list(integrity.find_inconsistencies()) == []


@copies
def test_an_order_that_marks_remember_becomes_one_without_an_answer(demo: Demo, sandbox: Sandbox, backup: Backup):
    """Approved in the copy: the order is made again with its ids, is not sent, and is matched with its booking."""
    sandbox.control("PUT", "banks/redirect", {"honours_request_id": False})
    allow(demo, sandbox)
    sandbox.run_payroll(webhook="none")
    batch, taken = pay(demo, backup)
    backup.restore(taken["before sending"])
    hold = sweep()
    assert hold is not None
    ask_everything(demo)
    payment_holds.lift(hold.id, "olga", None, "all was asked")
    submission.submit_order(batch.id)
    order = BankOrder.get()
    assert (order.msg_id, order.state, Batch.get_by_id(batch.id).state) == (batch.reference, "submitted", "sending")
    assert {row.standing for row in OrderLine.select()} == {"possible"}
    sandbox.control("POST", "clock", {"advance_days": 5})
    with time_machine.travel(utcnow() + timedelta(days=5)):
        ask_everything(demo)
        assert Batch.get_by_id(batch.id).state == "executed"
    assert list(integrity.find_inconsistencies()) == []


@copies
def test_a_found_order_is_ruled_out_by_two_operators_and_is_owed_again(demo: Demo, sandbox: Sandbox, backup: Backup):
    sandbox.run_payroll(webhook="none")
    batch, taken = pay(demo, backup)
    backup.restore(taken["before approval"])
    hold = sweep()
    assert hold is not None and try_to_pay_all(demo) == 1
    assert found_orders.rule_out(batch.reference, "the bank has none", "olga").startswith("kept")
    assert found_orders.rule_out(batch.reference, "the bank has none", " Olga").startswith("kept")
    assert [row.state for row in Batch.select()] == ["replaced"]
    assert "owed again" in found_orders.rule_out(batch.reference, "asked too", "piet")
    made = reopening.renew_overtaken(batch.run_id)
    assert made is None, "a payment of what is owed again is set up on the page of what was not paid"
    assert list(integrity.find_inconsistencies()) == []


# --- witnesses -------------------------------------------------------------------------------------
def test_an_emptied_queue_is_no_restore(demo: Demo, sandbox: Sandbox, queue: MemoryMarks):
    sandbox.run_payroll(webhook="none")
    approve(demo, work(demo)[0])
    sweep()
    queue.empty()
    assert sweep() is None
    submission.submit_order(Batch.get().id)
    queue.empty()
    assert sweep() is None and len(placed(sandbox)) == 1


def test_a_queue_that_is_away_is_no_restore_and_stops_nothing(demo: Demo, sandbox: Sandbox, queue: MemoryMarks):
    queue.away = True
    sandbox.run_payroll(webhook="none")
    approve(demo, work(demo)[0])
    submission.submit_order(Batch.get().id)
    assert sweep() is None and len(placed(sandbox)) == 1


def test_heads_that_were_kept_are_no_restore(demo: Demo):
    """Neither those of the logs nor that of the register of rows, however often they are kept."""
    for number in range(1, 4):
        demo.batch(number=number)
        log_anchors.anchor_logs()
        assert sweep() is None
    assert {one.client for one in services().anchors.read()} == {demo.client.public_id, REGISTER}


@copies
def test_the_head_of_the_register_alone_tells_of_a_restore(demo: Demo, watched: Services, backup: Backup):
    copy = backup.take()
    BankAccount.update(limit_day_cents=1).execute()  # stated in the register, and in no log
    log_anchors.anchor_logs()
    assert {one.client for one in services().anchors.read()} >= {REGISTER}
    backup.restore(copy)
    configure(replace(watched, marks=(MemoryMarks(),)))
    assert sweep() is not None


def test_a_new_machine_beside_a_queue_that_remembers_is_no_restore(demo: Demo, watched: Services, tmp_path: Path):
    log_anchors.anchor_logs()
    assert sweep() is None
    (tmp_path / "other").mkdir()
    configure(replace(watched, marks=(FileMarks(tmp_path / "other"), watched.marks[1])))
    assert sweep() is None


def test_an_order_that_no_place_remembers_is_not_sent(demo: Demo, sandbox: Sandbox, watched: Services):
    queue = MemoryMarks(away=True)
    configure(replace(watched, marks=(queue,)))
    batch = demo.batch()
    approve(demo, batch)
    submission.submit_order(batch.id)
    order = BankOrder.get()
    assert (placed(sandbox), order.state, order.submitted_at) == ([], "prepared", None)
    queue.away = False
    BankOrder.update(due_at=utcnow()).execute()
    submission.submit_order(batch.id)
    assert placed(sandbox) == [batch.reference]


def test_a_database_with_orders_that_nothing_remembers_is_held(demo: Demo, sandbox: Sandbox, watched: Services):
    """A new machine with an empty queue, and no file of heads."""
    batch = demo.batch()
    configure(replace(watched, marks=(MemoryMarks(),)))
    assert sweep() is None, "a database that sent nothing has nothing to remember"
    approve(demo, batch)
    submission.submit_order(batch.id)
    configure(replace(watched, marks=(MemoryMarks(),)))
    hold = sweep()
    assert hold is not None and "nothing outside the database" in hold.reason
    assert sweep() is None


@copies
def test_the_heads_of_the_logs_alone_tell_of_a_restore(demo: Demo, watched: Services, backup: Backup):
    """Every mark is gone; the file of heads is on a machine of its own."""
    copy = backup.take()
    demo.batch()
    log_anchors.anchor_logs()
    backup.restore(copy)
    configure(replace(watched, marks=(MemoryMarks(),)))
    assert sweep() is not None


@copies
def test_a_copy_that_went_on_by_itself_is_noticed(demo: Demo, watched: Services, backup: Backup, queue: MemoryMarks):
    """Started elsewhere without any witness, it has as many events as the marks say, but others."""
    copy = backup.take()
    demo.batch(number=1)
    sweep()
    backup.restore(copy)
    with time_machine.travel(utcnow() + timedelta(minutes=1)):
        for number in range(2, 6):
            demo.batch(number=number)
    assert restore_watch.is_restored()


@copies
def test_several_workers_that_notice_it_at_once_place_one_hold(demo: Demo, backup: Backup, database: str):
    copy = backup.take()
    demo.batch()
    sweep()
    backup.restore(copy)
    barrier = threading.Barrier(4)

    def notice() -> None:
        with models.database.connection_context():
            barrier.wait(20)
            restore_watch.hold_if_restored()

    workers = [threading.Thread(target=notice) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
    assert len(holds.active_holds()) == 1


@copies
def test_two_databases_in_use_at_once_are_noticed(demo: Demo, backup: Backup, queue: MemoryMarks):
    """After the hold another machine still works on the database of before: what it marks is unknown here."""
    copy = backup.take()
    demo.batch()
    sweep()
    before = backup.take()
    backup.restore(copy)
    hold = sweep()
    assert hold is not None
    here = backup.take()
    backup.restore(before)
    demo.batch(number=2)
    marks.keep_newest_mark()
    backup.restore(here)
    assert sweep() is not None


def test_a_mark_that_was_cut_off_spoils_no_other(file: FileMarks):
    """The disk was full, or the power went, in the middle of a line; the next order is remembered all the same."""
    for event in (1, 2):
        file.keep(Mark(event, "h", utcnow().isoformat(), order=f"order {event}"))
        path = file.folder / "order-marks.jsonl"
        path.write_bytes(path.read_bytes() + b'{"at": "2026-1')
    assert [one.order for one in file.orders()] == ["order 1", "order 2"]


def test_a_mark_that_was_cut_off_is_left_out(file: FileMarks, demo: Demo):
    demo.batch()
    marks.keep_newest_mark()
    with open(file._orders, "a") as lines:
        lines.write('{"event": 9, "hash": "ab')
    assert sweep() is None
    assert (file._newest.stat().st_mode & 0o777) == 0o600


# --- lifting ---------------------------------------------------------------------------------------
def test_clients_that_could_not_be_asked_stay_held_until_two_operators_lift_it(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    approve(demo, batch)
    hold = restore_watch.hold_restored(utcnow())
    said = payment_holds.lift(hold.id, "olga", None, "the others were asked")
    assert demo.client.public_id in said
    (left,) = holds.active_holds()
    assert (left.client_id, left.cause, left.placed_at) == (demo.client.id, "restore", hold.placed_at)
    assert payment_holds.lift(left.id, "olga", None, "asked by phone").startswith("kept")
    assert payment_holds.lift(left.id, "OLGA ", None, "asked by phone").startswith("kept")
    submission.submit_order(batch.id)
    assert placed(sandbox) == []
    assert "two operators" in payment_holds.lift(left.id, "piet", None, "asked by phone too")
    submission.submit_order(batch.id)
    assert placed(sandbox) == [batch.reference]


def test_a_registered_operator_is_needed_to_lift(demo: Demo):
    hold = restore_watch.hold_restored(utcnow())
    token = operator_access.add_operator("olga", "", None, "root")
    with pytest.raises(OperatorRefused):
        payment_holds.lift(hold.id, "olga", "wrong", "x")
    assert payment_holds.lift(hold.id, "olga", token, "x")
