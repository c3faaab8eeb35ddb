"""TARGET closing days, compared with an independent calendar."""

from datetime import date, time, timedelta

import holidays
import pytest

from core.bank_days import closing_days, is_bank_day, next_bank_day
from core.clock import amsterdam, amsterdam_midnight
from domain.payments.execution_dates import earliest_execution_date


@pytest.mark.parametrize("year", range(2002, 2100))
def test_closing_days_equal_those_of_the_holidays_package(year: int):
    assert closing_days(year) == set(holidays.financial_holidays("XECB", years=year))


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 4, 2), date(2026, 4, 7)),  # Thursday before Easter
        (date(2026, 4, 30), date(2026, 5, 4)),
        (date(2026, 12, 24), date(2026, 12, 28)),
        (date(2027, 4, 26), date(2027, 4, 27)),  # King's Day
    ],
)
def test_next_bank_day_skips_weekends_and_closing_days(day: date, following: date):
    assert next_bank_day(day) == following
    assert is_bank_day(following)


@pytest.mark.parametrize("sunday", [date(2027, 3, 28), date(2027, 10, 31)], ids=["forward", "back"])
def test_when_the_clocks_change_each_day_starts_once_and_each_cut_off_is_at_its_hour(sunday: date):
    """From Friday to Tuesday, every quarter of an hour of it."""
    starts = [amsterdam_midnight(sunday + timedelta(days=days)) for days in range(-2, 4)]
    assert starts[3] - starts[2] in (timedelta(hours=23), timedelta(hours=25))
    moment, days = starts[0], []
    while moment < starts[-1]:
        local = amsterdam(moment)
        first = earliest_execution_date(time(15, 30), moment)
        on_time = is_bank_day(local.date()) and (local.hour, local.minute) < (15, 30)
        assert first == (local.date() if on_time else next_bank_day(local.date()))
        days.append(local.date())
        moment += timedelta(minutes=15)
    assert days == sorted(days)
    assert {day: days.count(day) for day in days}[sunday] in (23 * 4, 25 * 4)
