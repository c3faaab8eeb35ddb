"""What changed since the payments before: who is new, gone or without a payment, and whose pay is unusual."""

from datetime import date

import pytest

from domain.payments.pay_changes import Change, ChangeKind, Changes, PaidPeriod, find_changes, is_usual
from domain.payments.payee_findings import PaidAccount, Payee, Period, PlannedLine
from tests.support.large_batches import iban

OCTOBER = Period(2026, 10, 10)
PEOPLE = ("a", "b", "c")


def month(number: int, year: int = 2026) -> Period:
    return Period(year, number, number)


def paid(name: str, period: Period, cents: int, account: int = 1, employee: str | None = None) -> PaidAccount:
    day = date(period.year, period.first, 24)
    return PaidAccount(Payee("9969", name, employee), iban(account), day, day, None, name, period, cents)


def line(number: int, name: str, cents: int, account: int = 1, employee: str | None = None) -> PlannedLine:
    return PlannedLine(number, Payee("9969", name, employee), iban(account), name, cents)


def history(*amounts: int, name: str = "a", until: int = 9) -> list[PaidAccount]:
    """One person's pay, newest first."""
    return [paid(name, month(until - back), cents) for back, cents in enumerate(amounts)]


def told(changes: Changes) -> list[tuple[str, str]]:
    return [(str(one.kind), one.written) for one in changes.people]


def test_the_same_people_and_pay_tell_nothing():
    before = [paid(name, month(number), 250000) for name in PEOPLE for number in (8, 9)]
    found = find_changes([line(at, name, 250000) for at, name in enumerate(PEOPLE, 1)], before, OCTOBER)
    assert not found.tells
    assert (found.cents, found.before_cents) == (750000, 750000)


def test_who_is_new_and_who_is_gone_is_told():
    found = find_changes([line(1, "a", 250000), line(2, "b", 200000)], [
        *history(250000, 250000), paid("c", month(9), 190000), paid("b", month(7), 100),
    ], OCTOBER)  # fmt: skip
    assert told(found) == [("new", "b"), ("gone", "c")]
    new, gone = found.people
    assert (new.last_paid, new.cents) == (date(2026, 7, 24), 200000)
    assert (gone.before_cents, gone.against) == (190000, PaidPeriod(month(9), date(2026, 9, 24)))


def test_an_unusual_amount_is_held_against_the_last_payment():
    (one,) = find_changes([line(1, "a", 281200)], history(250000, 250000), OCTOBER).people
    assert (one.kind, one.cents, one.before_cents) == (ChangeKind.CHANGED, 281200, 250000)
    assert one.against == PaidPeriod(month(9), date(2026, 9, 24))


@pytest.mark.parametrize(("cents", "before", "usual"), [
    (250000, [250000, 250000], True), (262500, [250000, 250000], True), (500000, [250000, 250000], False),
    (25000, [250000, 250000], False), (205000, [250000, 250000], False),
    (300000, [250000], True), (500000, [250000], False),
    # pay by the hour: what varied may vary again
    (130000, [100000, 120000, 90000], True), (180000, [100000, 120000, 90000], False),
    # holiday allowance of last month is no measure; what is the same as last month is usual
    (400000, [410000, 250000, 250000, 250000], True), (250000, [410000, 250000, 250000, 250000], True),
    (500000, [410000, 250000, 250000, 250000], False),
    (3000, [1000, 1000], True),  # cents: a few euros are nothing to tell
])  # fmt: skip
def test_what_is_usual(cents: int, before: list[int], usual: bool):
    assert is_usual(cents, before) is usual


def test_holiday_allowance_is_held_against_that_of_last_year():
    may, before = month(5), [*history(250000, 250000, until=4), paid("a", month(5, 2025), 400000)]
    assert not find_changes([line(1, "a", 410000)], before, may).tells
    (one,) = find_changes([line(1, "a", 250000)], before, may).people  # it was forgotten
    assert one.against == PaidPeriod(month(5, 2025), date(2025, 5, 24))
    assert told(find_changes([line(1, "a", 820000)], before, may)) == [("changed", "a")]


