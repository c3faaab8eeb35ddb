"""Nmbrs over SOAP: every call, and every fault of the sandbox and of worse servers as an error of the port."""

import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.payment_file import read_payment_file
from connectors.nmbrs.soap import SoapPayroll
from core.clock import utcnow
from tests.support.nmbrs_rest import guid
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, closed_port, saying

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 25)
COMPANY = "9969"
HOOK = "http://127.0.0.1:8000/client/a-secret-key/webhooks/paymentsbatch"


def payroll_at(url: str, **changes: Any) -> SoapPayroll:
    return SoapPayroll(
        url, **{"connect_timeout": 2, "read_timeout": 5, "file_timeout": 5, "pauses": (0.01, 0.01)} | changes
    )


@pytest.fixture
def payroll(sandbox: Sandbox) -> SoapPayroll:
    return payroll_at(sandbox.url)


@pytest.fixture
def keys(sandbox: Sandbox) -> port.Credentials:
    given = sandbox.credentials
    return port.Credentials(given["nmbrs_user"], given["nmbrs_token"], "demo")


Ask = Callable[[SoapPayroll, port.Credentials], Any]
# Each operation of the port, by its SOAP method.
CALLS: dict[str, Ask] = {
    "DebtorService.Environment_Get": lambda payroll, keys: payroll.environment(keys),
    "DebtorService.List_GetAll": lambda payroll, keys: payroll.debtors(keys),
    "CompanyService.List_GetAll": lambda payroll, keys: payroll.companies(keys),
    "CompanyService.List_GetByDebtor": lambda payroll, keys: payroll.companies(keys, "21840"),
    "CompanyService.BankAccount_GetCurrent": lambda payroll, keys: payroll.company_iban(keys, COMPANY),
    "CompanyService.Run_GetList": lambda payroll, keys: payroll.runs(keys, COMPANY, utcnow().year),
    "CompanyService.Run_GetEmployeesByRunCompany": lambda payroll, keys: payroll.employees_in_run(
        keys, COMPANY, "1", 2026
    ),
    "CompanyService.SalaryDocuments_GetSEPA": lambda payroll, keys: payroll.sepa_file(keys, COMPANY, "1", 2026, DAY),
    "CompanyService.WageTax_GetList": lambda payroll, keys: payroll.wage_taxes(keys, COMPANY, 2026),
    "CompanyService.SalaryDocuments_GetSEPA_Tax": lambda payroll, keys: payroll.wage_tax_file(
        keys, COMPANY, "1", "88001", 2026, DAY
    ),
    "CompanyService.Converter_GetByCompany_IntToGuid": lambda payroll, keys: payroll.guids(keys, COMPANY),
    "EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany": lambda payroll, keys: payroll.employees(
        keys, COMPANY
    ),
    "EmployeeService.BankAccount_GetListCurrent": lambda payroll, keys: payroll.employee_ibans(
        keys, COMPANY, ["503301"]
    ),
    "DebtorService.WebhookSettings_GetEvents": lambda payroll, keys: payroll.webhook_events(keys),
    "DebtorService.WebhookSettings_Get": lambda payroll, keys: payroll.webhooks(keys, "21840"),
    "DebtorService.WebhookSettings_Insert": lambda payroll, keys: payroll.insert_webhook(
        keys, "21840", "Bizcuit", HOOK, ["1"]
    ),
    "DebtorService.WebhookSettings_Delete": lambda payroll, keys: payroll.delete_webhook(keys, "21840", "1"),
}
every_call = pytest.mark.parametrize("ask", CALLS.values(), ids=CALLS)


def error_of(ask: Ask, payroll: SoapPayroll, keys: port.Credentials) -> port.PayrollError:
    with pytest.raises(port.PayrollError) as caught:
        ask(payroll, keys)
    return caught.value


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


# --- servers that the sandbox cannot play ---
@every_call
def test_an_unreachable_server(keys: port.Credentials, ask: Ask):
    assert type(error_of(ask, payroll_at(f"http://127.0.0.1:{closed_port()}"), keys)) is port.TemporaryError


