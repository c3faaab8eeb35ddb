"""An order is given to the bank exactly once, whatever dies, doubles, jumps or is lost on the way.

The bank accepts doubles here (`bank_accepts_duplicates`) and counts: what we send twice stands there twice.
`docs/exactly-once.md` says which of these tests shows what.
"""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from rq import Queue, SimpleWorker

import jobs
import models
from core.clock import utcnow
from domain.common import leases
from domain.common.errors import NotFound, NotOpen, StateConflict
from domain.operations import integrity
from domain.orders import sca, status_polling, submission
from domain.payments import amendments
from domain.payments.release import release
from jobs import tasks
from models import BankExchange, BankOrder, Batch, BatchLine, Membership, Release
from tests.support import crashing_worker
from tests.support.bank import press
from tests.support.factories import PSU, Demo, authorise, make_client, make_user
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed
from tests.test_valkey import ask, queue  # noqa: F401  (a fixture)

KILLED = -9


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo):
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
    """The message ids of all that the banks have."""
    return [order["msg_id"] for order in sandbox.control("GET", "orders")]


def wake(batch: Batch, times: int = 3) -> Batch:
    """The worker is back: leases have run out, pauses are over, and every job runs more than once."""
    for _ in range(times):
        BankOrder.update(lease_until=None).where(BankOrder.batch == batch.id).execute()
        BankOrder.update(due_at=batch.created_at).where(
            BankOrder.batch == batch.id, BankOrder.state.in_(("ready", "sent")), BankOrder.due_at.is_null(False)
        ).execute()
        for batch_id in {*submission.due_batches(), batch.id}:
            submission.submit_order(batch_id)
    return Batch.get_by_id(batch.id)


def honouring(sandbox: Sandbox, honours: bool) -> None:
    """Whether the bank answers a repeated X-Request-ID as it did, and its line says so."""
    sandbox.control("PUT", "banks/redirect", {"honours_request_id": honours})


# --- killed ---------------------------------------------------------------------------------------
@pytest.mark.thorough  # these points are among the places of test_crash_recovery; here they die by a signal
@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize("point", crashing_worker.POINTS)
def test_a_worker_killed_anywhere_gives_it_once(
    database: str, sandbox: Sandbox, keys: Path, released: Batch, point: str, honours: bool
):
    honouring(sandbox, honours)
    assert crashing_worker.run(database, sandbox, keys, released.id, point) == KILLED
    had_it = at_bank(sandbox)
    found = wake(released)
    if honours or point not in crashing_worker.UNSURE:
        assert (found.state, at_bank(sandbox)) == ("at_bank", [released.reference])
    else:  # nobody but the bank can know: a person asks it
        assert (found.state, at_bank(sandbox)) == ("sending", had_it)
        assert submission.due_batches() == []
        with pytest.raises(NotOpen):
            amendments.reopen(Membership.get().client, Membership.get().user, released.reference)


@pytest.mark.parametrize("made", [False, True])
def test_workers_at_the_same_moment_give_it_once(
    database: str, sandbox: Sandbox, keys: Path, released: Batch, made: bool
):
    """Of an order that is to be made, and of one that is and waits; the bank is slow, so that they meet."""
    honouring(sandbox, False)
    sandbox.fault(bank_slow=True)
    if made:
        submission.build_order(released)
    started = [crashing_worker.start(database, sandbox, keys, released.id) for _ in range(3)]
    crashing_worker.wait_for(2, started)  # those who left the order to the one that the bank keeps waiting
    sandbox.fault(bank_slow=False)
    assert [one.wait() for one in started] == [0, 0, 0]
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


def test_a_worker_that_slept_between_looking_and_claiming_does_not_give_it_again(sandbox: Sandbox, released: Batch):
    """It looked when nothing had been called; meanwhile another called, and the answer was lost."""
    honouring(sandbox, False)
    looked = submission.build_order(released)
    assert looked is not None and looked.called_at is None
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    sandbox.fault(bank_lost_answer=False)
    submission._submit_to_bank(Batch.get_by_id(released.id), looked)
    assert (Batch.get_by_id(released.id).state, at_bank(sandbox)) == ("sending", [released.reference])


def test_what_another_worker_holds_is_left_alone(sandbox: Sandbox, released: Batch):
    order = submission.build_order(released)
    assert order is not None
    assert leases.claim_lease(BankOrder, order.id, submission.SEND_LEASE) is not None
    for _ in range(2):
        submission.submit_order(released.id)
    assert at_bank(sandbox) == []
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


# --- no answer ------------------------------------------------------------------------------------
@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize(
    ("fault", "taken"),
    [("bank_order_not_taken", False), ("bank_lost_answer", True), ("bank_order_504", True),
     ("bank_strange_answer", True)],
)  # fmt: skip
def test_without_an_answer_it_is_given_once(
    sandbox: Sandbox, released: Batch, fault: str, taken: bool, honours: bool
):
    honouring(sandbox, honours)
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


