"""Changing payroll data: reruns, removed runs, employees, large bureaus, and migration of an old store."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
import requests
from lxml import etree
from zeep.exceptions import Fault

from tests.support.nmbrs import Nmbrs
from tests.support.nmbrs_rest import Rest
from tests.support.receiver import Receiver, receiver
from tests.support.sandbox import Sandbox, sandbox_process

DEBTOR, COMPANY = 21840, 9969
WOUTER = 503301
PAGE = f"/nmbrs/bedrijf/{COMPANY}"
LONG_AGO = {"run_at": "2020-01-05T09:00:00"}
NEW_PERSON = {"company": "9969", "iban": "NL91 ABNA 0417 1643 00", "cents": 123456}


@pytest.fixture
def app() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def act(sandbox: Sandbox, run: dict[str, Any], action: str, **more: Any) -> dict[str, Any]:
    return sandbox.control("POST", f"nmbrs/runs/{run['run']}", {"action": action} | more)


def refused(sandbox: Sandbox, method: str, path: str, body: Any = None) -> tuple[int, str]:
    answer = requests.request(method, f"{sandbox.url}/control/{path}", json=body, timeout=10)
    return answer.status_code, answer.json()["error"]


def listed(nmbrs: Nmbrs, company: int = COMPANY, year: int | None = None) -> list[Any]:
    return nmbrs.company.Run_GetList(CompanyId=company, Year=year or nmbrs.year) or []


def paid(nmbrs: Nmbrs, run: dict[str, Any], company: int = COMPANY) -> dict[Any, tuple[Any, Any]]:
    """Return name to (IBAN, amount) of a run's payment file."""
    file = etree.fromstring(nmbrs.sepa(run, company).encode())
    rows = file.iterfind(".//{*}CdtTrfTxInf")
    return {
        row.findtext(".//{*}Cdtr/{*}Nm"): (row.findtext(".//{*}CdtrAcct//{*}IBAN"), row.findtext(".//{*}InstdAmt"))
        for row in rows
    }


# --- runs ---
def test_a_run_can_be_made_for_an_earlier_year(sandbox: Sandbox):
    nmbrs = Nmbrs(sandbox)
    now = sandbox.run_payroll()
    before = sandbox.run_payroll(year=2024, run_at="2024-12-20T16:05:00", description="december")
    assert (before["year"], before["number"]) == (2024, 1)
    (told,) = listed(nmbrs, year=2024)
    assert (told.ID, told.RunAt.isoformat(), told.PeriodStart) == (before["run"], "2024-12-20T16:05:00", 12)
    assert [run.ID for run in listed(nmbrs)] == [now["run"]]
    assert len(paid(nmbrs, before)) == 8


def test_the_run_time_determines_the_year(sandbox: Sandbox):
    run = sandbox.run_payroll(run_at="2025-01-01T00:30:00+01:00")
    assert run["year"] == 2025
    assert listed(Nmbrs(sandbox), year=2025)[0].RunAt.isoformat() == "2025-01-01T00:30:00"


@pytest.mark.parametrize("wrong", [{"year": "2024"}, {"year": 1}, {"run_at": "gisteren"}, {"run_at": 5}])
def test_an_invalid_run_time_is_refused(sandbox: Sandbox, wrong: dict[str, Any]):
    status, text = refused(sandbox, "POST", "runs", {"company": "9969"} | wrong)
    assert (status, text.partition(":")[0]) == (400, list(wrong)[0])
    assert sandbox.control("GET", "nmbrs/runs") == []


def test_a_rerun_pays_current_staff_under_the_same_number(sandbox: Sandbox):
    nmbrs, first = Nmbrs(sandbox), sandbox.run_payroll(**LONG_AGO, year=sandbox.credentials["year"])
    sandbox.control("PUT", f"nmbrs/employees/{WOUTER}", {"cents": 100001, "iban": "NL91ABNA0417164300"})
    assert paid(nmbrs, first)["Jong, Wouter de"] == ("NL42INGB2268352412", "3448.08")
    after = act(sandbox, first, "again")
    assert (after["run"], after["number"], after["removed"]) == (first["run"], first["number"], False)
    assert paid(nmbrs, first)["Jong, Wouter de"] == ("NL91ABNA0417164300", "1000.01")
    (told,) = listed(nmbrs)
    assert first["run"] == told.ID
    assert told.RunAt.isoformat() > LONG_AGO["run_at"]