def http(body: bytes, status: str = "200 OK", headers: str = "Content-Type: text/xml; charset=utf-8") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def envelope(content: str) -> bytes:
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def answer_of(method: str, result: str) -> bytes:
    return http(envelope(f"<{method}Response><{method}Result>{result}</{method}Result></{method}Response>"))


RUN_LIST = '<Run_GetListResponse xmlns="https://api.nmbrs.nl/soap/v3/CompanyService">{}</Run_GetListResponse>'


def runs_answer(result: str) -> bytes:
    return http(envelope(RUN_LIST.format(result)))


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half an answer": http(envelope(RUN_LIST.format("")))[:-40],
    "a page that is not there": http(b"<html><body><h1>Not Found</h1><br></body></html>", "404 Not Found"),
    "a sign-in page": http(b"<html><body/></html>", headers="Content-Type: text/html"),
    "nothing in it": http(b""),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "json": http(b'{"error": "x"}', "500 Internal Server Error", "Content-Type: application/json"),
    "another call's answer": http(envelope("<List_GetAllResponse/>")),
    "an empty body": http(envelope("")),
    "no envelope": http(b"<Run_GetListResponse/>"),
    "a fault without a word": http(envelope("<s:Fault/>"), "500 Internal Server Error"),
    "a strange fault": http(envelope("<s:Fault><faultstring>Oops</faultstring></s:Fault>"), "500 Oops"),
    "another alphabet": http("<a/>".encode("utf-16")),
    "a document type": http(b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(RUN_LIST.format(""))),
    "a broken tag": http(envelope(RUN_LIST.format("<Run_GetListResult>"))),
    "a wrong length of a piece": http(b"zz\r\n", headers="Transfer-Encoding: chunked").replace(b"Content-Length", b"X"),
    "squeezed rubbish": http(b"rubbish", headers="Content-Encoding: gzip"),
    "a longer way": http(b"", "302 Found", "Location: http://127.0.0.1:9/"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_an_unreadable_answer_is_temporary(keys: port.Credentials, name: str):
    with saying(GARBAGE[name]) as number:
        error = error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys)
    assert (type(error), error.code, error.call) == (port.TemporaryError, None, "CompanyService.Run_GetList")


@pytest.mark.parametrize("path", ["/nothing", "/soap/v3", "/control", "/?a="])
@every_call
def test_a_wrong_base_address(sandbox: Sandbox, keys: port.Credentials, path: str, ask: Ask):
    assert type(error_of(ask, payroll_at(f"{sandbox.url}{path}"), keys)) is port.TemporaryError


@pytest.mark.parametrize("base", ["ftp://127.0.0.1", "127.0.0.1:1", "http://", "http://[::1", "http://a b/"])
def test_an_invalid_base_address(keys: port.Credentials, base: str):
    assert type(error_of(CALLS["CompanyService.Run_GetList"], payroll_at(base), keys)) is port.TemporaryError


RUN = (
    "<RunInfo><ID>7</ID><Number>3</Number><Year>2026</Year><PeriodStart>4</PeriodStart><PeriodEnd>4</PeriodEnd>"
    "<Description>april</Description><RunAt>2026-04-24T10:00:00</RunAt><IsLocked>true</IsLocked></RunInfo>"
)


def runs_in(result: str, keys: port.Credentials) -> list[port.RunInfo]:
    with saying(runs_answer(result)) as number:
        return payroll_at(f"http://127.0.0.1:{number}").runs(keys, COMPANY, 2026)


def test_a_run_as_the_vendor_writes_it(keys: port.Credentials):
    expected = port.RunInfo("7", 3, 2026, 4, 4, "april", datetime(2026, 4, 24, 8, 0, tzinfo=UTC), True)
    assert runs_in(f"<Run_GetListResult>{RUN}</Run_GetListResult>", keys) == [expected]


