"""An order is submitted to the bank exactly once, despite crashes, repeats, clock changes and lost messages.

The bank accepts duplicates here (`bank_accepts_duplicates`), so that an order submitted twice is present twice.
`docs/exactly-once.md` says which test shows what.
"""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from rq import SimpleWorker

import jobs
import models
from core.clock import utcnow
from domain.common import leases
from domain.common.errors import NotFound, NotOpen, StateConflict
from domain.operations import integrity
from domain.orders import order_building, sca, status_polling, submission
from domain.payments.release import release
from domain.payroll import reopening
from jobs import tasks
from jobs.task_jobs import SERIALIZER, TaskJob
from models import BankCall, BankOrder, Batch, BatchLine, Membership, Release
from tests.support import crashing_worker
from tests.support.bank import press
from tests.support.factories import PSU, Demo, authorise, make_client, make_user
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed
from tests.test_valkey import ask, queue  # noqa: F401  (a fixture)

KILLED = -9


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


@pytest.fixture(autouse=True)
def a_bank_that_counts(sandbox: Sandbox, demo: Demo) -> None:
    sandbox.fault(bank_accepts_duplicates=True)


@pytest.fixture
def released(demo: Demo) -> Batch:
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    return batch


def at_bank(sandbox: Sandbox) -> list[str]:
    """Return the message ids of all orders at the banks."""
    return [order["msg_id"] for order in sandbox.control("GET", "orders")]


def wake(batch: Batch, times: int = 3) -> Batch:
    """Let the worker return: leases have expired, pauses are over, and every job runs more than once."""
    for _ in range(times):
        BankOrder.update(lease_until=None).where(BankOrder.batch == batch.id).execute()
        BankOrder.update(due_at=batch.created_at).where(
            BankOrder.batch == batch.id, BankOrder.state.in_(("prepared", "submitted")), BankOrder.due_at.is_null(False)
        ).execute()
        for batch_id in {*submission.due_batches(), batch.id}:
            submission.submit_order(batch_id)
    return Batch.get_by_id(batch.id)


def set_idempotent(sandbox: Sandbox, honours: bool) -> None:
    """Set whether the bank treats a repeated X-Request-ID as idempotent, in its behaviour and its configuration."""
    sandbox.control("PUT", "banks/redirect", {"honours_request_id": honours})


# --- crashes --------------------------------------------------------------------------------------
@pytest.mark.thorough  # the same points as in test_crash_recovery, but with SIGKILL
@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize("point", crashing_worker.POINTS)
def test_a_killed_worker_submits_once(
    database: str, sandbox: Sandbox, keys: Path, released: Batch, point: str, honours: bool
):
    set_idempotent(sandbox, honours)
    assert crashing_worker.run(database, sandbox, keys, released.id, point) == KILLED
    had_it = at_bank(sandbox)
    found = wake(released)
    if honours or point not in crashing_worker.UNSURE:
        assert (found.state, at_bank(sandbox)) == ("at_bank", [released.reference])
    else:  # only the bank knows: an operator asks it
        assert (found.state, at_bank(sandbox)) == ("sending", had_it)
        assert submission.due_batches() == []
        with pytest.raises(NotOpen):
            reopening.reopen_payment(Membership.get().client, Membership.get().user, released.reference)


@pytest.mark.parametrize("made", [False, True])
def test_parallel_workers_submit_once(
    database: str, sandbox: Sandbox, keys: Path, released: Batch, made: bool
):
    """For an order that is still to be built, and for one that waits. The bank is slow, so that the workers overlap."""
    set_idempotent(sandbox, False)
    sandbox.fault(bank_slow=True)
    if made:
        order_building.build_order(released)
    started = [crashing_worker.start(database, sandbox, keys, released.id) for _ in range(3)]
    crashing_worker.wait_for(2, started)  # those that did not get the lease
    sandbox.fault(bank_slow=False)
    assert [one.wait() for one in started] == [0, 0, 0]
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


