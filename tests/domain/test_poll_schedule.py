"""When Nmbrs is polled: spread, regularly, sooner after a webhook, and more often in office hours without webhooks."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.payroll import poll_schedule

MONDAY_NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


def test_each_company_has_its_own_time_in_every_interval():
    for company in range(1, 200):
        first = poll_schedule.next_regular_poll_at(company, MONDAY_NOON, 3600)
        second = poll_schedule.next_regular_poll_at(company, first, 3600)
        assert MONDAY_NOON < first <= MONDAY_NOON + timedelta(hours=1)
        assert second - first == timedelta(hours=1)


def test_polls_are_spread_over_the_hour():
    moments = [poll_schedule.next_regular_poll_at(company, MONDAY_NOON, 3600) for company in range(1, 601)]
    minutes = [int((moment - MONDAY_NOON).total_seconds()) // 600 for moment in moments]
    assert all(60 < minutes.count(part) < 140 for part in range(6))


def test_rest_is_polled_every_five_minutes_in_office_hours():
    def of(moment: datetime) -> int:
        return poll_schedule.poll_interval("rest", moment, 3600)

    amsterdam_seven = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
    assert (of(amsterdam_seven), of(amsterdam_seven - timedelta(minutes=1))) == (300, 3600)
    assert (of(amsterdam_seven + timedelta(hours=11, minutes=59)), of(amsterdam_seven + timedelta(hours=12))) == (
        300, 3600,
    )  # fmt: skip
    saturday, christmas = datetime(2026, 11, 28, 11, tzinfo=UTC), datetime(2026, 12, 25, 11, tzinfo=UTC)
    assert (of(saturday), of(christmas)) == (3600, 3600)
    assert poll_schedule.poll_interval("soap", MONDAY_NOON, 1800) == 1800


def test_polls_after_a_webhook_back_off_for_an_hour():
    now, attempts, pauses = MONDAY_NOON, 0, []
    while (again := poll_schedule.next_retry_after_webhook(MONDAY_NOON, attempts, now)) is not None:
        pauses.append((again - now).total_seconds())
        now, attempts = again, attempts + 1
    assert pauses == sorted(pauses)
    assert pauses[0] <= 10
    assert timedelta(minutes=55) < now - MONDAY_NOON < timedelta(minutes=80)


@pytest.mark.parametrize(
    ("now", "polled_at", "hint_unanswered", "years"),
    [
        (datetime(2027, 3, 2, 8, tzinfo=UTC), datetime(2027, 3, 2, 7, tzinfo=UTC), False, (2027,)),
        (datetime(2027, 3, 2, 8, tzinfo=UTC), datetime(2027, 3, 2, 7, tzinfo=UTC), True, (2026, 2027)),
        (datetime(2027, 3, 2, 8, tzinfo=UTC), datetime(2027, 3, 1, 7, tzinfo=UTC), False, (2026, 2027)),
        (datetime(2027, 3, 2, 8, tzinfo=UTC), None, False, (2026, 2027)),
        (datetime(2027, 1, 31, 22, 30, tzinfo=UTC), datetime(2027, 1, 31, 22, tzinfo=UTC), False, (2026, 2027)),
        # 00:30 in Amsterdam: a new day, a new month, a new year
        (datetime(2027, 3, 1, 23, 30, tzinfo=UTC), datetime(2027, 3, 1, 22, 30, tzinfo=UTC), False, (2026, 2027)),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), datetime(2026, 12, 31, 23, 15, tzinfo=UTC), False, (2026, 2027)),
    ],
)
def test_last_years_runs_are_listed_in_january_once_a_day_and_after_a_hint_that_led_to_nothing(
    now: datetime, polled_at: datetime | None, hint_unanswered: bool, years: tuple[int, ...]
):
    assert poll_schedule.years_to_list(now, polled_at, hint_unanswered) == years
