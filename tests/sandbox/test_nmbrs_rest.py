"""Nmbrs over REST: the same data as SOAP, checked against the vendor's contract."""

from typing import Any

import pytest
import requests

from tests.support.nmbrs import Nmbrs
from tests.support.nmbrs_rest import (
    CLIENT,
    DEBTOR,
    KEY,
    SCOPES,
    SECOND_DEBTOR,
    SECRET,
    Rest,
    contract,
    guid,
    hold_to_contract,
    tokens,
)
from tests.support.sandbox import Sandbox


@pytest.fixture
def rest(sandbox: Sandbox) -> Rest:
    return Rest(sandbox)


# --- the contract ---
def every_path(rest: Rest, run: dict[str, Any]) -> list[str]:
    """Return the paths of all calls that return JSON, for this run of Demo BV."""
    debtor, company = f"/api/debtors/{guid('Debtor', DEBTOR)}", rest.company()
    tax = rest.data(f"{company}/wagetaxes")[0]["wageTaxId"]
    one = f"{company}/runs/{guid('Run', run['run'])}"
    year = f"?year={run['year']}"
    return [
        "/api/user/info", "/api/debtors", f"{debtor}/companies", "/api/companies", f"{company}/bankaccounts",
        f"{company}/runs", f"{one}/employees", f"{one}/sepa{year}", f"{company}/wagetaxes",
        f"{company}/wagetaxes/{tax}/sepa{year}", f"{company}/employees/personalinfo",
        f"{company}/employees/bankaccounts",
    ]  # fmt: skip


def test_every_answer_matches_the_contract(rest: Rest):
    for path in every_path(rest, rest.sandbox.run_payroll()):
        rest.get(path)


def test_every_error_matches_the_contract(rest: Rest):
    for path in every_path(rest, rest.sandbox.run_payroll()):
        stranger = Rest(rest.sandbox, token="nobody's")
        assert stranger.code(path) == 40102, path


def test_the_contract_check_finds_a_misspelt_field(rest: Rest):
    answer = rest.ask("/api/debtors")
    answer._content = answer.content.replace(b"debtorId", b"debtorID")
    with pytest.raises(Exception, match="debtorID") as refused:
        hold_to_contract(answer)
    assert type(refused.value).__name__ == "ValidationError"


def test_the_contract_has_the_required_scopes(rest: Rest):
    known = contract()["components"]["securitySchemes"]["Bearer"]["flows"]["authorizationCode"]["scopes"]
    assert set(SCOPES.split()) <= set(known)


# --- data ---
def test_the_lists_equal_those_of_soap(rest: Rest):
    nmbrs = Nmbrs(rest.sandbox)
    (company,) = rest.data("/api/companies")
    (soap,) = nmbrs.company.List_GetByDebtor(DebtorId=DEBTOR)
    assert company == {
        "companyId": guid("Company", soap.ID),
        "number": str(soap.Number),
        "name": soap.Name,
        "debtorId": guid("Debtor", DEBTOR),
    }
    converted = nmbrs.company.Converter_GetByCompany_IntToGuid(Entity="Company", CompanyId=soap.ID)
    assert converted.Mappings.Mapping[0].IdGuid == company["companyId"]
    assert rest.data(f"{rest.company()}/bankaccounts")[0]["IBAN"] == "NL95INGB0004921836"


def test_a_run_keeps_its_number_year_and_moment(rest: Rest):
    run = rest.sandbox.run_payroll(run_at="2026-03-20T10:30:00", description="maart")
    (told,) = rest.data(f"{rest.company()}/runs", year=2026)
    assert (told["payrollRunId"], told["number"], told["year"]) == (guid("Run", run["run"]), 1, 2026)
    assert (told["createdAt"], told["periodStart"], told["type"]) == ("2026-03-20T09:30:00Z", 3, "normal")
    assert told["locked"] is True


