# pyright: reportOptionalOperand=false
"""Import of runs: invalid files give a reason, failures are retried, nothing is imported twice, and no old runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import models
from core.clock import utcnow
from domain.common.errors import NotFound
from domain.common.services import Services
from domain.payroll import companies, intake, run_discovery, run_history, webhook_deliveries
from models import (
    Batch,
    BatchLine,
    NmbrsCall,
    NmbrsConnection,
    OutgoingMail,
    PayrollCompany,
    PayrollRun,
    WebhookDelivery,
)
from tests.support.factories import Demo, make_client, make_demo, make_user
from tests.support.intake import now_due, work
from tests.support.pain001_builder import IBANS, File, Line, Part, file_of
from tests.support.sandbox import Sandbox

LINES = (Line(), Line(cents=12_345, iban=IBANS[1]))
OTHER_DEBTOR = "<Dbtr><Nm>Demo BV</Nm></Dbtr><DbtrAcct><Id><IBAN>NL64TRIO0379501686</IBAN></Id></DbtrAcct>"
ON_A_DAY = "<PmtMtd>TRF</PmtMtd><ReqdExctnDt>2026-04-24</ReqdExctnDt>"


@pytest.fixture
def demo(world: Services, sandbox: Sandbox) -> Demo:
    """A demo without a pin: nobody signs here."""
    return make_demo(sandbox, pin=False)


def told(demo: Demo) -> list[tuple[str, str | None, int | None]]:
    return [(row.result, row.reason, row.line) for row in run_history.history(demo.client)]


# --- invalid files --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (file_of(*LINES, total="2734.46"), "wrong_sum"),
        (File((Part(LINES, total="1.00"),)), "wrong_sum"),
        (file_of(*LINES, count="3"), "wrong_count"),
        (File((Part(LINES, count="1"),)), "wrong_count"),
        (File((Part(LINES), Part(LINES, debtor=OTHER_DEBTOR))), "several_debtors"),
        (File((Part(LINES, method=ON_A_DAY), Part(LINES, method=ON_A_DAY.replace("24", "25")))), "several_dates"),
        (File((Part(()),)), "no_lines"),
        (file_of(Line(), Line(amount="1,00")), "bad_amount"),
        (file_of(Line(), Line(more="<Cdtr><Nm>Ander</Nm></Cdtr>")), "missing_field"),
    ],
)
def test_an_invalid_file_creates_no_payment_and_gives_the_reason(demo: Demo, sandbox: Sandbox, file: File, reason: str):
    sandbox.run_payroll(sepa=file.xml(), webhook="none")
    assert work(demo) == []
    assert [row[:2] for row in told(demo)] == [("invalid", reason)]
    assert (Batch.select().count(), BatchLine.select().count()) == (0, 0)
    assert [mail.kind for mail in OutgoingMail.select()] == ["run_refused"]


def test_the_invalid_line_is_given_by_its_number(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(sepa=file_of(Line(), Line(amount="1,00")).xml(), webhook="none")
    work(demo)
    assert told(demo) == [("invalid", "bad_amount", 2)]


def test_ids_that_occur_twice_are_taken_with_a_caution(demo: Demo, sandbox: Sandbox):
    lines = (Line(end_to_end_id="A1"), Line(cents=5, end_to_end_id="A1", iban=IBANS[1]))
    sandbox.run_payroll(sepa=file_of(*lines).xml(), webhook="none")
    assert [batch.total_cents for batch in work(demo)] == [261_105]
    assert PayrollRun.get().cautions == [["doubled_id", [1, 2]]]


def test_an_invalid_run_is_not_fetched_again(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(sepa="<Document/>", webhook="none")
    work(demo)
    assert (intake.due_runs(), work(demo)) == ([], [])
    assert [row[0] for row in told(demo)] == ["invalid"]


def test_the_next_run_after_an_invalid_one_is_imported(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(sepa=file_of(*LINES, total="1.00").xml(), webhook="none")
    work(demo)
    sandbox.run_payroll(sepa=file_of(*LINES).xml(), webhook="none")
    assert [batch.total_cents for batch in work(demo)] == [273_445]
    assert sorted(row[0] for row in told(demo)) == ["imported", "invalid"]


@pytest.mark.parametrize("fault", ["nmbrs_sepa_empty", "nmbrs_sepa_nil"])
def test_a_run_without_payments_is_empty(demo: Demo, sandbox: Sandbox, fault: str):
    sandbox.fault(**{fault: True})
    sandbox.run_payroll(webhook="none")
    assert work(demo) == []
    assert (told(demo), intake.due_runs()) == ([("empty", None, None)], [])


def test_notprovided_may_repeat_as_end_to_end_id(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(sepa=file_of(*LINES).xml(), webhook="none")
    (batch,) = work(demo)
    ids = [line.end_to_end_id for line in BatchLine.select().where(BatchLine.batch == batch.id)]
    assert len(set(ids)) == 2
    assert not any("NOTPROVIDED" in one for one in ids)


# --- failures of Nmbrs ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("nmbrs_9999", "try_again"),
        ("nmbrs_html_503", "try_again"),
        ("nmbrs_disabled", "disabled"),
        ("nmbrs_no_sepa_right", "not_allowed:"),
    ],
)
def test_a_failed_import_is_retried(demo: Demo, sandbox: Sandbox, fault: str, reason: str):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    sandbox.fault(**{fault: True})
    assert intake.import_run(run_id) is None
    run = PayrollRun.get_by_id(run_id)
    assert (run.state, run.attempts, run.lease_until) == ("retrying", 1, None)
    assert (run.reason or "").startswith(reason)
    assert run.due_at > utcnow()
    assert intake.due_runs() == []
    sandbox.fault(**{fault: False})
    assert [batch.total_cents for batch in work(demo)] == [1_980_608]
    assert told(demo) == [("imported", None, None)]


def test_pauses_between_retries_grow(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    sandbox.fault(nmbrs_9999=True)
    pauses = []
    for _ in range(4):
        now_due(demo)
        intake.import_run(run_id)
        run = PayrollRun.get_by_id(run_id)
        pauses.append(run.due_at - run.changed_at)
    assert all(later > earlier for earlier, later in pairwise(pauses))


def test_a_retry_is_not_made_early(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    PayrollRun.update(due_at=utcnow() + timedelta(minutes=1)).where(PayrollRun.id == run_id).execute()
    assert intake.import_run(run_id) is None
    assert Batch.select().count() == 0


@pytest.mark.parametrize(
    ("fault", "status"), [("nmbrs_9999", "active"), ("nmbrs_disabled", "failing"),
                          ("nmbrs_no_runs_right", "failing")],
)  # fmt: skip
def test_a_failed_poll_is_retried(
    demo: Demo, sandbox: Sandbox, fault: str, status: str
):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(**{fault: True})
    assert work(demo) == []
    company = PayrollCompany.get_by_id(demo.company.id)
    assert company.poll_due_at > utcnow()
    assert (company.poll_attempts, NmbrsConnection.get().status) == (1, status)
    sandbox.fault(**{fault: False})
    assert [batch.total_cents for batch in work(demo)] == [1_980_608]
    assert (NmbrsConnection.get().status, NmbrsConnection.get().error_code) == ("active", None)


def test_a_run_announced_before_it_is_listed_is_found_later(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    sandbox.fault(nmbrs_run_unlisted_once=True)
    assert work(demo) == []
    assert PayrollCompany.get_by_id(demo.company.id).poll_due_at > utcnow()
    assert len(work(demo)) == 1


# --- once -----------------------------------------------------------------------------------------
def at_once(job: Callable[[int], Any], row_id: int, workers: int = 6) -> list[Any]:
    """Run the same job by several workers, each with its own connection."""

    def one(_: int) -> Any:
        with models.database.connection_context():
            return job(row_id)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def test_parallel_workers_create_one_batch(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    found = at_once(run_discovery.discover_runs, demo.company.id)
    assert sorted(map(len, found)) == [0, 0, 0, 0, 0, 1]
    (run_id,) = next(ids for ids in found if ids)
    made = at_once(intake.import_run, run_id)
    assert [batch.total_cents for batch in made if batch] == [1_980_608]
    assert (Batch.select().count(), BatchLine.select().count()) == (1, 8)
    assert OutgoingMail.select().count() == 1


def test_an_expired_lease_is_taken_over(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    now_due(demo)
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    PayrollRun.update(lease_until=utcnow() + timedelta(minutes=1)).where(PayrollRun.id == run_id).execute()
    assert intake.import_run(run_id) is None
    PayrollRun.update(lease_until=utcnow() - timedelta(seconds=1)).where(PayrollRun.id == run_id).execute()
    assert intake.import_run(run_id) is not None


def test_an_imported_run_is_done(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    assert len(work(demo)) == 1
    assert (work(demo), intake.due_runs()) == ([], [])
    assert told(demo) == [("imported", None, None)]


# --- mapping and age ------------------------------------------------------------------------------
def unmap(demo: Demo) -> None:
    PayrollCompany.update(bank_account=None, mapped_at=None).where(PayrollCompany.id == demo.company.id).execute()


def test_a_run_waits_for_the_mapping_of_its_company(demo: Demo, sandbox: Sandbox):
    unmap(demo)
    sandbox.run_payroll(lines=8, webhook="none")
    delivery = WebhookDelivery.create(client=demo.client, content_type="", headers={}, body=b"")
    assert webhook_deliveries.process_delivery(delivery.id) == [demo.company.id]
    assert (run_discovery.discover_runs(demo.company.id), intake.due_runs(), Batch.select().count()) == ([], [], 0)
    assert [run.state for run in companies.unmapped_runs(demo.client)] == ["unmapped"]
    choice: dict[int, int | None] = {demo.company.id: demo.account.id}
    companies.save_mapping(demo.client, demo.user, demo.connection, choice)
    assert [batch.total_cents for batch in work(demo)] == [1_980_608]
    assert companies.unmapped_runs(demo.client) == []


def test_unmapped_companies_are_not_polled(demo: Demo, sandbox: Sandbox):
    unmap(demo)
    assert (run_discovery.mark_all_due(), run_discovery.due_companies(), PayrollRun.select().count()) == (0, [], 0)


def test_polling_finds_an_unannounced_run(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    assert run_discovery.mark_all_due() == 1
    assert run_discovery.due_companies() == [demo.company.id]
    (run_id,) = run_discovery.discover_runs(demo.company.id)
    assert intake.import_run(run_id) is not None


def test_a_run_from_before_the_connection_is_imported_by_hand(demo: Demo, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, webhook="none")
    later = datetime.now(UTC) + timedelta(hours=1)
    NmbrsConnection.update(created_at=later).where(NmbrsConnection.id == demo.connection.id).execute()
    assert work(demo) == []
    assert [(run.state, run.due_at) for run in PayrollRun.select()] == [("before_connection", None)]
    assert told(demo) == []
    (older,) = companies.runs_before_connection(demo.client)
    companies.import_older_run(demo.client, demo.user, older.id)
    (batch,) = work(demo)
    assert (batch.is_manually_imported, batch.total_cents) == (True, 1_980_608)
    with pytest.raises(NotFound):
        companies.import_older_run(demo.client, demo.user, older.id)


def test_a_run_that_waited_too_long_is_only_offered(demo: Demo, sandbox: Sandbox):
    linked = utcnow() - timedelta(days=90)
    NmbrsConnection.update(created_at=linked).where(NmbrsConnection.id == demo.connection.id).execute()
    unmap(demo)
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    PayrollRun.update(run_at=utcnow() - timedelta(days=40)).execute()
    choice: dict[int, int | None] = {demo.company.id: demo.account.id}
    companies.save_mapping(demo.client, demo.user, demo.connection, choice)
    assert ([run.state for run in PayrollRun.select()], intake.due_runs()) == (["before_connection"], [])


def test_a_webhook_does_not_affect_another_client(demo: Demo, sandbox: Sandbox):
    other = make_client(make_user()).client
    delivery = WebhookDelivery.create(client=other, content_type="", headers={}, body=b'{"CompanyId": 9969}')
    assert webhook_deliveries.process_delivery(delivery.id) == []
    assert run_discovery.due_companies() == []


def test_payloads_are_purged_after_ninety_days(demo: Demo, sandbox: Sandbox):
    rows = []
    for days in (91, 89):
        delivery = WebhookDelivery.create(client=demo.client, content_type="", headers={"A": "b"}, body=b"{}")
        webhook_deliveries.process_delivery(delivery.id)
        rows.append(delivery.id)
        WebhookDelivery.update(received_at=utcnow() - timedelta(days=days)).where(
            WebhookDelivery.id == delivery.id
        ).execute()
    sandbox.run_payroll(lines=8, webhook="none")
    work(demo)
    assert NmbrsCall.select().count() > 0
    assert webhook_deliveries.purge_payloads() == 1
    assert [(bytes(row.body), row.headers) for row in WebhookDelivery.select().order_by(WebhookDelivery.id)] == [
        (b"", {}), (b"{}", {"A": "b"}),
    ]  # fmt: skip
    NmbrsCall.update(created_at=utcnow() - timedelta(days=91)).execute()
    webhook_deliveries.purge_payloads()
    assert NmbrsCall.select().count() == 0
