"""The Nmbrs webhook in the whole application: what is stored, what is refused, and that nothing is revealed."""

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

import models
from domain.payroll import intake, run_discovery, webhook_deliveries, webhook_keys
from models import Batch, WebhookDelivery
from models.dialect import is_sqlite
from tests.support.factories import Demo
from tests.support.web_client import Site


def path_of(demo: Demo) -> str:
    address = webhook_keys.webhook_url(demo.client)
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
def test_any_body_is_stored_unchanged(site: Site, demo: Demo, options: dict[str, Any], kept: bytes):
    answer = send(site, demo, **options)
    assert (answer.status_code, answer.data) == (200, b"")
    assert [(row.client_id, bytes(row.body)) for row in WebhookDelivery.select()] == [(demo.client.id, kept)]


def test_headers_are_stored_except_secrets(site: Site, demo: Demo):
    given = {"User-Agent": "Nmbrs", "X-Request-Id": "7", "Cookie": "bz=1", "Authorization": "Bearer x"}
    send(site, demo, data=b"{}", content_type="application/json", headers=given)
    row = WebhookDelivery.get()
    assert row.content_type == "application/json"
    assert row.headers == {
        "Content-Type": "application/json", "Content-Length": "2", "User-Agent": "Nmbrs", "X-Request-Id": "7",
    }  # fmt: skip


def test_no_cookie_is_set(site: Site, demo: Demo):
    assert "Set-Cookie" not in send(site, demo, data=b"{}").headers


@pytest.mark.parametrize("site_header", ["cross-site", "same-site"])
def test_cross_site_requests_are_accepted(site: Site, demo: Demo, site_header: str):
    headers = {"Sec-Fetch-Site": site_header, "Origin": "https://nmbrs.example"}
    assert send(site, demo, data=b"{}", headers=headers).status_code == 200


@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413)])
def test_a_body_without_length_has_the_same_limit(site: Site, demo: Demo, size: int, status: int):
    """As a server passes a chunked body: a stream that ends, without length."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = send(site, demo, input_stream=io.BytesIO(b"x" * size), environ_overrides=environ)
    assert (answer.status_code, answer.data) == (status, b"")
    assert WebhookDelivery.select().count() == (1 if status == 200 else 0)


def test_a_too_long_body_is_not_read(site: Site, demo: Demo):
    body = io.BytesIO(b"x" * 65_537)
    assert send(site, demo, input_stream=body, content_length=65_537).status_code == 413
    assert body.tell() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_an_unknown_key_is_404(site: Site, demo: Demo, method: str):
    answer = site.app.test_client().open("/client/unknown/webhooks/paymentsbatch", method=method)
    assert (answer.status_code, answer.data) == (404, b"")
    assert WebhookDelivery.select().count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_has_no_effect(site: Site, demo: Demo, method: str):
    answer = site.app.test_client().open(path_of(demo), method=method, query_string="CompanyId=9969")
    assert (answer.status_code, answer.data) == (200, b"")
    assert WebhookDelivery.select().count() == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(site: Site, demo: Demo, method: str):
    assert site.app.test_client().open(path_of(demo), method=method).status_code == 405


def test_a_read_only_database_is_not_confirmed(site: Site, demo: Demo):
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
    assert WebhookDelivery.select().count() == 0


def test_duplicate_deliveries_create_one_batch(site: Site, demo: Demo):
    site.sandbox.run_payroll(lines=8, webhook="none")
    for _ in range(2):
        send(site, demo, json={"CompanyId": 9969})
    made = []
    for delivery_id in webhook_deliveries.unprocessed_deliveries(demo.client.id):
        for company_id in webhook_deliveries.process_delivery(delivery_id):
            made += [intake.import_run(run_id) for run_id in run_discovery.discover_runs(company_id)]
    send(site, demo, data=b"once more")
    (late,) = webhook_deliveries.unprocessed_deliveries(demo.client.id)
    assert webhook_deliveries.process_delivery(late) == [demo.company.id]
    # without a run id: the newest run is read again, unchanged
    assert [intake.import_run(run_id) for run_id in run_discovery.discover_runs(demo.company.id)] == [None]
    assert [batch.total_cents for batch in made if batch] == [1_980_608]
    assert Batch.select().count() == 1