def test_a_delayed_worker_does_not_submit_again(sandbox: Sandbox, released: Batch):
    """It read the order before it was submitted; meanwhile another worker submitted it and the answer was lost."""
    set_idempotent(sandbox, False)
    looked = order_building.build_order(released)
    assert looked is not None and looked.submitted_at is None
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    sandbox.fault(bank_lost_answer=False)
    submission._submit_to_bank(Batch.get_by_id(released.id), looked)
    assert (Batch.get_by_id(released.id).state, at_bank(sandbox)) == ("sending", [released.reference])


def test_an_order_that_another_worker_made_since_the_payment_was_read_goes_at_once(sandbox: Sandbox, released: Batch):
    """With the payment as it was read (approved), the claim would end in an error and the order wait for its lease."""
    read = Batch.get_by_id(released.id)
    order = order_building.build_order(released)
    assert order is not None and (read.state, Batch.get_by_id(released.id).state) == ("approved", "sending")
    submission._submit_to_bank(read, order)
    assert (Batch.get_by_id(released.id).state, at_bank(sandbox)) == ("at_bank", [released.reference])


def test_a_leased_order_is_left_alone(sandbox: Sandbox, released: Batch):
    order = order_building.build_order(released)
    assert order is not None
    assert leases.claim_lease(BankOrder, order.id, submission.SEND_LEASE) is not None
    for _ in range(2):
        submission.submit_order(released.id)
    assert at_bank(sandbox) == []
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


# --- lost answers ---------------------------------------------------------------------------------
@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize(
    ("fault", "taken"),
    [("bank_order_not_taken", False), ("bank_lost_answer", True), ("bank_order_504", True),
     ("bank_strange_answer", True)],
)  # fmt: skip
def test_without_an_answer_it_is_submitted_once(
    sandbox: Sandbox, released: Batch, fault: str, taken: bool, honours: bool
):
    set_idempotent(sandbox, honours)
    sandbox.fault(**{fault: True})
    submission.submit_order(released.id)
    assert Batch.get_by_id(released.id).state == "sending"
    assert at_bank(sandbox) == [released.reference] * taken
    sandbox.fault(**{fault: False})
    found = wake(released)
    if honours:
        assert (found.state, at_bank(sandbox)) == ("at_bank", [released.reference])
    else:
        assert (found.state, at_bank(sandbox)) == ("sending", [released.reference] * taken)


def test_a_duplicate_error_means_that_the_bank_has_it(sandbox: Sandbox, released: Batch):
    """DUPL in answer to a repeat is no rejection: the order remains, and an operator asks the bank."""
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    sandbox.fault(
        bank_lost_answer=False, bank_accepts_duplicates=False, bank_forgets_request_id=True, bank_duplicate_dupl=True
    )
    assert wake(released).state == "sending"
    assert at_bank(sandbox) == [released.reference]
    said = [row.outcome for row in BankCall.select().where(BankCall.operation == "place")]
    assert said[-1] == "unknown:DuplicateOrder"


