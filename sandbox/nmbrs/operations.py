"""The implementation of each SOAP call: `Service.Operation` to a function of caller and parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from sandbox import clock, demo, faults
from sandbox.nmbrs import ledger_data, payroll, sepa, staff, webhooks
from sandbox.nmbrs.errors import NmbrsFault
from sandbox.nmbrs.people import bic, display_name
from sandbox.store import Document

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """The authenticated API user, and the debtors it can see."""

    email: str
    debtors: list[int] | None

    def sees(self, debtor_id: int) -> bool:
        if debtor_id == ledger_data.DEBTOR_ID and faults.on("nmbrs_debtor_filtered"):
            return False
        return self.debtors is None or debtor_id in self.debtors


Handler = Callable[[Caller, Parameters], Any]
HANDLERS: dict[str, Handler] = {}


def answers(name: str) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return keep


def visible_debtor(caller: Caller, debtor_id: int) -> Document:
    """Return a debtor.

    Raises:
    - NmbrsFault: 2009 if it does not exist, 1003 if the user cannot see it.
    """
    found = ledger_data.debtor(debtor_id)
    if found is None:
        raise NmbrsFault(2009)
    if not caller.sees(debtor_id):
        raise NmbrsFault(1003)
    return found


def visible_company(caller: Caller, company_id: int) -> Document:
    """Return a company.

    Raises:
    - NmbrsFault: 2004 if it does not exist or the user cannot see it.
    """
    company = ledger_data.company(company_id)
    if company is None or not caller.sees(company["debtor"]):
        raise NmbrsFault(2004)
    return company


def run_of(company: Document, year: int, run_id: int) -> Document | None:
    return payroll.run(company["id"], year, run_id)


# DebtorService


@answers("DebtorService.Environment_Get")
def environment(caller: Caller, _: Parameters) -> Any:
    return {"Domain": f"{demo.NMBRS_SUBDOMAIN}.nmbrs.nl", "SubDomain": demo.NMBRS_SUBDOMAIN}


def as_debtor(doc: Document) -> Any:
    return {"Id": doc["id"], "Number": doc["number"], "Name": doc["name"]}


def visible_debtors(caller: Caller) -> list[Document]:
    return [doc for doc in ledger_data.debtors_of({"debtors": caller.debtors}) if caller.sees(doc["id"])]


@answers("DebtorService.List_GetAll")
def all_debtors(caller: Caller, _: Parameters) -> Any:
    return [as_debtor(doc) for doc in visible_debtors(caller)]


@answers("DebtorService.List_GetByNumber")
def debtors_by_number(caller: Caller, given: Parameters) -> Any:
    return [as_debtor(doc) for doc in visible_debtors(caller) if doc["number"] == given["Number"]]


@answers("DebtorService.Debtor_Get")
def one_debtor(caller: Caller, given: Parameters) -> Any:
    return as_debtor(visible_debtor(caller, given["DebtorId"]))


@answers("DebtorService.Debtor_IsOwner")
def is_owner(caller: Caller, _: Parameters) -> Any:
    return caller.debtors is None


def as_bank_account(number: int, iban: str, name: str) -> Any:
    return {
        "Id": number,
        "Number": iban[8:].lstrip("0"),
        "Description": "Hoofdrekening",
        "IBAN": iban,
        "BIC": bic(iban),
        "Name": name,
        "Type": "Bankrekening1",
    }


@answers("DebtorService.BankAccount_Get")
def debtor_bank_account(caller: Caller, given: Parameters) -> Any:
    debtor = visible_debtor(caller, given["DebtorId"])
    company = ledger_data.companies(debtor["id"])[0]
    return as_bank_account(debtor["id"], company["iban"], debtor["name"])


@answers("DebtorService.WebhookSettings_GetEvents")
def webhook_events(caller: Caller, _: Parameters) -> Any:
    return [as_event(event, active=False) for event in webhooks.EVENTS]


def as_event(event: webhooks.Event, active: bool) -> Any:
    return {"EventId": event.id, "EventName": event.name, "Active": active}


@answers("DebtorService.WebhookSettings_Get")
def webhook_settings(caller: Caller, given: Parameters) -> Any:
    debtor = visible_debtor(caller, given["DebtorId"])
    return [
        {
            "WebhookSettingId": setting["id"],
            "Name": setting["name"],
            "Endpoint": setting["endpoint"],
            "Active": setting["active"],
            "Event": [as_event(event, event.id in setting["events"]) for event in webhooks.EVENTS],
        }
        for setting in webhooks.settings(debtor["id"])
    ]


@answers("DebtorService.WebhookSettings_Insert")
def insert_webhook(caller: Caller, given: Parameters) -> Any:
    debtor = visible_debtor(caller, given["DebtorId"])
    return webhooks.insert(debtor["id"], read_setting(given["WebhookSetting"]))["id"]


def read_setting(element: etree._Element | None) -> webhooks.Setting:
    """Return the setting, from fields at any depth: no public source documents the vendor's format."""
    groups = [children_of(part) for part in element.iter()] if element is not None else []
    bodies = [group for group in groups if "Endpoint" in group or "Name" in group]
    body = bodies[0] if bodies else {}
    chosen = [int(group["EventId"]) for group in groups if "EventId" in group and truth(group.get("Active"))]
    return webhooks.Setting(body.get("Name", ""), body.get("Endpoint", ""), truth(body.get("Active")), chosen)


