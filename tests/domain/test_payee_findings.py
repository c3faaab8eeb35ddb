"""Known payees, as a pure function: what was executed before, and what is to be paid now."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.payee_findings import Concern, Finding, PaidAccount, Payee, PlannedLine, find_unusual
from tests.support.large_batches import iban

JAN, NAOMI = Payee("9969", "jan jansen", "1"), Payee("9969", "meijer naomi", "2")
A, B, C = iban(1), iban(2), iban(3)
SEPTEMBER, OCTOBER = date(2026, 9, 25), date(2026, 10, 23)


def paid(payee: Payee, account: str, first: date = SEPTEMBER, last: date = OCTOBER) -> PaidAccount:
    return PaidAccount(payee, account, first, last, None, payee.name.title())


def to(payee: Payee, account: str, line: int = 1) -> PlannedLine:
    return PlannedLine(line, payee, account, payee.name.title())


def found(planned: list[PlannedLine], executed: list[PaidAccount]) -> list[Finding]:
    return find_unusual(planned, executed, "NL")


def only(planned: PlannedLine, *executed: PaidAccount) -> Finding:
    (one,) = found([planned], list(executed))
    return one


# --- examples -------------------------------------------------------------------------------------
def test_an_account_to_which_a_payment_was_executed_is_known():
    assert found([to(JAN, A)], [paid(JAN, A)]) == []


def test_a_first_payment_is_new():
    one = only(to(JAN, A))
    assert (one.concern, one.before, one.others, one.abroad) == (Concern.NEW, (), (), "")
    assert one.must_be_answered


def test_a_changed_account_tells_the_old_one_and_since_when():
    one = only(to(JAN, B), paid(JAN, A))
    assert one.concern is Concern.CHANGED
    assert [(old.iban, old.first, old.last) for old in one.before] == [(A, SEPTEMBER, OCTOBER)]


def test_of_several_old_accounts_the_last_one_comes_first():
    one = only(to(JAN, C), paid(JAN, A, last=SEPTEMBER), paid(JAN, B))
    assert [old.iban for old in one.before] == [B, A]


def test_a_name_that_is_written_in_two_ways_gives_one_old_account():
    other = PaidAccount(Payee("9969", "j jansen", "1"), A, OCTOBER, OCTOBER)
    one = only(to(JAN, B), paid(JAN, A, SEPTEMBER, SEPTEMBER), other)
    assert [(old.iban, old.first, old.last) for old in one.before] == [(A, SEPTEMBER, OCTOBER)]


def test_back_to_an_account_that_was_paid_before_asks_nothing():
    assert found([to(JAN, A)], [paid(JAN, A), paid(JAN, B)]) == []


def test_an_employee_with_another_name_is_the_same_person():
    assert found([to(Payee("9969", "de vries jan", "1"), A)], [paid(JAN, A)]) == []


def test_without_a_number_the_name_tells_who_it_is():
    assert found([to(Payee("9969", "jan jansen"), A)], [paid(JAN, A)]) == []
    assert only(to(Payee("9969", "jan jansen"), B), paid(JAN, A)).concern is Concern.CHANGED


def test_two_people_with_one_name_and_different_numbers_are_two():
    one = only(to(Payee("9969", "jan jansen", "7"), A), paid(JAN, A))
    assert (one.concern, one.others) == (Concern.NEW, ("Jan Jansen",))


def test_who_was_paid_by_another_company_of_the_client_is_known_at_that_account():
    assert found([to(Payee("8000", "jan jansen", "5"), A)], [paid(JAN, A)]) == []
    assert only(to(Payee("8000", "jan jansen", "5"), B), paid(JAN, A)).concern is Concern.NEW


def test_the_account_of_somebody_else_names_them():
    one = only(to(NAOMI, A), paid(JAN, A))
    assert (one.concern, one.others) == (Concern.NEW, ("Jan Jansen",))
    one = only(to(NAOMI, A), paid(JAN, A), paid(NAOMI, B))
    assert (one.concern, one.others) == (Concern.CHANGED, ("Jan Jansen",))


def test_two_people_on_one_new_account_name_each_other():
    assert [one.others for one in found([to(JAN, A), to(NAOMI, A, 2)], [])] == [("Meijer Naomi",), ("Jan Jansen",)]


def test_a_couple_that_was_paid_on_one_account_asks_nothing():
    assert found([to(JAN, A), to(NAOMI, A, 2)], [paid(JAN, A), paid(NAOMI, A)]) == []


def test_what_only_came_back_makes_no_account_known():
    back = PaidAccount(JAN, A, None, None, OCTOBER)
    one = only(to(JAN, A), back)
    assert (one.concern, one.came_back) == (Concern.NEW, OCTOBER)


def test_a_known_account_from_which_the_last_payment_came_back_is_told_and_not_asked():
    one = only(to(JAN, A), paid(JAN, A, last=SEPTEMBER), PaidAccount(JAN, A, None, None, OCTOBER))
    assert (one.concern, one.came_back, one.must_be_answered) == (Concern.CAME_BACK, OCTOBER, False)


def test_after_a_payment_that_arrived_an_older_return_is_history():
    back = PaidAccount(JAN, A, None, None, SEPTEMBER)
    assert found([to(JAN, A)], [paid(JAN, A, OCTOBER, OCTOBER), back]) == []


@pytest.mark.parametrize(("account", "abroad", "beyond"), [
    ("BE68539007547034", "BE", False), ("AE070331234567890123456", "AE", True), (A, "", False),
])  # fmt: skip
def test_an_account_in_another_country_is_told(account: str, abroad: str, beyond: bool):
    one = only(to(JAN, account))
    assert (one.abroad, one.beyond_sepa) == (abroad, beyond)


# --- properties -----------------------------------------------------------------------------------
PEOPLE = st.sampled_from([JAN, NAOMI, Payee("9969", "jan jansen"), Payee("8000", "jan jansen", "1"),
                          Payee("9969", "bakker jo")])  # fmt: skip
ACCOUNTS = st.sampled_from([A, B, C, "BE68539007547034"])
DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))
LINES = st.lists(st.tuples(PEOPLE, ACCOUNTS), max_size=6).map(
    lambda rows: [to(payee, account, line) for line, (payee, account) in enumerate(rows, 1)]
)
PAID = st.tuples(PEOPLE, ACCOUNTS, DAYS, DAYS).map(lambda one: paid(one[0], one[1], min(one[2:]), max(one[2:])))
BACK = st.tuples(PEOPLE, ACCOUNTS, DAYS).map(lambda one: PaidAccount(one[0], one[1], None, None, one[2]))
HISTORY = st.lists(PAID | BACK, max_size=8)


@given(LINES, HISTORY)
def test_what_was_executed_exactly_so_asks_nothing(planned: list[PlannedLine], executed: list[PaidAccount]):
    """Whatever else happened: a payment of which every line was executed before is an ordinary one."""
    before = [paid(line.payee, line.iban) for line in planned]
    assert [one for one in found(planned, [*executed, *before]) if one.must_be_answered] == []


@given(LINES, HISTORY)
def test_every_line_that_was_never_executed_so_is_asked_about(planned: list[PlannedLine], executed: list[PaidAccount]):
    names = {(one.payee.name, one.iban) for one in executed if one.last}
    numbers = {(one.payee.company, one.payee.employee, one.iban) for one in executed if one.last and one.payee.employee}
    never = [
        line.line for line in planned
        if (line.payee.name, line.iban) not in names
        and (line.payee.company, line.payee.employee, line.iban) not in numbers
    ]
    asked = {one.line for one in found(planned, executed) if one.must_be_answered}
    assert asked >= set(never)


@given(LINES, HISTORY, st.randoms())
def test_the_order_of_history_changes_nothing(planned, executed, random):  # type: ignore[no-untyped-def]
    shuffled = [*executed, *executed]
    random.shuffle(shuffled)
    once = [(one.line, one.concern, one.facts, one.came_back) for one in found(planned, executed)]
    assert [(one.line, one.concern, one.facts, one.came_back) for one in found(planned, shuffled)] == once


@given(LINES, HISTORY)
def test_at_most_one_finding_for_a_line_and_none_for_others(planned: list[PlannedLine], executed: list[PaidAccount]):
    lines = [one.line for one in found(planned, executed)]
    assert len(lines) == len(set(lines))
    assert set(lines) <= {line.line for line in planned}


@given(LINES, HISTORY)
def test_more_executed_payments_never_make_a_known_account_unknown(
    planned: list[PlannedLine], executed: list[PaidAccount]
):
    known = {line.line for line in planned} - {one.line for one in found(planned, executed) if one.must_be_answered}
    more = [*executed, paid(NAOMI, C), paid(JAN, B)]
    assert not known & {one.line for one in found(planned, more) if one.must_be_answered}
