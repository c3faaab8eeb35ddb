"""A worker that crashes anywhere while submitting an order: the bank has it once, or it can still be submitted once.

A separate process submits the order and is ended, as by a power failure, before each write and after each commit, one
run per place (reads have no effect). Then time passes, and another worker sweeps what is due.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

import models
from core.clock import utcnow
from domain.operations import integrity
from domain.orders import status_polling, submission
from domain.payments.release import release
from models import BankAccount, BankOrder, Batch
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

DIED, LIVED = 9, 0
MAX_PLACES = 200


def _crash_at(place: int) -> None:
    """Make this process exit at the place with this number: before a write, or after a commit."""
    real, passed = models.database.obj, 0
    execute, commit = real.execute_sql, real.commit

    def reached() -> None:
        nonlocal passed
        passed += 1
        if passed == place:
            os._exit(DIED)

    def execute_sql(sql, *given, **named):
        if not sql.startswith("SELECT"):
            reached()
        return execute(sql, *given, **named)

    def committed() -> None:
        commit()
        reached()

    real.execute_sql, real.commit = execute_sql, committed


def _submit_and_crash(url: str, batch: Batch, place: int) -> bool:
    """Submit in a child process. Returns whether it crashed before it was done."""
    models.database.close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            models.connect(url)  # never use the parent's connection
            with models.database.connection_context():
                _crash_at(place)
                submission.submit_order(batch.id)
            code = LIVED
        finally:
            os._exit(code)  # never return into the test
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    models.database.connect()
    assert code in (DIED, LIVED)
    return code == DIED


def _pass_an_hour(batch: Batch) -> None:
    ago = utcnow() - timedelta(hours=1)
    orders = BankOrder.update(lease_until=ago, submitted_at=ago).where(BankOrder.batch == batch.id)
    orders.where(BankOrder.submitted_at.is_null(False)).execute()
    BankOrder.update(lease_until=ago).where(BankOrder.batch == batch.id).execute()
    BankOrder.update(due_at=ago).where(BankOrder.batch == batch.id, BankOrder.due_at.is_null(False)).execute()


def _sweep_by_another_worker(batch: Batch) -> None:
    """Run three sweeps: each finds what the previous one left."""
    for _ in range(3):
        _pass_an_hour(batch)
        for batch_id in submission.due_batches():
            submission.submit_order(batch_id)
        for order_id in status_polling.due_orders():
            status_polling.poll_status(order_id)


@pytest.fixture
def crashed_everywhere(database: str, demo: Demo, sandbox: Sandbox) -> Callable[[], Iterator[tuple[Batch, list[dict]]]]:
    """For each place in turn: the payment after the recovery, and what the bank has of it."""
    BankAccount.update(limit_day_cents=10**12).execute()

    def places() -> Iterator[tuple[Batch, list[dict]]]:
        for place in range(1, MAX_PLACES):
            batch = demo.batch(number=place)
            release(demo.membership, str(batch.reference), demo.view(batch).digest, "session", PSU)
            died = _submit_and_crash(database, batch, place)
            _sweep_by_another_worker(batch)
            mine = [o for o in sandbox.control("GET", "orders") if o["msg_id"].startswith(batch.reference)]
            yield Batch.get_by_id(batch.id), mine
            if not died:
                assert place > 12, "too few places to crash at"
                return
        pytest.fail("the submission never completed")

    return places


def test_with_idempotent_requests_the_bank_has_it_once(crashed_everywhere):
    for batch, at_bank in crashed_everywhere():
        assert [o["msg_id"] for o in at_bank] == [batch.reference]
        assert batch.state == "at_bank"
        assert BankOrder.select().where(BankOrder.batch == batch.id).count() == 1
    assert list(integrity.find_inconsistencies()) == []


def test_without_idempotent_requests_the_bank_has_it_at_most_once(crashed_everywhere, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"line": {"honours_request_id": False}})
    unknown = 0
    for batch, at_bank in crashed_everywhere():
        assert len(at_bank) <= 1
        assert batch.state in ("at_bank", "sending")
        assert batch.state == "sending" or len(at_bank) == 1
        unknown += batch.state == "sending"
    assert unknown > 0, "a crash around the call leaves the outcome unknown"
    assert list(integrity.find_inconsistencies()) == []