def test_a_rerun_can_keep_its_time_and_take_a_file(sandbox: Sandbox):
    nmbrs, first = Nmbrs(sandbox), sandbox.run_payroll()
    before = listed(nmbrs)[0].RunAt
    act(sandbox, first, "again", keep_run_at=True, sepa="<file/>", lines=3)
    assert listed(nmbrs)[0].RunAt == before
    assert nmbrs.sepa(first) == "<file/>"
    assert len(nmbrs.company.Run_GetEmployeesByRunCompany(CompanyId=COMPANY, RunId=first["run"], Year=nmbrs.year)) == 3


def test_a_rerun_can_get_a_new_number(sandbox: Sandbox):
    nmbrs, first = Nmbrs(sandbox), sandbox.run_payroll()
    sandbox.fault(nmbrs_new_number=True)
    after = act(sandbox, first, "again")
    assert (after["run"], after["number"]) == (first["run"] + 1, 2)
    assert [(run.ID, run.Number) for run in listed(nmbrs)] == [(after["run"], 2)]
    assert nmbrs.sepa(first) is None
    assert [row["id"] for row in sandbox.control("GET", "nmbrs/runs")] == [after["run"]]


def test_a_removed_run_is_gone_everywhere(sandbox: Sandbox):
    nmbrs, rest = Nmbrs(sandbox), Rest(sandbox)
    first, second = sandbox.run_payroll(), sandbox.run_payroll()
    assert act(sandbox, first, "remove")["removed"] is True
    assert [run.ID for run in listed(nmbrs)] == [second["run"]]
    assert [run["number"] for run in rest.data(f"{rest.company()}/runs")] == [2]
    assert nmbrs.sepa(first) is None
    query = {"CompanyId": COMPANY, "RunId": first["run"], "Year": nmbrs.year}
    assert not nmbrs.company.Run_GetEmployeesByRunCompany(**query)
    assert refused(sandbox, "POST", f"nmbrs/runs/{first['run']}", {"action": "again"})[0] == 404
    assert sandbox.run_payroll()["number"] == 3


def test_a_run_stays_unlocked_until_it_is_locked(sandbox: Sandbox):
    nmbrs, run = Nmbrs(sandbox), sandbox.run_payroll()
    assert act(sandbox, run, "unlock")["locked"] is False
    assert [listed(nmbrs)[0].IsLocked for _ in range(2)] == [False, False]
    act(sandbox, run, "lock")
    assert listed(nmbrs)[0].IsLocked is True


def test_an_unknown_action_is_refused(sandbox: Sandbox):
    run = sandbox.run_payroll()
    assert refused(sandbox, "POST", f"nmbrs/runs/{run['run']}", {"action": "burn"})[0] == 400
    assert refused(sandbox, "POST", f"nmbrs/runs/{run['run']}", {"action": ["again"]})[0] == 400
    assert refused(sandbox, "POST", f"nmbrs/runs/{run['run']}", {"action": "again", "lines": -1})[0] == 400
    assert refused(sandbox, "POST", "nmbrs/runs/1", {"action": "again"})[0] == 404


def test_all_runs_can_be_listed(sandbox: Sandbox):
    first, second = sandbox.run_payroll(), sandbox.run_payroll(company="4410", year=2024)
    assert sandbox.control("GET", "nmbrs/runs") == [
        {"id": run["run"], "company": company, "year": run["year"], "number": 1, "removed": False}
        for run, company in ((first, COMPANY), (second, 4410))
    ]


# --- webhooks ---
def hooked(sandbox: Sandbox, endpoint: str) -> None:
    choice = [{"EventId": 1, "Active": True}]
    body = {"Name": "Bizcuit", "Endpoint": endpoint, "Active": True, "Events": choice}
    Nmbrs(sandbox).debtor.WebhookSettings_Insert(DebtorId=DEBTOR, WebhookSetting={"WebhookSetting": body})


def test_a_run_is_announced_again_on_request_and_at_a_rerun(sandbox: Sandbox, app: Receiver):
    hooked(sandbox, f"{app.url}/hook")
    run = sandbox.run_payroll(webhook="none")
    act(sandbox, run, "announce")
    act(sandbox, run, "again")
    act(sandbox, run, "again", webhook="none")
    sandbox.wait_for(lambda: len(app.requests) == 2)
    told = sandbox.wait_for(
        lambda: rows if len((rows := sandbox.control("GET", "nmbrs/webhooks"))[0]["sent"]) == 2 else []
    )
    assert [json.loads(hook.body)["RunId"] for hook in app.requests] == [run["run"]] * 2
    (debtor,) = told
    assert (debtor["debtor"], debtor["settings"][0]["endpoint"]) == (DEBTOR, f"{app.url}/hook")
    assert [(hook["run"], hook["outcome"]) for hook in debtor["sent"]] == [(run["run"], "200")] * 2


