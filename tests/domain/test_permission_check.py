"""The check list of rights: what is tried, what a refusal names, and that it goes on after one."""

import pytest

from domain.payroll import permission_check
from models import NmbrsConnection
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox

EVERY = [question for question, _needed in permission_check.CHECKS]


def tried(demo: Demo) -> dict[str, tuple[str, str | None]]:
    connection = NmbrsConnection.get_by_id(demo.connection.id)
    permission_check.schedule_permission_checks(connection)
    assert {check.result for check in permission_check.checks_of_connection(connection)} == {"waiting"}
    assert permission_check.due_permission_checks() == [connection.id]
    permission_check.run_permission_checks(connection.id)
    assert permission_check.due_permission_checks() == []
    return {check.question: (check.result, check.code) for check in permission_check.checks_of_connection(connection)}


def test_everything_is_allowed(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    assert tried(demo) == dict.fromkeys(EVERY, ("ok", None))


def test_without_a_run_the_file_cannot_be_tried_yet(demo: Demo, sandbox: Sandbox):
    found = tried(demo)
    unknown = {question for question, (result, _code) in found.items() if result == "unknown"}
    assert unknown == {"sepa_file", "employees_in_run"}
    assert all(found[question] == ("ok", None) for question in EVERY if question not in unknown)


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        ("nmbrs_no_debtors_right", {"debtors"}),
        ("nmbrs_no_companies_right", {"companies"}),
        ("nmbrs_no_bank_account_right", {"company_iban"}),
        ("nmbrs_no_runs_right", {"runs"}),
        ("nmbrs_no_run_employees_right", {"employees_in_run"}),
        ("nmbrs_no_sepa_right", {"sepa_file"}),
        ("nmbrs_no_wage_tax_right", {"wage_taxes"}),
        ("nmbrs_no_employee_right", {"employees"}),
        ("nmbrs_no_webhook_right", {"webhook_events"}),
    ],
)
def test_a_right_that_is_missing_is_the_one_that_is_named(
    demo: Demo, sandbox: Sandbox, fault: str, refused: set[str]
):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    found = tried(demo)
    assert {question for question, (result, _code) in found.items() if result == "refused"} == refused
    assert {found[question][1] for question in refused} == {"1002"}
    calls = {check.question: check.call for check in permission_check.checks_of_connection(demo.connection)}
    assert calls["sepa_file"] == "CompanyService.SalaryDocuments_GetSEPA"


@pytest.mark.parametrize(
    ("fault", "result", "code"),
    [("nmbrs_wrong_token", "refused", "1001"), ("nmbrs_disabled", "refused", "1004"),
     ("nmbrs_9999", "trouble", "9999"), ("nmbrs_html_503", "trouble", "try_again")],
)  # fmt: skip
def test_what_stops_everything_is_said_at_each(demo: Demo, sandbox: Sandbox, fault: str, result: str, code: str):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    found = tried(demo)
    assert (found["environment"], found["debtors"]) == ((result, code), (result, code))


def test_a_debtor_that_is_filtered_away_is_named_with_its_code(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_debtor_filtered=True)
    assert tried(demo)["runs"] == ("refused", "2004")


def test_it_takes_up_where_a_killed_worker_left(demo: Demo, sandbox: Sandbox):
    permission_check.schedule_permission_checks(NmbrsConnection.get_by_id(demo.connection.id))
    assert permission_check.due_permission_checks() == [demo.connection.id]
    permission_check.run_permission_checks(demo.connection.id)
    permission_check.run_permission_checks(demo.connection.id)
    assert "waiting" not in {check.result for check in permission_check.checks_of_connection(demo.connection)}