@pytest.mark.parametrize("result", ["", "<Run_GetListResult/>", "<Run_GetListResult><!-- none --></Run_GetListResult>"])
def test_no_runs(keys: port.Credentials, result: str):
    assert runs_in(result, keys) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<ID>7</ID>", ""),
        ("<ID>7</ID>", "<ID/>"),
        ("<ID>7</ID>", "<Id>7</Id>"),
        ("<Number>3</Number>", ""),
        ("<Number>3</Number>", "<Number>three</Number>"),
        ("<Year>2026</Year>", "<Year/>"),
        ("<PeriodEnd>4</PeriodEnd>", ""),
        ("<IsLocked>true</IsLocked>", ""),
        ("RunInfo>", "Run>"),
    ],
)
def test_a_run_without_a_required_field_is_refused(keys: port.Credentials, before: str, after: str):
    with pytest.raises(port.Unreadable) as caught:
        runs_in(f"<Run_GetListResult>{RUN.replace(before, after)}</Run_GetListResult>", keys)
    assert caught.value.call == "CompanyService.Run_GetList"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-04-24T10:00:00", datetime(2026, 4, 24, 8, tzinfo=UTC)),
        ("2026-01-24T10:00:00", datetime(2026, 1, 24, 9, tzinfo=UTC)),
        ("2026-04-24T10:00:00.1234567+02:00", datetime(2026, 4, 24, 8, microsecond=123456, tzinfo=UTC)),
        ("2026-04-24T08:00:00Z", datetime(2026, 4, 24, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_moment_of_a_run(keys: port.Credentials, written: str, moment: datetime | None):
    [run] = runs_in(f"<Run_GetListResult>{RUN.replace('2026-04-24T10:00:00', written)}</Run_GetListResult>", keys)
    assert run.run_at == moment


@pytest.mark.parametrize(
    "account",
    [
        "",
        "<BankAccount_GetCurrentResult/>",
        "<BankAccount_GetCurrentResult><Id>0</Id></BankAccount_GetCurrentResult>",
        "<BankAccount_GetCurrentResult><Id>1</Id><IBAN/></BankAccount_GetCurrentResult>",
        "<BankAccount_GetCurrentResult><Id>1</Id><IBAN>NL00</IBAN></BankAccount_GetCurrentResult>",
    ],
)
def test_no_account(keys: port.Credentials, account: str):
    content = f'<BankAccount_GetCurrentResponse xmlns="urn:x">{account}</BankAccount_GetCurrentResponse>'
    with saying(http(envelope(content))) as number:
        assert payroll_at(f"http://127.0.0.1:{number}").company_iban(keys, COMPANY) is None


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("---> 1001: Invalid Authentication", port.BadCredentials, "1001"),
        ("---> 1002: Unauthorized access", port.NotAllowed, "1002"),
        ("---> 1003: Unauthorized access", port.NotVisible, "1003"),
        ("---> 2003: Unauthorized access", port.NotVisible, "2003"),
        ("---> 2004: Unauthorized access", port.NotVisible, "2004"),
        ("---> 2009: Unauthorized access", port.NotVisible, "2009"),
        ("---> 1004: Disabled, no valid subscription", port.Disabled, "1004"),
        ("---> 1006: Generic Login Security Failure", port.TemporaryError, "1006"),
        ("---> 9999: Unkown", port.TemporaryError, "9999"),
        ("---> 2006: Invalid Period", port.Unreadable, "2006"),
        ("---> 9999: Unkown ---> 1001: Invalid Authentication", port.BadCredentials, "1001"),
        ("Server was unable to process request. --->   1002:Unauthorized access", port.NotAllowed, "1002"),
        ("Unable to handle request without a valid action parameter.", port.TemporaryError, None),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_last_code_of_a_fault_counts(keys: port.Credentials, text: str, kind: type, code: str | None, version: str):
    words = text.replace(">", "&gt;")
    reason = f"<faultcode>s:Server</faultcode><faultstring>{words}</faultstring><detail/>"
    if version == "1.2":
        reason = f"<s:Code/><s:Reason><s:Text>{words}</s:Text></s:Reason>"
    with saying(http(envelope(f"<s:Fault>{reason}</s:Fault>"), "500 Internal Server Error")) as number:
        error = error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys)
    assert (type(error), error.code, error.call) == (kind, code, "CompanyService.Run_GetList")


def test_an_endless_answer_is_cut_off(keys: port.Credentials):
    sent: list[int] = []

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                for _ in range(2000):
                    sent.append(self.wfile.write(b" " * (1 << 20)))

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Endless) as url:
        error = error_of(CALLS["CompanyService.SalaryDocuments_GetSEPA"], payroll_at(url), keys)
    assert (type(error), error.text) == (port.Unreadable, "the answer is larger than 100 MB")
    assert sum(sent) < 150 << 20


