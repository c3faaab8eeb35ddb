"""Nmbrs over SOAP, called by zeep in strict mode and with hand-written envelopes."""

import datetime

import pytest
import zeep
from lxml import etree
from zeep.exceptions import Fault

from sandbox.nmbrs.schema import SERVICES
from tests.support.nmbrs import NAMESPACE, SOAP_11, SOAP_12, Nmbrs, raw_call, text_at
from tests.support.sandbox import Sandbox

DEMO_DEBTOR, OTHER_DEBTOR = 21840, 21841


@pytest.fixture
def nmbrs(sandbox: Sandbox) -> Nmbrs:
    return Nmbrs(sandbox)


# --- WSDL ---
@pytest.mark.parametrize("name", SERVICES)
def test_the_wsdl_offers_soap_11_and_12(sandbox: Sandbox, name: str):
    client = zeep.Client(f"{sandbox.url}/soap/v3/{name}.asmx?WSDL")
    (service,) = client.wsdl.services.values()
    assert service.name == name
    addresses = {port: bound.binding_options["address"] for port, bound in service.ports.items()}
    own = f"{sandbox.url}/soap/v3/{name}.asmx"
    assert addresses == {f"{name}Soap": own, f"{name}Soap12": own}
    for port in service.ports.values():
        assert port.binding.name.namespace == NAMESPACE + name


@pytest.mark.parametrize("query", ["?WSDL", "?wsdl", "?Wsdl"])
def test_the_wsdl_query_is_case_insensitive(sandbox: Sandbox, query: str):
    answer = sandbox.get(f"/soap/v3/DebtorService.asmx{query}")
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert etree.fromstring(answer.content).tag == "{http://schemas.xmlsoap.org/wsdl/}definitions"


def test_the_soap_action_is_the_vendors(sandbox: Sandbox):
    wsdl = sandbox.get("/soap/v3/CompanyService.asmx?WSDL").text
    assert f'soapAction="{NAMESPACE}CompanyService/Run_GetList"' in wsdl


def test_an_unknown_service_is_not_there(sandbox: Sandbox):
    assert sandbox.get("/soap/v3/Nothing.asmx?WSDL").status_code == 404
    assert sandbox.post("/soap/v3/Nothing.asmx", data="x").status_code == 404


# --- data ---
def test_the_environment_gives_its_sub_domain(nmbrs: Nmbrs):
    assert nmbrs.debtor.Environment_Get().SubDomain == "demo"


def test_debtors_are_listed_and_found(nmbrs: Nmbrs):
    assert [(d.Id, d.Name) for d in nmbrs.debtor.List_GetAll()] == [
        (DEMO_DEBTOR, "Demo BV"),
        (OTHER_DEBTOR, "Duinrand Catering BV"),
    ]
    assert [d.Id for d in nmbrs.debtor.List_GetByNumber(Number="2")] == [OTHER_DEBTOR]
    assert nmbrs.debtor.List_GetByNumber(Number="77") is None
    assert nmbrs.debtor.Debtor_Get(DebtorId=DEMO_DEBTOR).Number == "1"
    assert nmbrs.debtor.Debtor_IsOwner() is True
    assert nmbrs.debtor.BankAccount_Get(DebtorId=DEMO_DEBTOR).IBAN == "NL95INGB0004921836"


def test_companies_have_a_kvk_number(nmbrs: Nmbrs):
    companies = nmbrs.company.List_GetAll()
    assert [(c.ID, c.Number, c.Name, c.KvkNr) for c in companies] == [
        (9969, 9969, "Demo BV", "68750110"),
        (4410, 4410, "Duinrand Catering BV", "57842019"),
    ]
    assert [c.ID for c in nmbrs.company.List_GetByDebtor(DebtorId=OTHER_DEBTOR)] == [4410]


def test_account_and_period_of_a_company(nmbrs: Nmbrs):
    account = nmbrs.company.BankAccount_GetCurrent(CompanyId=9969)
    assert (account.IBAN, account.BIC, account.Type) == ("NL95INGB0004921836", "INGBNL2A", "Bankrekening1")
    year, period, kind = nmbrs.company.Company_GetCurrentPeriod(CompanyId=9969).split("-")
    assert int(year) == nmbrs.year
    assert 1 <= int(period) <= 12
    assert kind == "M"


