"""Until when wage tax must be paid, and who is reminded of it."""

from collections.abc import Iterator
from datetime import date, datetime

import pytest
import time_machine

from connectors.nmbrs.port import WageTax
from core.bank_days import is_bank_day
from core.clock import AMSTERDAM
from domain.payroll import wage_tax, wage_tax_reminders
from domain.payroll.wage_tax_deadline import pay_by
from models import Batch, OutgoingMail, PayrollRun
from models.states import BatchState, RunKind
from tests.domain.test_payday_reminders import joined
from tests.support.factories import Demo


@pytest.mark.parametrize(
    ("end", "due"),
    [
        (date(2026, 9, 30), date(2026, 10, 30)),  # 31 October is a Saturday
        (date(2026, 10, 31), date(2026, 11, 30)),
        (date(2026, 11, 30), date(2026, 12, 31)),
        (date(2026, 12, 31), date(2027, 1, 29)),  # a Sunday
        (date(2027, 1, 31), date(2027, 2, 26)),
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2027, 2, 28), date(2027, 3, 31)),  # a month, not 28 March
        (date(2026, 1, 25), date(2026, 2, 25)),  # four weeks
        (date(2026, 3, 22), date(2026, 4, 22)),
        (date(2026, 3, 27), date(2026, 4, 24)),  # King's Day
        (date(2026, 4, 14), date(2026, 5, 13)),  # Ascension Day
        (date(2026, 4, 25), date(2026, 5, 22)),  # Whit Monday
        (date(2026, 4, 5), date(2026, 5, 4)),  # Liberation Day
        (date(2026, 11, 26), date(2026, 12, 24)),  # Boxing Day, and a Saturday
    ],
)
def test_the_last_day(end: date, due: date):
    assert pay_by(end) == due
    assert is_bank_day(due)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=AMSTERDAM), tick=False) as travelled:
        yield travelled


@pytest.fixture
def batch(demo: Demo, clock: time_machine.Traveller) -> Batch:
    """A payment of wage tax, due on Monday 30 November."""
    made = demo.batch()
    Batch.update(kind=RunKind.WAGE_TAX).where(Batch.id == made.id).execute()
    PayrollRun.update(kind=RunKind.WAGE_TAX, pay_by=date(2026, 11, 30)).where(PayrollRun.id == made.run_id).execute()
    return made


def look(clock: time_machine.Traveller, day: int, hour: int = 9) -> list[int]:
    """Do what the sweep does on this day; return whom it told."""
    clock.move_to(datetime(2026, 11, day, hour, tzinfo=AMSTERDAM))
    before = OutgoingMail.select().count()
    for batch_id in wage_tax_reminders.payments_to_remind_of():
        wage_tax_reminders.remind_of_wage_tax(batch_id)
    mails = OutgoingMail.select().order_by(OutgoingMail.id).offset(before).limit(99)
    assert {one.kind for one in mails} <= {"wage_tax_due"}
    return [one.user_id for one in mails]


def test_it_is_reminded_of_on_the_last_three_bank_days_before_it(
    batch: Batch, demo: Demo, clock: time_machine.Traveller
):
    preparer = joined(demo, "Naomi", "preparer")
    told = {day: look(clock, day) for day in range(23, 31)}
    assert {day: who for day, who in told.items() if who} == {
        25: [demo.user.id], 26: [demo.user.id], 27: [demo.user.id, preparer.id]
    }  # fmt: skip


def test_once_a_day_and_not_before_eight(batch: Batch, demo: Demo, clock: time_machine.Traveller):
    assert look(clock, 25, hour=7) == []
    assert look(clock, 25, hour=8) == [demo.user.id]
    assert look(clock, 25, hour=17) == []


def test_what_is_on_its_way_is_not_reminded_of(batch: Batch, clock: time_machine.Traveller):
    Batch.update(state=BatchState.SIGNED).where(Batch.id == batch.id).execute()
    assert look(clock, 27) == []


def test_salaries_have_no_such_day(batch: Batch, demo: Demo, clock: time_machine.Traveller):
    Batch.update(kind=RunKind.SALARY).where(Batch.id == batch.id).execute()
    assert look(clock, 27) == []


def store(demo: Demo, end: date | None, year: int = 2026) -> PayrollRun | None:
    tax = WageTax("88001", year, 10, 1, "1" * 16, 4200, "Verzonden", datetime(2026, 11, 20, tzinfo=AMSTERDAM), end)
    wage_tax._store_return(demo.company, tax)
    return PayrollRun.get_or_none(PayrollRun.kind == RunKind.WAGE_TAX)


def test_a_return_says_until_when(demo: Demo):
    found = store(demo, date(2026, 10, 31))
    assert found is not None and found.pay_by == date(2026, 11, 30)


@pytest.mark.parametrize("end", [None, date(1, 1, 1), date.max])
def test_a_return_without_a_plausible_period_has_no_day(demo: Demo, end: date | None):
    found = store(demo, end)
    assert found is not None and found.pay_by is None
    again = store(demo, date(2026, 10, 31))  # known later
    assert again is not None and again.pay_by == date(2026, 11, 30)
