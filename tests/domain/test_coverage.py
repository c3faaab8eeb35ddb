"""Enough money on the day: the balance less what is known to go until then, and silence where nothing is known."""

from datetime import date, timedelta

import pytest

from core.bank_days import next_bank_day
from core.clock import today_amsterdam
from domain.payments import amendments
from domain.payments.coverage import PlannedPayment, first_shortfall, shortfalls
from domain.payments.proposed_dates import execution_date
from domain.payments.queries import get_batch
from models import BankAccount, Batch
from tests.support.factories import LINES, Demo
from tests.support.orders import put_at_bank

TOTAL = sum(cents for _name, _iban, cents in LINES)
DAYS = [date(2026, 11, day) for day in (24, 25, 26)]


@pytest.mark.parametrize(
    ("balance", "cents", "expected"),
    [
        (100, (50, 50, 0), None), (100, (50, 51, 5), (DAYS[1], 1)), (100, (101, 5, 5), (DAYS[0], 1)),
        (-5, (10, 0, 0), (DAYS[0], 15)), (0, (0, 0, 7), (DAYS[2], 7)),
    ],
)  # fmt: skip
def test_the_first_day_on_which_the_balance_falls_short(balance: int, cents: tuple[int, ...], expected: tuple | None):
    planned = [PlannedPayment(day, one) for day, one in zip(DAYS, cents, strict=True) if one]
    found = first_shortfall(balance, reversed(planned))
    assert (found and (found.day, found.cents)) == expected


def holds(demo: Demo, cents: int | None) -> None:
    BankAccount.update(balance_cents=cents).where(BankAccount.id == demo.account.id).execute()


def lacking(demo: Demo, batch: Batch) -> tuple[int, int] | None:
    found = demo.view(batch).shortfall
    return (found.cents, found.others_cents) if found else None


def moved(demo: Demo, batch: Batch, account: BankAccount | None = None) -> None:
    """Put the payment on a later day, or on another account."""
    day = None if account else next_bank_day(today_amsterdam() + timedelta(days=20))
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, day, (account or demo.account).id)


def test_a_payment_alone_lacks_what_it_pays_beyond_the_balance(demo: Demo):
    batch = demo.batch()
    for balance, expected in ((TOTAL, None), (TOTAL - 1, (1, 0)), (None, None), (-100, (TOTAL + 100, 0))):
        holds(demo, balance)
        assert lacking(demo, batch) == expected


def test_what_is_known_to_go_until_that_day_goes_first(demo: Demo):
    first, second = demo.batch(number=1), demo.batch(number=2)
    holds(demo, TOTAL + 100)
    assert lacking(demo, second) == (TOTAL - 100, TOTAL)
    put_at_bank(first, "signed")
    assert lacking(demo, second) == (TOTAL - 100, TOTAL)
    put_at_bank(second, "executed", "paid")  # it is in the balance
    assert lacking(demo, second) is None and shortfalls(demo.client) == []


@pytest.mark.parametrize("state", ["executed", "rejected", "cancelled", "failed"])
def test_what_ended_no_longer_counts(demo: Demo, state: str):
    first, second = demo.batch(number=1), demo.batch(number=2)
    holds(demo, TOTAL)
    put_at_bank(first, state, "paid" if state == "executed" else "unpaid")
    assert lacking(demo, second) is None


def test_what_goes_later_or_from_another_account_does_not_count(demo: Demo):
    first, second = demo.batch(number=1), demo.batch(number=2)
    holds(demo, TOTAL)
    moved(demo, first)
    assert lacking(demo, second) is None
    assert lacking(demo, first) == (TOTAL, TOTAL)  # the later one is the one that lacks
    moved(demo, first, demo.other)
    assert lacking(demo, second) is None


def test_lines_that_are_left_out_do_not_count(demo: Demo):
    first, second = demo.batch(number=1), demo.batch(number=2)
    holds(demo, 2 * TOTAL - LINES[0][2])
    assert lacking(demo, second) == (LINES[0][2], TOTAL)
    amendments.exclude_line(demo.client, demo.user, first.reference, demo.view(first).lines[0].id)
    assert lacking(demo, second) is None


def test_the_client_sees_each_account_and_its_first_day(demo: Demo):
    first, second = demo.batch(number=1), demo.batch(number=2)
    holds(demo, None)
    assert shortfalls(demo.client) == []
    holds(demo, TOTAL)
    moved(demo, second)
    (found,) = shortfalls(demo.client)
    assert (found.account_id, found.cents) == (demo.account.id, TOTAL)
    assert found.day == execution_date(get_batch(demo.client, second.reference))
    assert lacking(demo, first) is None
