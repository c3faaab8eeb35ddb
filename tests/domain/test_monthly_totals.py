"""What was paid per month: executed lines only, in the month of their execution date."""

from datetime import date

import pytest

from core.clock import today_amsterdam
from domain.overview.monthly_totals import MonthTotal, monthly_totals
from models import BankOrder, Batch
from tests.support.factories import LINES, Demo, make_demo
from tests.support.orders import put_at_bank, set_line

TOTAL = sum(cents for _name, _iban, cents in LINES)


def paid(demo: Demo, number: int, day: date | None = None, kind: str = "salary", standing: str = "paid") -> Batch:
    batch = demo.batch(number=number)
    order = put_at_bank(batch, "executed", standing)
    Batch.update(kind=kind).where(Batch.id == batch.id).execute()
    BankOrder.update(execution_date=day or today_amsterdam()).where(BankOrder.id == order.id).execute()
    return batch


def months_ago(count: int) -> date:
    today = today_amsterdam()
    months = today.year * 12 + today.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def test_without_payments_there_are_no_months(demo: Demo):
    assert monthly_totals(demo.client) == []


def test_six_months_are_shown_though_the_first_payment_is_of_this_one(demo: Demo):
    paid(demo, 1)
    found = monthly_totals(demo.client)
    assert [one.month for one in found] == [months_ago(count) for count in (5, 4, 3, 2, 1, 0)]
    assert found[-1] == MonthTotal(months_ago(0), TOTAL)
    assert not any(one.cents for one in found[:-1])


def test_salaries_and_wage_tax_are_counted_apart(demo: Demo):
    paid(demo, 1)
    paid(demo, 2)
    paid(demo, 3, kind="wage_tax")
    assert monthly_totals(demo.client)[-1] == MonthTotal(months_ago(0), 2 * TOTAL, TOTAL)


def test_the_month_is_that_of_the_execution_date(demo: Demo):
    paid(demo, 1, months_ago(11))
    paid(demo, 2, months_ago(10).replace(day=28))
    found = monthly_totals(demo.client)
    assert [one.cents for one in found] == [TOTAL, TOTAL] + 10 * [0]


def test_what_is_older_than_a_year_is_left_out(demo: Demo):
    paid(demo, 1, months_ago(12).replace(day=28))
    assert monthly_totals(demo.client) == []


@pytest.mark.parametrize("standing", ["possible", "unpaid", "returned", "disputed"])
def test_what_was_not_executed_does_not_count(demo: Demo, standing: str):
    paid(demo, 1, standing=standing)
    assert monthly_totals(demo.client) == []


def test_a_line_that_was_refused_does_not_count(demo: Demo):
    _name, iban, cents = LINES[0]
    set_line(paid(demo, 1), iban, "unpaid")
    assert monthly_totals(demo.client)[-1].cents == TOTAL - cents


def test_other_clients_are_left_out(demo: Demo):
    paid(make_demo(pin=False), 1)
    assert monthly_totals(demo.client) == []
