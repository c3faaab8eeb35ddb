"""The REST API of Nmbrs on the same data as SOAP: each call with its scope and answer."""

import uuid
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import clock, demo, faults
from sandbox.nmbrs import identity, ledger_data, payroll, sepa, staff
from sandbox.nmbrs import rest_shapes as shapes
from sandbox.nmbrs.operations import Caller
from sandbox.nmbrs.rest_answers import RestError, error_answer, extended, invalid, page_of, refuse, whole
from sandbox.store import Document, get_store

rest = Blueprint("nmbrs_rest", __name__, url_prefix="/nmbrs-rest/api")

TASK = "nmbrs_document"
# How often a document is reported as not ready.
ASKS, SLOW_ASKS = 1, 3

View = Callable[..., Any]


def call(path: str, scope: str) -> Callable[[View], View]:
    """Register a call of the contract; the view gets the caller, who must have this scope."""

    def register(view: View) -> View:
        @wraps(view)
        def guarded(**ids: str) -> Any:
            refuse()
            return view(authenticate(scope), **ids)

        rest.add_url_rule(path, view_func=guarded)
        return view

    return register


def authenticate(scope: str) -> Caller:
    # The contract has no error for the subscription key, so the token's is used.
    if request.headers.get("X-Subscription-Key") != demo.NMBRS_SUBSCRIPTION_KEY:
        raise RestError(40102, "The subscription key is missing or invalid.")
    given = request.headers.get("Authorization", "")
    if not given.startswith("Bearer "):
        raise RestError(40101)
    grant = identity.grant_of(given.removeprefix("Bearer "))
    if grant is None:
        raise RestError(40102)
    if scope not in grant["scope"].split():
        raise RestError(40303, f"The token was not given the scope {scope}.")
    return Caller(grant["user"], grant["debtors"])


@rest.errorhandler(RestError)
def say_what_is_wrong(error: RestError):
    return error_answer(error)


@rest.get("/<path:anything>")
def not_there(anything: str):
    raise RestError(40401)


# --- ids in the path ---
def number_behind(entity: str, name: str, text: str, unknown: int) -> int:
    """Return the number of a GUID in the path.

    Raises:
    - RestError: 40033 if it is not a GUID, `unknown` if it does not exist.
    """
    try:
        number = ledger_data.number_of(entity, str(uuid.UUID(text)))
    except ValueError as error:
        raise invalid(name, "The parameter is invalid. It needs to be a GUID.") from error
    if number is None:
        raise RestError(unknown)
    return number


def visible_debtor(caller: Caller, debtor_id: str) -> Document:
    number = number_behind("Debtor", "debtorId", debtor_id, 40401)
    found = ledger_data.debtor(number)
    if found is None or not caller.sees(number):
        raise RestError(40303)
    return found


def visible_company(caller: Caller, company_id: str) -> Document:
    found = ledger_data.company(number_behind("Company", "companyId", company_id, 40404))
    if found is None or not caller.sees(found["debtor"]):
        raise RestError(40303)
    return found


def one_of(found: list[Document], entity: str, text: str) -> Document:
    """Return the object with this GUID.

    Raises:
    - RestError: 40401
    """
    wanted = text.lower()
    for doc in found:
        if ledger_data.guid(entity, doc["id"]) == wanted:
            return doc
    raise RestError(40401)


def asked_year(required: bool = False) -> int:
    if required and not request.args.get("year"):
        raise invalid("year", "The parameter is missing.")
    return whole("year", 1900, 2100, clock.now().year)


def asked_moment(name: str) -> datetime | None:
    text = request.args.get(name, "")
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise invalid(name, "The parameter is invalid. It needs to be a date-time.") from error


# --- user, debtors, companies ---
@call("/user/info", "user.info.read")
def user_info(caller: Caller):
    debtors = caller.debtors or []
    return jsonify(page_of([ledger_data.user(caller.email)], lambda doc: shapes.user(doc, debtors[0])))


@call("/debtors", "company.info.read")
def list_debtors(caller: Caller):
    found = [doc for doc in ledger_data.debtors_of({"debtors": caller.debtors}) if caller.sees(doc["id"])]
    return jsonify(page_of(found, shapes.debtor))


@call("/debtors/<debtor_id>/companies", "company.info.read")
def companies_of_debtor(caller: Caller, debtor_id: str):
    return jsonify(page_of(ledger_data.companies(visible_debtor(caller, debtor_id)["id"]), shapes.company))


@call("/companies", "company.info.read")
def list_companies(caller: Caller):
    debtors = caller.debtors or []
    if len(debtors) > 1 or faults.on("nmbrs_rest_40306"):
        raise RestError(40306)
    found = [doc for debtor in debtors if caller.sees(debtor) for doc in ledger_data.companies(debtor)]
    return jsonify(page_of(found, shapes.company))


