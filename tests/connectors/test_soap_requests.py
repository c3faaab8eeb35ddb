"""What is sent over SOAP: timeouts, threads and forks, and no secret in a log or error."""

import logging
import threading
import traceback
from http.server import BaseHTTPRequestHandler

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.soap import SoapPayroll
from tests.support.nmbrs_soap import (
    CALLS,
    COMPANY,
    DAY,
    RUN_LIST,
    envelope,
    error_of,
    http,
    payroll_at,
    run_python,
    serving,
)
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, saying


def test_the_vendor_gets_what_it_expects(sandbox: Sandbox, between: Meddler, keys: port.Credentials):
    made = sandbox.run_payroll(webhook="none")
    assert payroll_at(between.url).sepa_file(keys, COMPANY, str(made["run"]), made["year"], DAY)
    [(path, headers, body)] = between.seen
    assert path == "/soap/v3/CompanyService.asmx"
    assert headers["SOAPAction"] == '"https://api.nmbrs.nl/soap/v3/CompanyService/SalaryDocuments_GetSEPA"'
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    order = [body.index(f"<ns0:{name}>".encode()) for name in ("CompanyId", "RunID", "Year", "paymentDate")]
    assert order == sorted(order)
    assert b"2026-11-25T00:00:00" in body


def test_a_redirect_gets_no_token(sandbox: Sandbox, between: Meddler, keys: port.Credentials):
    elsewhere = f"Location: {between.url}/soap/v3/CompanyService.asmx"
    with saying(http(b"", "307 Temporary Redirect", elsewhere)) as number:
        assert (
            type(error_of(CALLS["CompanyService.Run_GetList"], payroll_at(f"http://127.0.0.1:{number}"), keys))
            is port.TemporaryError
        )
    assert between.seen == []


def test_cookies_are_not_shared_between_customers(keys: port.Credentials):
    cookies: list[str | None] = []

    class Baker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            cookies.append(self.headers.get("Cookie"))
            body = envelope(RUN_LIST.format(""))
            self.send_response(200)
            self.send_header("Set-Cookie", "ASP.NET_SessionId=of-the-first; path=/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Baker) as url:
        payroll = payroll_at(url)
        payroll.runs(keys, COMPANY, 2026)
        payroll.runs(port.Credentials("another@example.nl", "other", "demo"), COMPANY, 2026)
    assert cookies == [None, None]


FORKING = """
import os, sys
from connectors.nmbrs.port import Credentials
from connectors.nmbrs.soap import SoapPayroll
payroll, keys = SoapPayroll(sys.argv[1]), Credentials("a@b.nl", "token", "demo")
payroll.runs(keys, "1", 2026)
child = os.fork()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
payroll.runs(keys, "1", 2026)
"""


def test_each_fork_has_its_own_connections():
    """A connection is reused for many calls, but never shared with a child process."""
    lines: list[int] = []

    class Listing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            lines.append(self.client_address[1])
            body = envelope(RUN_LIST.format(""))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with serving(Listing) as url:
        run_python(FORKING, url)
    first, child, again = lines
    assert first == again != child


TOKEN = "b7d2c1f0e9a84c3db1a2c3d4e5f60718"


def echoing(status: str = "500 Internal Server Error") -> bytes:
    words = f"Server was unable to process request. ---&gt; 1001: Invalid Authentication of {TOKEN}"
    return http(envelope(f"<s:Fault><faultstring>{words}</faultstring></s:Fault>"), status)


@pytest.mark.parametrize("answer", [echoing(), http(TOKEN.encode()), b"", None], ids=["told", "page", "cut", "silent"])
def test_the_token_is_never_exposed(answer: bytes | None, caplog: pytest.LogCaptureFixture):
    """Not in the exception, its causes, or any log at debug level."""
    caplog.set_level(logging.DEBUG)
    keys = port.Credentials("a@b.nl", TOKEN, "demo")
    assert TOKEN not in repr(keys)
    assert TOKEN not in str(keys)
    with saying(answer) as number:
        impatient = payroll_at(f"http://127.0.0.1:{number}", read_timeout=0.2)
        error = error_of(CALLS["CompanyService.Run_GetList"], impatient, keys)
    assert TOKEN not in "".join(traceback.format_exception(error))
    assert TOKEN not in f"{error!r} {vars(error)}"
    # an exception of requests contains the request, so an error reporter must not reach it
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert TOKEN not in caplog.text


def test_threads_can_share_one_client(sandbox: Sandbox, payroll: SoapPayroll, keys: port.Credentials):
    """Each gets the answer to its own request."""
    wrong = port.Credentials(keys.email, "wrong", "demo")
    told: list[bool] = []

    def ask(right: bool) -> None:
        for _ in range(5):
            try:
                payroll.debtors(keys if right else wrong)
                told.append(right)
            except port.BadCredentials:
                told.append(not right)

    threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [True] * 30
