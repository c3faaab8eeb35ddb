"""Nmbrs over REST: the second adapter of the `Payroll` port, for after 2027-03-01. Ids are GUIDs.

The vendor's contract is the OpenAPI document "Global", which grows without notice. A document (the payment file) is
created by a task and fetched when it is ready.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from connectors.nmbrs import port
from connectors.nmbrs.rest_transport import Fields, RestRequest, RestSettings, RestWire
from core.iban import normalise

__all__ = ["RestPayroll", "RestSettings"]

_NO_WEBHOOKS = "this interface has no webhooks"
_NEVER = datetime.min.replace(tzinfo=UTC)


class RestPayroll:
    """The port over REST; one object serves the whole process. `Credentials.token` is the access token."""

    most_account_owners = 100_000  # one list of the whole company

    def __init__(self, settings: RestSettings) -> None:
        self._wire = RestWire(settings)

    # --- calls ---
    def environment(self, credentials: port.Credentials) -> port.Environment:
        """Return the environment that this consent covers.

        REST has no sub-domain. The debtor's GUID replaces it, because a debtor's name and number may change or not be
        unique. `domain` is the debtor's name.
        """
        ask = RestRequest("/api/user/info")
        users = self._wire.rows(credentials, ask)
        if not users:
            raise port.Unreadable(None, ask.name, "nobody")
        debtor_id = users[0].guid("debtorId")
        return port.Environment(self._debtor_name(credentials, debtor_id), debtor_id)

    def _debtor_name(self, credentials: port.Credentials, debtor_id: str) -> str:
        """Return the debtor's name, or its id if this user may not see the name."""
        try:
            names = {debtor.id: debtor.name for debtor in self.debtors(credentials)}
        except (port.NotAllowed, port.NotVisible):
            return debtor_id
        return names.get(debtor_id) or debtor_id

    def debtors(self, credentials: port.Credentials) -> list[port.Debtor]:
        """Return the debtors that the consent covers."""
        rows = self._wire.rows(credentials, RestRequest("/api/debtors"))
        return [port.Debtor(row.guid("debtorId"), row.text("number"), row.text("name")) for row in rows]

    def companies(self, credentials: port.Credentials, debtor_id: str | None = None) -> list[port.Company]:
        """Return the companies of one debtor or of all, debtor by debtor if the consent covers several (40306). Without
        KvK number.
        """
        if debtor_id is not None:
            ask = RestRequest("/api/debtors/{debtorId}/companies", {"debtorId": debtor_id})
            return [_company(row, debtor_id) for row in self._wire.rows(credentials, ask)]
        try:
            return [_company(row, None) for row in self._wire.rows(credentials, RestRequest("/api/companies"))]
        except port.NotVisible as error:
            if error.code != "40306":
                raise
        return [one for debtor in self.debtors(credentials) for one in self.companies(credentials, debtor.id)]

    def company_iban(self, credentials: port.Credentials, company_id: str) -> str | None:
        """Return the IBAN of the company's newest bank account, or None if there is no valid one."""
        ask = RestRequest("/api/companies/{companyId}/bankaccounts", {"companyId": company_id})
        newest = _newest(self._wire.rows(credentials, ask))
        return _iban(newest) if newest else None

    def runs(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.RunInfo]:
        """Return the runs of one year, as listed. `run_at` is their creation time."""
        ask = RestRequest("/api/companies/{companyId}/runs", {"companyId": company_id}, {"year": year})
        return [_run(row) for row in self._wire.rows(credentials, ask)]

    def employees_in_run(self, credentials: port.Credentials, company_id: str, run_id: str, year: int) -> list[str]:
        """Return the employee ids."""
        path = "/api/companies/{companyId}/runs/{payrollRunId}/employees"
        ask = RestRequest(path, {"companyId": company_id, "payrollRunId": run_id}, {"year": year})
        return [row.guid("employeeId") for row in self._wire.rows(credentials, ask)]

    def sepa_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """Return the payment file of the run, or None if there is nothing to pay."""
        path = "/api/companies/{companyId}/runs/{payrollRunId}/sepa"
        ids = {"companyId": company_id, "payrollRunId": run_id}
        return self._wire.document(credentials, RestRequest(path, ids, _payment(year, payment_date)))

    def employees(self, credentials: port.Credentials, company_id: str) -> list[port.Employee]:
        """Return all employees of a company, with their newest name."""
        ask = RestRequest("/api/companies/{companyId}/employees/personalinfo", {"companyId": company_id})
        return [_employee(row) for row in self._wire.rows(credentials, ask)]

    def employee_ibans(
        self, credentials: port.Credentials, company_id: str, employee_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """Return the valid IBANs of these employees, from one list of the whole company."""
        ask = RestRequest("/api/companies/{companyId}/employees/bankaccounts", {"companyId": company_id})
        found: dict[str, list[str]] = {employee_id: [] for employee_id in employee_ids}
        for row in self._wire.rows(credentials, ask):
            employee_id, ibans = row.guid("employeeId"), map(_iban, row.objects("bankAccounts"))
            if employee_id in found:
                found[employee_id] += [iban for iban in ibans if iban]
        return found

    def wage_taxes(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.WageTax]:
        """Return the wage tax returns of one year, as listed."""
        ask = RestRequest("/api/companies/{companyId}/wagetaxes", {"companyId": company_id}, {"year": year})
        return [_wage_tax(row) for row in self._wire.rows(credentials, ask)]

    def wage_tax_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, wage_tax_id: str, year: int,
        payment_date: date,
    ) -> bytes | None:  # fmt: skip
        """Return the payment file of a wage tax return; REST needs no run for it."""
        path = "/api/companies/{companyId}/wagetaxes/{wageTaxId}/sepa"
        ids = {"companyId": company_id, "wageTaxId": wage_tax_id}
        return self._wire.document(credentials, RestRequest(path, ids, _payment(year, payment_date)))

    def guids(self, credentials: port.Credentials, company_id: str) -> dict[tuple[str, str], str]:
        """Return none: the ids of REST are GUIDs."""
        return {}

    # --- not available in REST ---
    def webhook_events(self, credentials: port.Credentials) -> list[port.WebhookEvent]:
        raise port.NotThere(None, "webhook_events", _NO_WEBHOOKS)

    def webhooks(self, credentials: port.Credentials, debtor_id: str) -> list[port.Webhook]:
        raise port.NotThere(None, "webhooks", _NO_WEBHOOKS)

    def insert_webhook(
        self, credentials: port.Credentials, debtor_id: str, name: str, endpoint: str, event_ids: Sequence[str]
    ) -> str:
        raise port.NotThere(None, "insert_webhook", _NO_WEBHOOKS)

    def delete_webhook(self, credentials: port.Credentials, debtor_id: str, webhook_id: str) -> bool:
        raise port.NotThere(None, "delete_webhook", _NO_WEBHOOKS)


