"""Permission checks: every operation is tried, a refusal names the missing permission, and the others continue."""

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


def test_all_permissions_are_granted(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    assert tried(demo) == dict.fromkeys(EVERY, ("ok", None))


def test_without_a_run_some_checks_are_unknown(demo: Demo, sandbox: Sandbox):
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
def test_a_missing_permission_is_named(
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
     ("nmbrs_9999", "error", "9999"), ("nmbrs_html_503", "error", "try_again")],
)  # fmt: skip
def test_a_general_failure_shows_at_every_check(demo: Demo, sandbox: Sandbox, fault: str, result: str, code: str):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    found = tried(demo)
    assert (found["environment"], found["debtors"]) == ((result, code), (result, code))


def test_a_filtered_debtor_shows_its_error_code(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_debtor_filtered=True)
    assert tried(demo)["runs"] == ("refused", "2004")


def test_checks_resume_after_a_crash(demo: Demo, sandbox: Sandbox):
    permission_check.schedule_permission_checks(NmbrsConnection.get_by_id(demo.connection.id))
    assert permission_check.due_permission_checks() == [demo.connection.id]
    permission_check.run_permission_checks(demo.connection.id)
    permission_check.run_permission_checks(demo.connection.id)
    assert "waiting" not in {check.result for check in permission_check.checks_of_connection(demo.connection)}
