"""People of a run without a payment: counted, named where Nmbrs lets us, and never a reason not to pay the others."""

import pytest

from connectors.nmbrs.port import Employee
from domain.payroll import missing_employees
from tests.support.factories import Demo
from tests.support.intake import work
from tests.support.sandbox import Sandbox


def person(first: str, initials: str, prefix: str, last: str) -> Employee:
    return Employee("1", first, initials, prefix, last)


@pytest.mark.parametrize(
    ("who", "name", "same"),
    [
        (person("Wouter", "W.", "de", "Jong"), "Jong, Wouter de", True),
        (person("Wouter", "W.", "de", "Jong"), "W. de Jong", True),
        (person("Wouter", "W.", "de", "Jong"), "DE JONG W", True),
        (person("Zoë", "Z.", "", "Müller"), "Muller, Zoe", True),
        (person("Naomi", "N.", "", "Donkersloot Meijer"), "N Donkersloot Meijer", True),
        (person("Wouter", "W.", "de", "Jong"), "Jong, Pieter de", False),
        (person("Wouter", "W.", "de", "Jong"), "Jong, Wouter", False),
        (person("Jan", "J.", "", "Jansen"), "Jansen-Bakker, Piet", False),
        (person("", "", "", ""), "Jong, Wouter de", False),
    ],
)
def test_a_name_is_found_however_it_is_written(who: Employee, name: str, same: bool):
    assert missing_employees.name_matches(who, missing_employees._words(name)) is same


def test_nobody_is_missing(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.missing_count, batch.missing_names) == (0, None)


def test_who_is_missing_is_named(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.missing_count, batch.missing_names) == (7, 1, ["Noor de Vries"])
    assert demo.view(batch).missing_names == ["Noor de Vries"]


def test_without_the_right_to_names_they_are_counted(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True, nmbrs_no_employee_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.missing_count, batch.missing_names) == (1, None)


def test_without_the_right_to_count_the_payment_is_made_all_the_same(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True, nmbrs_no_run_employees_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.missing_count) == (7, None)


def test_somebody_with_two_payments_hides_nobody(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_two_for_one=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.missing_count) == (9, 0)


def test_a_name_that_was_written_otherwise_is_found_by_its_account(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True)
    sandbox.control("PUT", "nmbrs/employees/503301", {"payment_name": "Gemachtigde Xander"})
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert batch.missing_names == ["Noor de Vries"]