# --- employees ---
def test_a_new_employee_is_paid_from_the_next_run(sandbox: Sandbox):
    nmbrs, before = Nmbrs(sandbox), sandbox.run_payroll()
    number = sandbox.control("POST", "nmbrs/employees", NEW_PERSON | {"first_name": "Mila", "last_name": "Stroom"})[
        "id"
    ]
    after = sandbox.run_payroll()
    assert "Stroom, Mila" not in paid(nmbrs, before)
    assert paid(nmbrs, after)["Stroom, Mila"] == ("NL91ABNA0417164300", "1234.56")
    everyone = nmbrs.employee.List_GetByCompany(CompanyId=COMPANY, EmployeeType=0)
    assert (everyone[-1].Id, everyone[-1].Number, everyone[-1].DisplayName) == (number, 9, "Mila Stroom")


def test_a_dismissed_employee_is_not_paid_but_stays_known(sandbox: Sandbox):
    nmbrs, before = Nmbrs(sandbox), sandbox.run_payroll()
    sandbox.control("DELETE", f"nmbrs/employees/{WOUTER}")
    assert "Jong, Wouter de" not in paid(nmbrs, sandbox.run_payroll())
    assert "Jong, Wouter de" in paid(nmbrs, before)
    known = {kind: nmbrs.employee.List_GetByCompany(CompanyId=COMPANY, EmployeeType=kind) for kind in (0, 1)}
    assert [len(people) for people in known.values()] == [8, 7]
    rest = Rest(sandbox)
    types = [
        row["info"][0]["basicInfo"]["employeeType"] for row in rest.data(f"{rest.company()}/employees/personalinfo")
    ]
    assert types == ["formerPayroll"] + ["payroll"] * 7
    assert refused(sandbox, "DELETE", f"nmbrs/employees/{WOUTER}")[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"iban": "NL91ABNA0417164301"},
        {"iban": "DE89370400440532013000"},
        {"iban": None},
        {"cents": 0},
        {"cents": True},
        {"cents": 12.5},
        {"last_name": " "},
        {"payment_name": ""},
    ],
)
def test_an_invalid_employee_is_refused(sandbox: Sandbox, wrong: dict[str, Any]):
    before = sandbox.control("PUT", f"nmbrs/employees/{WOUTER}", {})
    assert refused(sandbox, "PUT", f"nmbrs/employees/{WOUTER}", wrong)[0] == 400
    assert refused(sandbox, "POST", "nmbrs/employees", NEW_PERSON | wrong)[0] == 400
    assert sandbox.control("PUT", f"nmbrs/employees/{WOUTER}", {}) == before


# --- bureaus ---
def test_a_bureau_has_a_debtor_for_each_company(sandbox: Sandbox):
    asked = {"count": 120, "prefix": "Bakkerij", "kvk": "68750110"}
    made = sandbox.control("POST", "nmbrs/companies", asked)
    assert (len(made["companies"]), len(made["debtors"])) == (120, 120)
    nmbrs = Nmbrs(sandbox)
    assert len(nmbrs.debtor.List_GetAll()) == 122
    (company,) = nmbrs.company.List_GetByDebtor(DebtorId=made["debtors"][7])
    assert (company.ID, company.KvkNr) == (made["companies"][7], "68750110")
    assert company.Name == nmbrs.debtor.Debtor_Get(DebtorId=made["debtors"][7]).Name
    run = sandbox.run_payroll(company=str(company.ID))
    assert len(paid(nmbrs, run, company.ID)) == 3
    page = sandbox.get("/nmbrs/").text
    assert "En nog 72 debiteuren" in page
    assert company.Name in sandbox.get(f"/nmbrs/?zoek={company.ID}").text


def test_companies_can_share_a_debtor(sandbox: Sandbox):
    under_demo = sandbox.control("POST", "nmbrs/companies", {"debtor": "1", "count": 2})
    named = sandbox.control("POST", "nmbrs/companies", {"debtor": "Groep Zuid", "count": 3, "staff": 0})
    assert under_demo["debtors"] == [DEBTOR]
    nmbrs = Nmbrs(sandbox)
    assert len(nmbrs.company.List_GetByDebtor(DebtorId=DEBTOR)) == 3
    assert nmbrs.debtor.Debtor_Get(DebtorId=named["debtors"][0]).Name == "Groep Zuid"
    assert sandbox.run_payroll(company=str(named["companies"][0]))["number"] == 1