def test_a_correction_has_its_own_type(rest: Rest):
    rest.sandbox.fault(nmbrs_correction=True)
    rest.sandbox.run_payroll()
    assert rest.data(f"{rest.company()}/runs")[0]["type"] == "twk"


def test_the_default_year_is_the_current_one(rest: Rest):
    rest.sandbox.run_payroll(year=2024)
    run = rest.sandbox.run_payroll()
    assert [doc["year"] for doc in rest.data(f"{rest.company()}/runs")] == [run["year"]]
    assert [doc["year"] for doc in rest.data(f"{rest.company()}/runs", year=2024)] == [2024]


def payment_file(rest: Rest, run: dict[str, Any], **query: str) -> str:
    path = f"{rest.company()}/runs/{guid('Run', run['run'])}/sepa"
    return rest.document(rest.get(path, year=run["year"], **query)["taskId"])


def test_the_payment_file_is_fetched_in_two_steps(rest: Rest):
    run = rest.sandbox.run_payroll()
    text = payment_file(rest, run, paymentDate="2026-11-25T00:00:00")
    assert "<CtrlSum>19806.08</CtrlSum>" in text
    assert "<ReqdExctnDt>2026-11-25</ReqdExctnDt>" in text


def test_a_given_file_is_returned_unchanged(rest: Rest):
    assert payment_file(rest, rest.sandbox.run_payroll(sepa="<é/>")) == "<é/>"


def test_the_tax_file_has_the_payment_reference(rest: Rest):
    run = rest.sandbox.run_payroll()
    (tax,) = rest.data(f"{rest.company()}/wagetaxes", year=run["year"])
    path = f"{rest.company()}/wagetaxes/{tax['wageTaxId']}/sepa"
    text = rest.document(rest.get(path, year=run["year"])["taskId"])
    assert tax["paymentReference"].replace(".", "") in text
    assert f"<CtrlSum>{tax['totalGeneral']}.00</CtrlSum>" in text


def test_employees_of_a_run_have_names_and_ibans(rest: Rest):
    run = rest.sandbox.run_payroll()
    people = rest.data(f"{rest.company()}/runs/{guid('Run', run['run'])}/employees")
    infos = rest.data(f"{rest.company()}/employees/personalinfo")
    accounts = rest.data(f"{rest.company()}/employees/bankaccounts")
    ids = [person["employeeId"] for person in people]
    assert ids == [info["employeeId"] for info in infos] == [row["employeeId"] for row in accounts]
    assert infos[0]["info"][0]["basicInfo"]["lastName"] == "Jong"
    assert accounts[0]["bankAccounts"][0]["IBAN"] == "NL42INGB2268352412"
    (one,) = rest.data(f"{rest.company()}/employees/bankaccounts", employeeId=ids[3])
    assert one == accounts[3]


# --- pages ---
def test_pages_cover_the_whole_list(rest: Rest):
    run = rest.sandbox.run_payroll(lines=45)
    path = f"{rest.company()}/runs/{guid('Run', run['run'])}/employees"
    first = rest.get(path, year=run["year"])
    assert (first["pagination"]["pageSize"], first["pagination"]["totalPages"]) == (20, 3)
    assert first["pagination"]["previousPage"] is None
    seen, answer = list(first["data"]), first
    while answer["pagination"]["nextPage"]:
        answer = rest.get(answer["pagination"]["nextPage"])
        seen += answer["data"]
    assert len({person["employeeId"] for person in seen}) == len(seen) == 45
    assert len(rest.data(path, pageSize=100)) == 45
    assert rest.data(path, pageNumber=9) == []


@pytest.mark.parametrize("query", [{"pageSize": 101}, {"pageSize": 0}, {"pageNumber": 0}, {"pageSize": "x"}])
def test_an_invalid_page_is_refused(rest: Rest, query: dict[str, Any]):
    answer = rest.ask("/api/debtors", **query)
    assert answer.json()["code"] == 40033
    assert [row["name"] for row in answer.json()["invalid-params"]] == list(query)


