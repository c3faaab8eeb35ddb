"""Two versions of a run: what is still owed, what went out too much, and that nothing is paid twice or lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from domain.payroll.run_versions import PayableLine, PreviousLine, diff_versions, version_hash


def wanted(iban: str, cents: int, name: str = "A", text: str = "Salaris") -> PayableLine:
    return PayableLine(name, name, text, text, iban, cents)


def before(
    iban: str, cents: int, paid: bool = True, name: str = "A", text: str = "Salaris", id: int = 1
) -> PreviousLine:
    return PreviousLine(id, name, iban, cents, text, paid)


def pay(found) -> list[tuple[str, int, int | None]]:
    return [(line.iban, line.amount_cents, line.paid_cents) for line in found.pay]


def test_the_same_lines_need_nothing():
    found = diff_versions([wanted("X", 100), wanted("Y", 200)], [before("Y", 200), before("X", 100)])
    assert (found.pay, found.overpaid, found.void) == ([], [], [])


def test_somebody_new_is_paid_whole():
    assert pay(diff_versions([wanted("X", 100), wanted("Y", 200)], [before("X", 100)])) == [("Y", 200, None)]


def test_more_pay_is_paid_for_as_much_as_it_is_more():
    assert pay(diff_versions([wanted("X", 2100)], [before("X", 2000)])) == [("X", 100, 2000)]


def test_less_pay_is_told_and_nothing_is_taken_back():
    found = diff_versions([wanted("X", 1900)], [before("X", 2000)])
    assert (found.pay, found.overpaid) == ([], [("A", "X", 100)])


def test_who_is_no_longer_in_the_run_is_told():
    assert diff_versions([], [before("X", 2000)]).overpaid == [("A", "X", 2000)]


def test_another_account_is_paid_and_the_old_one_is_told():
    found = diff_versions([wanted("NEW", 2000)], [before("OLD", 2000)])
    assert (pay(found), found.overpaid) == ([("NEW", 2000, None)], [("A", "OLD", 2000)])


def test_another_description_alone_pays_nothing():
    assert diff_versions([wanted("X", 2000, text="Salaris mei")], [before("X", 2000)]).pay == []


def test_what_was_struck_stays_struck_while_it_says_the_same():
    found = diff_versions([wanted("X", 2000)], [before("X", 2000, paid=False)])
    assert (found.pay, found.void) == ([], [])


def test_what_was_struck_and_is_now_otherwise_is_paid_whole_and_its_old_line_is_void():
    found = diff_versions([wanted("X", 2100)], [before("X", 2000, paid=False, id=7)])
    assert (pay(found), found.void) == ([("X", 2100, None)], [7])


def test_going_back_to_the_first_version_after_a_paid_difference_is_told():
    found = diff_versions([wanted("X", 2000)], [before("X", 2000), before("X", 100, id=2)])
    assert (found.pay, found.overpaid) == ([], [("A", "X", 100)])


def test_one_of_two_equal_lines_was_struck():
    found = diff_versions([wanted("X", 500)], [before("X", 500, paid=False), before("X", 500, id=2)])
    assert (found.pay, found.overpaid, found.void) == ([], [], [])


IBANS = st.sampled_from(["X", "Y", "Z"])
NEW = st.lists(st.builds(wanted, IBANS, st.integers(1, 5), st.sampled_from("AB")), max_size=6)
OLD = st.lists(st.builds(before, IBANS, st.integers(1, 5), st.just(True), st.sampled_from("AB")), max_size=6)


@given(NEW, OLD)
def test_every_account_ends_with_what_the_newest_version_says(new: list[PayableLine], old: list[PreviousLine]):
    """Paid before, plus owed, less too much, is what it should get; and no line is negative."""
    found = diff_versions(new, old)
    have, should = Counter(), Counter()
    for line in old:
        have[line.iban] += line.amount_cents
    for line in found.pay:
        assert line.amount_cents > 0
        have[line.iban] += line.amount_cents
    for _, iban, cents in found.overpaid:
        assert cents > 0
        have[iban] -= cents
    for line in new:
        should[line.iban] += line.amount_cents
    assert +have == +should


@given(NEW)
def test_the_order_of_the_lines_makes_no_other_version(new: list[PayableLine]):
    assert version_hash(new) == version_hash(new[::-1])
    assert (version_hash([*new, wanted("X", 9)]) == version_hash(new)) is False