def test_there_are_no_runs_before_one_is_run(nmbrs: Nmbrs):
    assert nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year) is None


def test_a_run_is_listed_in_its_year(sandbox: Sandbox, nmbrs: Nmbrs):
    made = sandbox.run_payroll(description="april")
    assert made == {"run": made["run"], "number": 1, "year": nmbrs.year}
    (run,) = nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year)
    assert (run.ID, run.Number, run.Year) == (made["run"], 1, nmbrs.year)
    assert (run.PeriodStart, run.PeriodEnd, run.Description) == (4, 4, "april")
    assert run.IsLocked is True
    assert isinstance(run.RunAt, datetime.datetime)
    assert run.RunAt.tzinfo is None
    assert nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year - 1) is None
    assert nmbrs.company.Run_GetList(CompanyId=4410, Year=nmbrs.year) is None


def test_the_default_description_is_the_month(sandbox: Sandbox, nmbrs: Nmbrs):
    sandbox.run_payroll()
    (run,) = nmbrs.company.Run_GetList(CompanyId=9969, Year=nmbrs.year)
    months = "Januari Februari Maart April Mei Juni Juli Augustus September Oktober November December"
    assert run.Description == months.split()[run.PeriodStart - 1]


def test_each_company_numbers_its_own_runs(sandbox: Sandbox):
    first, other, second = sandbox.run_payroll(), sandbox.run_payroll(company="4410"), sandbox.run_payroll()
    assert [first["number"], other["number"], second["number"]] == [1, 1, 2]
    assert len({first["run"], other["run"], second["run"]}) == 3


def test_employees_in_a_run_have_numbers_without_names(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=3)
    people = nmbrs.company.Run_GetEmployeesByRunCompany(CompanyId=9969, RunId=run["run"], Year=run["year"])
    assert [(p.EmployeeId, p.EmployeeNumber) for p in people] == [(503301, 1), (503302, 2), (503303, 3)]
    unknown = nmbrs.company.Run_GetEmployeesByRunCompany(CompanyId=9969, RunId=1, Year=run["year"])
    assert unknown is None


def test_employees_have_name_and_account(nmbrs: Nmbrs):
    people = nmbrs.employee.List_GetByCompany(CompanyId=9969, EmployeeType=1)
    assert len(people) == 8
    assert (people[0].Id, people[0].DisplayName) == (503301, "Wouter de Jong")
    (account,) = nmbrs.employee.BankAccount_GetListCurrent(EmployeeId=503301)
    assert account.IBAN == "NL42INGB2268352412"
    infos = nmbrs.employee.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany(CompanyID=9969)
    (info,) = infos[6].EmployeePersonalInfos.PersonalInfo_V2
    assert (info.FirstName, info.Prefix, info.LastName) == ("Floor", "van", "Putten")
    assert len(nmbrs.employee.EmployeeType_GetList()) == 2


def test_generated_people_are_employees_too(sandbox: Sandbox, nmbrs: Nmbrs):
    run = sandbox.run_payroll(lines=20)
    people = nmbrs.company.Run_GetEmployeesByRunCompany(CompanyId=9969, RunId=run["run"], Year=run["year"])
    known = {p.Id for p in nmbrs.employee.List_GetByCompany(CompanyId=9969, EmployeeType=1)}
    assert {p.EmployeeId for p in people} == known
    (account,) = nmbrs.employee.BankAccount_GetListCurrent(EmployeeId=people[19].EmployeeId)
    assert account.IBAN in nmbrs.sepa(run)


def test_wage_tax_follows_from_a_run(sandbox: Sandbox, nmbrs: Nmbrs):
    assert nmbrs.company.WageTax_GetList(CompanyId=9969, intYear=nmbrs.year) is None
    sandbox.run_payroll(description="december")
    sandbox.run_payroll(description="december")
    (tax,) = nmbrs.company.WageTax_GetList(CompanyId=9969, intYear=nmbrs.year)
    assert (tax.Period, tax.Year, tax.Status, tax.TotalGeneral) == (12, nmbrs.year, "Verzonden", 6932)
    assert tax.TijdvakEnd.isoformat() == f"{nmbrs.year}-12-31T00:00:00"
    assert tax.CorrectionTijdvakStart is None


