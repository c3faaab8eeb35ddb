"""Nmbrs over SOAP v3: the first adapter of the `Payroll` port. The vendor ends SOAP on 2027-03-01."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from lxml import etree

from connectors.nmbrs import port
from connectors.nmbrs.soap_transport import TRUE, Row, SoapWire, read_number, read_object, read_rows
from core.iban import normalise


class SoapPayroll:
    """The port over SOAP; one object serves the whole process. Timeouts and pauses in seconds (see `SoapWire`)."""

    most_account_owners = 25  # one call for each

    def __init__(
        self, base_url: str, connect_timeout: float = 5, read_timeout: float = 30, file_timeout: float = 120,
        pauses: tuple[float, ...] = (0.3, 1.0),
    ) -> None:  # fmt: skip
        self._wire = SoapWire(base_url, (connect_timeout, read_timeout), pauses)
        self._file_timeout = (connect_timeout, file_timeout)

    # --- calls ---
    def environment(self, credentials: port.Credentials) -> port.Environment:
        """Return the environment of this user; the first call with new credentials."""
        call = "DebtorService.Environment_Get"
        found = read_object(self._wire.ask(call, credentials), call)
        sub = found.needed("SubDomain")
        return port.Environment(found.text("Domain") or sub, sub)

    def debtors(self, credentials: port.Credentials) -> list[port.Debtor]:
        """Return the debtors that this user can see."""
        call = "DebtorService.List_GetAll"
        rows = read_rows(self._wire.ask(call, credentials), "Debtor", call)
        return [port.Debtor(row.needed("Id"), row.text("Number") or "", row.text("Name") or "") for row in rows]

    def companies(self, credentials: port.Credentials, debtor_id: str | None = None) -> list[port.Company]:
        """Return all companies that this user can see, or those of one debtor."""
        if debtor_id is None:
            call, arguments = "CompanyService.List_GetAll", {}
        else:
            call = "CompanyService.List_GetByDebtor"
            arguments = {"DebtorId": read_number(debtor_id, call)}
        rows = read_rows(self._wire.ask(call, credentials, arguments), "Company", call)
        return [_company(row, debtor_id) for row in rows]

    def company_iban(self, credentials: port.Credentials, company_id: str) -> str | None:
        """Return the IBAN of the company's current bank account, or None if there is no valid one."""
        call = "CompanyService.BankAccount_GetCurrent"
        result = self._wire.ask(call, credentials, {"CompanyId": read_number(company_id, call)})
        row = Row(result, call) if result is not None else None
        if row is None or row.text("Id") in (None, "0"):
            return None
        return _iban(row.text("IBAN"))

    def runs(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.RunInfo]:
        """Return the runs of one year, as listed."""
        call = "CompanyService.Run_GetList"
        arguments = {"CompanyId": read_number(company_id, call), "Year": year}
        return [_run(row) for row in read_rows(self._wire.ask(call, credentials, arguments), "RunInfo", call)]

    def employees_in_run(self, credentials: port.Credentials, company_id: str, run_id: str, year: int) -> list[str]:
        """Return the employee ids."""
        call = "CompanyService.Run_GetEmployeesByRunCompany"
        arguments = {"CompanyId": read_number(company_id, call), "RunId": read_number(run_id, call), "Year": year}
        rows = read_rows(self._wire.ask(call, credentials, arguments), "EmployeeIdNumber", call)
        return [row.needed("EmployeeId") for row in rows]

    def sepa_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """Return the payment file of the run in UTF-8, or None if there is nothing to pay."""
        call = "CompanyService.SalaryDocuments_GetSEPA"
        arguments = {
            "CompanyId": read_number(company_id, call), "RunID": read_number(run_id, call), "Year": year,
            "paymentDate": _moment(payment_date),
        }  # fmt: skip
        return self._file(call, credentials, arguments)

    # --- people and wage tax ---
    def employees(self, credentials: port.Credentials, company_id: str) -> list[port.Employee]:
        """Return all employees of a company with their newest name, without their citizen service number (BSN)."""
        call = "EmployeeService.PersonalInfoWithoutBSN_Get_GetAllEmployeesByCompany"
        arguments = {"CompanyID": read_number(company_id, call)}
        rows = read_rows(self._wire.ask(call, credentials, arguments), "PersonalInfoItem", call)
        return [_employee(row) for row in rows]

    def employee_ibans(
        self, credentials: port.Credentials, company_id: str, employee_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """Return the valid IBANs of these employees; one call each, because SOAP has no call for several."""
        call, found = "EmployeeService.BankAccount_GetListCurrent", {}
        for employee_id in employee_ids:
            arguments = {"EmployeeId": read_number(employee_id, call)}
            rows = read_rows(self._wire.ask(call, credentials, arguments), "BankAccount", call)
            found[employee_id] = [iban for row in rows if (iban := _iban(row.text("IBAN")))]
        return found

    def wage_taxes(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.WageTax]:
        """Return the wage tax returns of one year, as listed."""
        call = "CompanyService.WageTax_GetList"
        arguments = {"CompanyId": read_number(company_id, call), "intYear": year}
        return [_wage_tax(row) for row in read_rows(self._wire.ask(call, credentials, arguments), "WageTax", call)]

    def wage_tax_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, wage_tax_id: str, year: int,
        payment_date: date,
    ) -> bytes | None:  # fmt: skip
        """Return the payment file of a wage tax return, or None if there is nothing to pay."""
        call = "CompanyService.SalaryDocuments_GetSEPA_Tax"
        arguments = {
            "CompanyId": read_number(company_id, call), "RunID": read_number(run_id, call), "Year": year,
            "WageTaxID": read_number(wage_tax_id, call), "paymentDate": _moment(payment_date),
        }  # fmt: skip
        return self._file(call, credentials, arguments)

    def guids(self, credentials: port.Credentials, company_id: str) -> dict[tuple[str, str], str]:
        """Return the REST ids of this company and its debtor."""
        call, found = "CompanyService.Converter_GetByCompany_IntToGuid", {}
        for entity in ("Company", "Debtor"):
            arguments = {"Entity": entity, "CompanyId": read_number(company_id, call)}
            result = self._wire.ask(call, credentials, arguments)
            for element in result.iter("{*}Mapping", "Mapping") if result is not None else ():
                row = Row(element, call)
                found[entity, row.needed("IdInt")] = row.needed("IdGuid").lower()
        return found

    def _file(self, call: str, credentials: port.Credentials, arguments: dict[str, Any]) -> bytes | None:
        """Return a file sent as a string. Escaped XML of tens of megabytes is parsed as it arrives and encoded once."""
        result = self._wire.ask(call, credentials, arguments, self._file_timeout)
        if result is None:
            return None
        if len(result):
            raise port.Unreadable(None, call, "the file is no text")
        text = etree.tostring(result, method="text", encoding="utf-8", with_tail=False)
        return None if not text or text.isspace() else text

    # --- webhooks ---
    def webhook_events(self, credentials: port.Credentials) -> list[port.WebhookEvent]:
        """Return the events that a webhook can report."""
        call = "DebtorService.WebhookSettings_GetEvents"
        rows = read_rows(self._wire.ask(call, credentials), "Event", call)
        return [_event(row) for row in rows]

    def webhooks(self, credentials: port.Credentials, debtor_id: str) -> list[port.Webhook]:
        """Return the webhooks of a debtor."""
        call = "DebtorService.WebhookSettings_Get"
        arguments = {"DebtorId": read_number(debtor_id, call)}
        result = self._wire.ask(call, credentials, arguments)
        return [_webhook(row) for row in read_rows(result, "WebhookSetting", call)]

    def insert_webhook(
        self, credentials: port.Credentials, debtor_id: str, name: str, endpoint: str, event_ids: Sequence[str]
    ) -> str:
        """Create an active webhook for these events and return its id. Sent once: a retry could create two."""
        call = "DebtorService.WebhookSettings_Insert"
        events = [{"EventId": read_number(event_id, call), "Active": True} for event_id in event_ids]
        body = {"Name": name, "Endpoint": endpoint, "Active": True, "Events": events}
        arguments = {"DebtorId": read_number(debtor_id, call), "WebhookSetting": {"WebhookSetting": body}}
        result = self._wire.ask(call, credentials, arguments)
        made = (result.text or "").strip() if result is not None else ""
        if not re.fullmatch(r"[0-9]{1,10}", made):
            raise port.Unreadable(None, call, "the answer is no id")
        return made

    def delete_webhook(self, credentials: port.Credentials, debtor_id: str, webhook_id: str) -> bool:
        """Delete a webhook; return whether it existed."""
        call = "DebtorService.WebhookSettings_Delete"
        arguments = {"DebtorId": read_number(debtor_id, call), "WebhookSettingId": read_number(webhook_id, call)}
        result = self._wire.ask(call, credentials, arguments)
        return result is not None and result.text in TRUE