def test_a_double_says_that_the_bank_has_it(sandbox: Sandbox, released: Batch):
    """DUPL to a repeat is no refusal: the order stays, and a person hears of it from the bank."""
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    sandbox.fault(
        bank_lost_answer=False, bank_accepts_duplicates=False, bank_forgets_request_id=True, bank_duplicate_dupl=True
    )
    assert wake(released).state == "sending"
    assert at_bank(sandbox) == [released.reference]
    said = [row.outcome for row in BankExchange.select().where(BankExchange.call == "place")]
    assert said[-1] == "unknown:DuplicateOrder"


# --- people ---------------------------------------------------------------------------------------
def press_together(*presses) -> list[Exception]:
    """All at the same moment, each in a thread; who was told that it is past."""
    start, wrong, ended = threading.Barrier(len(presses)), [], []

    def run(act) -> None:
        start.wait()
        try:
            act()
        except (NotOpen, StateConflict) as error:  # anything else fails the test as an unhandled one
            wrong.append(error)
        ended.append(act)

    threads = [threading.Thread(target=run, args=(act,)) for act in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == len(presses)
    return wrong


def test_two_people_two_tabs_and_a_double_tap_give_it_once(demo: Demo, sandbox: Sandbox):
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


# --- replayed ways back ---------------------------------------------------------------------------
def test_the_way_back_walked_again_gives_and_signs_nothing_more(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "ondertekenen")
    state = sca.return_state(BankOrder.get().msg_id)
    for _ in range(3):
        sca.handle_redirect_return(state, demo.user)
    assert (Batch.get_by_id(batch.id).state, at_bank(sandbox)) == ("signed", [batch.reference])
    with pytest.raises(NotFound):
        sca.handle_redirect_return(state, make_client(make_user()).user)


def test_the_way_back_of_an_order_that_ended_wakes_nothing(demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    press(sca.start_sca(demo.client, demo.user, batch.reference, PSU).url or "", "weiger")
    assert followed(batch).state in ("rejected", "failed")
    old = sca.return_state(BankOrder.get().msg_id)
    amendments.reopen(demo.client, demo.user, batch.reference)
    at_the_bank(demo, batch)
    for _ in range(2):
        sca.handle_redirect_return(old, demo.user)
    assert Batch.get_by_id(batch.id).state == "at_bank"
    assert sorted(at_bank(sandbox)) == [batch.reference, f"{batch.reference}-2"]


# --- clocks ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("jump", [timedelta(hours=-26), timedelta(hours=3), timedelta(days=9)])
def test_a_clock_that_jumps_after_a_lost_answer_builds_nothing_anew(sandbox: Sandbox, released: Batch, jump: timedelta):
    sandbox.fault(bank_lost_answer=True)
    submission.submit_order(released.id)
    body = submission.order_bytes(BankOrder.get())
    sandbox.fault(bank_lost_answer=False)
    with time_machine.travel(utcnow() + jump):
        wake(released)
    found = wake(released)
    assert (found.state, at_bank(sandbox)) == ("at_bank", [released.reference])
    assert submission.order_bytes(BankOrder.get()) == body


@pytest.mark.parametrize("jump", [timedelta(days=8), timedelta(days=400)])
def test_a_clock_past_the_day_before_sending_gives_nothing(sandbox: Sandbox, released: Batch, jump: timedelta):
    with time_machine.travel(utcnow() + jump):
        found = wake(released)
    assert (found.state, at_bank(sandbox)) == ("open", [])
    assert wake(released).state == "open", "what was opened again is never sent when the clock comes back"
    assert at_bank(sandbox) == []


def test_a_clock_set_back_before_sending_gives_it_once(sandbox: Sandbox, released: Batch):
    with time_machine.travel(utcnow() - timedelta(hours=2)):
        wake(released)
    assert (wake(released).state, at_bank(sandbox)) == ("at_bank", [released.reference])


# --- the queue ------------------------------------------------------------------------------------
def test_an_emptied_queue_loses_and_doubles_nothing(queue, sandbox: Sandbox, released: Batch):  # noqa: F811
    """Emptied after the button, the database finds it again; what then stands there many times goes once."""
    _child, path = queue
    connection = jobs.connect(f"unix://{path}?db=0")
    assert jobs.enqueue("send_order", released.id)
    assert ask(path, "FLUSHALL").startswith(b"+OK")
    assert not jobs.has_pending("urgent")
    tasks.enqueue_due_work()
    for _ in range(3):
        jobs.enqueue("send_order", released.id)
    queues = [Queue(name, connection=connection) for name in jobs.NAMES]
    SimpleWorker(queues, connection=connection).work(burst=True, logging_level="ERROR")
    models.database.connect(reuse_if_open=True)
    assert (Batch.get_by_id(released.id).state, at_bank(sandbox)) == ("at_bank", [released.reference])


def test_what_was_given_is_followed_to_one_execution(demo: Demo, sandbox: Sandbox, released: Batch):
    wake(released)
    press(sca.start_sca(demo.client, demo.user, released.reference, PSU).url or "", "ondertekenen")
    sandbox.control("POST", "clock", {"advance_days": 14})
    sandbox.control("POST", "clock", {"advance_days": 14})
    assert followed(released, 3).state == "executed"
    assert (at_bank(sandbox), status_polling.due_orders()) == ([released.reference], [])
    assert {line.state for line in BatchLine.select()} == {"executed"}
