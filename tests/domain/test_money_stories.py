"""Histories that the laws of money found (tests/domain/test_money_laws.py), each replayed act by act."""

from collections.abc import Iterator

import pytest

from models import Batch
from tests.support.money_laws import Laws
from tests.support.money_world import IBANS, NAMES, MoneyWorld

WOUTER = NAMES[0]


@pytest.fixture
def world(database: str) -> Iterator[MoneyWorld]:
    made = MoneyWorld()
    yield made
    made.end()


@pytest.fixture
def laws(world: MoneyWorld) -> Laws:
    return Laws(world)


def sent(world: MoneyWorld, *wages: tuple[str, str, int]) -> Batch:
    """A payment of these wages that its bank has, signed."""
    world.run_payroll(1, wages)
    world.work()
    (batch,) = world.batches("open")
    world.approve(batch, world.owner)
    world.work()
    world.bank.orders[-1].signed = True
    return batch


def test_a_run_stays_that_of_its_year(world: MoneyWorld, laws: Laws):
    """In January the runs of both years are asked for: what is owed by a run of December is owed once."""
    sent(world, (WOUTER, IBANS[0], 25_000))
    world.pass_time(45 * 24)
    world.run_payroll(1, [(WOUTER, IBANS[0], 25_000)])
    world.work()
    assert [(run.year, run.number) for run in world.runs()] == [(2027, 1), (2026, 1)]
    world.discard(world.batches("open")[-1])
    laws.everything_gets_paid_in_the_end()