def test_a_file_that_is_no_text_is_refused(keys: port.Credentials):
    with saying(answer_of("SalaryDocuments_GetSEPA", "<Document><CstmrCdtTrfInitn/></Document>")) as number:
        ask = CALLS["CompanyService.SalaryDocuments_GetSEPA"]
        assert type(error_of(ask, payroll_at(f"http://127.0.0.1:{number}"), keys)) is port.Unreadable


GROWTH = """
import resource, sys
from datetime import date
from connectors.nmbrs.port import Credentials
from connectors.nmbrs.soap import SoapPayroll
payroll, keys = SoapPayroll(sys.argv[1]), Credentials("a@b.nl", "token", "demo")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(payroll.sepa_file(keys, "1", "1", 2026, date(2026, 11, 25))))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_the_memory_use_of_a_large_file():
    """The text is once in the parser, whose buffer doubles as it grows, and once as bytes."""
    file = "&lt;CdtTrfTxInf&gt;" * (40_000_000 // 13)
    with saying(answer_of("SalaryDocuments_GetSEPA", file)) as number:
        told = run_python(GROWTH, f"http://127.0.0.1:{number}")
    size, growth = int(told[0]), int(told[1]) * (1 if sys.platform == "darwin" else 1024)
    assert size == len(file.replace("&lt;", "<").replace("&gt;", ">"))
    assert growth < 4 * size


@pytest.mark.parametrize("wrong", ["", "abc", "1; drop", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "-1", "１", "9" * 30])
def test_an_id_of_another_api_is_not_visible(payroll: SoapPayroll, keys: port.Credentials, wrong: str):
    asks: list[Ask] = [
        lambda payroll, keys: payroll.companies(keys, wrong),
        lambda payroll, keys: payroll.company_iban(keys, wrong),
        lambda payroll, keys: payroll.runs(keys, wrong, 2026),
        lambda payroll, keys: payroll.employees_in_run(keys, COMPANY, wrong, 2026),
        lambda payroll, keys: payroll.sepa_file(keys, COMPANY, wrong, 2026, DAY),
    ]
    for ask in asks:
        assert type(error_of(ask, payroll, keys)) is port.NotVisible


@pytest.mark.parametrize("email", ["", "a\x00@b.nl", "\udcff", "a@b.nl\x1f", "<&>\"'@b.nl", "ü@b.nl"])
def test_mistyped_credentials(payroll: SoapPayroll, keys: port.Credentials, email: str):
    for wrong in (replace(keys, email=email), replace(keys, token=email), replace(keys, domain=email or "other")):
        assert type(error_of(CALLS["CompanyService.Run_GetList"], payroll, wrong)) is port.BadCredentials


# --- requests and secrets ---
def test_the_vendor_gets_what_it_expects(sandbox: Sandbox, between: Meddler, keys: port.Credentials):
    made = sandbox.run_payroll(webhook="none")
    assert payroll_at(between.url).sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY)
    [(path, headers, body)] = between.seen
    assert path == "/soap/v3/CompanyService.asmx"
    assert headers["SOAPAction"] == '"https://api.nmbrs.nl/soap/v3/CompanyService/SalaryDocuments_GetSEPA"'
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    order = [body.index(f"<ns0:{name}>".encode()) for name in ("CompanyId", "RunID", "Year", "paymentDate")]
    assert order == sorted(order)
    assert b"2026-11-25T00:00:00" in body


def test_a_redirect_gets_no_token(sandbox: Sandbox, between: Meddler, keys: port.Credentials):
    elsewhere = f"Location: {between.url}/soap/v3/CompanyService.asmx"
    with saying(http(b"", "307 Temporary Redirect", elsewhere)) as number:
        assert (
            type(error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys))
            is port.TemporaryError
        )
    assert between.seen == []


def test_cookies_are_not_shared_between_customers(keys: port.Credentials):
    cookies: list[str | None] = []

    class Baker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            cookies.append(self.headers.get("Cookie"))
            body = envelope(RUN_LIST.format(""))
            self.send_response(200)
            self.send_header("Set-Cookie", "ASP.NET_SessionId=of-the-first; path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Baker) as url:
        payroll = payroll_at(url)
        payroll.runs(keys, COMPANY, 2026)
        payroll.runs(port.Credentials("another@example.nl", "other", "demo"), COMPANY, 2026)
    assert cookies == [None, None]


FORKING = """
import os, sys
from connectors.nmbrs.port import Credentials
from connectors.nmbrs.soap import SoapPayroll
payroll, keys = SoapPayroll(sys.argv[1]), Credentials("a@b.nl", "token", "demo")
payroll.runs(keys, "1", 2026)
child = os.fork()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
payroll.runs(keys, "1", 2026)
"""


def test_each_fork_has_its_own_connections():
    """A connection is reused for many calls, but never shared with a child process."""
    lines: list[int] = []

    class Listing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            lines.append(self.client_address[1])
            body = envelope(RUN_LIST.format(""))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Listing) as url:
        run_python(FORKING, url)
    first, child, again = lines
    assert first == again != child


def run_python(program: str, *arguments: str) -> list[str]:
    """Return the exact output of a Python program."""
    answer = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return answer.stdout.split()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TOKEN = "b7d2c1f0e9a84c3db1a2c3d4e5f60718"


def echoing(status: str = "500 Internal Server Error") -> bytes:
    words = f"Server was unable to process request. ---&gt; 1001: Invalid Authentication of {TOKEN}"
    return http(envelope(f"<s:Fault><faultstring>{words}</faultstring></s:Fault>"), status)


@pytest.mark.parametrize("answer", [echoing(), http(TOKEN.encode()), b"", None], ids=["told", "page", "cut", "silent"])
def test_the_token_is_never_exposed(answer: bytes | None, caplog: pytest.LogCaptureFixture):
    """Not in the exception, its causes, or any log at debug level."""
    caplog.set_level(logging.DEBUG)
    keys = port.Credentials("a@b.nl", TOKEN, "demo")
    assert TOKEN not in repr(keys)
    assert TOKEN not in str(keys)
    with saying(answer) as number:
        impatient = payroll_at(f"http://127.0.0.1:{number}", read_timeout=0.2)
        error = error_of(CALLS["CompanyService.Run_GetList"], impatient, keys)
    assert TOKEN not in "".join(traceback.format_exception(error))
    assert TOKEN not in f"{error!r} {vars(error)}"
    # an exception of requests contains the request, so an error reporter must not reach it
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert TOKEN not in caplog.text


def test_threads_can_share_one_client(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    """Each gets the answer to its own request."""
    wrong = port.Credentials(keys.email, "wrong", "demo")
    told: list[bool] = []

    def ask(right: bool) -> None:
        for _ in range(5):
            try:
                payroll.debtors(keys if right else wrong)
                told.append(right)
            except port.BadCredentials:
                told.append(not right)

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [True] * 30
