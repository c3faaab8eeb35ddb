"""Which lines and known people of a run are one person: by number, name or account, and in doubt one."""

import pytest

from core.names import normalise_name
from domain.payroll.person_matching import KnownPerson, Matching, match_people
from domain.payroll.run_versions import PayableLine


def line(name: str, iban: str, cents: int = 100, text: str = "Salaris", employee: str | None = None) -> PayableLine:
    return PayableLine(name, name, text, text, iban, cents, employee=employee)


def known(due: int, name: str, *accounts: str, paid: tuple[str, ...] = (), employee: str | None = None) -> KnownPerson:
    names = frozenset({normalise_name(name)})
    return KnownPerson(due, names, frozenset(accounts), names, frozenset(paid or accounts), employee)


def people(found: Matching) -> dict[frozenset[tuple[str, str]], tuple[int, ...]]:
    return {
        frozenset((one.creditor_name, one.creditor_iban) for one in person.lines): person.dues
        for person in found.people
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jong, Wouter de", "Wouter de Jong"),
        ("JONG, WOUTER DE", "Jong, Wouter de"),
        ("Müller, José", "Muller, Jose"),
        ("Sørensen", "Sorensen"),
        ("Vries,  Noor  de", "Vries, Noor de"),
        ("Donkersloot-Meijer, Naomi", "Donkersloot Meijer, Naomi"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(one: str, other: str):
    assert normalise_name(one) == normalise_name(other)


def test_names_without_letters_are_different():
    assert normalise_name("--") != normalise_name("**")


def test_a_person_is_found_by_employee_number_first():
    lines = [line("New name", "Y", employee="7"), line("A", "X", employee="8")]
    found = match_people(lines, [known(1, "A", "X", employee="7"), known(2, "B", "Z", employee="8")])
    assert people(found) == {frozenset({("New name", "Y")}): (1,), frozenset({("A", "X")}): (2,)}


def test_a_person_is_found_by_name_when_the_account_changed():
    found = match_people([line("A", "Y"), line("B", "X")], [known(1, "A", "X"), known(2, "B", "Z")])
    assert people(found) == {frozenset({("A", "Y")}): (1,), frozenset({("B", "X")}): (2,)}


def test_a_renamed_person_is_found_by_the_account():
    found = match_people([line("Bakker", "X"), line("C", "Y")], [known(1, "Vries", "X"), known(2, "C", "Y")])
    assert people(found)[frozenset({("Bakker", "X")})] == (1,)
    assert found.gone == ()


def test_a_new_person_and_a_person_who_is_gone():
    found = match_people([line("A", "X"), line("B", "Y")], [known(1, "A", "X"), known(2, "C", "Z")])
    assert people(found) == {frozenset({("A", "X")}): (1,), frozenset({("B", "Y")}): ()}
    assert [one.due for one in found.gone] == [2]


def test_lines_of_one_name_are_one_person():
    found = match_people([line("A", "X"), line("A", "SAVINGS"), line("B", "Y")], [])
    assert set(people(found)) == {frozenset({("A", "X"), ("A", "SAVINGS")}), frozenset({("B", "Y")})}


def test_a_couple_on_one_account_is_two_people():
    before = [known(1, "A", "X"), known(2, "B", "X")]
    found = match_people([line("A", "X"), line("B", "X")], before)
    assert people(found) == {frozenset({("A", "X")}): (1,), frozenset({("B", "X")}): (2,)}


def test_a_partner_at_the_account_of_an_employee_is_a_new_person():
    found = match_people([line("A", "X"), line("B", "X")], [known(1, "A", "X")])
    assert people(found) == {frozenset({("A", "X")}): (1,), frozenset({("B", "X")}): ()}


def test_one_of_a_couple_is_renamed():
    found = match_people([line("A", "X"), line("C", "X")], [known(1, "A", "X"), known(2, "B", "X")])
    assert people(found) == {frozenset({("A", "X")}): (1,), frozenset({("C", "X")}): (2,)}


def test_a_couple_renamed_together_shares_a_due():
    found = match_people([line("C", "X"), line("D", "X")], [known(1, "A", "X"), known(2, "B", "X")])
    assert people(found) == {frozenset({("C", "X"), ("D", "X")}): (1, 2)}


def test_an_account_that_a_person_left_does_not_identify_its_new_holder():
    found = match_people([line("A", "Y"), line("B", "X")], [known(1, "A", "X")])
    assert people(found) == {frozenset({("A", "Y")}): (1,), frozenset({("B", "X")}): ()}


def test_another_name_at_a_second_account_is_a_new_person():
    found = match_people([line("A", "X"), line("Bailiff", "Y")], [known(1, "A", "X", "Y")])
    assert people(found) == {frozenset({("A", "X")}): (1,), frozenset({("Bailiff", "Y")}): ()}


def test_employee_numbers_distinguish_two_people_of_one_name():
    lines = [line("A", "X", employee="1"), line("A", "Y", employee="2")]
    before = [known(1, "A", "X", employee="1"), known(2, "A", "Y", employee="2")]
    assert people(match_people(lines, before)) == {frozenset({("A", "X")}): (1,), frozenset({("A", "Y")}): (2,)}


def test_another_number_and_name_at_the_same_account_is_another_person():
    found = match_people([line("B", "X", employee="2")], [known(1, "A", "X", employee="1")])
    assert people(found) == {frozenset({("B", "X")}): ()}


def test_another_number_with_the_same_account_and_name_is_the_same_person():
    found = match_people([line("A", "X", employee="2")], [known(1, "A", "X", employee="1")])
    assert people(found) == {frozenset({("A", "X")}): (1,)}


def test_without_numbers_two_people_of_one_name_share_a_due():
    before = [known(1, "A", "X", employee="1"), known(2, "A", "Y", employee="2")]
    assert people(match_people([line("A", "X"), line("A", "Y")], before)) == {
        frozenset({("A", "X"), ("A", "Y")}): (1, 2)
    }


def test_lines_without_a_name_are_people_by_their_accounts():
    assert len(match_people([line("", "1"), line(" ", "2"), line("", "1")], []).people) == 2


@pytest.mark.parametrize("signs", ["\u200b", "\u202e", "\x9b", "\ue000", "\u3164", "\ufe0f", "\U000e0041"], ids=ascii)
def test_a_name_with_something_hidden_is_the_same_person(signs: str):
    """Neither somebody new, who is paid again to a new account, nor two people who are owed apart."""
    again = match_people([line(f"Jan{signs}sen, W.", "NL2")], [known(1, "Jansen, W.", "NL1")])
    assert [person.dues for person in again.people] == [(1,)] and not again.gone
    first = match_people([line(f"Jan{signs}sen, W.", "NL1"), line("Jansen, W.", "NL2")], [])
    assert [person.owed_cents for person in first.people] == [200]