def test_pages_can_be_small(rest: Rest):
    run = rest.sandbox.run_payroll()
    rest.sandbox.fault(nmbrs_rest_small_pages=True)
    answer = rest.get(f"{rest.company()}/runs/{guid('Run', run['run'])}/employees", pageSize=100)
    assert (len(answer["data"]), answer["pagination"]["totalPages"]) == (2, 4)


# --- authorisation ---
def test_a_consent_for_several_debtors_cannot_list_all_companies(sandbox: Sandbox):
    rest = Rest(sandbox, DEBTOR, SECOND_DEBTOR)
    assert rest.code("/api/companies") == 40306
    debtors = rest.data("/api/debtors")
    assert [row["number"] for row in debtors] == ["1", "2"]
    paths = [f"/api/debtors/{row['debtorId']}/companies" for row in debtors]
    assert [company["name"] for path in paths for company in rest.data(path)] == ["Demo BV", "Duinrand Catering BV"]


def test_another_debtor_is_not_visible(rest: Rest):
    assert [row["number"] for row in rest.data("/api/debtors")] == ["1"]
    assert rest.code(f"/api/debtors/{guid('Debtor', SECOND_DEBTOR)}/companies") == 40303
    assert rest.code(f"/api/companies/{guid('Company', 4410)}/runs") == 40303


def test_what_does_not_exist_is_not_found(rest: Rest):
    nobody = "00000000-0000-4000-8000-000000000000"
    assert rest.code(f"/api/debtors/{nobody}/companies") == 40401
    assert rest.code(f"/api/companies/{nobody}/runs") == 40404
    assert rest.code(f"{rest.company()}/runs/{nobody}/employees") == 40401
    assert rest.code(f"{rest.company()}/runs/{nobody}/sepa", year=2026) == 40401
    assert rest.code(f"/api/documents/{nobody}") == 40401
    assert rest.code("/api/companies/9969/runs") == 40033


def test_a_payment_file_requires_a_year(rest: Rest):
    path = f"{rest.company()}/runs/{guid('Run', rest.sandbox.run_payroll()['run'])}/sepa"
    assert rest.code(path) == 40033
    assert rest.code(path, year="dit") == 40033
    assert rest.code(path, year=2026, paymentDate="morgen") == 40033


def test_a_document_of_another_user_is_not_found(sandbox: Sandbox):
    rest, other = Rest(sandbox), Rest(sandbox, SECOND_DEBTOR)
    run = sandbox.run_payroll()
    task = rest.get(f"{rest.company()}/runs/{guid('Run', run['run'])}/sepa", year=run["year"])["taskId"]
    assert other.code(f"/api/documents/{task}") == 40401
    assert "19806.08" in rest.document(task)


def test_a_removed_run_has_no_document(rest: Rest):
    run = rest.sandbox.run_payroll()
    task = rest.get(f"{rest.company()}/runs/{guid('Run', run['run'])}/sepa", year=run["year"])["taskId"]
    rest.sandbox.control("POST", f"nmbrs/runs/{run['run']}", {"action": "remove"})
    assert rest.ask(f"/api/documents/{task}").status_code == 202
    assert rest.code(f"/api/documents/{task}") == 40401


def test_token_and_subscription_key_are_required(rest: Rest):
    url = f"{rest.sandbox.url}/nmbrs-rest/api/debtors"
    bare = requests.get(url, headers={"X-Subscription-Key": KEY}, timeout=10)
    assert (bare.status_code, bare.json()["code"]) == (401, 40101)
    assert Rest(rest.sandbox, token=rest.token, key=None).code("/api/debtors") == 40102
    assert Rest(rest.sandbox, token=rest.token, key="another").code("/api/debtors") == 40102
    basic = requests.get(url, auth=(CLIENT, SECRET), headers={"X-Subscription-Key": KEY}, timeout=10)
    assert basic.json()["code"] == 40101


