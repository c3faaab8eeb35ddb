"""The order is given once, whatever comes twice, late, or at a strange hour. See docs/exactly-once.md for the rest."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
import time_machine

import models
from core.clock import utcnow
from domain import books, following, sending, signing
from domain.errors import NotFound, NotOpen
from domain.payments import find
from domain.release import release
from models import BankOrder, Batch, Membership, Release
from tests.support.sandbox import Sandbox
from tests.support.world import PSU, Demo, authorise, make_user

HOUR = timedelta(hours=1)


@pytest.fixture
def released(demo: Demo) -> Batch:
    batch = demo.batch()
    release(demo.membership, str(batch.reference), demo.view(batch).digest, "session", PSU)
    return batch


def sweeps() -> None:
    """What a worker does when it finds what waits."""
    for batch_id in sending.due_batches():
        sending.send(batch_id)
    for order_id in following.due_orders():
        following.follow(order_id)


def at_the_bank(sandbox: Sandbox, batch: Batch) -> list[str]:
    return [o["msg_id"] for o in sandbox.control("GET", "orders") if o["msg_id"].startswith(str(batch.reference))]


# --- many at once ---------------------------------------------------------------------------------
def together(acts: Sequence[Callable[[], object]]) -> list[BaseException | None]:
    """Each in a thread with a connection of its own, all at the same moment; what each raised."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        with models.database.connection_context():
            gate.wait(30)
            act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [one.exception(60) for one in [pool.submit(run, act) for act in acts]]


def test_four_workers_send_one_order(demo: Demo, sandbox: Sandbox, released: Batch):
    assert together([lambda: sending.send(released.id)] * 4) == [None] * 4
    sweeps()
    assert at_the_bank(sandbox, released) == [released.reference]
    assert BankOrder.select().count() == 1
    assert list(books.faults()) == []


def test_two_people_release_once(demo: Demo, sandbox: Sandbox):
    other = make_user(name="Naomi Donkersloot")
    second = Membership.create(user=other, client=demo.client, role="approver")
    authorise(demo.client, other)
    batch = demo.batch()
    reference, shown = str(batch.reference), demo.view(batch).digest
    presses = [partial(release, one, reference, shown, "session", PSU) for one in (demo.membership, second)]
    raised = together(presses)
    assert [type(one) for one in raised if one] == [NotOpen]
    assert Release.select().count() == 1
    sweeps()
    assert at_the_bank(sandbox, batch) == [batch.reference]


# --- the way back ---------------------------------------------------------------------------------
def test_the_way_back_played_again_asks_and_does_nothing(demo: Demo, sandbox: Sandbox, released: Batch):
    sending.send(released.id)
    state = signing.return_state(str(released.reference))
    for _ in range(3):
        signing.finish_signing(state, demo.user)
    assert find(demo.client, str(released.reference)).state == "at_bank"
    assert at_the_bank(sandbox, released) == [released.reference]
    with pytest.raises(NotFound):
        signing.finish_signing(state, make_user(name="Charlie"))


# --- clocks ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("jump", [-400 * 24, -26, -1, 1, 4], ids=lambda hours: f"{hours} h")
def test_a_clock_that_jumps_while_it_is_sent_sends_no_other(demo: Demo, sandbox: Sandbox, released: Batch, jump: int):
    sandbox.fault(bank_lost_answer=True)
    sending.send(released.id)
    sandbox.fault(bank_lost_answer=False)
    with time_machine.travel(utcnow() + jump * HOUR):
        sweeps()
    BankOrder.update(due_at=utcnow() - HOUR, lease_until=None).execute()
    sweeps()
    assert at_the_bank(sandbox, released) == [released.reference]
    assert Batch.get_by_id(released.id).state == "at_bank"
    assert list(books.faults()) == []


def test_a_day_that_passes_between_approving_and_sending_sends_nothing(demo: Demo, sandbox: Sandbox, released: Batch):
    with time_machine.travel(utcnow() + timedelta(days=6)):
        sweeps()
    assert at_the_bank(sandbox, released) == []
    batch = Batch.get_by_id(released.id)
    assert (batch.state, batch.execution_date) == ("open", None)
    assert Release.get().voided_at is not None


# --- the queue ------------------------------------------------------------------------------------
def test_what_the_queue_forgot_is_found_in_the_database(demo: Demo, sandbox: Sandbox, released: Batch):
    """Nothing was ever enqueued here: a sweep finds it, and once it is sent there is nothing left to send."""
    assert sending.due_batches() == [released.id]
    sweeps()
    assert at_the_bank(sandbox, released) == [released.reference]
    assert sending.due_batches() == []


def test_pressing_again_once_it_was_sent_changes_nothing(demo: Demo, sandbox: Sandbox, released: Batch):
    sending.send(released.id)
    with pytest.raises(Exception, match="at_bank"):
        release(demo.membership, str(released.reference), demo.view(released).digest, "session", PSU)
    assert at_the_bank(sandbox, released) == [released.reference]
