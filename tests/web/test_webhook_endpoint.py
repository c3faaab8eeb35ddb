"""The webhook's address in the whole application: what is kept, what is refused, and that nobody is told more."""

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

import models
from domain.payroll import connections, intake, run_discovery, webhook_deliveries
from models import Batch, Delivery
from models.dialect import is_sqlite
from tests.support.factories import Demo
from tests.support.web_client import Site


def path_of(demo: Demo) -> str:
    address = connections.webhook_address(demo.client)
    return address[address.index("/client/") :]


def send(site: Site, demo: Demo, **options: Any) -> TestResponse:
    return site.app.test_client().post(path_of(demo), **options)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"json": {"CompanyId": 9969}}, b'{"CompanyId": 9969}'),
        ({"data": {"CompanyId": "9969"}}, b"CompanyId=9969"),
        ({"data": b"<a><b/></a>", "content_type": "text/xml"}, b"<a><b/></a>"),
        ({"query_string": "EventId=1&CompanyId=9969"}, b"EventId=1&CompanyId=9969"),
        ({}, b""),
        ({"data": b"{]\r\n\x00", "content_type": "application/json"}, b"{]\r\n\x00"),
        ({"data": bytes(range(256)), "content_type": "no such thing"}, bytes(range(256))),
        ({"data": b"--x--", "content_type": "multipart/form-data"}, b"--x--"),
        ({"data": b"\x1f\x8b broken", "headers": {"Content-Encoding": "gzip"}}, b"\x1f\x8b broken"),
    ],
)
def test_whatever_comes_is_kept_as_it_came(site: Site, demo: Demo, options: dict[str, Any], kept: bytes):
    answer = send(site, demo, **options)
    assert (answer.status_code, answer.data) == (200, b"")
    assert [(row.client_id, bytes(row.body)) for row in Delivery.select()] == [(demo.client.id, kept)]


def test_headers_are_kept_but_nothing_secret(site: Site, demo: Demo):
    given = {"User-Agent": "Nmbrs", "X-Request-Id": "7", "Cookie": "bz=1", "Authorization": "Bearer x"}
    send(site, demo, data=b"{}", content_type="application/json", headers=given)
    row = Delivery.get()
    assert row.content_type == "application/json"
    assert row.headers == {
        "Content-Type": "application/json", "Content-Length": "2", "User-Agent": "Nmbrs", "X-Request-Id": "7",
    }  # fmt: skip


def test_nothing_is_set_at_the_caller(site: Site, demo: Demo):
    assert "Set-Cookie" not in send(site, demo, data=b"{}").headers


@pytest.mark.parametrize("site_header", ["cross-site", "same-site"])
def test_it_is_meant_for_another_site(site: Site, demo: Demo, site_header: str):
    headers = {"Sec-Fetch-Site": site_header, "Origin": "https://nmbrs.example"}
    assert send(site, demo, data=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413)])
def test_a_body_without_a_length_has_the_same_bound(site: Site, demo: Demo, size: int, status: int):
    """As a server hands on a chunked body: a stream that ends, and no length."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = send(site, demo, input_stream=io.BytesIO(b"x" * size), environ_overrides=environ)
    assert (answer.status_code, answer.data) == (status, b"")
    assert Delivery.select().count() == (1 if status == 200 else 0)


def test_a_length_above_the_bound_is_not_read(site: Site, demo: Demo):
    body = io.BytesIO(b"x" * 65_537)
    assert send(site, demo, input_stream=body, content_length=65_537).status_code == 413
    assert body.tell() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_unknown_key_is_not_there(site: Site, demo: Demo, method: str):
    answer = site.app.test_client().open("/client/unknown/webhooks/paymentsbatch", method=method)
    assert (answer.status_code, answer.data) == (404, b"")
    assert Delivery.select().count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_has_no_effect(site: Site, demo: Demo, method: str):
    answer = site.app.test_client().open(path_of(demo), method=method, query_string="CompanyId=9969")
    assert (answer.status_code, answer.data) == (200, b"")
    assert Delivery.select().count() == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_for_this(site: Site, demo: Demo, method: str):
    assert site.app.test_client().open(path_of(demo), method=method).status_code == 405


def test_a_database_that_only_reads_is_not_a_yes(site: Site, demo: Demo):
    if not is_sqlite():
        models.database.execute_sql("set default_transaction_read_only = on")
    else:
        models.database.execute_sql("pragma query_only = on")
    path = path_of(demo)
    try:
        answer = site.app.test_client().post(path, data=b"{}")
    finally:
        models.database.connect(reuse_if_open=True)
        off = "pragma query_only = off" if is_sqlite() else "set default_transaction_read_only = off"
        models.database.execute_sql(off)
    assert (answer.status_code, answer.data, answer.headers["Retry-After"]) == (503, b"", "60")
    assert Delivery.select().count() == 0


def test_twice_at_once_and_once_more_makes_one_batch(site: Site, demo: Demo):
    site.sandbox.run_payroll(lines=8, webhook="none")
    for _ in range(2):
        send(site, demo, json={"CompanyId": 9969})
    made = []
    for delivery_id in webhook_deliveries.unprocessed_deliveries():
        for company_id in webhook_deliveries.process_delivery(delivery_id):
            made += [intake.import_run(run_id) for run_id in run_discovery.discover_runs(company_id)]
    send(site, demo, data=b"once more")
    (late,) = webhook_deliveries.unprocessed_deliveries()
    assert webhook_deliveries.process_delivery(late) == [demo.company.id]
    # it names no run: the newest is read once more, and says the same
    assert [intake.import_run(run_id) for run_id in run_discovery.discover_runs(demo.company.id)] == [None]
    assert [batch.total_cents for batch in made if batch] == [1_980_608]
    assert Batch.select().count() == 1
