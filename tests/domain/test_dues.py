"""What each person of a run is owed and may be paid: never more than the newest version says.

The laws at the end hold for generated runs, recalculations, payments and returns in any order.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.names import normalise_name
from domain.payroll.dues import EarlierLine, payable
from domain.payroll.person_matching import KnownPerson, match_people
from domain.payroll.run_versions import PayableLine


def line(name: str, iban: str, cents: int = 100, text: str = "Salaris", employee: str | None = None) -> PayableLine:
    return PayableLine(name, name, text, text, iban, cents, employee=employee)


def committed(iban: str, cents: int, name: str = "A", text: str = "Salaris", id: int = 1) -> EarlierLine:
    return EarlierLine(id, name, iban, cents, text)


def excluded(iban: str, cents: int, name: str = "A", text: str = "Salaris", id: int = 1) -> EarlierLine:
    return EarlierLine(id, name, iban, cents, text, excluded=True)


def pay(lines: list[PayableLine], earlier: list[EarlierLine]) -> list[tuple[str, int, int | None]]:
    return [(one.creditor_iban, one.amount_cents, one.already_paid_cents) for one in payable(lines, earlier).pay]


def test_a_new_person_is_paid_in_full():
    assert pay([line("A", "X", 2000)], []) == [("X", 2000, None)]


def test_the_same_lines_pay_nothing():
    assert pay([line("A", "X", 2000)], [committed("X", 2000)]) == []


def test_of_a_higher_wage_only_the_difference_is_paid():
    assert pay([line("A", "X", 2100)], [committed("X", 2000)]) == [("X", 100, 2000)]


def test_a_lower_wage_is_reported_as_overpaid():
    found = payable([line("A", "X", 1900)], [committed("X", 2000)])
    assert (found.pay, found.overpaid) == ([], [("A", "X", 100)])


def test_a_person_who_is_gone_is_reported_as_overpaid():
    assert payable([], [committed("X", 2000)]).overpaid == [("A", "X", 2000)]


def test_another_account_pays_nothing_again():
    found = payable([line("A", "NEW", 2000)], [committed("OLD", 2000)])
    assert (found.pay, found.overpaid) == ([], [])


def test_another_account_and_a_higher_wage_pays_the_difference_to_the_new_one():
    assert pay([line("A", "NEW", 2100)], [committed("OLD", 2000)]) == [("NEW", 100, 2000)]


def test_a_lower_wage_at_another_account_is_reported_for_the_old_one():
    found = payable([line("A", "NEW", 1900)], [committed("OLD", 2000)])
    assert (found.pay, found.overpaid) == ([], [("A", "OLD", 100)])


def test_a_return_from_the_old_account_is_paid_to_the_new_one():
    assert pay([line("A", "NEW", 2000)], []) == [("NEW", 2000, None)]
    half = [committed("OLD", 1200)]  # the other 800 came back
    assert pay([line("A", "NEW", 2000)], half) == [("NEW", 800, 1200)]


def test_a_payment_to_an_old_account_counts_for_the_account_that_replaced_it():
    lines = [line("A", "NEW", 1000), line("A", "SAVINGS", 300)]
    found = payable(lines, [committed("OLD", 1000), committed("SAVINGS", 200, id=2)])
    assert [(one.creditor_iban, one.amount_cents) for one in found.pay] == [("SAVINGS", 100)]
    assert found.overpaid == []


def test_another_description_alone_pays_nothing():
    assert pay([line("A", "X", 2000, "Salaris mei")], [committed("X", 2000)]) == []


def test_of_two_lines_to_one_account_the_higher_one_is_paid():
    lines = [line("A", "X", 2000, "Salaris mei"), line("A", "X", 600, "Vakantiegeld")]
    found = payable(lines, [committed("X", 2000), committed("X", 500, text="Vakantiegeld", id=2)])
    assert [(one.remittance, one.amount_cents, one.already_paid_cents) for one in found.pay] == [
        ("Vakantiegeld", 100, 500)
    ]


def test_an_unchanged_line_stays_excluded():
    found = payable([line("A", "X", 2000)], [excluded("X", 2000)])
    assert (found.pay, found.overpaid, found.superseded) == ([], [], [])


def test_an_excluded_line_with_a_new_amount_is_paid_in_full():
    found = payable([line("A", "X", 2100)], [excluded("X", 2000, id=7)])
    assert (pay([line("A", "X", 2100)], [excluded("X", 2000)]), found.superseded) == ([("X", 2100, None)], [7])


def test_an_excluded_line_of_a_person_who_is_gone_is_not_superseded():
    assert payable([], [excluded("X", 2000, id=7)]).superseded == []


def test_one_of_two_equal_lines_was_excluded():
    found = payable([line("A", "X", 500)], [excluded("X", 500), committed("X", 500, id=2)])
    assert (found.pay, found.overpaid) == ([], [])
    assert pay([line("A", "X", 500), line("A", "X", 500)], [excluded("X", 500), committed("X", 500)]) == []


def test_returning_to_the_first_version_reports_the_paid_difference():
    found = payable([line("A", "X", 2000)], [committed("X", 2000), committed("X", 100, id=2)])
    assert (found.pay, found.overpaid) == ([], [("A", "X", 100)])


# --- held lines -----------------------------------------------------------------------------------
def held(iban: str, cents: int, name: str = "A", text: str = "Salaris") -> PayableLine:
    return replace(line(name, iban, cents, text), held="bad_iban")


def split(lines: list[PayableLine], earlier: list[EarlierLine]) -> tuple[list, list]:
    found = payable(lines, earlier)
    return (
        [(one.creditor_iban, one.amount_cents) for one in found.pay],
        [(one.creditor_iban, one.amount_cents) for one in found.held],
    )


def test_a_held_line_is_owed_and_never_paid():
    assert split([line("A", "1", 900), held("2", 100)], []) == ([("1", 900)], [("2", 100)])
    assert split([line("A", "1", 900), held("2", 100)], [committed("1", 900)]) == ([], [("2", 100)])


def test_what_was_paid_to_another_account_counts_against_a_held_line_first():
    assert split([held("2", 1000)], [committed("1", 1000)]) == ([], [])
    assert split([held("2", 1200)], [committed("1", 1000)]) == ([], [("2", 200)])
    assert split([line("A", "3", 600), held("2", 600)], [committed("1", 1000)]) == ([("3", 200)], [])


def test_a_held_line_does_not_stay_excluded():
    found = payable([held("2", 100)], [excluded("2", 100)])
    assert (found.pay, found.excluded, found.superseded) == ([], [], [1])
    assert [one.amount_cents for one in found.held] == [100]


def test_the_same_payee_may_have_a_held_line_beside_a_payable_one():
    lines = [line("A", "1", 500), replace(held("1", 300), held="reference_unusable")]
    assert split(lines, []) == ([("1", 500)], [("1", 300)])
    assert split(lines, [committed("1", 500)]) == ([], [("1", 300)])
    assert split(lines, [committed("1", 100)]) == ([("1", 400)], [("1", 300)])


def test_of_two_who_share_a_due_each_gets_at_most_their_own_line():
    found = payable([line("A", "X", 200), line("B", "X", 100)], [committed("X", 50, "C")])
    assert [(one.creditor_name, one.amount_cents) for one in found.pay] == [("A", 150), ("B", 100)]


# --- laws over whole histories --------------------------------------------------------------------
NAMES, IBANS, NUMBERS = st.sampled_from("PQRS"), st.sampled_from("WXYZ"), st.sampled_from([None, None, "1", "2"])
LINES = st.lists(st.builds(line, NAMES, IBANS, st.integers(1, 9), st.sampled_from(["s", "t"])), max_size=6)
NUMBERED = st.lists(st.builds(line, NAMES, IBANS, st.integers(1, 9), st.just("s"), NUMBERS), max_size=6)


@dataclass
class Due:
    """One person's due, as the database would keep it."""

    names: frozenset[str]
    accounts: frozenset[str]
    employee: str | None
    owed: int = 0
    earlier: list[EarlierLine] = field(default_factory=list)

    @property
    def committed(self) -> int:
        return sum(one.amount_cents for one in self.earlier)