def test_who_was_not_there_a_year_ago_may_get_an_allowance_when_others_do():
    before = [*history(250000, 250000, until=4), paid("a", month(5, 2025), 400000), *history(200000, name="b", until=4)]
    lines = [line(1, "a", 410000), line(2, "b", 330000)]
    assert not find_changes(lines, before, month(5)).tells
    assert told(find_changes([line(1, "a", 410000), line(2, "b", 450000)], before, month(5))) == [("changed", "b")]
    assert told(find_changes([line(1, "a", 250000), line(2, "b", 330000)], before, month(7))) == [("changed", "b")]


def test_a_person_with_two_accounts_is_one_person():
    before = [paid("a", month(9), 200000), paid("a", month(9), 50000, account=2)]
    assert not find_changes([line(1, "a", 225000), line(2, "a", 25000, account=2)], before, OCTOBER).tells
    (one,) = find_changes([line(1, "a", 225000), line(2, "a", 225000, account=2)], before, OCTOBER).people
    assert (one.lines, one.cents, one.before_cents) == ((1, 2), 450000, 250000)


def test_people_are_the_same_by_number_whatever_their_name():
    before = [paid("a", month(9), 250000, employee="7")]
    assert not find_changes([line(1, "x", 250000, employee="7")], before, OCTOBER).tells
    assert told(find_changes([line(1, "a", 250000, employee="8")], before, OCTOBER)) == [("new", "a"), ("gone", "a")]


def test_another_administratie_and_later_periods_are_no_measure():
    other = PaidAccount(Payee("1", "a"), iban(1), date(2026, 9, 24), date(2026, 9, 24), None, "a", month(9), 1)
    assert not find_changes([line(1, "a", 250000)], [other, paid("a", month(11), 1)], OCTOBER).tells


def test_without_a_payment_before_nothing_is_told():
    assert find_changes([line(1, "a", 250000)], [], OCTOBER) == Changes()
    assert find_changes([line(1, "a", 250000)], history(1, 1), None) == Changes()


def test_who_is_in_the_run_without_a_payment_is_told_once():
    before = [*history(250000), *history(190000, name="de noor vries")]
    found = find_changes([line(1, "a", 250000)], before, OCTOBER, unpaid=["Noor de Vries", "Alek Nowak", "?"])
    assert told(found) == [("unpaid", "Noor de Vries"), ("unpaid", "Alek Nowak")]
    assert ([one.before_cents for one in found.people], found.unnamed) == ([190000, 0], 1)
    assert found.people[1] == Change(ChangeKind.UNPAID, "Alek Nowak", (), 0)


def test_initials_may_stand_for_a_name_and_another_name_may_not():
    for written, once in (("n de vries", True), ("p de vries", False), ("de vries", True)):
        found = find_changes([line(1, "a", 250000)], [*history(250000), *history(1, name=written)], OCTOBER,
                             unpaid=["Noor de Vries"])  # fmt: skip
        assert (len(found.people) == 1) is once, written


def test_who_has_a_line_that_cannot_be_paid_is_not_gone():
    before = [*history(250000), *history(190000, name="b")]
    assert not find_changes([line(1, "a", 250000)], before, OCTOBER, [Payee("9969", "b")]).tells


@pytest.mark.parametrize(("after_allowance", "usual"), [(True, False), (False, True)])
def test_an_allowance_that_is_paid_again_the_month_after_is_unusual(after_allowance: bool, usual: bool):
    """Elsewhere an amount like the last one is a raise, which is told once."""
    assert is_usual(560_000, [516_000, 328_000, 334_000, 300_000], after_allowance) is usual
    assert is_usual(330_000, [516_000, 328_000, 334_000, 300_000], after_allowance)