@call("/companies/<company_id>/bankaccounts", "company.info.read")
def company_accounts(caller: Caller, company_id: str):
    company = visible_company(caller, company_id)
    answer = page_of([company], shapes.company_account)
    return jsonify(answer | {"companyId": ledger_data.guid("Company", company["id"])})


# --- runs ---
@call("/companies/<company_id>/runs", "company.payrollsettings.read")
def list_runs(caller: Caller, company_id: str):
    company = visible_company(caller, company_id)
    return jsonify(page_of(payroll.listed(company["id"], asked_year()), shapes.run))


@call("/companies/<company_id>/runs/<run_id>/employees", "company.payrollsettings.read")
def employees_in_run(caller: Caller, company_id: str, run_id: str):
    company = visible_company(caller, company_id)
    run = one_of(payroll.runs(company["id"], asked_year()), "Run", run_id)
    return jsonify(page_of(payroll.paid_in(run), shapes.employee_in_run))


@call("/companies/<company_id>/runs/<run_id>/sepa", "company.document.read")
def run_sepa(caller: Caller, company_id: str, run_id: str):
    company = visible_company(caller, company_id)
    year = asked_year(required=True)
    return start_task(company, "Run", one_of(payroll.runs(company["id"], year), "Run", run_id), year)


@call("/companies/<company_id>/wagetaxes", "company.payrollsettings.read")
def list_wage_taxes(caller: Caller, company_id: str):
    company = visible_company(caller, company_id)
    return jsonify(page_of(payroll.wage_taxes(company["id"], asked_year()), shapes.wage_tax))


@call("/companies/<company_id>/wagetaxes/<wage_tax_id>/sepa", "company.document.read")
def wage_tax_sepa(caller: Caller, company_id: str, wage_tax_id: str):
    company = visible_company(caller, company_id)
    year = asked_year(required=True)
    wage_tax = one_of(payroll.wage_taxes(company["id"], year), "WageTax", wage_tax_id)
    return start_task(company, "WageTax", wage_tax, year)


# --- documents ---
def start_task(company: Document, kind: str, what: Document, year: int):
    """Start a task for a payment file. The file is generated when it is fetched, to save space."""
    moment = asked_moment("paymentDate")
    day = moment.date() if moment else clock.now().date()
    task = str(uuid.uuid4())
    doc = {"company": company["id"], "kind": kind, "number": what["id"], "year": year, "day": day.isoformat()}
    get_store().put(TASK, task, doc | {"asked": 0})
    return jsonify(extended({"taskId": task}))


@call("/documents/<task_id>", "document.read")
def document(caller: Caller, task_id: str):
    task = visible_task(caller, task_id)
    if task["asked"] <= (SLOW_ASKS if faults.on("nmbrs_rest_slow_document") else ASKS):
        return jsonify("Document is being processed"), 202
    return Response(document_text(task), content_type="application/octet-stream")


def visible_task(caller: Caller, task_id: str) -> Document:
    """Return the task, and count this request.

    Raises:
    - RestError: 40401 if it does not exist or the caller cannot see it.
    """
    task = get_store().get(TASK, task_id.lower())
    company = ledger_data.company(task["company"]) if task else None
    if company is None or not caller.sees(company["debtor"]) or faults.on("nmbrs_rest_document_lost"):
        raise RestError(40401)
    return get_store().update(TASK, task_id.lower(), lambda doc: doc and doc | {"asked": doc["asked"] + 1})


def document_text(task: Document) -> str:
    company = ledger_data.company(task["company"]) or {}
    day = date.fromisoformat(task["day"])
    if task["kind"] == "Run":
        run = payroll.run(task["company"], task["year"], task["number"])
        if run is None:
            raise RestError(40401)
        return sepa.salary_file(company, run, day) or ""
    wage_tax = payroll.wage_tax(task["company"], task["year"], task["number"])
    return sepa.tax_file(company, wage_tax, day) if wage_tax else ""


# --- employees ---
@call("/companies/<company_id>/employees/personalinfo", "employee.info.read")
def personal_infos(caller: Caller, company_id: str):
    return jsonify(page_of(asked_employees(caller, company_id), shapes.personal_info))


@call("/companies/<company_id>/employees/bankaccounts", "employee.bankaccount.read")
def employee_accounts(caller: Caller, company_id: str):
    return jsonify(page_of(asked_employees(caller, company_id), shapes.employee_accounts))


def asked_employees(caller: Caller, company_id: str) -> list[Document]:
    """Return the employees of a company, filtered by employeeId and createdFrom."""
    found = staff.employees(visible_company(caller, company_id)["id"])
    one, moment = request.args.get("employeeId", "").lower(), asked_moment("createdFrom")
    if one:
        found = [person for person in found if ledger_data.guid("Employee", person["id"]) == one]
    if moment:
        least = shapes.utc(moment.isoformat())
        found = [person for person in found if shapes.since(person) >= least]
    return found
