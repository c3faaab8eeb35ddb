"""The webhook: stored before it is answered, any body accepted, one batch however often it is sent."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

import app as application
import config
import models
from domain.payroll import intake, nmbrs_client, run_discovery, run_history, webhook_deliveries, webhook_keys
from models import Batch, BatchLine, OutgoingMail, PayrollCompany, PayrollRun, WebhookDelivery
from tests.support.factories import Demo, make_demo, make_world
from tests.support.sandbox import Sandbox


@pytest.fixture
def web(database: str, sandbox: Sandbox, keys: Path, tmp_path: Path) -> FlaskClient:
    """The application on the test's database, without a queue server: nothing may depend on it."""
    settings = config.load(
        {
            "BIZCUIT_HOME": str(tmp_path), "BIZCUIT_DATABASE_URL": database, "BIZCUIT_SANDBOX_URL": sandbox.url,
            "BIZCUIT_REDIS_URL": "redis://127.0.0.1:9/0", "BIZCUIT_ENV": "development",
        }
    )  # fmt: skip
    site = application.create_app(settings)
    models.database.connect(reuse_if_open=True)
    make_world(sandbox.url, sandbox.smtp_port, keys)
    return site.test_client()


@pytest.fixture
def mapped(web: FlaskClient, sandbox: Sandbox) -> Demo:
    return make_demo(sandbox)


def path_of(demo: Demo) -> str:
    return webhook_keys.webhook_url(demo.client).removeprefix("http://localhost:8000")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"EventId":1,"CompanyId":9969}'),
        ("application/json", b"{broken"),
        ("application/x-www-form-urlencoded", b"EventId=1&CompanyId=9969"),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", b""),
        ("application/octet-stream", bytes(range(256)) * 10),
        ("text/plain", b"x" * 65_536),
    ],
)
def test_any_body_is_stored_and_answered(web: FlaskClient, mapped: Demo, kind: str, body: bytes):
    answer = web.post(path_of(mapped), data=body, content_type=kind, headers={"Cookie": "a=b"})
    assert (answer.status_code, answer.data) == (200, b"")
    row = WebhookDelivery.get()
    assert (bytes(row.body), row.content_type) == (body, kind)
    assert "Cookie" not in row.headers


def test_an_unknown_key_is_not_found(web: FlaskClient, mapped: Demo):
    assert web.post("/client/nobody/webhooks/paymentsbatch").status_code == 404
    assert web.get("/client/nobody/webhooks/paymentsbatch").status_code == 404
    assert WebhookDelivery.select().count() == 0


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_get_changes_nothing(web: FlaskClient, mapped: Demo, method: str):
    assert getattr(web, method)(path_of(mapped)).status_code == 200
    assert WebhookDelivery.select().count() == 0


def test_a_too_large_body_is_refused(web: FlaskClient, mapped: Demo):
    assert web.post(path_of(mapped), data=b"x" * 65_537).status_code == 413
    assert WebhookDelivery.select().count() == 0


def test_a_delivery_that_cannot_be_stored_is_not_confirmed(web: FlaskClient, mapped: Demo):
    path = path_of(mapped)
    models.database.execute_sql("alter table webhook_delivery rename to delivery_away")
    try:
        assert web.post(path, data=b"{}").status_code == 503
    finally:
        models.database.connect(reuse_if_open=True)
        models.database.execute_sql("alter table delivery_away rename to webhook_delivery")
    assert web.post(path, data=b"{}").status_code == 200


def test_too_many_waiting_deliveries_are_refused(web: FlaskClient, mapped: Demo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(webhook_deliveries, "MAX_UNPROCESSED", 2)
    assert [web.post(path_of(mapped), data=b"{}").status_code for _ in range(3)] == [200, 200, 503]


def work_off(client_id: int) -> None:
    """Run the worker's jobs, each twice."""
    for _ in range(2):
        for delivery_id in webhook_deliveries.unprocessed_deliveries(client_id):
            webhook_deliveries.process_delivery(delivery_id)
        for company_id in run_discovery.due_companies() * 2:
            run_discovery.discover_runs(company_id)
        for run_id in intake.due_runs() * 2:
            intake.import_run(run_id)


def test_a_repeated_delivery_makes_one_batch_and_one_mail(web: FlaskClient, mapped: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    for _ in range(2):
        web.post(path_of(mapped), json={"CompanyId": 9969})
        work_off(mapped.client.id)
    batch = Batch.get()
    assert (Batch.select().count(), batch.total_cents, BatchLine.select().count()) == (1, 1_980_608, 8)
    assert OutgoingMail.select().where(OutgoingMail.kind == "batch_ready").count() == 1
    assert [(row.result, row.items) for row in run_history.history(mapped.client)] == [("imported", 8)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("<CtrlSum>19806.08</CtrlSum>", "<CtrlSum>19806.09</CtrlSum>"), "wrong_sum"),
        (("<NbOfTxs>8</NbOfTxs>", "<NbOfTxs>9</NbOfTxs>"), "wrong_count"),
        (("<IBAN>NL95INGB0004921836", "<IBAN>NL96INGB0004921836"), "bad_iban"),
        (("<CstmrCdtTrfInitn>", "<CstmrCdtTrfInitn><"), "not_xml"),
    ],
)
def test_an_invalid_file_makes_no_batch_and_gives_the_reason(
    web: FlaskClient, mapped: Demo, sandbox: Sandbox, change: tuple[str, str], reason: str
):
    good = _file(sandbox, mapped)
    assert change[0] in good
    sandbox.run_payroll(sepa=good.replace(*change), webhook="none")
    web.post(path_of(mapped), data=b"")
    work_off(mapped.client.id)
    assert [(row.result, row.reason) for row in run_history.history(mapped.client)] == [("invalid", reason)]
    assert Batch.select().count() == 0


def _file(sandbox: Sandbox, demo: Demo) -> str:
    """Return the payment file of a valid run that is new to the client."""
    from core.clock import today_amsterdam
    from domain.common.services import services

    run = sandbox.run_payroll(lines=8, webhook="none")
    keys = nmbrs_client.credentials(demo.connection)
    raw = services().payroll.sepa_file(keys, "9969", str(run["run"]), run["year"], today_amsterdam())
    sandbox.reset()
    assert raw is not None
    return raw.decode()


@pytest.mark.parametrize("fault", ["nmbrs_9999", "nmbrs_html_503", "nmbrs_no_sepa_right"])
def test_a_run_is_imported_when_nmbrs_works_again(web: FlaskClient, mapped: Demo, sandbox: Sandbox, fault: str):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    web.post(path_of(mapped), data=b"")
    work_off(mapped.client.id)
    assert Batch.select().count() == 0
    waiting = [*PayrollCompany.select().where(PayrollCompany.poll_due_at.is_null(False)), *PayrollRun.select()]
    assert waiting, "nothing is tried again"
    sandbox.fault(**{fault: False})
    PayrollCompany.update(poll_due_at=mapped.user.created_at).execute()
    PayrollRun.update(due_at=mapped.user.created_at).where(PayrollRun.state.in_(("pending", "retrying"))).execute()
    work_off(mapped.client.id)
    assert Batch.get().total_cents == 1_980_608


def test_an_empty_run_is_reported(web: FlaskClient, mapped: Demo, sandbox: Sandbox):
    sandbox.fault(nmbrs_sepa_empty=True)
    sandbox.run_payroll(webhook="none")
    web.post(path_of(mapped), data=b"")
    work_off(mapped.client.id)
    assert [row.result for row in run_history.history(mapped.client)] == ["empty"]