def _moment(day: date) -> datetime:
    """Return a date as .NET expects it: a datetime without time zone."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001


def _iban(text: str | None) -> str | None:
    """Return a valid IBAN, or None."""
    try:
        return normalise(text) if text else None
    except ValueError:
        return None


def _employee(row: Row) -> port.Employee:
    """Return the newest name in an employee's history. Entries are found by their LastName, because no public source
    documents the element's name in the variant without BSN.
    """
    history = [Row(element.getparent(), row.call) for element in row.element.iter("{*}LastName", "LastName")]
    newest = max(history, key=lambda one: (one.text("StartYear") or "", (one.text("StartPeriod") or "").zfill(3)),
                 default=row)  # fmt: skip
    return port.Employee(
        row.needed("EmployeeId"), newest.text("FirstName") or "", newest.text("Initials") or "",
        newest.text("Prefix") or "", newest.text("LastName") or "",
    )  # fmt: skip


def _wage_tax(row: Row) -> port.WageTax:
    """Convert a row. `TotalGeneral` is assumed to be whole euros; payments use the file (docs/facts/nmbrs.md, 7.4)."""
    return port.WageTax(
        id=row.needed("LoonaangifteID"), year=row.number("Year"), period=row.number("Period"),
        serial=row.number("SerialNumber"), reference=re.sub(r"[^0-9]", "", row.text("PaymentReference") or ""),
        total_cents=row.number("TotalGeneral") * 100, status=row.text("Status") or "", sent_at=row.moment("SentAt"),
        period_end=row.day("TijdvakEnd"),
    )  # fmt: skip


def _company(row: Row, debtor_id: str | None) -> port.Company:
    kvk = re.sub(r"[^0-9]", "", row.text("KvkNr") or "")
    return port.Company(
        id=row.needed("ID"), number=row.needed("Number"), name=row.text("Name") or "",
        kvk_number=kvk.zfill(8) if kvk else None, debtor_id=debtor_id,
    )  # fmt: skip


def _run(row: Row) -> port.RunInfo:
    return port.RunInfo(
        id=row.needed("ID"), number=row.number("Number"), year=row.number("Year"),
        period_start=row.number("PeriodStart"), period_end=row.number("PeriodEnd"),
        description=row.text("Description") or "", run_at=row.moment("RunAt"),
        locked=row.needed("IsLocked") in TRUE,
    )  # fmt: skip


def _event(row: Row) -> port.WebhookEvent:
    return port.WebhookEvent(row.needed("EventId"), row.text("EventName") or "", row.needed("Active") in TRUE)


def _webhook(row: Row) -> port.Webhook:
    """Convert a row. Its events may be direct children or in a nested list: no public source documents which."""
    events = tuple(_event(Row(child, row.call)) for child in row.element.iter("{*}Event", "Event"))
    return port.Webhook(
        row.needed("WebhookSettingId"), row.text("Name") or "", row.text("Endpoint") or "",
        row.needed("Active") in TRUE, events,
    )  # fmt: skip
