"""What was executed is what a payment is held against; what its approver was shown is kept, in log and books."""

from datetime import date

import pytest
import time_machine

from domain.operations import integrity, redaction
from domain.payments import shown_changes
from domain.payments.queries import get_batch
from domain.payments.release import release
from domain.payroll import run_discovery
from models import Approval, AuditEvent, Batch, BatchLine, Client, Release
from tests.support.factories import LINES, PSU, Demo
from tests.support.pay_periods import executed, of_month, with_pay
from tests.support.rich_books import switch_triggers_off, switch_triggers_on

DOUBLED = with_pay(LINES[0][2] * 2)


def told(demo: Demo, batch: Batch) -> list[tuple[str, str]]:
    return [(str(one.kind), one.written) for one in demo.view(batch).changes.people]


def faults() -> list[str]:
    return [one for one in integrity.find_inconsistencies() if "told of changes" in one]


def approve(demo: Demo, batch: Batch) -> Release | Approval:
    return release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)


@pytest.mark.parametrize("standing", ["possible", "disputed", "unpaid", "unsent", "returned"])
def test_only_what_was_executed_is_a_measure(demo: Demo, standing: str):
    executed(demo, 9, LINES, standing=standing)
    assert told(demo, of_month(demo, 10, DOUBLED)) == []


def test_it_is_held_against_periods_before_it_in_the_same_administratie(demo: Demo):
    executed(demo, 11)
    batch = of_month(demo, 10, DOUBLED)
    assert told(demo, batch) == []
    executed(demo, 9)
    assert told(demo, batch) == [("changed", LINES[0][0])]
    Batch.update(company_key="other").where(Batch.id != batch.id).execute()
    assert told(demo, batch) == []


def test_periods_of_another_length_are_no_measure(demo: Demo):
    earlier, batch = executed(demo, 9), of_month(demo, 10, DOUBLED)
    Batch.update(period_start=7).where(Batch.id == earlier.id).execute()
    assert told(demo, batch) == []


def test_all_payments_of_a_period_count_together(demo: Demo):
    executed(demo, 9, LINES[:1])
    executed(demo, 9, LINES[1:])
    assert told(demo, of_month(demo, 10)) == []


def test_a_year_ago_is_read_however_many_months_are_between(demo: Demo):
    executed(demo, 5, DOUBLED, 2025)
    for month in range(6, 13):
        executed(demo, month, year=2025)
    for month in range(1, 5):
        executed(demo, month)
    batch = of_month(demo, 5, LINES)
    (one,) = demo.view(batch).changes.people
    assert (one.written, one.against.period.year if one.against else 0) == (LINES[0][0], 2025)


def test_an_extra_payment_of_a_period_and_what_is_left_of_a_run_are_compared_with_nothing(demo: Demo):
    executed(demo, 9)
    executed(demo, 10)
    assert told(demo, of_month(demo, 10, DOUBLED[:1])) == []
    batch = of_month(demo, 11, DOUBLED[:1])
    Batch.update(is_supplement=True).where(Batch.id == batch.id).execute()
    assert told(demo, batch) == []


def test_what_the_approver_was_shown_is_kept_without_names(demo: Demo):
    earlier = executed(demo, 9)
    batch = of_month(demo, 10, DOUBLED[:2])
    row = approve(demo, batch)
    first = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 1)
    left = BatchLine.get(BatchLine.batch == earlier.id, BatchLine.position == 3)
    now, before = sum(one[2] for one in DOUBLED[:2]), sum(one[2] for one in LINES)
    assert row.changes == {
        "total": [now, before], "against": [2026, 9, 9], "unnamed": 0, "people": [
            ["changed", [first.id], LINES[0][2] * 2, LINES[0][2], [2026, 9, 9]],
            ["gone", [left.id], 0, LINES[2][2], [2026, 9, 9]],
        ],
    }  # fmt: skip
    event = AuditEvent.get(AuditEvent.kind == "batch.release")
    assert event.details["changes"] == shown_changes.shown_changes_hash(row.changes)
    assert faults() == []


def test_where_nothing_was_told_nothing_is_kept(demo: Demo):
    executed(demo, 9)
    row = approve(demo, of_month(demo, 10))
    assert row.changes is None
    assert "changes" not in AuditEvent.get(AuditEvent.kind == "batch.release").details


def test_each_of_two_approvers_was_shown_it(demo: Demo):
    Client.update(dual_approval_from_cents=0).where(Client.id == demo.client.id).execute()
    executed(demo, 9)
    row = approve(demo, of_month(demo, 10, DOUBLED))
    assert isinstance(row, Approval) and row.changes["people"][0][0] == "changed"
    assert AuditEvent.get(AuditEvent.kind == "batch.approved_by_one").details["changes"]


def test_what_was_kept_cannot_be_changed_unseen(demo: Demo):
    executed(demo, 9)
    row = approve(demo, of_month(demo, 10, DOUBLED))
    switch_triggers_off()
    try:
        Release.update(changes=None).where(Release.id == row.id).execute()
        assert len(faults()) == 1
    finally:
        switch_triggers_on()


def test_it_stays_without_anybody_s_name_when_the_details_are_removed(demo: Demo):
    executed(demo, 9)
    batch = of_month(demo, 10, DOUBLED)
    row = approve(demo, batch)
    run_discovery._mark_deleted(batch.run)
    with time_machine.travel(date(2034, 1, 2), tick=False):
        assert redaction.redact_run(batch.run_id)
    assert Release.get_by_id(row.id).changes == row.changes
    assert faults() == []


def test_it_is_read_as_the_page_reads_it(demo: Demo):
    executed(demo, 9)
    batch = of_month(demo, 10, DOUBLED)
    assert shown_changes.changes_now(get_batch(demo.client, batch.reference)) == demo.view(batch).changes
