"""A run that is recalculated, locked, unlocked, emptied or deleted: nothing is paid twice, nothing is lost."""

import json
from datetime import timedelta
from itertools import count

import pytest

from core.clock import utcnow
from domain.common import leases
from domain.common.errors import NotOpen, RunMissing, UnacknowledgedWarnings
from domain.operations import integrity
from domain.operations.integrity import dues
from domain.payments import amendments, release, warnings
from domain.payroll import intake, run_dues, run_history, webhook_deliveries
from domain.payroll.run_versions import PayableLine
from models import BankOrder, Batch, BatchLine, PayrollCompany, PayrollRun, Release, WebhookDelivery
from tests.support.factories import PSU, Demo, make_file
from tests.support.intake import lines, state, work
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox

DEMO_TOTAL = 1_980_608
WOUTER, NAOMI = "NL42INGB2268352412", "NL52ABNA7650143244"


def first(demo: Demo, sandbox: Sandbox) -> tuple[dict, Batch]:
    """Import a run of eight employees."""
    made = sandbox.run_payroll(lines=8, description="april", webhook="none")
    (batch,) = work(demo)
    return made, batch


_seconds = count(1)


def again(sandbox: Sandbox, made: dict, **told) -> dict:
    """Recalculate the run, with a later time."""
    at = (utcnow() + timedelta(seconds=next(_seconds))).isoformat()
    asked = {"action": "again", "webhook": "none", "run_at": at} | told
    return sandbox.control("POST", f"nmbrs/runs/{made['run']}", asked)


def change(sandbox: Sandbox, number: int, **told) -> None:
    sandbox.control("PUT", f"nmbrs/employees/{503300 + number}", told)


def approve(demo: Demo, batch: Batch) -> Release:
    made = release.release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(made, Release)
    return made


# --- not sent yet: replaced ------------------------------------------------------------------------
@pytest.mark.parametrize("approved", [False, True])
def test_a_newer_version_replaces_an_unsent_payment(demo: Demo, sandbox: Sandbox, approved: bool):
    made, old = first(demo, sandbox)
    if approved:
        approve(demo, old)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert state(old) == ("replaced", "run_again")
    assert {row[2] for row in lines(old)} == {"superseded"}
    assert (new.total_cents, new.line_count, new.is_supplement) == (DEMO_TOTAL - 344_808 + 300_000, 8, False)
    assert Release.select().where(Release.voided_at.is_null()).count() == 0
    assert list(integrity.find_inconsistencies()) == []