def test_a_user_sees_only_its_debtors(sandbox: Sandbox):
    made = sandbox.control("POST", "nmbrs/companies", {"count": 3})
    given = sandbox.control("POST", "nmbrs/users", {"email": "bureau@kantoor.example", "debtors": made["debtors"][:2]})
    nmbrs = Nmbrs(sandbox, user=given["email"], token=given["token"])
    assert [debtor.Id for debtor in nmbrs.debtor.List_GetAll()] == made["debtors"][:2]
    assert [company.ID for company in nmbrs.company.List_GetAll()] == made["companies"][:2]
    with pytest.raises(Fault, match="2004"):
        listed(nmbrs, made["companies"][2])
    for wrong in ({"email": "x"}, {"email": "a@b.example", "debtors": [1]}, {"email": "a@b.example", "debtors": "1"}):
        assert refused(sandbox, "POST", "nmbrs/users", wrong)[0] == 400


# --- faults ---
def test_every_fiftieth_call_fails(sandbox: Sandbox):
    nmbrs = Nmbrs(sandbox)
    sandbox.fault(nmbrs_2_percent_9999=True)
    outcomes = [fails(nmbrs) for _ in range(100)]
    assert [number for number, failed in enumerate(outcomes, start=1) if failed] == [50, 100]


def fails(nmbrs: Nmbrs) -> bool:
    try:
        nmbrs.debtor.List_GetAll()
    except Fault as error:
        assert "9999" in str(error)
        return True
    return False


def test_the_permission_to_convert_ids_can_be_missing(sandbox: Sandbox):
    nmbrs = Nmbrs(sandbox)
    sandbox.fault(nmbrs_converter_missing=True)
    with pytest.raises(Fault, match="1002"):
        nmbrs.company.Converter_GetByCompany_IntToGuid(Entity="Company", CompanyId=COMPANY)


# --- pages ---
@pytest.mark.parametrize(
    "path", [PAGE, f"{PAGE}/medewerker/nieuw", f"{PAGE}/medewerker/{WOUTER}", "/nmbrs/koppelingen", "/nmbrs/", "/"]
)
def test_a_page_is_valid_html_with_one_heading(sandbox: Sandbox, path: str):
    act(sandbox, sandbox.run_payroll(), "unlock")
    sandbox.run_payroll()
    Rest(sandbox)
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(sandbox.get(path).text)
    assert len(page.findall(".//h1")) == 1
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(form.get("action") for form in page.iter("form"))


def press(sandbox: Sandbox, run: dict[str, Any], action: str) -> str:
    answer = sandbox.post(f"{PAGE}/run/{run['run']}", data={"action": action})
    assert answer.ok
    return answer.text


def test_the_buttons_of_a_run_work(sandbox: Sandbox):
    nmbrs, run = Nmbrs(sandbox), sandbox.run_payroll(**LONG_AGO, year=sandbox.credentials["year"])
    assert "is ontgrendeld" in press(sandbox, run, "unlock")
    assert listed(nmbrs)[0].IsLocked is False
    assert "is vergrendeld" in press(sandbox, run, "lock")
    assert listed(nmbrs)[0].IsLocked is True
    assert "is opnieuw gedraaid voor 8 medewerkers" in press(sandbox, run, "again")
    assert listed(nmbrs)[0].RunAt.isoformat() > LONG_AGO["run_at"]
    assert "is teruggenomen" in press(sandbox, run, "remove")
    assert listed(nmbrs) == []
    assert sandbox.post(f"{PAGE}/run/{run['run']}", data={"action": "again"}).status_code == 404


def test_the_announce_button_sends_the_webhook(sandbox: Sandbox, app: Receiver):
    hooked(sandbox, f"{app.url}/hook")
    run = sandbox.run_payroll(webhook="none")
    press(sandbox, run, "announce")
    (hook,) = sandbox.wait_for(lambda: app.requests)
    assert json.loads(hook.body)["RunId"] == run["run"]


