"""Histories that the laws of money found (tests/domain/test_money_laws.py), each replayed act by act."""

from collections.abc import Iterator

import pytest

from domain.operations import operators
from domain.payroll import unpaid
from models import Batch, OrderLine
from tests.support.money_laws import Laws
from tests.support.money_world import IBANS, NAMES, MoneyWorld

WOUTER, NAOMI, JAN = NAMES[:3]


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
    go(world, batch)
    return batch


def go(world: MoneyWorld, batch: Batch) -> None:
    """Approve it; its bank takes it, and it is signed there."""
    world.approve(batch, world.owner)
    world.work()
    world.bank.orders[-1].signed = True


def test_a_run_stays_that_of_its_year(world: MoneyWorld, laws: Laws):
    """In January the runs of both years are asked for: what is owed by a run of December is owed once."""
    sent(world, (WOUTER, IBANS[0], 25_000))
    world.pass_time(45 * 24)
    world.run_payroll(1, [(WOUTER, IBANS[0], 25_000)])
    world.work()
    assert [(run.year, run.number) for run in world.runs()] == [(2027, 1), (2026, 1)]
    world.discard(world.batches("open")[-1])
    laws.everything_gets_paid_in_the_end()


def a_day_later(world: MoneyWorld) -> None:
    world.pass_time(24)
    world.work()


def standings() -> list[str]:
    return [row.standing for row in OrderLine.select().order_by(OrderLine.id)]


def test_what_operators_tell_of_a_disputed_line_pays_nobody_else_again(world: MoneyWorld, laws: Laws):
    """One line was paid, one came back, and of one the bank says that it was refused although it booked it."""
    batch = sent(world, (WOUTER, IBANS[0], 25_000), (NAOMI, IBANS[1], 40_000), (JAN, IBANS[2], 10_000))
    (held,) = world.bank.orders
    paid, back, doubtful = held.lines.values()
    world.bank.refuse(held, [doubtful], "AC04")
    a_day_later(world)
    world.bank.execute(held, [paid, back, doubtful], as_lump=False)
    a_day_later(world)
    world.bank.give_back(held, [back], as_lump=False)
    a_day_later(world)
    assert standings() == ["paid", "returned", "disputed"]
    for who in ("anna", "bram"):
        operators.resolve_order(batch.reference, "unpaid", "the bank cancelled that debit", who)
    assert standings() == ["paid", "returned", "unpaid"]
    laws.the_books_hold()
    assert {one.name: one.amount_cents for one in unpaid.unpaid_lines(world.client)} == {NAOMI: 40_000, JAN: 10_000}


def test_operators_may_settle_against_a_credit(world: MoneyWorld, laws: Laws):
    """The bank booked a line back twice, which it had paid once, and told the operators that it was paid after all."""
    batch = sent(world, (WOUTER, IBANS[0], 25_000))
    (held,) = world.bank.orders
    (line,) = held.lines.values()
    world.bank.execute(held, [line], as_lump=False)
    a_day_later(world)
    for _ in range(2):
        line.back = False
        world.bank.give_back(held, [line], as_lump=False)
        a_day_later(world)
    assert standings() == ["disputed"]
    for who in ("anna", "bram"):
        operators.resolve_order(batch.reference, "paid", "the bank paid it once more", who)
    assert standings() == ["paid"]
    laws.the_books_hold()


def test_an_allowance_whose_refused_order_is_paid_after_all_leaves_the_books_right(world: MoneyWorld, laws: Laws):
    """The bank refused it for good, it was set up again and paid; then the bank paid the first order too."""
    batch = sent(world, (WOUTER, IBANS[0], 25_000))
    world.bank.execute(world.bank.orders[0], world.bank.orders[0].lines.values(), as_lump=False)
    a_day_later(world)
    world.ask_excess(batch, 0, 10_000, world.owner)
    world.allow_excess(0, world.colleague)
    go(world, *world.batches("open"))
    world.bank.refuse(world.bank.orders[1], world.bank.orders[1].lines.values(), "AC04")
    a_day_later(world)
    world.reopen(world.batches("rejected")[0])
    go(world, *world.batches("open"))
    for held in (world.bank.orders[2], world.bank.orders[1]):
        world.bank.execute(held, held.lines.values(), as_lump=False)
        a_day_later(world)
    assert standings() == ["paid", "disputed", "paid"]
    laws.the_books_hold()


def test_what_is_owed_beside_an_executed_payment_is_told_once_an_earlier_order_came_back(world: MoneyWorld, laws: Laws):
    """The bank books an order that it had refused, while the next one is on its way; payroll owes more meanwhile."""
    batch = sent(world, (JAN, IBANS[2], 25_000))
    (first,) = world.bank.orders
    lines = list(first.lines.values())
    world.bank.refuse(first, lines, "AC04")
    a_day_later(world)
    world.reopen(Batch.get_by_id(batch.id), 0)
    go(world, Batch.get_by_id(batch.id))
    second = world.bank.orders[-1]
    assert second is not first
    world.bank.lied_about |= {line.end_to_end_id for line in lines}
    world.bank.execute(first, lines, as_lump=False)
    a_day_later(world)
    world.run_payroll(1, [(JAN, IBANS[2], 40_000)])
    world.work()
    world.bank.give_back(first, lines, as_lump=False)
    world.bank.execute(second, list(second.lines.values()), as_lump=False)
    a_day_later(world)
    a_day_later(world)
    assert standings() == ["returned", "paid"]
    assert [one.state for one in world.batches()] == ["executed"]
    assert [(one.name, one.amount_cents) for one in unpaid.unpaid_lines(world.client)] == [(JAN, 15_000)]
    laws.whatever_is_not_paid_is_told()
    laws.everything_gets_paid_in_the_end()