def test_the_same_version_again_changes_nothing(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    again(sandbox, made)
    assert work(demo) == []
    assert (state(old)[0], Batch.select().count()) == ("open", 1)


@pytest.mark.parametrize("why", ["another_day", "webhook"])
def test_a_run_of_last_year_that_is_recalculated_later_is_seen(demo: Demo, sandbox: Sandbox, why: str):
    made = sandbox.run_payroll(lines=8, description="december", webhook="none", year=utcnow().year - 1)
    (old,) = work(demo)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    if why == "another_day":
        PayrollCompany.update(polled_at=utcnow() - timedelta(days=1)).execute()
    else:
        PayrollCompany.update(webhook_received_at=utcnow(), poll_attempts=1).execute()
    (new,) = work(demo)
    assert state(old) == ("replaced", "run_again")
    assert new.total_cents == DEMO_TOTAL - 344_808 + 300_000


@pytest.mark.parametrize("action", ["unlock", "lock"])
def test_locking_a_run_keeps_its_payment(demo: Demo, sandbox: Sandbox, action: str):
    made, old = first(demo, sandbox)
    sandbox.control("POST", f"nmbrs/runs/{made['run']}", {"action": "unlock"})
    if action == "lock":
        sandbox.control("POST", f"nmbrs/runs/{made['run']}", {"action": "lock"})
    assert work(demo) == []
    assert state(old)[0] == "open"


def test_an_excluded_line_of_a_replaced_payment_is_void(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    line = demo.view(old).lines[0]
    amendments.exclude_line(demo.client, demo.user, old.reference, line.id)
    change(sandbox, 2, cents=1_00)
    again(sandbox, made)
    (new,) = work(demo)
    assert lines(old)[0][2] == "superseded"
    assert {row[2] for row in lines(new)} == {"open"}
    with pytest.raises(NotOpen):
        amendments.include_line(demo.client, demo.user, old.reference, line.id)


@pytest.mark.parametrize("ended", ["rejected", "failed", "cancelled"])
def test_a_newer_version_replaces_an_ended_payment(demo: Demo, sandbox: Sandbox, ended: str):
    made, old = first(demo, sandbox)
    put_at_bank(old, ended, "unpaid")
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert (state(old)[0], new.line_count, new.is_supplement) == ("replaced", 8, False)


def test_a_newer_version_is_paid_after_a_discarded_payment(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    BatchLine.update(state="excluded").where(BatchLine.batch == old.id).execute()
    amendments.discard(demo.client, demo.user, old.reference)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert (state(old)[0], new.line_count) == ("discarded", 8)
    assert {row[2] for row in lines(old)} == {"superseded"}


def test_a_return_to_an_earlier_version_is_a_new_payment(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    (second,) = work(demo)
    change(sandbox, 1, cents=344_808)
    again(sandbox, made)
    (third,) = work(demo)
    assert [state(batch)[0] for batch in (old, second, third)] == ["replaced", "replaced", "open"]
    assert (third.total_cents, third.reference != old.reference) == (DEMO_TOTAL, True)
    assert Batch.select().where(Batch.state == "open").count() == 1


# --- sent: only the difference ---------------------------------------------------------------------
@pytest.mark.parametrize("sent", ["sending", "name_check", "at_bank", "signed", "executed", "partly_executed"])
def test_after_a_sent_payment_only_the_difference_is_paid(demo: Demo, sandbox: Sandbox, sent: str):
    made, old = first(demo, sandbox)
    put_at_bank(old, sent, "paid" if sent == "executed" else "possible")
    change(sandbox, 1, cents=350_000)
    change(sandbox, 2, cents=200_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert state(old)[0] == sent
    assert [row[:2] for row in lines(new)] == [(WOUTER, 350_000 - 344_808)]
    shown = demo.view(new)
    assert (shown.lines[0].already_paid_cents, shown.overpaid) == (
        344_808,
        [("Donkersloot Meijer, Naomi", NAOMI, 61_100)],
    )
    assert new.is_supplement
    assert [*run_dues.due_inconsistencies(), *dues.due_faults()] == []


def test_a_supplementary_payment_must_be_read_before_approval(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    put_at_bank(old, "at_bank")
    change(sandbox, 1, cents=350_000)
    again(sandbox, made)
    (new,) = work(demo)
    shown = demo.view(new)
    assert [(one.kind, one.about, one.opened) for one in shown.cautions] == [("difference", old.reference, False)]
    with pytest.raises(UnacknowledgedWarnings):
        approve(demo, new)
    amendments.open_cautions(demo.client, demo.user, new.reference, ["period_twice:x"])
    with pytest.raises(UnacknowledgedWarnings):
        approve(demo, new)
    amendments.open_cautions(demo.client, demo.user, new.reference, [warnings.name(one) for one in shown.cautions])
    assert approve(demo, new).total_cents == 5_192


def test_lower_wages_make_no_payment_and_are_reported(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    put_at_bank(old, "executed", "paid")
    change(sandbox, 1, cents=344_000)
    again(sandbox, made)
    assert work(demo) == []
    run = PayrollRun.get()
    assert (run.state, run.reason, run.overpaid) == ("imported", "overpaid", [["Jong, Wouter de", WOUTER, 808]])
    assert demo.view(old).overpaid == [("Jong, Wouter de", WOUTER, 808)]


def test_an_excluded_line_that_changes_is_paid(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    line = demo.view(old).lines[0]
    amendments.exclude_line(demo.client, demo.user, old.reference, line.id)
    put_at_bank(old, "executed", "paid")
    change(sandbox, 1, cents=340_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert [row[:2] for row in lines(new)] == [(WOUTER, 340_000)]
    assert BatchLine.get_by_id(line.id).state == "superseded"


def test_a_second_difference_counts_the_first(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    put_at_bank(old, "executed", "paid")
    change(sandbox, 1, cents=345_000)
    again(sandbox, made)
    (second,) = work(demo)
    put_at_bank(second, "executed", "paid")
    change(sandbox, 1, cents=346_000)
    again(sandbox, made)
    (third,) = work(demo)
    assert [row[:2] for row in lines(third)] == [(WOUTER, 1_000)]
    total = BatchLine.select().where(BatchLine.creditor_iban == WOUTER)
    assert sum(row.amount_cents for row in total) == 346_000


# --- the file is gone or wrong ---------------------------------------------------------------------
def test_an_empty_version_replaces_the_payment_by_none(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    again(sandbox, made, lines=0)
    assert work(demo) == []
    assert (state(old), PayrollRun.get().state) == (("replaced", "run_emptied"), "empty")


def test_an_invalid_newer_file_blocks_the_older_payment(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    again(sandbox, made, sepa="<Document/>")
    assert work(demo) == []
    assert (state(old), PayrollRun.get().state) == (("replaced", "run_refused"), "invalid")
    again(sandbox, made)
    (new,) = work(demo)
    assert new.total_cents == DEMO_TOTAL


# --- gone from the list ----------------------------------------------------------------------------
def later() -> None:
    """Let a minute pass."""
    PayrollRun.update(unlisted_since=utcnow() - timedelta(minutes=1)).where(
        PayrollRun.unlisted_since.is_null(False)
    ).execute()


def test_a_missing_run_blocks_its_payment_and_then_ends_it(
    demo: Demo, sandbox: Sandbox
):
    made, batch = first(demo, sandbox)
    sandbox.control("POST", f"nmbrs/runs/{made['run']}", {"action": "remove"})
    assert work(demo) == []
    assert (state(batch)[0], demo.view(batch).run_missing) == ("open", True)
    with pytest.raises(RunMissing):
        approve(demo, batch)
    later()
    work(demo)
    assert state(batch) == ("replaced", "vanished")
    assert [row.result for row in run_history.history(demo.client)] == ["deleted"]


def test_an_approval_is_void_when_its_run_is_gone(demo: Demo, sandbox: Sandbox):
    made, batch = first(demo, sandbox)
    approve(demo, batch)
    sandbox.control("POST", f"nmbrs/runs/{made['run']}", {"action": "remove"})
    work(demo)
    assert state(batch) == ("open", "run_missing")
    assert Release.select().where(Release.voided_at.is_null()).count() == 0
    assert BankOrder.select().count() == 0


def test_a_run_missing_once_is_restored(demo: Demo, sandbox: Sandbox):
    _made, batch = first(demo, sandbox)
    sandbox.fault(nmbrs_empty_runs=True)
    work(demo)
    assert demo.view(batch).run_missing
    sandbox.fault(nmbrs_empty_runs=False)
    later()
    assert work(demo) == []
    assert (state(batch)[0], demo.view(batch).run_missing) == ("open", False)
    assert approve(demo, batch).total_cents == DEMO_TOTAL


def test_a_run_that_returns_is_paid_once(demo: Demo, sandbox: Sandbox):
    _made, batch = first(demo, sandbox)
    sandbox.fault(nmbrs_empty_runs=True)
    work(demo)
    later()
    work(demo)
    assert state(batch)[0] == "replaced"
    sandbox.fault(nmbrs_empty_runs=False)
    (new,) = work(demo)
    assert (new.total_cents, Batch.select().where(Batch.state == "open").count()) == (DEMO_TOTAL, 1)


def test_a_sent_payment_stays_when_its_run_is_gone(demo: Demo, sandbox: Sandbox):
    made, batch = first(demo, sandbox)
    put_at_bank(batch, "signed")
    sandbox.control("POST", f"nmbrs/runs/{made['run']}", {"action": "remove"})
    work(demo)
    later()
    work(demo)
    assert state(batch)[0] == "signed"


def test_a_new_number_for_the_same_run_is_paid_once(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    sandbox.fault(nmbrs_new_number=True)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    (new,) = work(demo)
    assert demo.view(old).run_missing
    later()
    work(demo)
    assert (state(old)[0], state(new)[0]) == ("replaced", "open")
    assert demo.view(new).cautions == []


# --- two runs of one period ------------------------------------------------------------------------
def test_a_second_run_of_a_period_must_be_read_before_approval(demo: Demo, sandbox: Sandbox):
    _made, old = first(demo, sandbox)
    sandbox.run_payroll(lines=3, description="april", webhook="none")
    (new,) = work(demo)
    for batch, other in ((new, old), (old, new)):
        shown = demo.view(batch)
        assert [(one.kind, one.about) for one in shown.cautions] == [("period_twice", other.reference)]
        with pytest.raises(UnacknowledgedWarnings):
            approve(demo, batch)
    amendments.open_cautions(demo.client, demo.user, new.reference, [f"period_twice:{old.reference}"])
    assert approve(demo, new).line_count == 3


def test_another_period_gives_no_warning(demo: Demo, sandbox: Sandbox):
    first(demo, sandbox)
    sandbox.run_payroll(lines=3, description="mei", webhook="none")
    (new,) = work(demo)
    assert demo.view(new).cautions == []


def test_a_discarded_payment_gives_no_warning(demo: Demo, sandbox: Sandbox):
    _made, old = first(demo, sandbox)
    BatchLine.update(state="excluded").where(BatchLine.batch == old.id).execute()
    amendments.discard(demo.client, demo.user, old.reference)
    sandbox.run_payroll(lines=3, description="april", webhook="none")
    (new,) = work(demo)
    assert demo.view(new).cautions == []


# --- by hand ---------------------------------------------------------------------------------------
def test_a_manual_reimport_doubles_nothing(demo: Demo, sandbox: Sandbox):
    first(demo, sandbox)
    run_history.reimport_run(demo.client, demo.user, PayrollRun.get().id)
    assert work(demo) == []
    assert Batch.select().count() == 1


def test_a_discarded_payment_can_be_imported_again(demo: Demo, sandbox: Sandbox):
    _made, old = first(demo, sandbox)
    BatchLine.update(state="excluded").where(BatchLine.batch == old.id).execute()
    amendments.discard(demo.client, demo.user, old.reference)
    run_history.reimport_run(demo.client, demo.user, PayrollRun.get().id)
    (new,) = work(demo)
    assert (new.total_cents, new.version != old.version) == (DEMO_TOTAL, True)


def test_parallel_imports_of_a_newer_version_make_one_payment(demo: Demo, sandbox: Sandbox):
    made, _old = first(demo, sandbox)
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    new = work(demo)
    PayrollRun.update(due_at=utcnow()).execute()
    assert [intake.import_run(PayrollRun.get().id) for _ in range(2)] == [None, None]
    assert (len(new), Batch.select().where(Batch.state == "open").count()) == (1, 1)


def test_a_webhook_during_an_import_causes_another_import(demo: Demo, sandbox: Sandbox):
    made, old = first(demo, sandbox)
    run_history.reimport_run(demo.client, demo.user, PayrollRun.get().id)
    claimed = leases.claim_lease(PayrollRun, PayrollRun.get().id, 60)
    assert claimed is not None
    # the worker has already fetched the old file when the webhook arrives
    change(sandbox, 1, cents=300_000)
    again(sandbox, made)
    body = json.dumps({"CompanyId": 9969, "RunId": made["run"]}).encode()
    delivery = WebhookDelivery.create(client=demo.client, content_type="application/json", headers={}, body=body)
    webhook_deliveries.process_delivery(delivery.id)
    wanted = [
        PayableLine(
            row.creditor_name,
            row.creditor_name_sepa,
            row.remittance,
            row.remittance_sepa,
            row.creditor_iban,
            row.amount_cents,
        )
        for row in BatchLine.select().where(BatchLine.batch == old.id)
    ]
    assert intake.create_batch_version(claimed, make_file(), wanted) is None
    assert intake.due_runs() == [claimed.id]
    new = intake.import_run(claimed.id)
    assert new is not None
    assert (state(old)[0], lines(new)[0][1]) == ("replaced", 300_000)