def children_of(part: etree._Element) -> dict[str, str]:
    return {etree.QName(child).localname: child.text or "" for child in part if isinstance(child.tag, str)}


def truth(text: str | None) -> bool:
    return text in ("true", "1")


@answers("DebtorService.WebhookSettings_Delete")
def delete_webhook(caller: Caller, given: Parameters) -> Any:
    debtor = visible_debtor(caller, given["DebtorId"])
    webhooks.delete(debtor["id"], given["WebhookSettingId"])
    return True


# CompanyService


def as_company(doc: Document) -> Any:
    return {
        "ID": doc["id"],
        "Number": doc["number"],
        "Name": doc["name"],
        "LoonaangifteTijdvak": "Month",
        "KvkNr": doc["kvk"],
    }


@answers("CompanyService.List_GetAll")
def all_companies(caller: Caller, _: Parameters) -> Any:
    if caller.debtors is None:
        return [as_company(doc) for doc in ledger_data.companies() if caller.sees(doc["debtor"])]
    return [as_company(doc) for owner in visible_debtors(caller) for doc in ledger_data.companies(owner["id"])]


@answers("CompanyService.List_GetByDebtor")
def companies_of_debtor(caller: Caller, given: Parameters) -> Any:
    debtor = visible_debtor(caller, given["DebtorId"])
    return [as_company(doc) for doc in ledger_data.companies(debtor["id"])]


@answers("CompanyService.Company_GetCurrentPeriod")
def current_period(caller: Caller, given: Parameters) -> Any:
    visible_company(caller, given["CompanyId"])
    today = clock.now()
    return f"{today.year}-{today.month}-M"


