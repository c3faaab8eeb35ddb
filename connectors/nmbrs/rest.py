"""Nmbrs over REST: the second adapter of the `Payroll` port, for after 2027-03-01. Ids are GUIDs.

The vendor's contract is OpenAPI "Global" and grows without notice: what is not known is not read, what is needed
and lacks is an error. A document (the payment file) is made by a task and fetched when it is ready.
"""

import json
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import requests

from connectors.nmbrs import port
from connectors.nmbrs.sessions import OwnSession
from core.iban import normalise

MOST_BYTES = 60 * 1024 * 1024  # a payment file of 50 MB, and some air
PAGE_SIZE, MOST_PAGES = 100, 1_000
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NO_WEBHOOKS = "this interface has no webhooks"
_KINDS: dict[int, type[port.PayrollError]] = {
    40101: port.BadCredentials,
    40102: port.BadCredentials,
    40303: port.OutOfSight,
    40401: port.OutOfSight,
    40404: port.OutOfSight,
    40304: port.Disabled,
    42909: port.QuotaUsedUp,
    40306: port.OutOfSight,
}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestSettings:
    """`base_url` without /api. Time-outs in seconds; `document_pauses` between two looks at a document, the last one
    repeating until `file_timeout` is over."""

    base_url: str
    subscription_key: str = field(repr=False)
    connect_timeout: float = 5
    read_timeout: float = 30
    file_timeout: float = 120
    document_pauses: tuple[float, ...] = (0.2, 0.5, 1, 2, 3, 5)


@dataclass(frozen=True)
class _Call:
    """One call: what the vendor names it, and its address."""

    name: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)


