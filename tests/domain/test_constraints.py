"""Constraints and triggers: the database rejects what would be wrong, even from our own code."""

from datetime import date

import pytest
from peewee import DatabaseError

from core.clock import utcnow
from models import AuditEvent, BankCall, BankOrder, Batch, BatchLine, Due, Release
from tests.support.factories import Demo
from tests.support.orders import put_at_bank


def _release(batch: Batch, total: int, count: int) -> Release:
    return Release.create(
        batch=batch, user=batch.client.memberships.get().user_id, digest="d", debtor_iban="x",
        execution_date=date(2026, 11, 24), total_cents=total, line_count=count, authentication_method="session", ip="-",
    )  # fmt: skip


def _order(batch: Batch, release: Release, name: str) -> BankOrder:
    return BankOrder.create(
        batch=batch, release=release, bank_account=batch.bank_account_id, msg_id=name, x_request_id=name,
        body_encrypted="-", body_sha256="-", total_cents=release.total_cents, line_count=release.line_count,
        execution_date=release.execution_date, redirect_state_hash=name,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"amount_cents": 1}, {"creditor_iban": "X"}, {"creditor_name_sepa": "X"}, {"creditor_name": "X"}]
)
def test_the_facts_of_a_line_cannot_be_changed(demo: Demo, change: dict):
    batch = demo.batch()
    with pytest.raises(DatabaseError):
        BatchLine.update(**change).where(BatchLine.batch == batch.id).execute()


def test_a_line_cannot_be_deleted(demo: Demo):
    demo.batch()
    with pytest.raises(DatabaseError):
        BatchLine.delete().execute()


def test_the_audit_log_is_append_only(demo: Demo):
    demo.batch()
    with pytest.raises(DatabaseError):
        AuditEvent.update(kind="x").execute()
    with pytest.raises(DatabaseError):
        AuditEvent.delete().execute()
    assert AuditEvent.select().count() > 0
    assert BankCall.select().count() == 0


@pytest.mark.parametrize(("extra", "lines"), [(1, 3), (-1, 3), (0, 2)])
def test_a_release_must_equal_the_sum_of_its_lines(demo: Demo, extra: int, lines: int):
    batch = demo.batch()
    with pytest.raises(DatabaseError):
        _release(batch, batch.total_cents + extra, lines)


def test_a_batch_has_at_most_one_live_order(demo: Demo):
    batch = demo.batch()
    first = _release(batch, batch.total_cents, 3)
    _order(batch, first, "one")
    Release.update(digest="other").where(Release.id == first.id).execute()
    second = _release(batch, batch.total_cents, 3)
    with pytest.raises(DatabaseError):
        _order(batch, second, "two")


def test_a_digest_has_at_most_one_valid_release(demo: Demo):
    batch = demo.batch()
    _release(batch, batch.total_cents, 3)
    with pytest.raises(DatabaseError):
        _release(batch, batch.total_cents, 3)


def test_a_version_of_a_run_is_one_batch(demo: Demo):
    batch = demo.batch()
    row = dict(batch.__data__, id=None, reference="other")
    with pytest.raises(DatabaseError):
        Batch.insert({key: value for key, value in row.items() if key != "id"}).execute()


# --- no order line beyond what is owed ------------------------------------------------------------
@pytest.mark.parametrize("standing", ["unsent", "possible", "paid", "disputed"])
def test_an_order_line_beyond_its_due_is_refused(demo: Demo, standing: str):
    """Whichever payment of the run it is in: what may be paid already counts."""
    batch, other = demo.batch(), demo.batch(number=2)
    put_at_bank(batch, "at_bank", standing)
    first = BatchLine.get(BatchLine.batch == batch.id)
    BatchLine.update(due=first.due_id).where(
        BatchLine.batch == other.id, BatchLine.creditor_iban == first.creditor_iban
    ).execute()
    with pytest.raises(DatabaseError, match="more than is owed to this person"):
        put_at_bank(other, "at_bank")


@pytest.mark.parametrize("standing", ["unpaid", "returned"])
def test_an_unpaid_or_returned_amount_can_be_ordered_again(demo: Demo, standing: str):
    batch, other = demo.batch(), demo.batch(number=2)
    put_at_bank(batch, "rejected", standing)
    first = BatchLine.get(BatchLine.batch == batch.id)
    BatchLine.update(due=first.due_id).where(
        BatchLine.batch == other.id, BatchLine.creditor_iban == first.creditor_iban
    ).execute()
    assert put_at_bank(other, "at_bank").line_count == 3


def test_an_order_line_without_a_due_is_refused(demo: Demo):
    batch = demo.batch()
    BatchLine.update(due=None).execute()
    with pytest.raises(DatabaseError, match="more than is owed to this person"):
        put_at_bank(batch, "at_bank")


def test_an_order_line_of_a_suspended_due_is_refused(demo: Demo):
    batch = demo.batch()
    Due.update(suspended_at=utcnow()).execute()
    with pytest.raises(DatabaseError, match="more than is owed to this person"):
        put_at_bank(batch, "at_bank")
