"""Nmbrs over REST, with answers that the sandbox does not give: incomplete, malformed, echoing, redirecting."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.nmbrs import port
from connectors.nmbrs.rest import RestPayroll, RestSettings
from connectors.nmbrs.rest_transport import MOST_BYTES
from tests.support.tampering_proxy import saying

TOKEN, KEY = "a-secret-access-token", "a-secret-subscription-key"
KEYS = port.Credentials("a@b.example", TOKEN)
DAY = date(2026, 11, 25)
FIRST, SECOND = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
RUN = {
    "payrollRunId": FIRST, "number": 1, "year": 2026, "periodStart": 4, "periodEnd": 4, "description": "april",
    "createdAt": "2026-04-24T10:00:00Z", "locked": True,
}  # fmt: skip
TAX = {
    "wageTaxId": FIRST, "serialNumber": 1, "totalGeneral": 6932, "paymentReference": "1111.2223.3630.1010",
    "period": 4, "year": 2026, "status": "Verzonden", "sentAt": None,
}  # fmt: skip

Answer = tuple[int, dict[str, str], bytes]
Give = Callable[[str, dict[str, str]], Answer]


@dataclass
class Other:
    """A server's answers, and the path, query and headers it received."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)


@contextmanager
def answering(give: Give) -> Iterator[Other]:
    """A server on a free port that answers each path and query with `give`."""
    other = Other()

    class Say(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            other.asked.append((parts.path, query, dict(self.headers)))
            status, headers, body = give(parts.path, query)
            self.send_response(status)
            usual = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            for name, value in (usual | headers).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # the client may have disconnected
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Say)
    other.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield other
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(body: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, body if isinstance(body, bytes) else json.dumps(body).encode()


def listed(*rows: Any, total: Any = 1) -> Answer:
    return told({"pagination": {"totalPages": total}, "data": list(rows)})


def problem(code: Any, status: int, title: str = "No", **headers: str) -> Answer:
    return told({"httpStatus": status, "code": code, "title": title}, status, **headers)


def rest_at(url: str, **changed: Any) -> RestPayroll:
    return RestPayroll(RestSettings(url, KEY, **({"document_pauses": (0.01,), "file_timeout": 2} | changed)))


def asked_once(answer: Answer, ask: Callable[[RestPayroll], Any]) -> Any:
    with answering(lambda path, query: answer) as other:
        return ask(rest_at(other.url))


# --- environment ---
def who(user: dict[str, Any], *debtors: dict[str, Any]) -> port.Environment:
    def give(path: str, query: dict[str, str]) -> Answer:
        return listed(user) if path == "/api/user/info" else listed(*debtors)

    with answering(give) as other:
        return rest_at(other.url).environment(KEYS)


def test_an_environment_keeps_its_id_when_the_debtor_is_renamed():
    user = {"email": "a@b.example", "debtorId": FIRST}
    before = who(user, {"debtorId": FIRST, "number": "1", "name": "Oud BV"})
    after = who(user, {"debtorId": FIRST.upper(), "number": "2", "name": "Nieuw BV"})
    assert (before.subdomain, before.domain) == (FIRST, "Oud BV")
    assert (after.subdomain, after.domain) == (FIRST, "Nieuw BV")


def test_two_debtors_with_one_name_are_two_environments():
    debtors = [{"debtorId": one, "number": "1", "name": "Holding"} for one in (FIRST, SECOND)]
    found = {who({"email": "a@b.example", "debtorId": one}, *debtors).subdomain for one in (FIRST, SECOND)}
    assert len(found) == 2


def test_the_environment_without_right_to_see_the_debtor():
    def give(path: str, query: dict[str, str]) -> Answer:
        return listed({"debtorId": FIRST}) if path == "/api/user/info" else problem(40303, 403)

    with answering(give) as other:
        assert rest_at(other.url).environment(KEYS) == port.Environment(FIRST, FIRST)


def test_no_user_is_no_environment():
    with pytest.raises(port.Unreadable):
        asked_once(listed(total=0), lambda rest: rest.environment(KEYS))


# --- pages ---
def paged(pages: list[list[Any]], **pagination: Any) -> Give:
    def give(path: str, query: dict[str, str]) -> Answer:
        number = int(query["pageNumber"])
        rows = pages[number - 1] if number <= len(pages) else []
        return told({"pagination": {"totalPages": len(pages)} | pagination, "data": rows})

    return give


def run(number: int) -> dict[str, Any]:
    return RUN | {"number": number}


def numbers(give: Give) -> list[int]:
    with answering(give) as other:
        return [one.number for one in rest_at(other.url).runs(KEYS, FIRST, 2026)]


def test_an_empty_page_is_not_the_last():
    assert numbers(paged([[run(1)], [], [run(2)]])) == [1, 2]


@pytest.mark.parametrize("total", [None, "3", True, 1.5, -1])
def test_a_list_without_page_count_is_refused(total: Any):
    with answering(paged([[run(1)], [run(2)]], totalPages=total)) as other, pytest.raises(port.Unreadable):
        rest_at(other.url).runs(KEYS, FIRST, 2026)


def test_an_endless_list_is_refused():
    with answering(lambda path, query: listed(run(1), total=10**9)) as other, pytest.raises(port.Unreadable):
        rest_at(other.url).runs(KEYS, FIRST, 2026)
    assert len(other.asked) == 1


# --- fields ---
LISTS: dict[str, Callable[[RestPayroll], Any]] = {
    "debtors": lambda rest: rest.debtors(KEYS),
    "companies": lambda rest: rest.companies(KEYS),
    "iban": lambda rest: rest.company_iban(KEYS, FIRST),
    "runs": lambda rest: rest.runs(KEYS, FIRST, 2026),
    "in_run": lambda rest: rest.employees_in_run(KEYS, FIRST, SECOND, 2026),
    "employees": lambda rest: rest.employees(KEYS, FIRST),
    "ibans": lambda rest: rest.employee_ibans(KEYS, FIRST, [FIRST]),
    "taxes": lambda rest: rest.wage_taxes(KEYS, FIRST, 2026),
}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("employees", {"employeeId": FIRST, "info": 7}),
        ("employees", {"employeeId": FIRST, "info": {"a": 1}}),
        ("ibans", {"employeeId": FIRST, "bankAccounts": 7}),
        ("ibans", {"employeeId": FIRST, "bankAccounts": ["x"]}),
        ("taxes", TAX | {"totalGeneral": "veel"}),
        ("taxes", TAX | {"totalGeneral": []}),
        ("taxes", TAX | {"totalGeneral": None}),
        ("taxes", TAX | {"totalGeneral": float("nan")}),
        ("taxes", TAX | {"totalGeneral": float("inf")}),
        ("taxes", TAX | {"totalGeneral": True}),
        ("runs", RUN | {"payrollRunId": "../../user/info"}),
        ("runs", RUN | {"payrollRunId": 7}),
        ("runs", RUN | {"number": None}),
        ("runs", RUN | {"year": True}),
        ("runs", RUN | {"locked": None}),
        ("debtors", {"debtorId": "1"}),
        ("companies", {"companyId": ""}),
        ("in_run", {"employeeId": "x"}),
    ],
)
def test_a_row_without_a_required_field_is_refused(name: str, row: dict[str, Any]):
    with pytest.raises(port.Unreadable) as error:
        asked_once(listed(row), LISTS[name])
    assert error.value.call.startswith("GET /api/")


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-04-24T10:00:00Z", datetime(2026, 4, 24, 10, tzinfo=UTC)),
        ("2026-04-24T10:00:00+02:00", datetime(2026, 4, 24, 8, tzinfo=UTC)),
        ("2026-04-24T10:00:00", datetime(2026, 4, 24, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("gisteren", None),
        (None, None),
        (7, None),
    ],
)
def test_the_moment_of_a_run(written: Any, moment: datetime | None):
    (found,) = asked_once(listed(RUN | {"createdAt": written}), LISTS["runs"])
    assert found.run_at == moment