class RunKept:
    """The dues of a run over its versions. Everything payable is paid at once, or in part."""

    def __init__(self) -> None:
        self.dues: dict[int, Due] = {}
        self._next = 0

    def known(self) -> list[KnownPerson]:
        return [
            KnownPerson(
                number, one.names, one.accounts, frozenset(normalise_name(paid.name) for paid in one.earlier),
                frozenset(paid.creditor_iban for paid in one.earlier), one.employee,
            )
            for number, one in self.dues.items()
        ]  # fmt: skip

    def read(self, lines: list[PayableLine]) -> list[tuple[Due, list[PayableLine]]]:
        """Write what the version says, and return what may be paid to whom."""
        found, offered = match_people(lines, self.known()), []
        for gone in found.gone:
            self.dues[gone.due].owed = 0
        for person in found.people:
            due = self._due(person.dues)
            due.names = frozenset(normalise_name(one.creditor_name) for one in person.lines)
            due.accounts = frozenset(one.creditor_iban for one in person.lines)
            numbers = {one.employee for one in person.lines}
            due.employee = numbers.pop() if len(numbers) == 1 else None
            due.owed = person.owed_cents
            offered.append((due, payable(person.lines, due.earlier).pay))
        return offered

    def _due(self, dues: tuple[int, ...]) -> Due:
        if not dues:
            self._next += 1
            self.dues[self._next] = Due(frozenset(), frozenset(), None)
            return self.dues[self._next]
        first = self.dues[dues[0]]
        for other in dues[1:]:
            first.earlier += self.dues.pop(other).earlier
        return first

    def commit(self, due: Due, lines: list[PayableLine]) -> None:
        due.earlier += [
            EarlierLine(number, one.creditor_name, one.creditor_iban, one.amount_cents, one.remittance)
            for number, one in enumerate(lines, len(due.earlier))
        ]

    def pay(self, lines: list[PayableLine]) -> list[PayableLine]:
        paid = []
        for due, offered in self.read(lines):
            before = due.committed
            self.commit(due, offered)
            assert due.committed == max(before, due.owed), "never more than is owed, and nothing less"
            paid += offered
        return paid


