"""The calls of the Nmbrs port over SOAP, each with its arguments, and the adapter to make them with."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.soap import SoapPayroll
from core.clock import utcnow

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 25)
COMPANY = "9969"
HOOK = "http://127.0.0.1:8000/client/a-secret-key/webhooks/paymentsbatch"


def payroll_at(url: str, **changes: Any) -> SoapPayroll:
    return SoapPayroll(
        url, **{"connect_timeout": 2, "read_timeout": 5, "file_timeout": 5, "pauses": (0.01, 0.01)} | changes
    )


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


def http(body: bytes, status: str = "200 OK", headers: str = "Content-Type: text/xml; charset=utf-8") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def envelope(content: str) -> bytes:
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return f'<s:Envelope xmlns:s="{soap}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def answer_of(method: str, result: str) -> bytes:
    return http(envelope(f"<{method}Response><{method}Result>{result}</{method}Result></{method}Response>"))


RUN_LIST = '<Run_GetListResponse xmlns="https://api.nmbrs.nl/soap/v3/CompanyService">{}</Run_GetListResponse>'


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
