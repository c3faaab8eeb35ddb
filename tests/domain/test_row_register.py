"""The register of rows: what the program writes is stated, also by deletions that cascade and rows that are updated if
they are there; how it begins in a database from before; the daily check.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from prometheus_client import generate_latest

import models
from core.clock import utcnow
from domain.operations import daily_check, log_anchors, register_start
from domain.operations.integrity import rows
from domain.operations.metrics import REGISTRY
from domain.payments.limits import set_limits
from models import (
    AuditEvent,
    BankAccount,
    Device,
    LoginSession,
    Membership,
    PushSubscription,
    RowRegister,
    RowStatement,
    User,
    savepoint,
    transaction,
)
from models.base import insert_rows, update_rows
from models.dialect import is_sqlite
from models.triggers import create_triggers
from tests.support.factories import Demo, make_device, make_user


def faults() -> list[str]:
    return list(rows.row_faults())


def execute(statement: str) -> None:
    models.database.execute_sql(statement)


@pytest.fixture(autouse=True)
def right_at_first(demo: Demo):
    assert faults() == []


# --- what is stated -------------------------------------------------------------------------------
def test_a_transaction_is_one_statement_and_a_failed_one_is_none(demo: Demo):
    before = RowStatement.select().count()
    with transaction(demo.client.id):
        user = make_user()
        Membership.create(user=user, client=demo.client, role="preparer")
    assert RowStatement.select().count() == before + 1
    with pytest.raises(ZeroDivisionError), transaction(demo.client.id):
        Membership.update(role="owner").execute()
        raise ZeroDivisionError
    assert RowStatement.select().count() == before + 1
    assert faults() == []


def test_what_a_savepoint_takes_back_is_not_stated(demo: Demo):
    with transaction(demo.client.id), savepoint() as tried:
        make_user()
        tried.rollback()
    assert faults() == []


def test_no_statement_holds_a_value(demo: Demo):
    User.update(name="Wouter de Vries").where(User.id == demo.user.id).execute()
    assert "Vries" not in "".join(row.changes for row in RowStatement.select())


def test_columns_that_decide_nothing_are_not_stated(demo: Demo):
    before = RowStatement.select().count()
    Membership.update(last_used_at=utcnow()).execute()
    LoginSession.create(token_hash="visitor", data={}, expires_at=utcnow())
    assert RowStatement.select().count() == before


def test_rows_that_the_database_deletes_by_itself_are_stated(demo: Demo):
    device = make_device(demo.user)
    PushSubscription.create(user=demo.user, device=device, endpoint_hash="e", endpoint_encrypted="v1:x")
    Device.delete().where(Device.id == device.id).execute()
    assert (PushSubscription.select().count(), faults()) == (0, [])


def test_an_insert_that_finds_the_row_states_only_what_it_sets(demo: Demo):
    def synchronise(iban: str) -> None:
        facts: dict[str, Any] = {"consent": demo.consent.id, "bank": "redirect", "name": "Zakelijk",
                                 "holder_name": "Demo BV", "resource_id": iban}  # fmt: skip
        BankAccount.insert(
            client=demo.client.id, iban=iban, limit_payment_cents=1, limit_day_cents=1, **facts
        ).on_conflict(conflict_target=(BankAccount.client, BankAccount.iban), update=facts).execute()

    synchronise("NL61KNAB0257398104")
    synchronise("NL61KNAB0257398104")
    assert faults() == []
    execute("update bank_account set limit_payment_cents = 99 where iban = 'NL61KNAB0257398104'")
    synchronise("NL61KNAB0257398104")
    assert [one for one in faults() if "limit_payment_cents" in one]


def test_a_later_write_does_not_make_a_change_right(demo: Demo):
    execute(f"update bank_account set limit_day_cents = 9 where id = {demo.account.id}")
    set_limits(BankAccount.get_by_id(demo.account.id), 5_00, None, "root")
    (fault,) = faults()
    assert fault == f"bank account {demo.account.id} of client {demo.client.id} was changed past the program: " + (
        "limit_day_cents"
    )
    set_limits(BankAccount.get_by_id(demo.account.id), None, 7_00, "root")
    assert faults() == []


def test_many_rows_are_not_written_past_the_register():
    with pytest.raises(RuntimeError, match="User is watched"):
        insert_rows(User, [{"email": "a"}])
    with pytest.raises(RuntimeError, match="User is watched"):
        update_rows(User, [{"id": 1, "email": "a"}])


# --- a database from before -----------------------------------------------------------------------
@pytest.fixture
def from_before(demo: Demo):
    """Rows, and no register: as a migration finds them."""
    for trigger in ("row_statement_stay", "row_statement_keep"):
        execute(f"drop trigger {trigger}" + ("" if is_sqlite() else " on row_statement"))
    execute("delete from row_statement")
    execute("delete from row_register")
    yield
    create_triggers()


def test_a_database_from_before_is_stated_as_it_is_found(from_before: None, demo: Demo):
    assert register_start.is_register_due()
    assert faults()
    assert register_start.bring_up_to_date() > 10
    assert faults() == []
    assert AuditEvent.select().where(AuditEvent.kind == "rows.registered").count() == 1
    assert not register_start.is_register_due()


def test_it_begins_once(from_before: None, demo: Demo):
    register_start.begin_register()
    execute("delete from row_statement")
    execute("delete from row_register")
    execute(f"update membership set role = 'approver' where id = {demo.membership.id}")
    assert (register_start.begin_register(), bool(faults())) == (0, True)


def test_it_does_not_begin_again_if_its_head_was_kept(from_before: None, demo: Demo):
    User.update(name="x").execute()
    log_anchors.anchor_logs()
    execute("delete from row_statement")
    execute("delete from row_register")
    assert register_start.begin_register() == 0
    assert any("register of rows is gone" in one for one in log_anchors.anchor_faults())


def test_a_new_column_is_stated_for_rows_that_are_known(demo: Demo, monkeypatch: pytest.MonkeyPatch):
    """As if `email` came with a migration: no statement names it yet."""
    plain = rows.read_register

    def without_emails() -> rows.RegisterState:
        told = plain()
        if not RowStatement.select().where(RowStatement.number > last).exists():
            for columns in told.rows["user_account"].values():
                columns.pop("email")
        return told

    last = RowRegister.get().number
    monkeypatch.setattr(register_start, "read_register", without_emails)
    assert register_start.state_new_columns() == User.select().count()
    assert register_start.state_new_columns() == 0
    assert faults() == []


# --- once a day -----------------------------------------------------------------------------------
NIGHT = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)  # 02:30 in Amsterdam


def test_the_books_are_checked_once_a_day_whoever_asks(demo: Demo):
    with time_machine.travel(NIGHT, tick=False):
        assert (daily_check.is_check_due(), daily_check.check_books(), daily_check.check_books()) == (True, 0, None)
    with time_machine.travel(NIGHT + timedelta(minutes=20), tick=False):
        assert not daily_check.is_check_due()
    with time_machine.travel(NIGHT + timedelta(minutes=40), tick=False):
        assert (daily_check.is_check_due(), daily_check.check_books(), daily_check.is_check_due()) == (True, 0, False)


def test_what_is_found_is_told_to_operators(demo: Demo, caplog: pytest.LogCaptureFixture):
    execute(f"update membership set role = 'approver' where id = {demo.membership.id}")
    assert daily_check.check_books() == 1
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert any("membership" in one and "role" in one for one in errors)
    assert "bizcuit_books_inconsistencies 1.0" in generate_latest(REGISTRY).decode()


def test_a_check_that_fails_leaves_no_figure(demo: Demo, monkeypatch: pytest.MonkeyPatch):
    assert daily_check.check_books() == 0
    assert "bizcuit_books_inconsistencies 0.0" in generate_latest(REGISTRY).decode()
    RowRegister.update(checked_at=None).execute()

    def failing() -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(daily_check.integrity, "find_inconsistencies", failing)
    with pytest.raises(ZeroDivisionError):
        daily_check.check_books()
    assert "\nbizcuit_books_inconsistencies" not in generate_latest(REGISTRY).decode()
