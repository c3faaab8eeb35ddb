"""Nmbrs over SOAP v3: the first adapter of the `Payroll` port. The vendor ends it on 2027-03-01.

zeep makes the requests, from WSDLs that the project ships. The answers are read by name with lxml: zeep
gives None, without a word, for every field that stands behind one it does not know, and takes ten
times the time and memory for a large file.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from lxml import etree
from zeep import Client

from connectors.nmbrs import port
from core.clock import AMSTERDAM
from core.iban import normalise

MOST_BYTES = 50 * 1024 * 1024
_WSDL = Path(__file__).parent / "wsdl"
_NAMESPACE = "https://api.nmbrs.nl/soap/v3/"
_CODE = re.compile(r"--->\s*([0-9]{4,5}):\s*((?:(?!--->)[^\n\r])*)")
_KINDS: dict[str, type[port.PayrollError]] = {
    "1001": port.BadCredentials,
    "1002": port.NotAllowed,
    "1003": port.OutOfSight,
    "2003": port.OutOfSight,
    "2004": port.OutOfSight,
    "2009": port.OutOfSight,
    "1004": port.Disabled,
    "1006": port.TryAgain,
    "9999": port.TryAgain,
}
log = logging.getLogger(__name__)


class SoapPayroll:
    """One for the whole process; made before the worker forks, its sockets belong to each fork.

    `base_url` is the host (the vendor's, or its sandbox). Time-outs in seconds. `pauses` are those
    between quick tries of a read that Nmbrs asks to be tried again (1006, 9999).
    """

    def __init__(
        self, base_url: str, connect_timeout: float = 5, read_timeout: float = 30, file_timeout: float = 120,
        pauses: tuple[float, ...] = (0.3, 1.0),
    ) -> None:  # fmt: skip
        self._base, self._pauses = base_url.rstrip("/"), pauses
        self._timeout, self._file_timeout = (connect_timeout, read_timeout), (connect_timeout, file_timeout)
        self._session = _session()
        self._clients = {name: Client(str(_WSDL / f"{name}.wsdl")) for name in ("DebtorService", "CompanyService")}

    # --- calls ---
    def environment(self, credentials: port.Credentials) -> port.Environment:
        """The environment of this user; the first call with new credentials."""
        call = "Environment_Get"
        found = _object(self._ask("DebtorService", call, credentials), call)
        sub = found.needed("SubDomain")
        return port.Environment(found.text("Domain") or sub, sub)

    def debtors(self, credentials: port.Credentials) -> list[port.Debtor]:
        """Those that this user sees."""
        call = "List_GetAll"
        rows = _rows(self._ask("DebtorService", call, credentials), "Debtor", call)
        return [port.Debtor(row.needed("Id"), row.text("Number") or "", row.text("Name") or "") for row in rows]

    def companies(self, credentials: port.Credentials, debtor_id: str | None = None) -> list[port.Company]:
        """All that this user sees, or those of one debtor."""
        if debtor_id is None:
            call, arguments = "List_GetAll", {}
        else:
            call = "List_GetByDebtor"
            arguments = {"DebtorId": _number(debtor_id, call)}
        rows = _rows(self._ask("CompanyService", call, credentials, arguments), "Company", call)
        return [_company(row, debtor_id) for row in rows]

    def company_iban(self, credentials: port.Credentials, company_id: str) -> str | None:
        """The company's account in Nmbrs; None when there is none, or one that is no IBAN."""
        call = "BankAccount_GetCurrent"
        result = self._ask("CompanyService", call, credentials, {"CompanyId": _number(company_id, call)})
        row = _Row(result, call) if result is not None else None
        if row is None or row.text("Id") in (None, "0"):
            return None
        text = row.text("IBAN")
        try:
            return normalise(text) if text else None
        except ValueError:
            return None

    def runs(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.RunInfo]:
        """The runs of one year, as listed."""
        call = "Run_GetList"
        arguments = {"CompanyId": _number(company_id, call), "Year": year}
        return [_run(row) for row in _rows(self._ask("CompanyService", call, credentials, arguments), "RunInfo", call)]

    def employees_in_run(self, credentials: port.Credentials, company_id: str, run_id: str, year: int) -> list[str]:
        """Employee ids."""
        call = "Run_GetEmployeesByRunCompany"
        arguments = {"CompanyId": _number(company_id, call), "RunId": _number(run_id, call), "Year": year}
        rows = _rows(self._ask("CompanyService", call, credentials, arguments), "EmployeeIdNumber", call)
        return [row.needed("EmployeeId") for row in rows]

    def sepa_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """The run's payment file as it came, in UTF-8; None when there is nothing to pay."""
        call = "SalaryDocuments_GetSEPA"
        arguments = {
            "CompanyId": _number(company_id, call), "RunID": _number(run_id, call), "Year": year,
            "paymentDate": datetime(payment_date.year, payment_date.month, payment_date.day),  # noqa: DTZ001
        }  # fmt: skip
        result = self._ask("CompanyService", call, credentials, arguments, self._file_timeout)
        text = None if result is None else result.text
        return text.encode() if text and text.strip() else None

    # --- how a call is made ---
    def _ask(
        self, service: str, call: str, credentials: port.Credentials, arguments: dict[str, Any] | None = None,
        timeout: tuple[float, float] | None = None,
    ) -> Any:  # fmt: skip
        """The result's element, None when the answer holds none."""
        envelope = self._envelope(service, call, credentials, arguments or {})

        def attempt() -> Any:
            body = self._post(service, call, envelope, timeout or self._timeout)
            return _result(body, call, secret=credentials.token)

        return self._again(call, attempt)

    def _envelope(self, service: str, call: str, credentials: port.Credentials, arguments: dict[str, Any]) -> bytes:
        client, header = self._clients[service], _header(call, credentials)
        try:
            return etree.tostring(client.create_message(client.service, call, _soapheaders=header, **arguments))
        except ValueError:  # signs that no text can have: typed wrong, whatever the vendor would say
            raise port.BadCredentials(None, call, "credentials that are no text") from None

    def _again(self, call: str, attempt: Callable[[], Any]) -> Any:
        """A read may be tried again at once where the vendor says that it helps."""
        for pause in self._pauses:
            try:
                return attempt()
            except port.TryAgain as error:
                if error.code is None:
                    raise
                log.info("%s: %s, tried again", call, error.code)
            time.sleep(pause)
        return attempt()

    def _post(self, service: str, call: str, envelope: bytes, timeout: tuple[float, float]) -> bytes:
        headers = {"SOAPAction": f'"{_NAMESPACE}{service}/{call}"', "Content-Type": "text/xml; charset=utf-8"}
        url = f"{self._base}/soap/v3/{service}.asmx"
        try:
            answer = self._session.post(
                url, data=envelope, headers=headers, timeout=timeout, stream=True, allow_redirects=False
            )
            with closing(answer):
                return _limited(answer, call)
        except requests.RequestException as error:
            # not chained: requests hangs the request, and so the token, on its errors
            raise port.TryAgain(None, call, type(error).__name__) from None


def _session() -> requests.Session:
    """Nothing of one customer's call may go along with another's: no cookies are kept. Nor is there a
    password file or proxy that the environment brings in."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = False
    return session


def _header(call: str, credentials: port.Credentials) -> dict[str, dict]:
    """Who asks. The call that tells the domain is the one that takes none."""
    known = {"Username": credentials.email, "Token": credentials.token}
    if call == "Environment_Get":
        return {"AuthHeader": known}
    return {"AuthHeaderWithDomain": known | {"Domain": credentials.domain}}


def _limited(answer: requests.Response, call: str) -> bytes:
    body = BytesIO()
    for part in answer.iter_content(1 << 16):
        body.write(part)
        if body.tell() > MOST_BYTES:
            raise port.Unreadable(None, call, "the answer is larger than 50 MB")
    return body.getvalue()


# --- how an answer is read ---
def _result(body: bytes, call: str, secret: str) -> Any:
    """The element <callResult>, None when it is left out; a fault is raised, anything but SOAP is "try again"."""
    content = _content(body, call)
    name = _local(content)
    if name == "Fault":
        texts = (child.text or "" for child in content.iter("{*}faultstring", "faultstring", "{*}Text"))
        raise _fault(call, next(texts, "").replace(secret or "\0", "…"))
    if name != f"{call}Response":
        raise port.TryAgain(None, call, "the answer is not the one of this call")
    return next((child for child in content if _local(child) == f"{call}Result"), None)


def _content(body: bytes, call: str) -> Any:
    """What stands in the envelope's body. SOAP knows no document types, so an answer has none."""
    parser = etree.XMLParser(
        encoding="utf-8", huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        if b"<!DOCTYPE" in body:
            raise ValueError("a document type")
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise port.TryAgain(None, call, "the answer is no XML") from None
    found = next((child for child in root if _local(root) == "Envelope" and _local(child) == "Body"), None)
    if found is None or len(found) == 0:
        raise port.TryAgain(None, call, "the answer is no SOAP")
    return found[0]


def _fault(call: str, text: str) -> port.PayrollError:
    """The last "---> CODE: text" of a fault says what it was; a fault without one is trouble on the way."""
    found = _CODE.findall(text)
    if not found:
        return port.TryAgain(None, call, "fault without a code")
    code, words = found[-1]
    return _KINDS.get(code, port.Unreadable)(code, call, words.strip()[:200])


def _local(element: Any) -> str:
    return etree.QName(element).localname


class _Row:
    """One object of an answer: its fields by name, in whatever order they stand."""

    def __init__(self, element: Any, call: str) -> None:
        self.call = call
        self._fields = {_local(child): (child.text or "").strip() for child in reversed(element)}

    def text(self, name: str) -> str | None:
        return self._fields.get(name) or None

    def needed(self, name: str) -> str:
        """Unreadable without it."""
        text = self.text(name)
        if text is None:
            raise port.Unreadable(None, self.call, f"{name} is missing")
        return text

    def number(self, name: str) -> int:
        """A whole number that we cannot do without."""
        try:
            return int(self.needed(name))
        except ValueError:
            raise port.Unreadable(None, self.call, f"{name} is no number") from None

    def moment(self, name: str) -> datetime | None:
        """In UTC; the vendor's local time is Amsterdam's. None for what is none, such as .NET's year 1."""
        try:
            found = datetime.fromisoformat(self.text(name) or "")
            return (found if found.tzinfo else found.replace(tzinfo=AMSTERDAM)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def _object(result: Any, call: str) -> _Row:
    if result is None:
        raise port.Unreadable(None, call, "nothing in the answer")
    return _Row(result, call)


def _rows(result: Any, name: str, call: str) -> list[_Row]:
    """The list in an answer; a left out one is empty. One that holds other things is none we know."""
    if result is None:
        return []
    rows = [_Row(child, call) for child in result if _local(child) == name]
    if len(result) and not rows:
        raise port.Unreadable(None, call, f"the list of {name} holds something else")
    return rows


def _number(text: str, call: str) -> int:
    """An id as this interface has them. Another one was never of a company that it shows."""
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise port.OutOfSight(None, call, "no id of this interface")
    return int(text)


def _company(row: _Row, debtor_id: str | None) -> port.Company:
    kvk = re.sub(r"[^0-9]", "", row.text("KvkNr") or "")
    return port.Company(
        id=row.needed("ID"), number=row.needed("Number"), name=row.text("Name") or "",
        kvk_number=kvk.zfill(8) if kvk else None, debtor_id=debtor_id,
    )  # fmt: skip


def _run(row: _Row) -> port.RunInfo:
    return port.RunInfo(
        id=row.needed("ID"), number=row.number("Number"), year=row.number("Year"),
        period_start=row.number("PeriodStart"), period_end=row.number("PeriodEnd"),
        description=row.text("Description") or "", run_at=row.moment("RunAt"),
        locked=row.needed("IsLocked") in ("true", "1"),
    )  # fmt: skip
