"""Nmbrs over SOAP v3: the first adapter of the `Payroll` port. The vendor ends it on 2027-03-01.

zeep works on WSDLs that the project ships. Reading is lenient about what the vendor adds and strict
about what we need: an answer that lacks a needed field is refused, not guessed.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault
from zeep.transports import Transport

from connectors.nmbrs import port
from core.clock import AMSTERDAM
from core.iban import normalise

_WSDL = Path(__file__).parent / "wsdl"
_NAMESPACE = "https://api.nmbrs.nl/soap/v3/"
_CODE = re.compile(r"--->\s*(\d{4,5}):\s*([^\n\r]*)")
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
MOST_BYTES = 50 * 1024 * 1024
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
        self._clients = {name: self._client(name) for name in ("DebtorService", "CompanyService")}

    def _client(self, name: str) -> tuple[Client, Any]:
        transport = Transport(timeout=5, operation_timeout=self._timeout, session=requests.Session())  # type: ignore[arg-type]
        settings = Settings(strict=False, xml_huge_tree=True, forbid_entities=True)  # type: ignore[call-arg]
        client = Client(str(_WSDL / f"{name}.wsdl"), transport=transport, settings=settings)
        binding = f"{{{_NAMESPACE}{name}}}{name}Soap"
        return client, client.create_service(binding, f"{self._base}/soap/v3/{name}.asmx")

    # --- calls ---
    def environment(self, credentials: port.Credentials) -> port.Environment:
        """The environment of this user; the first call with new credentials."""
        header = {"AuthHeader": {"Username": credentials.email, "Token": credentials.token}}
        found = self._call("DebtorService", "Environment_Get", header)
        sub = _needed(found, "SubDomain", "Environment_Get")
        return port.Environment(getattr(found, "Domain", None) or sub, sub)

    def debtors(self, credentials: port.Credentials) -> list[port.Debtor]:
        call = "List_GetAll"
        rows = _rows(self._call("DebtorService", call, _header(credentials)), "Debtor", call)
        return [
            port.Debtor(str(_needed(r, "Id", call)), str(_needed(r, "Number", call)), _needed(r, "Name", call))
            for r in rows
        ]

    def companies(self, credentials: port.Credentials, debtor_id: str | None = None) -> list[port.Company]:
        if debtor_id is None:
            call, arguments = "List_GetAll", {}
        else:
            call, arguments = "List_GetByDebtor", {"DebtorId": int(debtor_id)}
        rows = _rows(self._call("CompanyService", call, _header(credentials), **arguments), "Company", call)
        return [_company(row, debtor_id, call) for row in rows]

    def company_iban(self, credentials: port.Credentials, company_id: str) -> str | None:
        call = "BankAccount_GetCurrent"
        found = self._call("CompanyService", call, _header(credentials), CompanyId=int(company_id))
        text = getattr(found, "IBAN", None) if found is not None and getattr(found, "Id", 0) else None
        try:
            return normalise(text) if text else None
        except ValueError:
            return None

    def runs(self, credentials: port.Credentials, company_id: str, year: int) -> list[port.RunInfo]:
        call = "Run_GetList"
        found = self._call("CompanyService", call, _header(credentials), CompanyId=int(company_id), Year=year)
        return [_run(row, call) for row in _rows(found, "RunInfo", call)]

    def employees_in_run(self, credentials: port.Credentials, company_id: str, run_id: str, year: int) -> list[str]:
        call = "Run_GetEmployeesByRunCompany"
        arguments = {"CompanyId": int(company_id), "RunId": int(run_id), "Year": year}
        rows = _rows(self._call("CompanyService", call, _header(credentials), **arguments), "EmployeeIdNumber", call)
        return [str(_needed(row, "EmployeeId", call)) for row in rows]

    def sepa_file(
        self, credentials: port.Credentials, company_id: str, run_id: str, year: int, payment_date: date
    ) -> bytes | None:
        """The run's payment file as bytes, None when there is nothing to pay.

        The request is built by zeep; the answer, which may be tens of megabytes of escaped XML, is
        read with lxml directly: a tenth of the memory.
        """
        arguments = {
            "CompanyId": int(company_id), "RunID": int(run_id), "Year": year,
            "paymentDate": datetime(payment_date.year, payment_date.month, payment_date.day),  # noqa: DTZ001
        }  # fmt: skip
        call = "SalaryDocuments_GetSEPA"
        text = self._again(call, lambda: self._post_for_text("CompanyService", call, _header(credentials), arguments))
        return text.encode() if text and text.strip() else None

    # --- how a call is made ---
    def _call(self, service: str, call: str, header: dict, **arguments: Any) -> Any:
        operation = getattr(self._clients[service][1], call)
        return self._again(call, lambda: _translated(call, lambda: operation(_soapheaders=header, **arguments)))

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

    def _post_for_text(self, service: str, call: str, header: dict, arguments: dict) -> str | None:
        client, proxy = self._clients[service]
        envelope = client.create_message(proxy, call, _soapheaders=header, **arguments)
        headers = {"SOAPAction": f'"{_NAMESPACE}{service}/{call}"', "Content-Type": "text/xml; charset=utf-8"}
        try:
            answer = client.transport.session.post(
                f"{self._base}/soap/v3/{service}.asmx", data=etree.tostring(envelope), headers=headers,
                timeout=self._file_timeout, stream=True, allow_redirects=False,
            )  # fmt: skip
            with closing(answer):
                body = _limited(answer, call)
        except requests.RequestException as error:
            raise port.TryAgain(None, call, type(error).__name__) from error
        return _result_text(body, call)


def _header(credentials: port.Credentials) -> dict:
    return {
        "AuthHeaderWithDomain": {
            "Username": credentials.email, "Token": credentials.token, "Domain": credentials.domain,
        }
    }  # fmt: skip


def _translated(call: str, attempt: Callable[[], Any]) -> Any:
    """What zeep and the line can raise, as the port's errors. Nothing of the request goes into their text."""
    try:
        return attempt()
    except Fault as error:
        raise _fault(call, str(error.message or "")) from error
    except (ZeepError, etree.XMLSyntaxError) as error:
        raise port.TryAgain(None, call, type(error).__name__) from error
    except requests.RequestException as error:
        raise port.TryAgain(None, call, type(error).__name__) from error