@answers("CompanyService.BankAccount_GetCurrent")
def company_bank_account(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    return as_bank_account(company["id"], company["iban"], company["name"])


@answers("CompanyService.Run_GetList")
def list_runs(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    return [as_run(doc) for doc in payroll.listed(company["id"], given["Year"])]


def as_run(doc: Document) -> Any:
    return {
        "ID": doc["id"],
        "Number": doc["number"],
        "Year": doc["year"],
        "PeriodStart": doc["period"],
        "PeriodEnd": doc["period"],
        "Description": doc["description"],
        "RunAt": doc["run_at"],
        "IsLocked": doc["locked"],
    }


@answers("CompanyService.Run_GetEmployeesByRunCompany")
def employees_in_run(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    run = run_of(company, given["Year"], given["RunId"])
    people = payroll.paid_in(run) if run else []
    return [{"EmployeeId": person["id"], "EmployeeNumber": person["number"]} for person in people]


@answers("CompanyService.SalaryDocuments_GetSEPA")
def salary_sepa(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    run = run_of(company, given["Year"], given["RunID"])
    return sepa.salary_file(company, run, payment_day(given)) if run else None


@answers("CompanyService.SalaryDocuments_GetSEPA_Tax")
def wage_tax_sepa(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    wage_tax = payroll.wage_tax(company["id"], given["Year"], given["WageTaxID"])
    return sepa.tax_file(company, wage_tax, payment_day(given)) if wage_tax else None


def payment_day(given: Parameters) -> date:
    """Return the payment date. The schema requires one; without it .NET reads year 1, so today is used."""
    return given["paymentDate"].date() if given["paymentDate"] else clock.now().date()


@answers("CompanyService.WageTax_GetList")
def list_wage_taxes(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    return [as_wage_tax(doc) for doc in payroll.wage_taxes(company["id"], given["intYear"])]


def as_wage_tax(doc: Document) -> Any:
    first, last = payroll.days_of(doc["year"], doc["period"])
    return {
        "LoonaangifteID": doc["id"],
        "SerialNumber": doc["serial"],
        "PaymentReference": doc["reference"],
        "TotalGeneral": doc["euros"],
        "Period": doc["period"],
        "Year": doc["year"],
        "Status": "Verzonden",
        "SentAt": doc["sent_at"],
        "TijdvakStart": f"{first}T00:00:00",
        "TijdvakEnd": f"{last}T00:00:00",
    }


@answers("CompanyService.Converter_GetByCompany_IntToGuid")
def int_to_guid(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    numbers = {
        "Employee": [person["id"] for person in staff.employees(company["id"])],
        "Company": [company["id"]],
        "Debtor": [company["debtor"]],
    }.get(given["Entity"], [])
    return {
        "Entity": given["Entity"],
        "Mappings": [{"IdInt": number, "IdGuid": ledger_data.guid(given["Entity"], number)} for number in numbers],
    }


# EmployeeService

ACTIVE = 1


@answers("EmployeeService.EmployeeType_GetList")
def employee_types(caller: Caller, _: Parameters) -> Any:
    return [{"Id": 0, "Description": "Alle"}, {"Id": ACTIVE, "Description": "Actief"}]


@answers("EmployeeService.List_GetByCompany")
def list_employees(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyId"])
    return [
        {"Id": person["id"], "Number": person["number"], "DisplayName": display_name(person)}
        for person in staff.employees(company["id"])
        if given["EmployeeType"] != ACTIVE or not person.get("dismissed")
    ]


@answers("EmployeeService.BankAccount_GetListCurrent")
def employee_bank_accounts(caller: Caller, given: Parameters) -> Any:
    person = staff.employee(given["EmployeeId"])
    company = ledger_data.company(person["company"]) if person else None
    if person is None or company is None or not caller.sees(company["debtor"]):
        raise NmbrsFault(2003)
    return [as_bank_account(person["id"], iban, name) for iban, name in staff.accounts_of(person)]


@answers("EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany")
def personal_info(caller: Caller, given: Parameters) -> Any:
    company = visible_company(caller, given["CompanyID"])
    return [
        {"EmployeeId": person["id"], "EmployeePersonalInfos": [as_personal_info(person)]}
        for person in staff.employees(company["id"])
    ]


def as_personal_info(person: Document) -> Any:
    return {
        "Id": person["id"],
        "DisplayName": display_name(person),
        "EmployeeNumber": person["number"],
        "FirstName": person["first_name"],
        "Initials": person["initials"],
        "Prefix": person["prefix"] or None,
        "LastName": person["last_name"],
        "Gender": "undefined",
        "NationalityCode": 1,
        "IdentificationType": 0,
        "BurgerlijkeStaat": 0,
        "Naamstelling": 0,
        "StartPeriod": 1,
        "StartYear": 2024,
    }
