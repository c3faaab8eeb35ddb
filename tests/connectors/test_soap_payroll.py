"""Nmbrs over SOAP against the sandbox: every call, and every fault of the sandbox as an error of the port."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.payment_file import read_payment_file
from connectors.nmbrs.soap import SoapPayroll
from core.clock import utcnow
from tests.support.nmbrs_rest import guid
from tests.support.nmbrs_soap import CALLS, COMPANY, DAY, HOOK, Ask, answer_of, error_of, every_call, payroll_at
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, saying


# --- results ---
def test_the_environment_needs_no_domain(payroll: SoapPayroll, keys: port.Credentials):
    assert payroll.environment(replace(keys, domain=None)).subdomain == "demo"


def test_debtors_and_companies(payroll: SoapPayroll, keys: port.Credentials):
    debtors = payroll.debtors(keys)
    assert {debtor.name for debtor in debtors} == {"Demo BV", "Duinrand Catering BV"}
    [debtor] = [debtor for debtor in debtors if debtor.name == "Demo BV"]
    [company] = payroll.companies(keys, debtor.id)
    assert (company.id, company.name, company.kvk_number) == (COMPANY, "Demo BV", "68750110")
    assert company.debtor_id == debtor.id
    assert replace(company, debtor_id=None) in payroll.companies(keys)


def test_the_account_of_a_company(payroll: SoapPayroll, keys: port.Credentials):
    assert payroll.company_iban(keys, COMPANY) == "NL95INGB0004921836"


def test_a_run_and_its_employees(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    before = utcnow()
    made = sandbox.run_payroll(lines=8, description="april", webhook="none")
    [run] = [run for run in payroll.runs(keys, COMPANY, made["year"]) if run.id == str(made["run"])]
    assert (run.number, run.year, run.description, run.locked) == (made["number"], made["year"], "april", True)
    assert run.run_at is not None
    assert run.run_at.tzinfo == UTC
    assert abs(run.run_at - before) < timedelta(minutes=2)  # the vendor uses Amsterdam time
    assert len(set(payroll.employees_in_run(keys, COMPANY, run.id, run.year))) == 8


def test_the_payment_file_of_a_run(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    made = sandbox.run_payroll(lines=8, description="april", webhook="none")
    raw = payroll.sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY)
    assert raw is not None
    found = read_payment_file(raw, "Salaris april")
    assert (found.count, found.total_cents, found.debtor_iban) == (8, 1980608, "NL95INGB0004921836")


@pytest.mark.parametrize(
    "text", ["<a>\r\n ü€ &amp; ]]&gt;</a>", "PD94bWw=", '<?xml version="1.0" encoding="utf-16"?><a/>', "x" * 11_000_000]
)
def test_the_file_is_unchanged(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, text: str):
    """Character for character, also with a text of more than ten megabytes."""
    made = sandbox.run_payroll(sepa=text, webhook="none")
    assert payroll.sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY) == text.encode()


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_file_means_nothing_to_pay(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, text: str):
    made = sandbox.run_payroll(sepa=text, webhook="none")
    assert payroll.sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY) is None


# --- people and wage tax ---
def test_people_by_name_and_account(payroll: SoapPayroll, keys: port.Credentials):
    people = {person.last_name: person for person in payroll.employees(keys, COMPANY)}
    assert len(people) == 8
    wouter = people["Jong"]
    assert (wouter.first_name, wouter.initials, wouter.prefix) == ("Wouter", "W.", "de")
    assert payroll.employee_ibans(keys, COMPANY, [wouter.id]) == {wouter.id: ["NL42INGB2268352412"]}
    assert "Wouter" not in repr(wouter)


def test_wage_tax_and_its_file(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    made = sandbox.run_payroll(lines=8, description="april", webhook="none")
    [tax] = payroll.wage_taxes(keys, COMPANY, made["year"])
    assert (tax.period, tax.year, tax.total_cents, len(tax.reference)) == (4, made["year"], 693_200, 16)
    assert tax.period_end == date(made["year"], 4, 30)
    raw = payroll.wage_tax_file(keys, COMPANY, str(made["run"]), tax.id, tax.year, DAY)
    assert raw is not None
    found = read_payment_file(raw, "Loonheffing")
    assert (found.count, found.total_cents, found.lines[0].iban) == (1, 693_200, "NL86INGB0002445588")


def test_the_guids_of_a_company(payroll: SoapPayroll, keys: port.Credentials):
    assert payroll.guids(keys, COMPANY) == {
        ("Company", COMPANY): guid("Company", 9969), ("Debtor", "21840"): guid("Debtor", 21840),
    }  # fmt: skip


def person(*names: tuple[int, int, str], called: str) -> str:
    history = "".join(
        f"<{called}><LastName>{name}</LastName><StartPeriod>{period}</StartPeriod><StartYear>{year}</StartYear></{called}>"
        for year, period, name in names
    )
    return f"<PersonalInfoItem><EmployeeId>7</EmployeeId><History>{history}</History></PersonalInfoItem>"


@pytest.mark.parametrize("called", ["PersonalInfo_V2", "PersonalInfoWithoutBSN"])
@pytest.mark.parametrize(
    ("names", "newest"),
    [
        ([(2024, 12, "Old"), (2025, 2, "New")], "New"),
        ([(2025, 11, "New"), (2025, 2, "Old")], "New"),
        ([(2025, 2, "Only")], "Only"),
        ([], ""),
    ],
)
def test_the_newest_name_of_a_person(keys: port.Credentials, names: list, newest: str, called: str):
    method = "PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany"
    with saying(answer_of(method, person(*names, called=called))) as number:
        (found,) = payroll_at(f"http://127.0.0.1:{number}").employees(keys, COMPANY)
    assert (found.id, found.last_name) == ("7", newest)


# --- webhooks ---
def test_a_webhook_is_created_listed_and_deleted(payroll: SoapPayroll, keys: port.Credentials):
    run_end, *others = payroll.webhook_events(keys)
    assert (run_end.id, run_end.name, run_end.active) == ("1", "Run Finish", False)
    before = payroll.webhooks(keys, "21840")
    made = payroll.insert_webhook(keys, "21840", "Bizcuit", HOOK, [run_end.id])
    [found] = [webhook for webhook in payroll.webhooks(keys, "21840") if webhook.id == made]
    assert (found.name, found.endpoint, found.active) == ("Bizcuit", HOOK, True)
    assert found.events == (replace(run_end, active=True), *others)
    assert payroll.delete_webhook(keys, "21840", made)
    assert payroll.webhooks(keys, "21840") == before


def test_a_webhook_without_tls_is_refused(payroll: SoapPayroll, keys: port.Credentials):
    with pytest.raises(port.PayrollError) as caught:
        payroll.insert_webhook(keys, "21840", "Bizcuit", "http://bizcuit.example/x", ["1"])
    assert caught.value.code == "2044"


def test_the_secret_of_a_webhook_is_in_no_repr():
    assert "a-secret-key" not in repr(port.Webhook("1", "Bizcuit", HOOK, True, ()))


@pytest.mark.parametrize("name", ["DebtorService.WebhookSettings_Insert", "DebtorService.WebhookSettings_Delete"])
def test_writes_are_not_retried(sandbox: Sandbox, between: Meddler, keys: port.Credentials, name: str):
    sandbox.fault(nmbrs_9999=True)
    assert error_of(CALLS[name], payroll_at(between.url), keys).code == "9999"
    assert between.count("DebtorService.asmx") == 1


@pytest.mark.parametrize(
    "shape", ["<Event>{0}</Event><Event>{1}</Event>", "<Events><Event>{0}</Event><Event>{1}</Event></Events>"]
)
def test_the_events_of_a_webhook_in_both_formats(keys: port.Credentials, shape: str):
    events = (
        "<EventId>1</EventId><EventName>Run Finish</EventName><Active>true</Active>",
        "<EventId>2</EventId><Active>false</Active>",
    )
    setting = f"<WebhookSettingId>7</WebhookSettingId><Active>false</Active>{shape.format(*events)}"
    content = f"<WebhookSetting>{setting}</WebhookSetting>"
    with saying(answer_of("WebhookSettings_Get", content)) as number:
        [found] = payroll_at(f"http://127.0.0.1:{number}").webhooks(keys, "1")
    both = (port.WebhookEvent("1", "Run Finish", True), port.WebhookEvent("2", "", False))
    assert found == port.Webhook("7", "", "", False, both)


@pytest.mark.parametrize("made", ["", "<X>1</X>", "no", "-1"])
def test_a_webhook_without_id_is_refused(keys: port.Credentials, made: str):
    with saying(answer_of("WebhookSettings_Insert", made)) as number:
        error = error_of(CALLS["DebtorService.WebhookSettings_Insert"], payroll_at(f"http://127.0.0.1:{number}"), keys)
    assert type(error) is port.Unreadable


# --- faults of the sandbox ---
# The exception for each fault; those with more to check have their own test below.
EACH_CALL: dict[str, type[port.PayrollError]] = {
    "nmbrs_wrong_token": port.BadCredentials,
    "nmbrs_disabled": port.Disabled,
    "nmbrs_9999": port.TemporaryError,
    "nmbrs_html_503": port.TemporaryError,
    "nmbrs_not_xml": port.TemporaryError,
}
RIGHTS = {
    "nmbrs_no_debtors_right": ["DebtorService.List_GetAll"],
    "nmbrs_no_companies_right": ["CompanyService.List_GetAll", "CompanyService.List_GetByDebtor"],
    "nmbrs_no_bank_account_right": ["CompanyService.BankAccount_GetCurrent"],
    "nmbrs_no_runs_right": ["CompanyService.Run_GetList"],
    "nmbrs_no_run_employees_right": ["CompanyService.Run_GetEmployeesByRunCompany"],
    "nmbrs_no_sepa_right": ["CompanyService.SalaryDocuments_GetSEPA"],
    "nmbrs_no_wage_tax_right": ["CompanyService.WageTax_GetList", "CompanyService.SalaryDocuments_GetSEPA_Tax"],
    "nmbrs_no_employee_right": ["EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany"],
    "nmbrs_converter_missing": ["CompanyService.Converter_GetByCompany_IntToGuid"],
    "nmbrs_no_webhook_right": [
        "DebtorService.WebhookSettings_GetEvents",
        "DebtorService.WebhookSettings_Get",
        "DebtorService.WebhookSettings_Insert",
        "DebtorService.WebhookSettings_Delete",
    ],
}
FILES = {
    "nmbrs_sepa_empty": None,
    "nmbrs_sepa_nil": None,
    "nmbrs_sepa_base64": 8,
    "nmbrs_sepa_utf16": 8,
    "nmbrs_sepa_pain09": 8,
    "nmbrs_sepa_notprovided": 8,
    "nmbrs_sepa_two_for_one": 9,
    "nmbrs_sepa_attachment": 9,
    "nmbrs_sepa_person_missing": 7,
    "nmbrs_prerun": 8,
    "nmbrs_correction": 8,
    "nmbrs_throttle": 8,
    "nmbrs_1006_once": 8,
}
RUNS = {"nmbrs_empty_runs": 0, "nmbrs_run_unlisted": -1, "nmbrs_run_unlisted_once": -1, "nmbrs_locked_late": 0}
OTHER = {"nmbrs_hang", "nmbrs_debtor_filtered", "nmbrs_extra_element", "nmbrs_extra_element_first"}
# tests/domain/test_supersession.py, and the soak test of `make test-long`
ELSEWHERE = {"nmbrs_new_number", "nmbrs_2_percent_9999"}


def test_every_fault_is_covered(sandbox: Sandbox):
    switches = {name for name in sandbox.control("GET", "faults") if name.startswith("nmbrs_")}
    others = {name for name in switches if name.startswith(("nmbrs_webhook_", "nmbrs_rest_", "nmbrs_oauth_"))}
    assert switches - others == {*EACH_CALL, *RIGHTS, *ELSEWHERE, *FILES, *RUNS, *OTHER}


@pytest.mark.parametrize("fault", EACH_CALL)
@every_call
def test_each_fault_in_every_call(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, fault: str, ask: Ask):
    sandbox.fault(**{fault: True})
    assert type(error_of(ask, payroll, keys)) is EACH_CALL[fault]


@pytest.mark.parametrize("fault", RIGHTS)
def test_a_missing_right_names_the_method(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, fault: str):
    made = sandbox.run_payroll(webhook="none")
    sandbox.fault(**{fault: True})
    assert made["year"] == utcnow().year
    for name in RIGHTS[fault]:
        error = error_of(CALLS[name], payroll, keys)
        assert (type(error), error.code, error.call) == (port.NotAllowed, "1002", name)
    assert payroll.environment(keys).subdomain == "demo"


@pytest.mark.parametrize("fault", FILES)
def test_a_file_of_each_kind(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, fault: str):
    sandbox.fault(**{fault: True})
    made = sandbox.run_payroll(lines=8, webhook="none")
    raw = payroll.sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY)
    assert (len(read_payment_file(raw, "Salaris").lines) if raw else None) == FILES[fault]


@pytest.mark.parametrize("fault", RUNS)
def test_a_list_of_runs_of_each_kind(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, fault: str):
    older = sandbox.run_payroll(webhook="none")
    sandbox.fault(**{fault: True})
    newest = sandbox.run_payroll(webhook="none")
    found = {run.id: run for run in payroll.runs(keys, COMPANY, older["year"])}
    if fault == "nmbrs_empty_runs":
        assert found == {}
        return
    assert str(older["run"]) in found
    assert (str(newest["run"]) in found) == (fault == "nmbrs_locked_late")
    if fault == "nmbrs_locked_late":
        assert not found[str(newest["run"])].locked
        assert {run.id: run.locked for run in payroll.runs(keys, COMPANY, older["year"])}[str(newest["run"])]


def test_a_hidden_debtor(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    sandbox.fault(nmbrs_debtor_filtered=True)
    assert COMPANY not in {company.id for company in payroll.companies(keys)}
    for name in (
        "CompanyService.List_GetByDebtor",
        "CompanyService.BankAccount_GetCurrent",
        "CompanyService.Run_GetList",
        "CompanyService.SalaryDocuments_GetSEPA",
    ):
        assert type(error_of(CALLS[name], payroll, keys)) is port.NotVisible


@pytest.mark.parametrize("fault", ["nmbrs_extra_element", "nmbrs_extra_element_first"])
def test_an_unknown_field_is_ignored(
    sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials, fault: str
):
    made = sandbox.run_payroll(webhook="none")

    def everything() -> list[Any]:
        run, year = str(made["run"]), made["year"]
        return [
            payroll.environment(keys), payroll.debtors(keys), payroll.companies(keys),
            payroll.companies(keys, "21840"), payroll.company_iban(keys, COMPANY), payroll.runs(keys, COMPANY, year),
            payroll.employees_in_run(keys, COMPANY, run, year), payroll.sepa_file(keys, COMPANY, run, year, DAY),
        ]  # fmt: skip

    as_usual = everything()
    sandbox.fault(**{fault: True})
    with_more = everything()
    # the file contains its creation time
    assert with_more[:-1] == as_usual[:-1]
    assert read_payment_file(with_more[-1], "") == read_payment_file(as_usual[-1], "")


@every_call
def test_a_hanging_server_times_out(sandbox: Sandbox, keys: port.Credentials, ask: Ask):
    sandbox.fault(nmbrs_hang=True)
    impatient = payroll_at(sandbox.url, read_timeout=0.2, file_timeout=0.2)
    assert (type(error := error_of(ask, impatient, keys)), error.code) == (port.TemporaryError, None)


def test_retries_equal_the_number_of_pauses(
    sandbox: Sandbox, between: Meddler, keys: port.Credentials
):
    sandbox.fault(nmbrs_9999=True)
    assert error_of(CALLS["CompanyService.Run_GetList"], payroll_at(between.url), keys).code == "9999"
    assert between.count("CompanyService.asmx") == 3


def test_a_connection_error_is_not_retried_at_once(sandbox: Sandbox, between: Meddler, keys: port.Credentials):
    sandbox.fault(nmbrs_html_503=True)
    assert error_of(CALLS["CompanyService.Run_GetList"], payroll_at(between.url), keys).code is None
    assert between.count("CompanyService.asmx") == 1