@given(st.lists(NUMBERED, min_size=1, max_size=4))
def test_no_person_gets_more_than_the_newest_version_owes(versions: list[list[PayableLine]]):
    """Whatever the versions are: by name, each person ends with at most the most that any version said."""
    run, got, most = RunKept(), Counter(), 0
    for lines in versions:
        for one in run.pay(lines):
            assert one.amount_cents > 0
            got[one.creditor_iban] += one.amount_cents
        most = max(most, sum(one.amount_cents for one in lines))
        assert sum(due.owed for due in run.dues.values()) == sum(one.amount_cents for one in lines)
        assert len({one.due for one in run.known()}) == len(run.dues)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_a_name_never_gets_more_than_the_highest_amount_ever_owed(versions: list[list[PayableLine]]):
    run, got, most = RunKept(), Counter(), Counter()
    for lines in versions:
        owed = Counter()
        for one in lines:
            owed[one.creditor_name] += one.amount_cents
        most |= owed
        for one in run.pay(lines):
            got[one.creditor_name] += one.amount_cents
    assert all(got[name] <= most[name] for name in got)


@given(st.lists(NUMBERED, max_size=3), NUMBERED)
def test_the_same_version_again_pays_nothing(before: list[list[PayableLine]], lines: list[PayableLine]):
    run = RunKept()
    for one in [*before, lines]:
        run.pay(one)
    assert run.pay(lines) == []


@given(st.lists(LINES, max_size=2), LINES, st.randoms())
def test_the_order_of_the_lines_changes_nothing(before: list[list[PayableLine]], lines: list[PayableLine], random):
    one, other, shuffled = RunKept(), RunKept(), list(lines)
    random.shuffle(shuffled)
    for version in before:
        one.pay(version)
        other.pay(version)
    assert Counter(one.pay(lines)) == Counter(other.pay(shuffled))