def test_guids_are_stable(nmbrs: Nmbrs):
    def ask() -> list[tuple[int, str]]:
        answer = nmbrs.company.Converter_GetByCompany_IntToGuid(Entity="Company", CompanyId=9969)
        return [(m.IdInt, m.IdGuid) for m in answer.Mappings.Mapping]

    ((number, guid),) = ask()
    assert number == 9969
    assert len(guid) == 36
    assert ask() == [(number, guid)]


def test_soap_1_2_gives_the_same_answer(sandbox: Sandbox, nmbrs: Nmbrs):
    client = zeep.Client(f"{sandbox.url}/soap/v3/DebtorService.asmx?WSDL", port_name="DebtorServiceSoap12")
    header = {"AuthHeaderWithDomain": {"Username": nmbrs.user, "Token": nmbrs.token, "Domain": "demo"}}
    assert len(client.service.List_GetAll(_soapheaders=header)) == 2
    with pytest.raises(Fault) as fault:
        client.service.Debtor_Get(DebtorId=1, _soapheaders=header)
    assert fault.value.message == "Server was unable to process request. ---> 2009: Unauthorized access"
    assert fault.value.code == "soap:Receiver"


# --- authentication and authorisation ---
def refused(call, **parameters) -> str:
    with pytest.raises(Fault) as fault:
        call(**parameters)
    assert fault.value.code == "soap:Server"
    return fault.value.message.removeprefix("Server was unable to process request. ---> ")


def test_a_wrong_token_user_or_domain_is_1001(sandbox: Sandbox):
    for wrong in ({"token": "0" * 32}, {"user": "nobody@example.org"}, {"domain": "elsewhere"}):
        stranger = Nmbrs(sandbox, **wrong)
        assert refused(stranger.company.List_GetAll) == "1001: Invalid Authentication"


def test_the_domain_is_optional(sandbox: Sandbox):
    assert Nmbrs(sandbox, domain="").company.List_GetAll() is not None


def test_an_empty_token_is_refused(sandbox: Sandbox):
    header = "<AuthHeaderWithDomain><Username>salaris@demobv.example</Username><Token></Token></AuthHeaderWithDomain>"
    answer = raw_call(sandbox, "CompanyService", "<List_GetAll/>", header)
    assert text_at(answer, "faultstring") == ("Server was unable to process request. ---> 1001: Invalid Authentication")


@pytest.mark.parametrize("header", ["", "<AuthHeader><Username>{u}</Username><Token>{t}</Token></AuthHeader>"])
def test_a_missing_or_wrong_header_is_1001(sandbox: Sandbox, header: str):
    given = sandbox.credentials
    header = header.format(u=given["nmbrs_user"], t=given["nmbrs_token"])
    answer = raw_call(sandbox, "CompanyService", "<List_GetAll/>", header)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert text_at(answer, "faultcode") == "soap:Server"
    assert "---> 1001: Invalid Authentication" in (text_at(answer, "faultstring") or "")


def test_a_header_of_another_service_is_1001(sandbox: Sandbox):
    given = sandbox.credentials
    header = (
        f'<AuthHeaderWithDomain xmlns="{NAMESPACE}DebtorService"><Username>{given["nmbrs_user"]}</Username>'
        f"<Token>{given['nmbrs_token']}</Token></AuthHeaderWithDomain>"
    )
    answer = raw_call(sandbox, "CompanyService", "<List_GetAll/>", header)
    assert "1001" in (text_at(answer, "faultstring") or "")


def test_unknown_ids_are_not_visible(nmbrs: Nmbrs):
    assert refused(nmbrs.company.Run_GetList, CompanyId=5, Year=nmbrs.year) == "2004: Unauthorized access"
    assert refused(nmbrs.company.List_GetByDebtor, DebtorId=5) == "2009: Unauthorized access"
    assert refused(nmbrs.employee.BankAccount_GetListCurrent, EmployeeId=5) == "2003: Unauthorized access"