def test_an_error_names_its_call():
    with pytest.raises(port.Unreadable) as error:
        asked_once(listed({"companyId": "x"}), lambda rest: rest.companies(KEYS, FIRST))
    assert error.value.call == "GET /api/debtors/{debtorId}/companies"


# --- errors ---
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (told(b"<html>geblokkeerd</html>", 403, Content_Type="text/html"), port.TemporaryError),
        (told(b"<html>geblokkeerd</html>", 401, Content_Type="text/html"), port.TemporaryError),
        (told(b"", 403), port.TemporaryError),
        (told(b"", 401), port.TemporaryError),
        (told(b"<html>", 404, Content_Type="text/html"), port.TemporaryError),
        (told(b"[" * 100_000), port.TemporaryError),
        (problem(40101, 401), port.BadCredentials),
        (problem("40102", 401), port.BadCredentials),
        (problem(40401, 404), port.NotVisible),
        (problem(40404, 404), port.NotVisible),
        (problem(40301, 403), port.NotAllowed),
        (problem(40305, 403), port.NotAllowed),
        (problem(42999, 429), port.RateLimited),
        (problem("42909", 429), port.QuotaUsedUp),
        (problem(40801, 408), port.TemporaryError),
        (
            told({"statusCode": 401, "message": "Access denied due to missing subscription key"}, 401),
            port.TemporaryError,
        ),
        (told({"statusCode": 403, "message": "Out of call volume quota"}, 403), port.TemporaryError),
    ],
)
def test_each_error_has_its_exception(answer: Answer, error: type[port.PayrollError]):
    with pytest.raises(error) as found:
        asked_once(answer, LISTS["debtors"])
    assert (type(found.value), found.value.call) == (error, "GET /api/debtors")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), (None, 60), ("0", 1), ("99999999", 3600), ("²", 60), ("9" * 5000, 60), ("soon", 60), ("-5", 60)],
)
def test_retry_after_in_seconds(said: str | None, seconds: int):
    with pytest.raises(port.RateLimited) as found:
        asked_once(problem(42908, 429, **({"Retry_After": said} if said else {})), LISTS["debtors"])
    assert found.value.seconds == seconds