@given(LINES, st.dictionaries(IBANS, st.sampled_from(["V1", "V2", "V3", "V4"])))
def test_changed_accounts_pay_nothing_again(lines: list[PayableLine], moved: dict[str, str]):
    """Whichever accounts changed, each person got what is owed."""
    run = RunKept()
    run.pay(lines)
    changed = [
        line(one.creditor_name, moved.get(one.creditor_iban, one.creditor_iban), one.amount_cents) for one in lines
    ]
    assert run.pay(changed) == []


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.permutations("ABCD"))
def test_renamed_people_with_their_own_accounts_are_not_paid_again(cents: list[int], names: list[str]):
    run = RunKept()
    run.pay([line(name, iban, one) for name, iban, one in zip("PQRS", "WXYZ", cents, strict=False)])
    assert run.pay([line(name, iban, one) for name, iban, one in zip(names, "WXYZ", cents, strict=False)]) == []


@given(LINES, st.data())
def test_only_what_came_back_is_payable_again(lines: list[PayableLine], data):
    run = RunKept()
    run.pay(lines)
    returned = 0
    for due in run.dues.values():
        back = data.draw(st.lists(st.sampled_from(due.earlier), unique_by=lambda one: one.id, max_size=2))
        returned += sum(one.amount_cents for one in back)
        due.earlier = [one for one in due.earlier if one not in back]
    assert sum(one.amount_cents for one in run.pay(lines)) == returned


@given(LINES, st.data())
def test_an_unchanged_excluded_line_is_never_paid(lines: list[PayableLine], data):
    """Each person gets what is owed minus what was excluded, and per account no more than the version owes."""
    owed: dict[str, list[PayableLine]] = defaultdict(list)
    for one in lines:
        owed[one.creditor_name].append(one)
    for mine in owed.values():
        out = data.draw(st.lists(st.sampled_from(range(len(mine))), unique=True))
        gone = [mine[i] for i in out]
        earlier = [excluded(one.creditor_iban, one.amount_cents, one.creditor_name, one.remittance) for one in gone]
        kept = [one for i, one in enumerate(mine) if i not in out]
        assert Counter(payable(mine, earlier).pay) == Counter(kept)


@settings(max_examples=200)
@given(LINES, LINES, st.lists(st.builds(committed, IBANS, st.integers(1, 9)), max_size=6))
def test_payable_and_held_are_owed_minus_committed(
    lines: list[PayableLine], wrong: list[PayableLine], before: list[EarlierLine]
):
    found = payable([*lines, *(replace(one, held="bad_iban") for one in wrong)], before)
    owed, out = sum(one.amount_cents for one in [*lines, *wrong]), sum(one.amount_cents for one in before)
    assert sum(one.amount_cents for one in [*found.pay, *found.held]) == max(0, owed - out)
    assert not any(one.held for one in found.pay)
    assert sum(one.amount_cents for one in found.pay) <= sum(one.amount_cents for one in lines)
    assert sum(one.amount_cents for one in found.held) <= sum(one.amount_cents for one in wrong)


@settings(max_examples=200)
@given(LINES, st.lists(st.builds(committed, IBANS, st.integers(1, 9)), max_size=6))
def test_payable_is_owed_minus_committed(lines: list[PayableLine], before: list[EarlierLine]):
    found = payable(lines, before)
    owed, out = sum(one.amount_cents for one in lines), sum(one.amount_cents for one in before)
    assert sum(one.amount_cents for one in found.pay) == max(0, owed - out)
    assert sum(cents for _, _, cents in found.overpaid) == max(0, out - owed)
    to = Counter()
    for one in lines:
        to[one.creditor_iban] += one.amount_cents
    for one in found.pay:
        to[one.creditor_iban] -= one.amount_cents
    assert min(to.values(), default=0) >= 0
