"""Answers over SOAP that the sandbox cannot give: malformed, huge, slow or unexpected."""

import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.soap import SoapPayroll
from tests.support.nmbrs_soap import (
    CALLS,
    COMPANY,
    DAY,
    RUN_LIST,
    Ask,
    answer_of,
    envelope,
    error_of,
    every_call,
    http,
    payroll_at,
    run_python,
    serving,
)
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import closed_port, saying


@every_call
def test_an_unreachable_server(keys: port.Credentials, ask: Ask):
    assert type(error_of(ask, payroll_at(f"http://127.0.0.1:{closed_port()}"), keys)) is port.TemporaryError


def runs_answer(result: str) -> bytes:
    return http(envelope(RUN_LIST.format(result)))


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "half an answer": http(envelope(RUN_LIST.format("")))[:-40],
    "a page that is not there": http(b"<html><body><h1>Not Found</h1><br></body></html>", "404 Not Found"),
    "a sign-in page": http(b"<html><body/></html>", headers="Content-Type: text/html"),
    "nothing in it": http(b""),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "json": http(b'{"error": "x"}', "500 Internal Server Error", "Content-Type: application/json"),
    "another call's answer": http(envelope("<List_GetAllResponse/>")),
    "an empty body": http(envelope("")),
    "no envelope": http(b"<Run_GetListResponse/>"),
    "a fault without a word": http(envelope("<s:Fault/>"), "500 Internal Server Error"),
    "a strange fault": http(envelope("<s:Fault><faultstring>Oops</faultstring></s:Fault>"), "500 Oops"),
    "another alphabet": http("<a/>".encode("utf-16")),
    "a document type": http(b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(RUN_LIST.format(""))),
    "entities that nobody declared": http(b'<?x?><a b="' + b"&c;" * 100),  # lxml then has no root, and no error
    "a broken tag": http(envelope(RUN_LIST.format("<Run_GetListResult>"))),
    "a wrong length of a piece": http(b"zz\r\n", headers="Transfer-Encoding: chunked").replace(b"Content-Length", b"X"),
    "squeezed rubbish": http(b"rubbish", headers="Content-Encoding: gzip"),
    "a longer way": http(b"", "302 Found", "Location: http://127.0.0.1:9/"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_an_unreadable_answer_is_temporary(keys: port.Credentials, name: str):
    with saying(GARBAGE[name]) as number:
        error = error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys)
    assert (type(error), error.code, error.call) == (port.TemporaryError, None, "CompanyService.Run_GetList")


@pytest.mark.parametrize("path", ["/nothing", "/soap/v3", "/control", "/?a="])
@every_call
def test_a_wrong_base_address(sandbox: Sandbox, keys: port.Credentials, path: str, ask: Ask):
    assert type(error_of(ask, payroll_at(f"{sandbox.url}{path}"), keys)) is port.TemporaryError


@pytest.mark.parametrize("base", ["ftp://127.0.0.1", "127.0.0.1:1", "http://", "http://[::1", "http://a b/"])
def test_an_invalid_base_address(keys: port.Credentials, base: str):
    assert type(error_of(CALLS["CompanyService.Run_GetList"], payroll_at(base), keys)) is port.TemporaryError


RUN = (
    "<RunInfo><ID>7</ID><Number>3</Number><Year>2026</Year><PeriodStart>4</PeriodStart><PeriodEnd>4</PeriodEnd>"
    "<Description>april</Description><RunAt>2026-04-24T10:00:00</RunAt><IsLocked>true</IsLocked></RunInfo>"
)


def runs_in(result: str, keys: port.Credentials) -> list[port.RunInfo]:
    with saying(runs_answer(result)) as number:
        return payroll_at(f"http://127.0.0.1:{number}").runs(keys, COMPANY, 2026)


