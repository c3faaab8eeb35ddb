"""Employees of a run: who gets no payment is counted and named, whose pay each line is; and none of it is a reason not
to pay.
"""

import pytest

from connectors.nmbrs.port import Employee
from domain.payments.putting_away import PutAway, put_away
from domain.payments.totals import lines_of
from domain.payroll import intake, run_employees, unpaid_payment
from domain.payroll.nmbrs_client import NmbrsClient
from models import Batch, PayrollRun
from tests.domain.test_rest_migration import move
from tests.support.factories import LINES, Demo, make_file
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
    assert run_employees.name_matches(who, run_employees._words(name)) is same


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
    found = run_employees.find_employees(run, NmbrsClient(run.company.connection, run.company, run), wanted)
    assert (found.unpaid, found.unpaid_names) == (1, ["Noor de Vries"] if named else None)


def test_a_differently_spelled_name_is_matched_by_account(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_person_missing=True)
    sandbox.control("PUT", "nmbrs/employees/503301", {"payment_name": "Gemachtigde Xander"})
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert batch.unpaid_employee_names == ["Noor de Vries"]


BAILIFF = "Gerechtsdeurwaarders Van Lith"


def test_pay_that_goes_to_a_bailiff_is_told_and_stands_with_the_rest(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_attachment=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert lines_of(batch)[-1].creditor_name == BAILIFF  # as in the file
    rows = demo.view(batch).lines
    assert [row.name for row in rows[:3]] == ["Jong, Wouter de", BAILIFF, "Donkersloot Meijer, Naomi"]
    assert [row.paid_for for row in rows] == [None, "Wouter de Jong", *[None] * 7]
    assert [row.person for row in rows] == [1, 1, *range(2, 9)]
    assert [row.place for row in rows] == [*range(1, 10)]


def test_a_bailiff_hides_nobody_who_is_missing(demo: Demo, sandbox: Sandbox):
    """One person less and one line more: as many payees as people."""
    sandbox.fault(nmbrs_sepa_attachment=True, nmbrs_sepa_person_missing=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    assert (batch.line_count, batch.unpaid_employee_names) == (8, ["Noor de Vries"])


def test_without_permission_for_accounts_a_bailiff_is_one_more_payee(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_attachment=True, nmbrs_no_employee_right=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    rows = demo.view(batch).lines
    assert (rows[-1].name, rows[-1].paid_for, rows[-1].person) == (BAILIFF, None, 9)


def test_lines_of_one_name_stand_together(demo: Demo):
    batch = demo.batch([*LINES, (LINES[0][0], iban(7), 100)])
    assert [(row.position, row.person, row.place) for row in demo.view(batch).lines] == [
        (1, 1, 1), (4, 1, 2), (2, 2, 3), (3, 3, 4)
    ]  # fmt: skip


def test_an_account_of_two_employees_is_nobodys(demo: Demo, sandbox: Sandbox):
    """Which of them the payee stands for is not known."""
    sandbox.fault(nmbrs_sepa_attachment=True)
    sandbox.control("PUT", "nmbrs/employees/503302", {"iban": "NL39INGB0006620441"})
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    told = {row.name: row.paid_for for row in demo.view(batch).lines}
    assert told[BAILIFF] is None


def test_a_payment_that_is_set_up_anew_still_tells_whose_pay_it_is(demo: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_attachment=True)
    sandbox.run_payroll(lines=8, webhook="none")
    (batch,) = work(demo)
    put_away(demo.client, demo.user, batch.reference, PutAway.OTHER)
    unpaid_payment.pay_unpaid(demo.client, demo.user, batch.run_id, unpaid_payment.Choice.EXCLUDED)
    again = Batch.select().order_by(Batch.id.desc()).first()
    assert again.reference != batch.reference
    rows = [(row.name, row.paid_for, row.person, row.place) for row in demo.view(again).lines[:2]]
    assert rows == [("Jong, Wouter de", None, 1, 1), (BAILIFF, "Wouter de Jong", 1, 2)]


@pytest.mark.parametrize(("api", "told"), [("soap", None), ("rest", "Wouter de Jong")])
def test_the_accounts_of_many_employees_are_asked_where_one_list_gives_them(
    demo: Demo, sandbox: Sandbox, api: str, told: str | None
):
    if api == "rest":
        move(demo)
    sandbox.fault(nmbrs_sepa_attachment=True)
    sandbox.run_payroll(lines=30, webhook="none")
    (batch,) = work(demo)
    assert {row.name: row.paid_for for row in demo.view(batch).lines}[BAILIFF] == told