# --- users ----------------------------------------------------------------------------------------
def press_together(*presses) -> list[Exception]:
    """Run all actions at the same time, each in a thread. Returns the errors of those that came too late."""
    start, wrong, ended = threading.Barrier(len(presses)), [], []

    def run(act) -> None:
        start.wait()
        try:
            act()
        except (NotOpen, StateConflict) as error:  # any other error fails the test
            wrong.append(error)
        ended.append(act)

    threads = [threading.Thread(target=run, args=(act,)) for act in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == len(presses)
    return wrong


def test_parallel_users_submit_once(demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    shown = demo.view(batch).digest
    colleague = Membership.create(user=make_user(), client=demo.client, role="owner")
    authorise(demo.client, colleague.user)

    def pays(who: Membership):
        def act() -> None:
            submission.submit_order(release(who, batch.reference, shown, "session", PSU).batch_id)

        return act

    wrong = press_together(pays(demo.membership), pays(demo.membership), pays(colleague))
    assert all(isinstance(error, NotOpen) for error in wrong), wrong
    assert Release.select().count() == 1
    assert (wake(batch).state, at_bank(sandbox)) == ("at_bank", [batch.reference])


# --- replayed redirects ---------------------------------------------------------------------------
def test_a_replayed_redirect_has_no_effect(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "ondertekenen")
    state = sca.return_state(BankOrder.get().msg_id)
    for _ in range(3):
        sca.handle_redirect_return(state, demo.user)
    assert (Batch.get_by_id(batch.id).state, at_bank(sandbox)) == ("signed", [batch.reference])
    with pytest.raises(NotFound):
        sca.handle_redirect_return(state, make_client(make_user()).user)


def test_the_redirect_of_a_closed_order_has_no_effect(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "weiger")
    assert followed(batch).state in ("rejected", "failed")
    old = sca.return_state(BankOrder.get().msg_id)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    at_the_bank(demo, batch)
    for _ in range(2):
        sca.handle_redirect_return(old, demo.user)
    assert Batch.get_by_id(batch.id).state == "at_bank"
    assert sorted(at_bank(sandbox)) == [batch.reference, f"{batch.reference}-2"]


# --- clocks ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("jump", [timedelta(hours=-26), timedelta(hours=3), timedelta(days=9)])
def test_a_clock_change_after_a_lost_answer_builds_no_new_order(sandbox: Sandbox, released: Batch, jump: timedelta):
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    body = order_building.order_bytes(BankOrder.get())
    sandbox.fault(bank_lost_answer=False)
    with time_machine.travel(utcnow() + jump):
        wake(released)
    found = wake(released)
    assert (found.state, at_bank(sandbox)) == ("at_bank", [released.reference])
    assert order_building.order_bytes(BankOrder.get()) == body


@pytest.mark.parametrize("jump", [timedelta(days=8), timedelta(days=400)])
def test_a_clock_past_the_execution_date_submits_nothing(sandbox: Sandbox, released: Batch, jump: timedelta):
    with time_machine.travel(utcnow() + jump):
        found = wake(released)
    assert (found.state, at_bank(sandbox)) == ("open", [])
    assert wake(released).state == "open", "a reopened payment is not submitted when the clock is corrected"
    assert at_bank(sandbox) == []


def test_a_clock_set_back_submits_once(sandbox: Sandbox, released: Batch):
    with time_machine.travel(utcnow() - timedelta(hours=2)):
        wake(released)
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


# --- the queue ------------------------------------------------------------------------------------
def test_an_emptied_queue_neither_loses_nor_duplicates(queue, sandbox: Sandbox, released: Batch):  # noqa: F811
    """After the queue is emptied, the sweep finds the order in the database; several jobs for it submit it once."""
    _child, path = queue
    connection = jobs.connect(f"unix://{path}?db=0")
    assert jobs.enqueue("send_order", released.id)
    assert ask(path, "FLUSHALL").startswith(b"+OK")
    assert not jobs.queue("urgent").count
    tasks.enqueue_due_work()
    for _ in range(3):
        jobs.enqueue("send_order", released.id)
    queues = [jobs.queue(name) for name in jobs.NAMES]
    worker = SimpleWorker(queues, connection=connection, job_class=TaskJob, serializer=SERIALIZER)
    worker.work(burst=True, logging_level="ERROR")
    models.database.connect(reuse_if_open=True)
    assert (Batch.get_by_id(released.id).state, at_bank(sandbox)) == ("at_bank", [released.reference])


def test_a_submitted_order_is_executed_once(demo: Demo, sandbox: Sandbox, released: Batch):
    wake(released)
    press(sca.start_sca(demo.client, demo.user, released.reference, PSU).url or "", "ondertekenen")
    sandbox.control("POST", "clock", {"advance_days": 14})
    sandbox.control("POST", "clock", {"advance_days": 14})
    assert followed(released, 3).state == "executed"
    assert (at_bank(sandbox), status_polling.due_orders()) == ([released.reference], [])
    assert {line.state for line in BatchLine.select()} == {"executed"}