def test_an_employee_is_hired_changed_and_dismissed_on_the_pages(sandbox: Sandbox):
    form = {"first_name": "Mila", "prefix": "van", "last_name": "Stroom", "iban": "NL91 ABNA 0417 1643 00"}
    assert (
        "Mila van Stroom is in dienst"
        in sandbox.post(f"{PAGE}/medewerker/nieuw", data=form | {"net": "€ 1.234,56"}).text
    )
    nmbrs = Nmbrs(sandbox)
    number = nmbrs.employee.List_GetByCompany(CompanyId=COMPANY, EmployeeType=1)[-1].Id
    assert 'value="1234,56"' in sandbox.get(f"{PAGE}/medewerker/{number}").text
    sandbox.post(f"{PAGE}/medewerker/{number}", data=form | {"net": "2000", "payment_name": "M. v. Stroom"})
    assert paid(nmbrs, sandbox.run_payroll())["M. v. Stroom"] == ("NL91ABNA0417164300", "2000.00")
    assert "is uit dienst" in sandbox.post(f"{PAGE}/medewerker/{number}/ontslaan").text
    assert "M. v. Stroom" not in paid(nmbrs, sandbox.run_payroll())
    assert sandbox.get(f"{PAGE}/medewerker/{number}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"last_name": ""}, "Vul een achternaam in."),
        ({"iban": "NL91ABNA0417164301"}, "Vul een IBAN van een Nederlandse bank in."),
        ({"net": "veel"}, "Vul een bedrag in"),
        ({"net": "1.2345"}, "Vul een bedrag in"),
        ({"net": "1.23"}, ""),
        ({"net": "0"}, "Vul een bedrag in"),
    ],
)
def test_an_invalid_field_is_named_and_nothing_changes(sandbox: Sandbox, wrong: dict[str, str], problem: str):
    form = {"first_name": "W", "prefix": "", "last_name": "Jong", "iban": "NL91ABNA0417164300", "net": "1,00"} | wrong
    answer = sandbox.post(f"{PAGE}/medewerker/{WOUTER}", data=form)
    assert answer.status_code == (400 if problem else 200)
    assert problem in answer.text
    changed = sandbox.control("PUT", f"nmbrs/employees/{WOUTER}", {})["iban"] == "NL91ABNA0417164300"
    assert changed is not bool(problem)


def test_a_consent_is_shown_and_revoked_on_the_page(sandbox: Sandbox):
    rest = Rest(sandbox)
    page = etree.HTML(sandbox.get("/nmbrs/koppelingen").text)
    (grant,) = page.xpath("//input[@name='grant']/@value")
    assert "Demo BV" in page.xpath("string(//dl[1]/dd[1])")
    assert "ingetrokken" in sandbox.post("/nmbrs/koppelingen/intrekken", data={"grant": grant}).text
    assert rest.code("/api/debtors") == 40102


# --- persistence ---
def test_changed_data_survives_a_restart_and_is_reset(tmp_path: Path):
    with sandbox_process(tmp_path / "home") as sandbox:
        first, second = sandbox.run_payroll(), sandbox.run_payroll()
        act(sandbox, first, "remove")
        sandbox.control("DELETE", f"nmbrs/employees/{WOUTER}")
        company = sandbox.control("POST", "nmbrs/companies", {"count": 1})["companies"][0]
    with sandbox_process(tmp_path / "home") as sandbox:
        assert [row["id"] for row in sandbox.control("GET", "nmbrs/runs")] == [second["run"]]
        assert len(Nmbrs(sandbox).employee.List_GetByCompany(CompanyId=COMPANY, EmployeeType=1)) == 7
        assert sandbox.run_payroll(company=str(company))["number"] == 1
        sandbox.reset()
        assert sandbox.control("GET", "nmbrs/runs") == []
        assert len(Nmbrs(sandbox).debtor.List_GetAll()) == 2
        assert len(Nmbrs(sandbox).employee.List_GetByCompany(CompanyId=COMPANY, EmployeeType=1)) == 8


def test_an_old_store_is_migrated(tmp_path: Path):
    with sandbox_process(tmp_path / "home") as sandbox:
        hooked(sandbox, "https://elsewhere.example/hook")
        run = sandbox.run_payroll(webhook="none")
    make_old(tmp_path / "home" / "sandbox.sqlite3")
    with sandbox_process(tmp_path / "home") as sandbox:
        nmbrs = Nmbrs(sandbox)
        assert [row["id"] for row in sandbox.control("GET", "nmbrs/runs")] == [run["run"]]
        assert len(paid(nmbrs, sandbox.run_payroll(webhook="none"))) == 8
        assert len(nmbrs.debtor.WebhookSettings_Get(DebtorId=DEBTOR)) == 1
        rest = Rest(sandbox)
        assert len(rest.data(f"{rest.company()}/runs")) == 2


def make_old(path: Path) -> None:
    """Write a store as the first version did: kinds without owner, and no index."""
    with sqlite3.connect(path) as database:
        for kind in ("nmbrs_employee", "nmbrs_webhook"):
            database.execute("UPDATE documents SET kind = ? WHERE kind LIKE ?", (kind, f"{kind}:%"))
        for kind in ("nmbrs_employer", "nmbrs_guid", "nmbrs_run_index", "nmbrs_run_years", "nmbrs_form"):
            database.execute("DELETE FROM documents WHERE kind = ?", (kind,))
        database.execute("UPDATE documents SET body = json_remove(body, '$.companies') WHERE kind = 'nmbrs_debtor'")
    database.close()