class RestPayroll:
    """One for the whole process; made before the worker forks, its sockets belong to each fork."""

    def __init__(self, settings: RestSettings) -> None:
        self._settings, self._base = settings, settings.base_url.rstrip("/")
        self._sessions = OwnSession()

    # --- calls ---
    def environment(self, credentials: port.Credentials) -> port.Environment:
        """Whose consent this is: the debtor names it, there being no sub-domain in this interface."""
        (user, *_) = self._list(credentials, "/api/user/info", needed=1)
        debtor_id = _text(user, "debtorId", "GET /api/user/info")
        names = {debtor.id: debtor for debtor in self.debtors(credentials)}
        known = names.get(debtor_id.lower()) or next(iter(names.values()), None)
        return port.Environment(str(user.get("email") or ""), known.name if known else debtor_id)

    def debtors(self, credentials: port.Credentials) -> list[port.Debtor]:
        """Those that the consent covers."""
        call = "GET /api/debtors"
        rows = self._list(credentials, "/api/debtors")
        return [
            port.Debtor(_guid(row, "debtorId", call), str(row.get("number") or ""), str(row.get("name") or ""))
            for row in rows
        ]

    def companies(self, credentials: port.Credentials, debtor_id: str | None = None) -> list[port.Company]:
        """Those of one debtor, or all: debtor by debtor where the consent spans several (40306). No KvK number."""
        if debtor_id is not None:
            rows = self._list(credentials, "/api/debtors/{debtorId}/companies", {"debtorId": debtor_id})
            return [_company(row, debtor_id) for row in rows]
        try:
            return [_company(row, None) for row in self._list(credentials, "/api/companies")]
        except port.OutOfSight as error:
            if error.code != "40306":
                raise
        return [one for debtor in self.debtors(credentials) for one in self.companies(credentials, debtor.id)]

    def company_iban(self, credentials: port.Credentials, company_id: str) -> str | None:
        """The company's account in Nmbrs that was set last; None when there is none, or one that is no IBAN."""
        rows = self._list(credentials, "/api/companies/{companyId}/bankaccounts", {"companyId": company_id})
        newest = max(rows, key=lambda row: str(row.get("createdAt") or ""), default={})
        return _iban(newest.get("IBAN"))

    def runs(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.RunInfo]:
        """The runs of one year, as listed. `run_at` is when it was made."""
        path = "/api/companies/{companyId}/runs"
        return [_run(row) for row in self._list(credentials, path, {"companyId": company_id}, {"year": year})]

    def employees_in_run(self, credentials: port.Credentials, company_id: str, run_id: str, year: int) -> list[str]:
        """Employee ids."""
        path = "/api/companies/{companyId}/runs/{payrollRunId}/employees"
        ids = {"companyId": company_id, "payrollRunId": run_id}
        return [_guid(row, "employeeId", f"GET {path}") for row in self._list(credentials, path, ids, {"year": year})]

    def sepa_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """The run's payment file as it came; None when there is nothing to pay."""
        path = "/api/companies/{companyId}/runs/{payrollRunId}/sepa"
        ids = {"companyId": company_id, "payrollRunId": run_id}
        return self._document(credentials, path, ids, year, payment_date)

    def employees(self, credentials: port.Credentials, company_id: str) -> list[port.Employee]:
        """Everybody of a company by name; of each the newest name."""
        path = "/api/companies/{companyId}/employees/personalinfo"
        return [_employee(row) for row in self._list(credentials, path, {"companyId": company_id})]

    def employee_ibans(
        self, credentials: port.Credentials, company_id: str, employee_ids: Sequence[str]
    ) -> dict[str, list[str]]:
        """The valid IBANs of these people, in one list of the company."""
        path = "/api/companies/{companyId}/employees/bankaccounts"
        found: dict[str, list[str]] = {employee_id: [] for employee_id in employee_ids}
        for row in self._list(credentials, path, {"companyId": company_id}):
            employee_id = _guid(row, "employeeId", f"GET {path}")
            if employee_id in found:
                ibans = (_iban(account.get("IBAN")) for account in row.get("bankAccounts") or [])
                found[employee_id] += [iban for iban in ibans if iban]
        return found

    def wage_taxes(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.WageTax]:
        """The returns of one year, as listed."""
        path = "/api/companies/{companyId}/wagetaxes"
        return [_wage_tax(row) for row in self._list(credentials, path, {"companyId": company_id}, {"year": year})]

    def wage_tax_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, wage_tax_id: str, year: int,
        payment_date: date,
    ) -> bytes | None:  # fmt: skip
        """The payment file of one return; this interface does not ask for a run."""
        path = "/api/companies/{companyId}/wagetaxes/{wageTaxId}/sepa"
        ids = {"companyId": company_id, "wageTaxId": wage_tax_id}
        return self._document(credentials, path, ids, year, payment_date)

    def guids(self, credentials: port.Credentials, company_id: str) -> dict[tuple[str, str], str]:
        """None: its ids are GUIDs."""
        return {}

    # --- what this interface does not have ---
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

    # --- lists and documents ---
    def _list(
        self, credentials: port.Credentials, path: str, ids: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None, needed: int = 0,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Every row of a list, page after page."""
        name, rows = f"GET {path}", []
        address = _address(path, ids or {}, name)
        for number in range(1, MOST_PAGES + 1):
            asked = {**(query or {}), "pageNumber": number, "pageSize": PAGE_SIZE}
            found = self._json(credentials, _Call(name, address, asked))
            page = found.get("data")
            if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
                raise port.Unreadable(None, name, "no list in the answer")
            rows += page
            pages = found.get("pagination")
            total = pages.get("totalPages") if isinstance(pages, dict) else None
            if not page or not isinstance(total, int) or number >= total:
                break
        if len(rows) < needed:
            raise port.Unreadable(None, name, "an empty list")
        return rows

    def _document(
        self, credentials: port.Credentials, path: str, ids: Mapping[str, str], year: int, payment_date: date
    ) -> bytes | None:
        """Have a document made, and fetch it as soon as it is there. TryAgain when that takes too long."""
        name = f"GET {path}"
        asked = {"year": year, "paymentDate": payment_date.isoformat() + "T00:00:00"}
        task = _text(self._json(credentials, _Call(name, _address(path, ids, name), asked)), "taskId", name)
        call = "GET /api/documents/{taskId}"
        address, ends = _address("/api/documents/{taskId}", {"taskId": task}, call), self._file_ends()
        for pause in self._pauses():
            status, body = self._get(credentials, _Call(call, address))
            if status == 200:
                return None if not body or body.isspace() else body
            if time.monotonic() + pause > ends:
                break
            time.sleep(pause)
        raise port.TryAgain(None, name, "the document is not ready")

    def _file_ends(self) -> float:
        return time.monotonic() + self._settings.file_timeout

    def _pauses(self) -> Iterator[float]:
        yield from self._settings.document_pauses
        while True:
            yield self._settings.document_pauses[-1]

    # --- one call ---
    def _json(self, credentials: port.Credentials, call: _Call) -> dict[str, Any]:
        status, body = self._get(credentials, call)
        found = _object(body)
        if status != 200 or found is None:
            raise port.TryAgain(None, call.name, "the answer is no JSON")
        return found

    def _get(self, credentials: port.Credentials, call: _Call) -> tuple[int, bytes]:
        """Status 200 or 202 with its body; everything else is raised."""
        settings = self._settings
        headers = {
            "Authorization": f"Bearer {credentials.token}", "X-Subscription-Key": settings.subscription_key,
            "Accept": "application/json, application/octet-stream",
        }  # fmt: skip
        try:
            answer = self._sessions.get().get(
                self._base + call.path, params=call.query, headers=headers, stream=True, allow_redirects=False,
                timeout=(settings.connect_timeout, settings.read_timeout),
            )
            with closing(answer):
                body = _read(answer, call.name)
        except (requests.RequestException, UnicodeError) as error:
            # not chained: requests hangs the request, and so the token, on its errors
            raise port.TryAgain(None, call.name, type(error).__name__) from None
        if answer.status_code in (200, 202):
            return answer.status_code, body
        raise _refused(answer.status_code, answer.headers.get("Retry-After"), body, call.name)


def _read(answer: requests.Response, call: str) -> bytes:
    parts, size = [], 0
    for part in answer.iter_content(1 << 16):
        size += len(part)
        if size > MOST_BYTES:
            raise port.Unreadable(None, call, f"the answer is larger than {MOST_BYTES >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def _refused(status: int, retry_after: str | None, body: bytes, call: str) -> port.PayrollError:
    """The vendor's code says what it was; without one, a right that lacks (403) or trouble on the way."""
    problem = _object(body) or {}
    code = problem.get("code") if isinstance(problem.get("code"), int) else None
    words = str(problem.get("title") or status)[:200]
    if code == 42908 or (code is None and status == 429):
        seconds = int(retry_after) if retry_after and retry_after.isdigit() else 60
        return port.TooMany(str(code or status), call, words, min(seconds, 3600))
    if code in _KINDS:
        return _KINDS[code](str(code), call, words)
    if status in (401, 403):
        kind = port.BadCredentials if status == 401 else port.NotAllowed
        return kind(str(code or status), call, words)
    if code is not None and 400 <= status < 500:
        return port.Unreadable(str(code), call, words)
    return port.TryAgain(str(code) if code else None, call, words)


# --- reading ---
def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _address(path: str, ids: Mapping[str, str], call: str) -> str:
    """The path with its ids in place. Another id than a GUID was never of something that this interface shows."""
    for name, value in ids.items():
        if not _GUID.fullmatch(value):
            raise port.OutOfSight(None, call, "no id of this interface")
        path = path.replace(f"{{{name}}}", value)
    return path


def _text(row: Mapping[str, Any], name: str, call: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise port.Unreadable(None, call, f"{name} is missing")
    return value


def _guid(row: Mapping[str, Any], name: str, call: str) -> str:
    """A GUID in lower case, so that it compares."""
    return _text(row, name, call).lower()


def _number(row: Mapping[str, Any], name: str, call: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise port.Unreadable(None, call, f"{name} is no number")
    return value


def _moment(text: Any) -> datetime | None:
    """In UTC; a moment without a zone is UTC's here. None for what is none."""
    try:
        found = datetime.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _iban(text: Any) -> str | None:
    try:
        return normalise(str(text)) if text else None
    except ValueError:
        return None


def _company(row: Mapping[str, Any], debtor_id: str | None) -> port.Company:
    call = "GET /api/companies"
    owner = str(row.get("debtorId") or debtor_id or "").lower()
    return port.Company(
        _guid(row, "companyId", call), str(row.get("number") or ""), str(row.get("name") or ""), None, owner or None
    )


def _run(row: Mapping[str, Any]) -> port.RunInfo:
    call = "GET /api/companies/{companyId}/runs"
    return port.RunInfo(
        id=_guid(row, "payrollRunId", call), number=_number(row, "number", call), year=_number(row, "year", call),
        period_start=_number(row, "periodStart", call), period_end=_number(row, "periodEnd", call),
        description=str(row.get("description") or ""), run_at=_moment(row.get("createdAt")),
        locked=row.get("locked") is True,
    )  # fmt: skip


def _employee(row: Mapping[str, Any]) -> port.Employee:
    call = "GET /api/companies/{companyId}/employees/personalinfo"
    history = [one for one in row.get("info") or [] if isinstance(one, dict)]
    newest = max(history, key=lambda one: str(one.get("createdAt") or ""), default={})
    basic = newest.get("basicInfo")
    info = basic if isinstance(basic, dict) else {}
    return port.Employee(
        _guid(row, "employeeId", call), str(info.get("firstName") or ""), str(info.get("initials") or ""),
        str(info.get("prefix") or ""), str(info.get("lastName") or ""),
    )  # fmt: skip


def _wage_tax(row: Mapping[str, Any]) -> port.WageTax:
    """`totalGeneral` is in whole euros (facts §10, assumed; the payment takes its amount from the file)."""
    call = "GET /api/companies/{companyId}/wagetaxes"
    return port.WageTax(
        id=_guid(row, "wageTaxId", call), year=_number(row, "year", call), period=_number(row, "period", call),
        serial=_number(row, "serialNumber", call), reference=re.sub(r"[^0-9]", "", str(row.get("paymentReference"))),
        total_cents=round(float(row.get("totalGeneral") or 0) * 100), status=str(row.get("status") or ""),
        sent_at=_moment(row.get("sentAt")),
    )  # fmt: skip