@pytest.mark.parametrize(
    ("missing", "path"),
    [
        ("user.info.read", "/api/user/info"),
        ("company.info.read", "/api/debtors"),
        ("company.info.read", "/api/companies"),
        ("company.payrollsettings.read", "{company}/runs"),
        ("company.payrollsettings.read", "{company}/wagetaxes"),
        ("company.document.read", "{company}/runs/{run}/sepa?year=2026"),
        ("document.read", "/api/documents/{run}"),
        ("employee.info.read", "{company}/employees/personalinfo"),
        ("employee.bankaccount.read", "{company}/employees/bankaccounts"),
    ],
)
def test_each_call_requires_its_scope(sandbox: Sandbox, missing: str, path: str):
    scope = " ".join(word for word in SCOPES.split() if word != missing)
    rest = Rest(sandbox, token=tokens(sandbox, scope=scope)["access_token"])
    path = path.format(company=f"/api/companies/{guid('Company', 9969)}", run=guid("Run", 1))
    answer = rest.ask(path)
    assert answer.json()["code"] == 40303
    assert missing in answer.json()["detail"]


def test_a_token_expires_after_an_hour(rest: Rest):
    rest.get("/api/debtors")
    rest.sandbox.control("POST", "clock", {"advance_days": 1})
    assert rest.code("/api/debtors") == 40102


# --- faults ---
@pytest.mark.parametrize(
    ("switch", "code"),
    [
        ("nmbrs_rest_401", 40102),
        ("nmbrs_rest_40303", 40303),
        ("nmbrs_rest_40304", 40304),
        ("nmbrs_rest_42908", 42908),
        ("nmbrs_rest_42909", 42909),
        ("nmbrs_rest_50001", 50001),
        ("nmbrs_rest_50201", 50201),
        ("nmbrs_rest_503", 50301),
    ],
)
def test_a_fault_applies_to_every_call_while_on(rest: Rest, switch: str, code: int):
    rest.sandbox.fault(**{switch: True})
    answer = rest.ask("/api/companies")
    assert answer.json()["code"] == code
    assert "Retry-After" not in answer.headers
    assert rest.code("/api/user/info") == code
    rest.sandbox.fault(**{switch: False})
    assert rest.data("/api/companies")


def test_only_the_list_of_companies_can_be_refused(rest: Rest):
    rest.sandbox.fault(nmbrs_rest_40306=True)
    assert rest.code("/api/companies") == 40306
    assert rest.data("/api/debtors")


def test_a_document_can_be_slow(rest: Rest):
    run = rest.sandbox.run_payroll()
    rest.sandbox.fault(nmbrs_rest_slow_document=True)
    path = f"{rest.company()}/runs/{guid('Run', run['run'])}/sepa"
    task = rest.get(path, year=run["year"])["taskId"]
    assert [rest.ask(f"/api/documents/{task}").status_code for _ in range(5)] == [202, 202, 202, 200, 200]


def test_a_document_can_be_lost(rest: Rest):
    run = rest.sandbox.run_payroll()
    path = f"{rest.company()}/runs/{guid('Run', run['run'])}/sepa"
    task = rest.get(path, year=run["year"])["taskId"]
    rest.sandbox.fault(nmbrs_rest_document_lost=True)
    assert rest.code(f"/api/documents/{task}") == 40401


def test_an_unknown_field_can_be_added(sandbox: Sandbox):
    token = tokens(sandbox)["access_token"]
    sandbox.fault(nmbrs_rest_extra_field=True)
    headers = {"Authorization": f"Bearer {token}", "X-Subscription-Key": KEY}
    answer = requests.get(f"{sandbox.url}/nmbrs-rest/api/debtors", headers=headers, timeout=10).json()
    assert answer["data"][0]["addedByVendor"] == "new"


def test_a_run_can_be_listed_late(rest: Rest):
    rest.sandbox.run_payroll()
    rest.sandbox.fault(nmbrs_run_unlisted_once=True)
    assert rest.data(f"{rest.company()}/runs") == []
    assert len(rest.data(f"{rest.company()}/runs")) == 1