def test_retry_after_as_a_date_is_ignored():
    with pytest.raises(port.RateLimited) as found:
        asked_once(problem(42908, 429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), LISTS["debtors"])
    assert found.value.seconds == 60


# --- documents ---
def document(*answers: Answer, task: Any = SECOND) -> bytes | None:
    rest_of = iter(answers)

    def give(path: str, query: dict[str, str]) -> Answer:
        return next(rest_of) if path.startswith("/api/documents/") else told({"taskId": task})

    with answering(give) as other:
        return rest_at(other.url).sepa_file(KEYS, FIRST, SECOND, 2026, DAY)


def test_a_document_is_fetched_when_ready():
    wait = told("Document is being processed", 202)
    assert document(wait, wait, told(b"<Document/>", Content_Type="application/octet-stream")) == b"<Document/>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (told(b"<!doctype html><title>Even geduld</title>", Content_Type="text/html"), port.TemporaryError),
        (told(b"", Content_Length="5000"), port.TemporaryError),
        (told(b"<Document>", Content_Length="5000"), port.TemporaryError),
        (problem(40401, 404), port.NotVisible),
        (problem(42908, 429), port.RateLimited),
    ],
)
def test_an_empty_document(answer: Answer, error: type[port.PayrollError]):
    with pytest.raises(error) as found:
        document(answer)
    assert (type(found.value), found.value.call) == (error, "GET /api/documents/{taskId}")


@pytest.mark.parametrize("task", [None, 7, "", "../user/info"])
def test_an_invalid_task(task: Any):
    with pytest.raises(port.Unreadable):
        document(task=task)


def test_a_too_large_answer_is_refused():
    with pytest.raises(port.Unreadable):
        document(told(b"0" * (MOST_BYTES + 1), Content_Type="application/octet-stream"))


# --- secrets ---
def test_a_redirect_gets_no_token():
    with answering(lambda path, query: listed()) as thief:
        moved = told(b"", 307, Location=f"{thief.url}/api/debtors")
        with pytest.raises(port.TemporaryError):
            asked_once(moved, LISTS["debtors"])
        assert thief.asked == []


def test_cookies_and_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(lambda path, query: told({"pagination": {"totalPages": 1}, "data": []}, Set_Cookie="a=b")) as other:
        rest = rest_at(other.url)
        rest.debtors(KEYS)
        rest.debtors(KEYS)
    _, query, headers = other.asked[1]
    assert (headers["Authorization"], headers["X-Subscription-Key"]) == (f"Bearer {TOKEN}", KEY)
    assert query == {"pageNumber": "1", "pageSize": "100"}
    assert "Cookie" not in headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_secrets_in_an_error_text_are_removed(status: int, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    title = f"the token {TOKEN} with {KEY} is not good"
    with pytest.raises(port.PayrollError) as found:
        asked_once(problem(status * 100 + 1, status, title), LISTS["debtors"])
    shown = f"{found.value} {found.value!r} {found.value.__dict__} {found.value.__context__} {caplog.text}"
    assert TOKEN not in shown
    assert KEY not in shown


@pytest.mark.parametrize("answer", [b"", None, b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", b"\x00\xff\r\n\r\n"])
def test_an_unreadable_answer_is_temporary(answer: bytes | None, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with saying(answer) as number, pytest.raises(port.TemporaryError) as found:
        rest_at(f"http://127.0.0.1:{number}", read_timeout=0.3).debtors(KEYS)
    assert found.value.code is None
    assert TOKEN not in f"{found.value!r} {caplog.text}"


@pytest.mark.parametrize("token", ["a\r\nX: b", "\u20ac", "\udcff"])
def test_a_token_that_is_no_valid_header_is_refused(token: str):
    with answering(lambda path, query: listed()) as other:
        with pytest.raises(port.PayrollError) as found:
            rest_at(other.url).debtors(port.Credentials("a@b.example", token))
        assert token not in str(found.value)
        assert other.asked == []
