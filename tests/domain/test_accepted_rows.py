"""A row that was repaired by hand is a fault until two operators accept it as it is."""

import re

import pytest
from click.testing import Result
from flask import Flask

import commands
from core.clock import utcnow
from domain.common import audit
from domain.common.errors import NotFound, StateConflict
from domain.operations import accepted_rows, integrity
from domain.operations.accepted_rows import accept_row, unproved_row
from domain.orders import evidence
from domain.orders.conclusion import TAKEN, Level, Trust
from domain.orders.evidence import Statement
from models import AuditEvent, BankAccount, BankOrder, Device, Evidence, RowStatement, database, transaction
from tests.support.factories import Demo
from tests.support.orders import put_at_bank
from tests.support.rich_books import switch_triggers_off, switch_triggers_on

pytestmark = pytest.mark.planted


def repair(demo: Demo, cents: int = 5_000_00) -> str:
    """Change a limit with SQL, past the program; return the account's key."""
    database.execute_sql(f"update bank_account set limit_payment_cents = {cents} where id = {demo.account.id}")
    return str(demo.account.id)


def run(*arguments: str) -> Result:
    app = Flask("test")
    commands.register(app)
    return app.test_cli_runner().invoke(args=list(arguments))


def accept(key: str, code: str, by: str, table: str = "bank_account") -> str:
    return accept_row(table, key, code, "the bank raised it", by)


def test_two_operators_accept_a_row_and_the_books_hold(demo: Demo):
    key = repair(demo)
    (fault,) = integrity.find_inconsistencies()
    code = unproved_row("bank_account", key).code
    assert accept(key, code, "ada").startswith("kept")
    assert accept(key, code, " ADA").startswith("kept"), "the same operator is no second one"
    assert list(integrity.find_inconsistencies()) == [fault]
    assert accept(key, code, "grace") == "accepted"
    assert list(integrity.find_inconsistencies()) == [] and audit.verify_chain(demo.client.id) == []
    assert BankAccount.get_by_id(demo.account.id).limit_payment_cents == 5_000_00
    told = AuditEvent.select().where(AuditEvent.kind.in_((accepted_rows.ASKED, accepted_rows.ACCEPTED)))
    assert [(one.kind, one.details["by"]) for one in told.order_by(AuditEvent.number)] == [
        ("rows.accept_asked", "ada"), ("rows.accept_asked", "ada"), ("rows.accepted", "grace"),
    ]  # fmt: skip
    with pytest.raises(NotFound):
        accept(key, code, "grace")


def test_a_row_that_changed_between_the_two_is_not_accepted(demo: Demo):
    key = repair(demo)
    code = unproved_row("bank_account", key).code
    accept(key, code, "ada")
    repair(demo, 9_000_000_00)
    with pytest.raises(StateConflict, match="look at it again"):
        accept(key, code, "grace")
    assert accept(key, unproved_row("bank_account", key).code, "grace").startswith("kept"), "ada saw another row"
    assert len(list(integrity.find_inconsistencies())) == 1


def test_a_later_change_past_the_program_is_found_again(demo: Demo):
    key = repair(demo)
    code = unproved_row("bank_account", key).code
    accept(key, code, "ada")
    accept(key, code, "grace")
    repair(demo, 6_000_00)
    assert len(list(integrity.find_inconsistencies())) == 1


def test_a_row_that_is_gone_and_one_that_was_put_in(demo: Demo):
    device = Device.create(user=demo.user, token_hash="d" * 64, user_agent="")
    database.execute_sql(
        "insert into device (user_id, token_hash, user_agent, created_at, last_seen_at) "
        f"select user_id, '{'e' * 64}', user_agent, created_at, last_seen_at from device where id = {device.id}"
    )
    added = Device.get(Device.token_hash == "e" * 64)
    database.execute_sql(f"delete from device where id = {device.id}")
    keys = {str(device.id), str(added.id)}
    for key in keys:
        code = unproved_row("device", key).code
        assert [accept(key, code, by, "device") for by in ("ada", "grace")][-1] == "accepted"
    assert list(integrity.find_inconsistencies()) == []


def test_the_group_of_a_long_table(demo: Demo):
    put_at_bank(demo.batch(), "at_bank", "possible")
    said = [Statement(Level.GROUP, TAKEN, utcnow())]
    with transaction(demo.client.id):
        evidence.add_evidence(BankOrder.get(), evidence.OPERATOR, Trust.OPERATOR, said, said_by="operator:ada")
    row = Evidence.get()
    switch_triggers_off()
    database.execute_sql(f"update evidence set code = 'ACSC' where id = {row.id}")
    switch_triggers_on()
    before = list(integrity.find_inconsistencies())
    key = str(row.order_id)
    code = unproved_row("evidence", key).code
    assert [accept(key, code, by, "evidence") for by in ("ada", "grace")][-1] == "accepted"
    left = list(integrity.find_inconsistencies())
    gone = [fault for fault in before if fault not in left]
    assert len(gone) == 1 and gone[0].startswith("rows evidence of order")
    assert [fault for fault in left if "no longer says what it said" in fault], "what is computed again stays a fault"


def test_a_register_that_is_not_intact_accepts_nothing(demo: Demo):
    key = repair(demo)
    switch_triggers_off()
    RowStatement.update(hash="0" * 64).where(RowStatement.number == 1).execute()
    switch_triggers_on()
    with pytest.raises(StateConflict, match="not intact"):
        unproved_row("bank_account", key)


def test_the_commands(demo: Demo):
    assert run("rows", "show", "bank_account", str(demo.account.id)).output == "Error: not found\n"
    assert run("rows", "show", "no_such_table", "1").output == "Error: not found\n"
    key = repair(demo)
    shown = run("rows", "show", "bank_account", key).output
    assert "was changed past the program: limit_payment_cents" in shown
    code = re.findall(r"^code ([0-9a-f]{12})$", shown, re.MULTILINE)[0]
    asked = ("rows", "accept", "bank_account", key, "--reason", "raised", "--code")
    assert "look at it again" in run(*asked, "0" * 12, "--by", "ada").output
    assert run(*asked, code, "--by", "ada").output == "kept; a second operator must give the same code\n"
    assert run(*asked, code, "--by", "grace").output == "accepted\n"
