"""Employees of a run without a payment: counted, named if possible, and never a reason not to pay the others."""

import pytest

from connectors.nmbrs.port import Employee
from domain.payments.totals import lines_of
from domain.payroll import intake, missing_employees
from domain.payroll.nmbrs_client import NmbrsClient
from models import PayrollRun
from tests.support.factories import Demo, make_file
from tests.support.intake import work
from tests.support.large_batches import iban
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
def test_spellings_of_a_name(who: Employee, name: str, same: bool):
    assert missing_employees.name_matches(who, missing_employees._words(name)) is same


def test_no_employee_is_missing(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.unpaid_employee_count, batch.unpaid_employee_names) == (0, None)


def test_missing_employees_are_named(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.unpaid_employee_count, batch.unpaid_employee_names) == (7, 1, ["Noor de Vries"])
    assert demo.view(batch).unpaid_employee_names == ["Noor de Vries"]


def test_without_permission_for_names_they_are_counted(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True, nmbrs_no_employee_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.unpaid_employee_count, batch.unpaid_employee_names) == (1, None)


def test_without_permission_to_count_the_payment_is_created(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True, nmbrs_no_run_employees_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.unpaid_employee_count) == (7, None)


def test_an_employee_with_two_payments_counts_once(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_two_for_one=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.unpaid_employee_count) == (9, 0)


@pytest.mark.parametrize("named", [True, False])
def test_split_pay_hides_nobody_who_is_missing(demo: Demo, sandbox: Sandbox, named: bool):
    """One person less and one line more: as many accounts as people."""
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    run = PayrollRun.get_by_id(batch.run_id)
    rows = [(one.creditor_name, one.creditor_iban, one.amount_cents) for one in lines_of(batch)][:-1]
    wanted = [intake.to_payable_line(line) for line in make_file([*rows, (rows[0][0], iban(7), 100)]).lines]
    sandbox.fault(nmbrs_no_employee_right=not named)
    found = missing_employees.find_missing(run, NmbrsClient(run.company.connection, run.company, run), wanted)
    assert found == missing_employees.MissingEmployees(1, ["Noor de Vries"] if named else None)


def test_a_differently_spelled_name_is_matched_by_account(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True)
    sandbox.control("PUT", "nmbrs/employees/503301", {"payment_name": "Gemachtigde Xander"})
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert batch.unpaid_employee_names == ["Noor de Vries"]
