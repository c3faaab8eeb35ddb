"""The payday of a company: pure rules about which day it is, and which one payments agree on."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bank_days import bank_days_until, is_bank_day
from domain.payments.paydays import (
    MONTHLY,
    WEEKLY,
    Payday,
    last_payday,
    next_payday,
    parse_payday,
    payday_of_payment,
    propose_payday,
)

DAY_25, LAST, FRIDAY = Payday("day", 25), Payday("last"), Payday("weekday", 4)
ALL = st.sampled_from((*MONTHLY, *WEEKLY))
DAYS = st.dates(date(2025, 1, 1), date(2035, 1, 1))


def november(day: int) -> date:
    return date(2026, 11, day)


@pytest.mark.parametrize("payday", [*MONTHLY, *WEEKLY], ids=str)
def test_each_payday_is_read_as_it_was_written(payday: Payday):
    assert parse_payday(str(payday)) == payday


@pytest.mark.parametrize("text", [None, "", "none", "day:0", "day:32", "day:x", "weekday:5", "DAY:1", "last:0"])
def test_anything_else_is_no_payday(text: str | None):
    assert parse_payday(text) is None


@pytest.mark.parametrize(
    ("payday", "start", "expected"),
    [
        (DAY_25, november(25), november(25)), (DAY_25, november(26), date(2026, 12, 24)),  # Christmas
        (DAY_25, date(2026, 10, 1), date(2026, 10, 23)),  # a Sunday
        (LAST, date(2026, 10, 1), date(2026, 10, 30)), (Payday("day", 31), date(2026, 2, 3), date(2026, 2, 27)),
        (Payday("day", 1), date(2026, 10, 28), date(2026, 10, 30)),  # Sunday 1 November
        (FRIDAY, november(23), november(27)), (FRIDAY, date(2026, 3, 30), date(2026, 4, 2)),  # Good Friday
    ],
)  # fmt: skip
def test_a_payday_on_a_closing_day_is_the_bank_day_before(payday: Payday, start: date, expected: date):
    assert next_payday(payday, start) == expected


@given(ALL, DAYS)
def test_the_next_payday_is_a_bank_day_near_and_after_the_last(payday: Payday, start: date):
    after, before = next_payday(payday, start), last_payday(payday, start)
    assert is_bank_day(after) and is_bank_day(before)
    assert before < start <= after
    assert after - before <= timedelta(days=38 if payday.is_monthly else 13)
    assert next_payday(payday, before) == before


@given(ALL, DAYS)
def test_three_payments_on_a_payday_propose_that_day_or_one_that_is_the_same_these_months(payday: Payday, start: date):
    days = [next_payday(payday, start)]
    while len(days) < 3:
        days.append(next_payday(payday, days[-1] + timedelta(days=1)))
    found = propose_payday(days)
    if found is not None:  # Friday the 1st and the 3rd: no month is regular enough
        assert [next_payday(found, day) for day in days] == days


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((date(2026, 8, 25), date(2026, 9, 25), date(2026, 10, 23)), DAY_25),
        ((date(2026, 10, 23), date(2026, 8, 25), date(2026, 9, 25)), DAY_25),  # in any order
        ((date(2026, 8, 31), date(2026, 9, 30), date(2026, 10, 30)), LAST),
        ((date(2026, 8, 24), date(2026, 9, 24), date(2026, 10, 23)), Payday("day", 24)),
        ((november(6), november(13), november(20)), FRIDAY),
        ((date(2026, 8, 28), date(2026, 9, 25), date(2026, 10, 23)), FRIDAY),  # every four weeks
        ((date(2026, 8, 10), date(2026, 9, 25), date(2026, 10, 23)), None),
        ((date(2026, 8, 21), date(2026, 9, 25), date(2026, 10, 27)), None),
        ((november(6), november(13), november(18)), None),
        ((november(6), november(13), november(27)), None),
        ((date(2026, 9, 25), date(2026, 10, 23)), None),  # two are too few
        ((date(2026, 9, 25), date(2026, 9, 25), date(2026, 10, 23)), None),
    ],
)  # fmt: skip
def test_a_day_is_proposed_only_if_it_is_clear(days: tuple[date, ...], expected: Payday | None):
    assert propose_payday(days) == expected


@pytest.mark.parametrize(
    ("payday", "made", "period", "expected"),
    [
        (DAY_25, november(20), 11, november(25)), (DAY_25, november(25), 11, november(25)),
        (DAY_25, november(2), 11, november(25)),  # early, but of that month
        (DAY_25, november(2), 10, None),  # of a month whose payday is over
        (DAY_25, november(26), 11, None),  # too late: never a month later
        (DAY_25, date(2026, 12, 28), 12, None),
        (Payday("day", 5), november(30), 11, date(2026, 12, 4)),  # paid in the month after
        (LAST, november(16), 11, november(30)),
        (FRIDAY, november(23), 47, november(27)), (FRIDAY, november(28), 48, None),
    ],
)  # fmt: skip
def test_a_payment_is_made_for_the_payday_that_is_near(payday: Payday, made: date, period: int, expected: date | None):
    assert payday_of_payment(payday, made, (made.year, period, period)) == expected


@given(ALL, DAYS, st.integers(0, 12))
def test_no_payment_is_proposed_for_a_day_that_is_over_or_far(payday: Payday, made: date, period: int):
    found = payday_of_payment(payday, made, (made.year, period, period))
    assert found is None or timedelta(0) <= found - made <= timedelta(days=38)


def test_bank_days_are_counted_up_to_the_day_itself():
    assert bank_days_until(november(20), november(25)) == 3  # Friday to Wednesday
    assert bank_days_until(november(21), november(23)) == 1
    assert (bank_days_until(november(25), november(25)), bank_days_until(november(26), november(25))) == (0, 0)