def test_a_client_login_sees_its_own_debtor_only(sandbox: Sandbox):
    user = "salaris@demobv.example"
    page = sandbox.post(f"/nmbrs/debiteur/{DEMO_DEBTOR}/klant-login/token", data={"gebruiker": user})
    token = etree.HTML(page.text).xpath("string(//dt[.='Api token']/following-sibling::dd/code)")
    client = Nmbrs(sandbox, user, token)
    assert [d.Id for d in client.debtor.List_GetAll()] == [DEMO_DEBTOR]
    assert [c.ID for c in client.company.List_GetAll()] == [9969]
    assert client.debtor.Debtor_IsOwner() is False
    assert refused(client.debtor.Debtor_Get, DebtorId=OTHER_DEBTOR) == "1003: Unauthorized access"
    assert refused(client.company.BankAccount_GetCurrent, CompanyId=4410) == "2004: Unauthorized access"


# --- protocol ---
RUN_LIST = "<Run_GetList><CompanyId>9969</CompanyId><Year>{year}</Year></Run_GetList>"
ACTION = f'"{NAMESPACE}CompanyService/Run_GetList"'


@pytest.mark.parametrize("headers", [{}, {"SOAPAction": ACTION}, {"SOAPAction": '""'}])
def test_the_operation_follows_from_action_or_body(sandbox: Sandbox, headers: dict[str, str]):
    run = sandbox.run_payroll()
    body = RUN_LIST.format(year=run["year"])
    answer = raw_call(sandbox, "CompanyService", body, headers=headers)
    assert answer.status_code == 200
    assert text_at(answer, "ID") == str(run["run"])


def test_soap_1_2_has_the_action_in_the_content_type(sandbox: Sandbox):
    run = sandbox.run_payroll()
    headers = {"Content-Type": f"application/soap+xml; charset=utf-8; action={ACTION}"}
    body = RUN_LIST.format(year=run["year"])
    answer = raw_call(sandbox, "CompanyService", body, soap=SOAP_12, headers=headers)
    assert answer.headers["Content-Type"] == "application/soap+xml; charset=utf-8"
    assert etree.fromstring(answer.content).tag == f"{{{SOAP_12}}}Envelope"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("<No_Such_Call/>", {}),
        ("<List_GetAll/>", {"SOAPAction": '"https://api.nmbrs.nl/soap/v3/CompanyService/No_Such_Call"'}),
        ("<List_GetAll/>", {"SOAPAction": ACTION}),
        ("", {}),
        ("<Run_GetList><CompanyId>many</CompanyId><Year>2026</Year></Run_GetList>", {}),
        ("<List_GetAll><", {}),
    ],
)
def test_an_unreadable_call_is_a_client_fault(sandbox: Sandbox, body: str, headers: dict[str, str]):
    answer = raw_call(sandbox, "CompanyService", body, headers=headers)
    assert answer.status_code == 500
    assert text_at(answer, "faultcode") == "soap:Client"
    assert (text_at(answer, "faultstring") or "").startswith("Server was unable to read request.")


def test_an_element_out_of_order_is_ignored(sandbox: Sandbox):
    """The vendor's serializer follows the order of the schema, so a client that does not fails here."""
    year = sandbox.run_payroll()["year"]
    body = f"<Run_GetList><Year>{year}</Year><CompanyId>9969</CompanyId></Run_GetList>"
    answer = raw_call(sandbox, "CompanyService", body)
    assert "2004" in (text_at(answer, "faultstring") or "")


def test_entities_are_not_resolved(sandbox: Sandbox):
    raw = (
        f'<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]><e:Envelope xmlns:e="{SOAP_11}">'
        f'<e:Body><List_GetByNumber xmlns="{NAMESPACE}DebtorService"><Number>&secret;</Number>'
        "</List_GetByNumber></e:Body></e:Envelope>"
    )
    answer = sandbox.post("/soap/v3/DebtorService.asmx", data=raw, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 500
    assert "1001" in (text_at(answer, "faultstring") or "")
