"""When Nmbrs is polled: spread, regularly, sooner after a webhook, and more often in office hours without webhooks."""

from datetime import UTC, datetime, timedelta

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