def test_a_run_as_the_vendor_writes_it(keys: port.Credentials):
    expected = port.RunInfo("7", 3, 2026, 4, 4, "april", datetime(2026, 4, 24, 8, 0, tzinfo=UTC), True)
    assert runs_in(f"<Run_GetListResult>{RUN}</Run_GetListResult>", keys) == [expected]


@pytest.mark.parametrize("result", ["", "<Run_GetListResult/>", "<Run_GetListResult><!-- none --></Run_GetListResult>"])
def test_no_runs(keys: port.Credentials, result: str):
    assert runs_in(result, keys) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<ID>7</ID>", ""),
        ("<ID>7</ID>", "<ID/>"),
        ("<ID>7</ID>", "<Id>7</Id>"),
        ("<Number>3</Number>", ""),
        ("<Number>3</Number>", "<Number>three</Number>"),
        ("<Year>2026</Year>", "<Year/>"),
        ("<PeriodEnd>4</PeriodEnd>", ""),
        ("<IsLocked>true</IsLocked>", ""),
        ("RunInfo>", "Run>"),
    ],
)
def test_a_run_without_a_required_field_is_refused(keys: port.Credentials, before: str, after: str):
    with pytest.raises(port.Unreadable) as caught:
        runs_in(f"<Run_GetListResult>{RUN.replace(before, after)}</Run_GetListResult>", keys)
    assert caught.value.call == "CompanyService.Run_GetList"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-04-24T10:00:00", datetime(2026, 4, 24, 8, tzinfo=UTC)),
        ("2026-01-24T10:00:00", datetime(2026, 1, 24, 9, tzinfo=UTC)),
        ("2026-04-24T10:00:00.1234567+02:00", datetime(2026, 4, 24, 8, microsecond=123456, tzinfo=UTC)),
        ("2026-04-24T08:00:00Z", datetime(2026, 4, 24, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_moment_of_a_run(keys: port.Credentials, written: str, moment: datetime | None):
    [run] = runs_in(f"<Run_GetListResult>{RUN.replace('2026-04-24T10:00:00', written)}</Run_GetListResult>", keys)
    assert run.run_at == moment


@pytest.mark.parametrize(
    "account",
    [
        "",
        "<BankAccount_GetCurrentResult/>",
        "<BankAccount_GetCurrentResult><Id>0</Id></BankAccount_GetCurrentResult>",
        "<BankAccount_GetCurrentResult><Id>1</Id><IBAN/></BankAccount_GetCurrentResult>",
        "<BankAccount_GetCurrentResult><Id>1</Id><IBAN>NL00</IBAN></BankAccount_GetCurrentResult>",
    ],
)
def test_no_account(keys: port.Credentials, account: str):
    content = f'<BankAccount_GetCurrentResponse xmlns="urn:x">{account}</BankAccount_GetCurrentResponse>'
    with saying(http(envelope(content))) as number:
        assert payroll_at(f"http://127.0.0.1:{number}").company_iban(keys, COMPANY) is None


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("---> 1001: Invalid Authentication", port.BadCredentials, "1001"),
        ("---> 1002: Unauthorized access", port.NotAllowed, "1002"),
        ("---> 1003: Unauthorized access", port.NotVisible, "1003"),
        ("---> 2003: Unauthorized access", port.NotVisible, "2003"),
        ("---> 2004: Unauthorized access", port.NotVisible, "2004"),
        ("---> 2009: Unauthorized access", port.NotVisible, "2009"),
        ("---> 1004: Disabled, no valid subscription", port.Disabled, "1004"),
        ("---> 1006: Generic Login Security Failure", port.TemporaryError, "1006"),
        ("---> 9999: Unkown", port.TemporaryError, "9999"),
        ("---> 2006: Invalid Period", port.Unreadable, "2006"),
        ("---> 9999: Unkown ---> 1001: Invalid Authentication", port.BadCredentials, "1001"),
        ("Server was unable to process request. --->   1002:Unauthorized access", port.NotAllowed, "1002"),
        ("Unable to handle request without a valid action parameter.", port.TemporaryError, None),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_last_code_of_a_fault_counts(keys: port.Credentials, text: str, kind: type, code: str | None, version: str):
    words = text.replace(">", "&gt;")
    reason = f"<faultcode>s:Server</faultcode><faultstring>{words}</faultstring><detail/>"
    if version == "1.2":
        reason = f"<s:Code/><s:Reason><s:Text>{words}</s:Text></s:Reason>"
    with saying(http(envelope(f"<s:Fault>{reason}</s:Fault>"), "500 Internal Server Error")) as number:
        error = error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys)
    assert (type(error), error.code, error.call) == (kind, code, "CompanyService.Run_GetList")


def test_an_endless_answer_is_cut_off(keys: port.Credentials):
    sent: list[int] = []

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            with suppress(ConnectionError):
                for _ in range(2000):
                    sent.append(self.wfile.write(b" " * (1 << 20)))

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Endless) as url:
        error = error_of(CALLS["CompanyService.SalaryDocuments_GetSEPA"], payroll_at(url), keys)
    assert (type(error), error.text) == (port.Unreadable, "the answer is larger than 100 MB")
    assert sum(sent) < 150 << 20


