"""TARGET closing days, compared with an independent calendar."""

from datetime import date

import holidays
import pytest

from core.bank_days import closing_days, is_bank_day, next_bank_day


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
