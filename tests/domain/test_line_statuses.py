"""The bank's status per line: executed, rejected with a reason, returned days later. Against the sandbox."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import peewee
import pytest
import time_machine

from connectors.bank.port import BankConfig
from core.clock import today_amsterdam, utcnow
from domain.common.services import Banks, configure, services
from domain.operations import integrity
from domain.orders import settlement, status_polling, submission
from domain.payments.release import release
from models import BankOrder, Batch, BatchLine, Evidence, transaction
from tests.support.factories import PSU, Demo
from tests.support.names import follow, sign
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []


@pytest.fixture
def signed(demo: Demo) -> Batch:
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    sign(demo, batch)
    assert follow(batch).state == "signed"
    return batch


def execute(sandbox: Sandbox, batch: Batch, days: int = 5) -> Batch:
    sandbox.control("POST", "clock", {"advance_days": days})
    return follow(batch)


def lines(batch: Batch) -> list[tuple[str, str | None]]:
    rows = BatchLine.select().where(BatchLine.batch == batch.id).order_by(BatchLine.position)
    return [(row.state, row.bank_reason_code) for row in rows]


def test_partial_execution_sets_the_state_of_each_line(demo: Demo, sandbox: Sandbox, signed: Batch):
    sandbox.fault(bank_partial_execution=True)
    assert execute(sandbox, signed).state == "partly_executed"
    assert lines(signed) == [("rejected", "AC06"), ("executed", None), ("executed", None)]
    view = demo.view(signed)
    assert (view.lines_payable, view.total_cents) == (2, sum(line.amount_cents for line in view.lines[1:]))


def test_a_line_sent_back_later_is_returned(demo: Demo, sandbox: Sandbox, signed: Batch):
    assert execute(sandbox, signed).state == "executed"
    sandbox.fault(bank_returns_line=True)
    assert execute(sandbox, signed, 1).state == "partly_executed"
    assert lines(signed) == [("returned", "AC06"), ("executed", None), ("executed", None)]
    assert demo.view(signed).lines_payable == 2


def test_reading_a_partial_execution_again_changes_nothing(demo: Demo, sandbox: Sandbox, signed: Batch):
    """A rejected line is not taken for a returned one."""
    sandbox.fault(bank_partial_execution=True)
    execute(sandbox, signed)
    order = BankOrder.get()
    assert order.due_at is not None
    assert follow(signed, 3).state == "partly_executed"
    assert lines(signed)[0] == ("rejected", "AC06")


def test_a_rejected_order_has_a_reason(demo: Demo, sandbox: Sandbox, signed: Batch):
    sandbox.fault(bank_insufficient_funds=True)
    batch = execute(sandbox, signed)
    assert (batch.state, batch.state_reason) == ("pending_rejection", "bank:AM04")
    assert {state for state, _ in lines(signed)} == {"sent"}
    assert BankOrder.get().due_at is not None


def test_a_refused_order_is_over_only_when_its_bank_says_so_after_its_last_day(
    demo: Demo, sandbox: Sandbox, signed: Batch
):
    sandbox.fault(bank_insufficient_funds=True)
    execute(sandbox, signed)
    order = demo.view(signed).order
    until = order and order.until
    assert until is not None
    with time_machine.travel(datetime.combine(until + timedelta(days=1), time(9), UTC)):
        sandbox.fault(bank_down=True)
        assert follow(signed).state == "pending_rejection", "the bank may have executed it meanwhile"
        with transaction(demo.client.id):
            settlement.settle(BankOrder.get(), "worker")
        assert Batch.get_by_id(signed.id).state == "pending_rejection"
        sandbox.fault(bank_down=False)
        assert follow(signed).state == "rejected"


def test_a_repeated_rejection_is_stored_once_a_day(demo: Demo, sandbox: Sandbox, signed: Batch):
    sandbox.fault(bank_insufficient_funds=True)
    execute(sandbox, signed)
    with time_machine.travel(utcnow() + timedelta(days=1)):
        assert follow(signed).state == "pending_rejection"
        repeated = Evidence.select().where(Evidence.code == "RJCT").count()
        assert follow(signed).state == "pending_rejection"
        assert Evidence.select().where(Evidence.code == "RJCT").count() == repeated, "one a day is enough"


def test_an_executed_order_is_polled_daily_for_three_weeks(demo: Demo, sandbox: Sandbox, signed: Batch):
    execute(sandbox, signed)
    order = BankOrder.get()
    assert order.due_at is not None
    assert timedelta(hours=23) < order.due_at - utcnow() <= timedelta(days=1)
    assert status_polling.due_orders() == []
    order.execution_date = today_amsterdam() - timedelta(days=22)
    assert settlement.next_poll_at(order, 0) is None


def test_a_superseded_rejected_line_still_counts_in_its_order(
    demo: Demo, sandbox: Sandbox, signed: Batch
):
    sandbox.fault(bank_partial_execution=True)
    execute(sandbox, signed)
    BatchLine.update(state="superseded").where(BatchLine.state == "rejected").execute()
    assert list(integrity.find_inconsistencies()) == []


class OtherTerms:
    """The banks as they are, after somebody changed how long they retry and where they have payments signed."""

    def __init__(self, before: Banks) -> None:
        self._before = before

    def configs(self) -> dict[str, BankConfig]:
        return {one: replace(config, retry_days=0, signing="delegated") for one, config in
                self._before.configs().items()}  # fmt: skip


def test_a_changed_configuration_frees_no_line_of_an_order_early(demo: Demo, sandbox: Sandbox, signed: Batch):
    sandbox.fault(bank_insufficient_funds=True)
    assert execute(sandbox, signed).state == "pending_rejection"
    order, world = BankOrder.get(), services()
    before = settlement.conclude_order(order)
    configure(replace(world, banks=OtherTerms(world.banks)))
    assert settlement.conclude_order(order) == before and before.until is not None
    with transaction(demo.client.id):
        settlement.settle(order, "worker")
    assert {state for state, _ in lines(signed)} == {"sent"}
    configure(world)
    with pytest.raises(peewee.DatabaseError), transaction(demo.client.id):
        BankOrder.update(retry_days=0).execute()