def test_a_file_that_is_no_text_is_refused(keys: port.Credentials):
    with saying(answer_of("SalaryDocuments_GetSEPA", "<Document><CstmrCdtTrfInitn/></Document>")) as number:
        ask = CALLS["CompanyService.SalaryDocuments_GetSEPA"]
        assert type(error_of(ask, payroll_at(f"http://127.0.0.1:{number}"), keys)) is port.Unreadable


GROWTH = """
import resource, sys
from datetime import date
from connectors.nmbrs.port import Credentials
from connectors.nmbrs.soap import SoapPayroll
payroll, keys = SoapPayroll(sys.argv[1]), Credentials("a@b.nl", "token", "demo")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(payroll.sepa_file(keys, "1", "1", 2026, date(2026, 11, 25))))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_the_memory_use_of_a_large_file():
    """The text is once in the parser, whose buffer doubles as it grows, and once as bytes."""
    file = "&lt;CdtTrfTxInf&gt;" * (40_000_000 // 13)
    with saying(answer_of("SalaryDocuments_GetSEPA", file)) as number:
        told = run_python(GROWTH, f"http://127.0.0.1:{number}")
    size, growth = int(told[0]), int(told[1]) * (1 if sys.platform == "darwin" else 1024)
    assert size == len(file.replace("&lt;", "<").replace("&gt;", ">"))
    assert growth < 4 * size


@pytest.mark.parametrize("wrong", ["", "abc", "1; drop", "3fa85f64-5717-4562-b3fc-2c963f66afa6", "-1", "１", "9" * 30])
def test_an_id_of_another_api_is_not_visible(payroll: SoapPayroll, keys: port.Credentials, wrong: str):
    asks: list[Ask] = [
        lambda payroll, keys: payroll.companies(keys, wrong),
        lambda payroll, keys: payroll.company_iban(keys, wrong),
        lambda payroll, keys: payroll.runs(keys, wrong, 2026),
        lambda payroll, keys: payroll.employees_in_run(keys, COMPANY, wrong, 2026),
        lambda payroll, keys: payroll.sepa_file(keys, COMPANY, wrong, 2026, DAY),
    ]
    for ask in asks:
        assert type(error_of(ask, payroll, keys)) is port.NotVisible


@pytest.mark.parametrize("email", ["", "a\x00@b.nl", "\udcff", "a@b.nl\x1f", "<&>\"'@b.nl", "ü@b.nl"])
def test_mistyped_credentials(payroll: SoapPayroll, keys: port.Credentials, email: str):
    for wrong in (replace(keys, email=email), replace(keys, token=email), replace(keys, domain=email or "other")):
        assert type(error_of(CALLS["CompanyService.Run_GetList"], payroll, wrong)) is port.BadCredentials
