"""The list of permissions: the text of each call, which permission to add in Dutch and English, and testing again."""

import re

import html5lib
import pytest

from domain.payroll import permission_check
from models import NmbrsConnection, NmbrsPermissionCheck
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import WebClient

ASK = "Vraag je Nmbrs-beheerder om in de gebruikerssjabloon (Gebruikersprofielen › sjabloon › tandwiel onder API) "


def rows_of(page: str) -> dict[str, str]:
    """Return the texts of each row, by the port's name of the call."""
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    rows = [node for node in root.iter("li") if (node.get("id") or "").startswith("recht-")]
    return {row.get("id").removeprefix("recht-"): words(" ".join(row.itertext())) for row in rows}


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.fixture
def path(demo: Demo) -> str:
    return f"/{demo.client.public_id}/apps/nmbrs/{demo.connection.id}/rechten"


def page_after(owner: WebClient, demo: Demo, path: str) -> str:
    """Return the page after the job has tested all calls."""
    assert owner.post(path).status_code == 303
    permission_check.run_permission_checks(demo.connection.id)
    return owner.get(path).html


def test_the_list_polls_during_the_test(owner: WebClient, demo: Demo, path: str):
    owner.post(path)
    page = owner.get(path).html
    rows = rows_of(page)
    assert list(rows) == [question for question, _needed in permission_check.CHECKS]
    assert all("wordt gecontroleerd" in row for row in rows.values())
    assert 'hx-trigger="every 1s"' in page
    assert f'max="{len(permission_check.CHECKS)}" value="0"' in page
    assert f"0 van {len(permission_check.CHECKS)}" in page
    part = owner.get(path, headers={"HX-Request": "true"}).html
    assert rows_of(part) == rows
    assert "<h1" not in part
    NmbrsPermissionCheck.update(result="ok").where(NmbrsPermissionCheck.position <= 2).execute()
    assert 'value="3"' in owner.get(path, headers={"HX-Request": "true"}).html
    permission_check.run_permission_checks(demo.connection.id)
    assert "every 1s" not in owner.get(path, headers={"HX-Request": "true"}).html


def test_all_permissions_present(owner: WebClient, demo: Demo, path: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=3, webhook="none")
    page = page_after(owner, demo, path)
    assert all("in orde" in row for row in rows_of(page).values())
    assert "Alle rechten zijn in orde" in page
    assert f"{len(permission_check.CHECKS)} rechten zijn in orde" in page
    assert "GetSEPA" not in page, "the name of a call stands only where it lacks"
    assert "In English" not in page


def test_without_a_run_the_file_cannot_be_tested(owner: WebClient, demo: Demo, path: str):
    rows = rows_of(page_after(owner, demo, path))
    assert "nog niet te controleren" in rows["sepa_file"]
    assert f"{sum('in orde' in row for row in rows.values())} rechten zijn in orde" in owner.get(path).html
    assert "in orde" in rows["runs"]


@pytest.mark.parametrize(
    ("fault", "question", "right", "without"),
    [
        ("nmbrs_no_debtors_right", "debtors", "DebtorService › List_GetAll", ""),
        ("nmbrs_no_companies_right", "companies", "CompanyService › List_GetByDebtor", ""),
        ("nmbrs_no_runs_right", "runs", "CompanyService › Run_GetList", ""),
        ("nmbrs_no_sepa_right", "sepa_file", "CompanyService › SalaryDocuments_GetSEPA", ""),
        ("nmbrs_no_bank_account_right", "company_iban", "CompanyService › BankAccount_GetCurrent", "Betalen kan wel."),
        (
            "nmbrs_no_run_employees_right", "employees_in_run", "CompanyService › Run_GetEmployeesByRunCompany",
            "zie je niet wie er in het bestand ontbreekt",
        ),
        (
            "nmbrs_no_employee_right", "employees",
            "EmployeeService › PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany", "niet de naam van wie ontbreekt",
        ),
        ("nmbrs_no_wage_tax_right", "wage_taxes", "CompanyService › WageTax_GetList", "geen loonheffing"),
        ("nmbrs_no_webhook_right", "webhook_events", "DebtorService › WebhookSettings_GetEvents", "zelf in"),
    ],
)  # fmt: skip
def test_a_missing_permission_is_shown_with_advice(
    owner: WebClient, demo: Demo, path: str, sandbox: Sandbox, fault: str, question: str, right: str, without: str
):
    sandbox.run_payroll(lines=3, webhook="none")
    sandbox.fault(**{fault: True})
    page = page_after(owner, demo, path)
    row = rows_of(page)[question]
    assert f"{ASK}{right} aan te vinken." in row
    assert f"In English Please tick {right} in the user template" in row
    assert without in row
    assert ("Zonder dit recht kunnen we geen betaling klaarzetten" in words(page)) is (without == "")


@pytest.mark.parametrize(
    ("fault", "dutch", "english"),
    [
        ("nmbrs_wrong_token", "E-mailadres of token klopt niet.", "does not accept this email address and token"),
        ("nmbrs_debtor_filtered", "Deze gebruiker ziet het bedrijf niet", "This user cannot see the company"),
        ("nmbrs_disabled", "Deze omgeving is uitgezet in Nmbrs", "environment has been turned off"),
        ("nmbrs_9999", "Storing bij Nmbrs", "Nmbrs has a problem"),
    ],
)
def test_each_refusal_has_both_languages(
    owner: WebClient, demo: Demo, path: str, sandbox: Sandbox, fault: str, dutch: str, english: str
):
    sandbox.run_payroll(lines=3, webhook="none")
    sandbox.fault(**{fault: True})
    rows = rows_of(page_after(owner, demo, path))
    told = rows["runs"]
    assert dutch in told
    assert english in told


@pytest.mark.parametrize(
    ("result", "code", "said"),
    [
        ("error", "1006", "Er ontbreken geen rechten"),
        ("error", "42908", "Het is nu te druk bij Nmbrs."),
        ("refused", "2004", "Deze gebruiker ziet het bedrijf niet in Nmbrs."),
        ("refused", "40303", "aan te vinken."),
        ("refused", "not_allowed", "aan te vinken."),
        ("error", None, "Er ontbreken geen rechten"),
    ],
)
def test_every_error_code_has_a_text(
    owner: WebClient, demo: Demo, path: str, result: str, code: str | None, said: str
):
    connection = NmbrsConnection.get_by_id(demo.connection.id)
    permission_check.schedule_permission_checks(connection)
    NmbrsPermissionCheck.update(result=result, code=code).execute()
    assert all(said in row for row in rows_of(owner.get(path).html).values())


def test_rest_advises_a_new_consent(owner: WebClient, demo: Demo, path: str):
    NmbrsConnection.update(api="rest").execute()
    permission_check.schedule_permission_checks(NmbrsConnection.get_by_id(demo.connection.id))
    NmbrsPermissionCheck.update(result="refused", code="40303").execute()
    rows = rows_of(owner.get(path).html)
    assert "webhook_events" not in rows
    assert "Geef opnieuw toestemming" in rows["runs"]
    assert "Please give consent again" in rows["runs"]


def test_testing_again_ends_a_suspension(owner: WebClient, demo: Demo, path: str):
    NmbrsConnection.update(status="failing", error_code="quota_used_up").execute()
    owner.post(path)
    connection = NmbrsConnection.get_by_id(demo.connection.id)
    assert (connection.status, connection.checks_due_at is not None) == ("active", True)
