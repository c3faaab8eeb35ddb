"""No byte from outside makes a 5xx: hostile headers, paths, queries, cookies and bodies, at every route.

In `make test` a few hundred requests; with BIZCUIT_TEST_LONG a million, or as many as an hour allows.
"""

import os
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
from flask import got_request_exception
from werkzeug.test import run_wsgi_app

from tests.support import figures
from tests.support.hostile_requests import Attacker, HostileRequest, latin
from tests.support.prepared_site import PreparedSite
from tests.web.test_permissions import FORMS

LONG = bool(os.environ.get("BIZCUIT_TEST_LONG"))
REQUESTS, SECONDS = (1_000_000, 3600) if LONG else (500, 60)
SLOWEST = 2.0  # seconds of one request; on a busy machine only the long run measures it
WHO = ("nobody", "owner", "approver", "preparer", "stranger")
PARAMETERS = (
    "verder state code error token zoek toon boeking pagina vanaf execution_date verdict shown seen na periode "
    "resultaat administratie bedrijf kvk v"
)
NO_PAGES = ("pwa", "ops", "webhooks", "static")
WITHOUT_QUEUE = {"ops.readiness"}  # answers 503 where no queue can be reached


@pytest.fixture
def raised(prepared: PreparedSite) -> Iterator[list[str]]:
    """The exceptions that no view or error handler caught."""
    found: list[str] = []

    def note(_sender: Any, exception: BaseException, **_: Any) -> None:
        found.append(repr(exception)[:300])

    got_request_exception.connect(note, prepared.app)
    yield found
    got_request_exception.disconnect(note, prepared.app)


def fields_of(site: PreparedSite) -> list[str]:
    """Return the names of all fields that pages show, and of the parameters that views read from addresses."""
    names = {*PARAMETERS.split()}
    for rule in site.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint.partition(".")[0] not in NO_PAGES:
            page = site.ask("owner", "GET", site.address(rule.endpoint, "GET"))
            if page.status_code == 200 and page.mimetype == "text/html":
                names |= {node.get("name") for node in page.tree.iter("input", "select", "textarea", "button")}
    site.back()
    return sorted(filter(None, names))


def status_of(site: PreparedSite, made: HostileRequest, raised: list[str]) -> int:
    """Return the status, 500 also for an exception that leaves the application; its text goes to `raised`."""
    try:
        _body, status, headers = run_wsgi_app(site.app, made.environ(), buffered=True)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is counted)
        raised.append(repr(error)[:300])
        return 500
    assert not any("\r" in value or "\n" in value for value in headers.values()), made.describe()
    return int(status.split()[0])


def test_no_request_makes_a_server_error(prepared: PreparedSite, raised: list[str], record_testsuite_property: Any):
    attacker = Attacker(int(os.environ.get("BIZCUIT_TEST_SEED", "14")), fields_of(prepared))
    routes = [
        (rule, method) for rule in prepared.app.url_map.iter_rules() for method in ("GET", "POST")
        if method in (rule.methods or ()) and rule.endpoint not in WITHOUT_QUEUE
    ]  # fmt: skip
    failures, began, count, slow = dict[str, str](), monotonic(), 0, 0.0
    while count < REQUESTS and monotonic() - began < SECONDS:
        rule, method = routes[count % len(routes)]
        who = attacker.random.choice(WHO)
        form = FORMS[rule.endpoint](prepared) if rule.endpoint in FORMS else {}
        form = {"csrf_token": prepared.tokens[who], **form}
        made = attacker.request(rule, method, prepared.things, prepared.cookies[who] or "", form)
        sent = monotonic()
        status = status_of(prepared, made, raised)
        slow = max(slow, monotonic() - sent)
        if status >= 500:
            failures.setdefault(f"{rule.endpoint} {raised[-1:]}", f"{status} as {who} {made.describe()}")
        count += 1
        if count % 200 == 0:
            prepared.back()
    prepared.back()
    print(f"hostile requests: {count} to {len(routes)} routes, slowest {slow:.2f} s, {len(failures)} answered with 5xx")
    figures.add(inputs=count, **{"unexplained 5xx": len(failures)})
    record_testsuite_property("hostile_requests", count)
    assert "\n".join(f"{key}: {text}" for key, text in failures.items()) == ""
    assert not LONG or slow < SLOWEST


# --- what was found, one request each ---
ROUTES = (("account.sign_in", "POST"), ("team.invite", "GET"), ("banking.refresh_balances", "POST"))


@pytest.mark.parametrize("header", ["ORIGIN", "REFERER", "HX_CURRENT_URL", "HOST"])
@pytest.mark.parametrize("value", ["http://[", "http://[::1", "//[", "http://a]b", "http://a:99999/", "\0", "é" * 300])
def test_a_malformed_address_in_a_header(prepared: PreparedSite, raised: list[str], header: str, value: str):
    for who in ("nobody", "owner"):
        for endpoint, method in ROUTES:
            made = HostileRequest(method, prepared.address(endpoint, method))
            made.headers = {"COOKIE": f"bz={prepared.cookies[who]}", header: latin(value), "HX_REQUEST": "true"}
            made.content_type = "application/x-www-form-urlencoded"
            assert status_of(prepared, made, raised) < 500, raised
    prepared.back()


@pytest.mark.parametrize("made", [
    HostileRequest("GET", "/inloggen", "verder=\xed\xa0\x80\xff"), HostileRequest("GET", "/\r\nX: y//"),
    HostileRequest("POST", "//inloggen\n", content_type="application/json", body=b"[" * 100_000),
    HostileRequest("POST", "/inloggen", content_type="application/json", body=b'{"a":' * 100_000),
    HostileRequest("POST", "/client/\xff/webhooks/paymentsbatch", content_type="application/json", body=b"[" * 100_000),
    HostileRequest("POST", "/bank/seintje/\xff\xfe", "\xff", content_type="application/json", body=b"\xff\0"),
], ids=repr)  # fmt: skip
def test_bytes_that_are_no_text(prepared: PreparedSite, raised: list[str], made: HostileRequest):
    assert status_of(prepared, made, raised) < 500, raised


NESTED = "W1tb" * 4_800  # base64 of "[[[…"


@pytest.mark.parametrize("answer", ["[" * 19_000, '{"a":' * 3_900, f'{{"response": {{"clientDataJSON": "{NESTED}"}}}}'])
def test_a_deeply_nested_answer_of_a_passkey(prepared: PreparedSite, answer: str):
    page = prepared.ask("nobody", "POST", "/inloggen/passkey", {"answer": answer})
    assert (page.status_code, page.location) == (303, "/inloggen")
    prepared.back()