def _fault(call: str, text: str) -> port.PayrollError:
    """The last "---> CODE: text" of a fault says what it was; a fault without one is trouble on the way."""
    found = _CODE.findall(text)
    if not found:
        return port.TryAgain(None, call, "fault without a code")
    code, words = found[-1]
    return _KINDS.get(code, port.Unreadable)(code, call, words.strip()[:200])


def _limited(answer: requests.Response, call: str) -> bytes:
    body = BytesIO()
    for part in answer.iter_content(1 << 16):
        body.write(part)
        if body.tell() > MOST_BYTES:
            raise port.Unreadable(None, call, "the answer is larger than 50 MB")
    return body.getvalue()


def _result_text(body: bytes, call: str) -> str | None:
    """The text of <callResult>; a fault in the answer is raised, anything else than SOAP is "try again"."""
    text, fault, seen = None, None, False
    try:
        events = etree.iterparse(
            BytesIO(body), events=("end",), huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False
        )
        for _, element in events:
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if name == f"{call}Result":
                text = element.text
            elif name in ("faultstring", "Text"):
                fault = element.text or ""
            seen = seen or name == f"{call}Response"
    except etree.XMLSyntaxError as error:
        raise port.TryAgain(None, call, "the answer is no XML") from error
    if fault is not None:
        raise _fault(call, fault)
    if not seen:
        raise port.TryAgain(None, call, "the answer is not the one of this call")
    return text


def _rows(found: Any, name: str, call: str) -> list[Any]:
    """The list in an answer: zeep gives None for an empty one."""
    if found is None:
        return []
    if isinstance(found, list):
        return found
    if getattr(found, "_raw_elements", None):
        raise port.Unreadable(None, call, f"the list of {name} holds something else")
    return getattr(found, name, None) or []


def _needed(row: Any, name: str, call: str) -> Any:
    value = getattr(row, name, None)
    if value is None:
        raise port.Unreadable(None, call, f"{name} is missing")
    return value


def _company(row: Any, debtor_id: str | None, call: str) -> port.Company:
    kvk = re.sub(r"\D", "", getattr(row, "KvkNr", None) or "")
    return port.Company(
        id=str(_needed(row, "ID", call)), number=str(_needed(row, "Number", call)), name=getattr(row, "Name", "") or "",
        kvk_number=kvk.zfill(8) if kvk else None, debtor_id=debtor_id,
    )  # fmt: skip


def _run(row: Any, call: str) -> port.RunInfo:
    run_at = getattr(row, "RunAt", None)
    if isinstance(run_at, datetime):
        run_at = (run_at if run_at.tzinfo else run_at.replace(tzinfo=AMSTERDAM)).astimezone(UTC)
    return port.RunInfo(
        id=str(_needed(row, "ID", call)), number=_needed(row, "Number", call), year=_needed(row, "Year", call),
        period_start=getattr(row, "PeriodStart", None) or 0, period_end=getattr(row, "PeriodEnd", None) or 0,
        description=(getattr(row, "Description", None) or "").strip(),
        run_at=run_at if isinstance(run_at, datetime) else None, locked=bool(getattr(row, "IsLocked", False)),
    )  # fmt: skip