# --- parsing ---
def _payment(year: int, day: date) -> dict[str, object]:
    return {"year": year, "paymentDate": f"{day.isoformat()}T00:00:00"}


def _newest(rows: list[Fields]) -> Fields | None:
    """Return the row that was created last, or None."""
    return max(rows, key=lambda row: row.moment("createdAt") or _NEVER, default=None)


def _iban(row: Fields) -> str | None:
    """Return a valid IBAN, or None."""
    try:
        return normalise(row.text("IBAN"))
    except ValueError:
        return None


def _company(row: Fields, debtor_id: str | None) -> port.Company:
    owner = (row.text("debtorId") or debtor_id or "").lower()
    return port.Company(row.guid("companyId"), row.text("number"), row.text("name"), None, owner or None)


def _run(row: Fields) -> port.RunInfo:
    return port.RunInfo(
        id=row.guid("payrollRunId"), number=row.number("number"), year=row.number("year"),
        period_start=row.number("periodStart"), period_end=row.number("periodEnd"),
        description=row.text("description"), run_at=row.moment("createdAt"), locked=row.truth("locked"),
    )  # fmt: skip


def _employee(row: Fields) -> port.Employee:
    newest = _newest(row.objects("info"))
    info = newest.inner("basicInfo") if newest else Fields({}, row.call)
    return port.Employee(
        row.guid("employeeId"), info.text("firstName"), info.text("initials"), info.text("prefix"),
        info.text("lastName"),
    )  # fmt: skip


def _wage_tax(row: Fields) -> port.WageTax:
    """Convert a row. `totalGeneral` is assumed to be whole euros; payments use the file (docs/facts/nmbrs.md, 7.4)."""
    return port.WageTax(
        id=row.guid("wageTaxId"), year=row.number("year"), period=row.number("period"),
        serial=row.number("serialNumber"), reference=re.sub(r"[^0-9]", "", row.text("paymentReference")),
        total_cents=row.number("totalGeneral") * 100, status=row.text("status"), sent_at=row.moment("sentAt"),
        period_end=row.day("periodEnd"),
    )  # fmt: skip
