"""`order show --xml`: the file as it was sent, and before that as it would be sent."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from click.testing import Result
from flask import Flask
from lxml import etree

import commands
from connectors.bank.pain001 import parse_own_pain001
from connectors.bank.payment_order import PaymentOrder
from core.clock import utcnow
from domain.operations import order_files
from domain.orders import order_building, submission
from domain.payments import amendments, queries
from domain.payments.release import release
from domain.payroll import reopening
from models import BankAccount, BankOrder, Batch, BatchLine, Due, OrderLine, PayrollRun
from tests.support.factories import LINES, PSU, Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank


@pytest.fixture
def app(demo: Demo) -> Flask:
    made = Flask("test")
    commands.register(made)
    return made


def show(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["order", "show", *arguments])


def order_of(result: Result) -> PaymentOrder:
    assert result.exit_code == 0, result.output
    return parse_own_pain001(result.stdout_bytes)


def only_ids(order: PaymentOrder) -> tuple:
    return order.msg_id, order.debtor_iban, order.execution_date, list(order.lines)


def test_before_approval_it_is_the_file_that_would_be_sent(demo: Demo, app: Flask):
    batch = demo.batch()
    shown = show(app, batch.reference, "--xml")
    assert BankOrder.select().count() == 0, "nothing was made"
    order = order_of(shown)
    assert order.execution_date == queries.execution_date(queries.get_batch(demo.client, batch.reference))
    assert (order.msg_id, order.debtor_iban, order.total_cents) == (
        batch.reference, demo.account.iban, sum(cents for _, _, cents in LINES),
    )  # fmt: skip
    at_the_bank(demo, batch)
    assert only_ids(order_of(show(app, batch.reference, "--xml"))) == only_ids(order)


def test_what_was_not_sent_is_marked_beside_the_file(demo: Demo, app: Flask):
    """Whoever took it to the bank by hand would have it paid twice. The file itself is as it would be sent."""
    batch = demo.batch()
    assert "is not approved" in show(app, batch.reference, "--xml").stderr
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    shown = show(app, batch.reference, "--xml")
    assert "is approved and not sent" in shown.stderr and "not sent" not in shown.stdout
    order_building.build_order(Batch.get_by_id(batch.id))
    assert "was made and not sent" in show(app, batch.reference, "--xml").stderr
    submission.submit_order(batch.id)
    assert show(app, batch.reference, "--xml").stderr == ""


def test_excluded_lines_are_not_in_it(demo: Demo, app: Flask):
    batch = demo.batch()
    amendments.exclude_line(demo.client, demo.user, batch.reference, BatchLine.get().id)
    assert order_of(show(app, batch.reference, "--xml")).count == len(LINES) - 1


def test_the_file_of_an_approved_payment_is_sent_byte_for_byte(demo: Demo, app: Flask):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    with time_machine.travel(utcnow() + timedelta(minutes=3)):
        shown = show(app, batch.reference, "--xml").stdout_bytes
    submission.submit_order(batch.id)
    assert order_building.order_bytes(BankOrder.get()) == shown


def test_the_file_of_a_sent_order_is_what_the_bank_got(demo: Demo, sandbox: Sandbox, app: Flask):
    batch = at_the_bank(demo)
    shown = show(app, batch.reference, "--xml").stdout_bytes
    (order,) = sandbox.control("GET", "orders")
    assert shown.decode() == order["body"]
    assert shown == order_building.order_bytes(BankOrder.get())


def test_a_payment_that_is_open_again_shows_its_next_order_and_keeps_the_first(demo: Demo, app: Flask):
    batch = at_the_bank(demo)
    stored = order_building.order_bytes(BankOrder.get())
    BankOrder.update(state="closed").execute()
    Batch.update(state="rejected").execute()
    OrderLine.update(standing="unpaid").execute()
    BatchLine.update(state="rejected").execute()
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert order_of(show(app, batch.reference, "--xml")).msg_id == f"{batch.reference}-2"
    assert show(app, batch.reference, "--xml", "--attempt", "1").stdout_bytes == stored
    assert show(app, batch.reference, "--xml", "--attempt", "2").exit_code == 1


def test_json_and_the_older_file_are_shown_in_the_form_of_the_bank(demo: Demo, sandbox: Sandbox, app: Flask):
    batch = demo.batch()
    sandbox.control("PUT", "banks/redirect", {"format": "json"})
    assert show(app, batch.reference, "--xml").stdout_bytes.startswith(b"{")
    sandbox.control("PUT", "banks/redirect", {"format": "pain.001.001.03"})
    assert str(etree.fromstring(show(app, batch.reference, "--xml").stdout_bytes).tag).endswith(".03}Document")


def _set_iban(iban: str) -> None:
    BankAccount.update(iban=iban).where(BankAccount.id == Batch.get().bank_account_id).execute()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: BatchLine.update(state="excluded").execute(), "every line is excluded"),
        (lambda: PayrollRun.update(unlisted_since=utcnow()).execute(), "Nmbrs no longer has its run"),
        (lambda: Due.update(owed_cents=1).execute(), "more than its run owes"),
        (lambda: Batch.update(execution_date="2020-01-02").execute(), "its execution date is no longer possible"),
        (lambda: BankAccount.update(bank="gone").execute(), "its bank is not in the configuration"),
        (lambda: _set_iban("NL00INGB0004921836"), "its bank's format does not allow this (debtor_iban)"),
        (lambda: Batch.update(state="discarded").execute(), "is discarded and has no such order"),
    ],
    ids=["nothing left", "run gone", "owed less", "day past", "bank gone", "not writable", "discarded"],
)
def test_where_no_order_can_be_made_it_says_why(demo: Demo, app: Flask, change: Any, told: str):
    batch = demo.batch()
    change()
    result = show(app, batch.reference, "--xml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr


def test_a_bank_that_takes_fewer_lines(demo: Demo, sandbox: Sandbox, app: Flask):
    sandbox.control("PUT", "banks/redirect", {"line": {"most_lines": 2}})
    assert "takes no such order" in show(app, demo.batch().reference, "--xml").stderr


def test_an_unknown_reference_is_not_found(demo: Demo, app: Flask):
    result = show(app, "20260101000000-00000", "--xml")
    assert (result.exit_code, result.stderr.strip()) == (1, "Error: not found")


def test_bytes_that_were_changed_are_not_shown(demo: Demo, app: Flask):
    batch = at_the_bank(demo)
    kept = BankOrder.get().body_encrypted
    BankOrder.update(body_encrypted="v1:k1:AAAA:AAAA").execute()
    assert "not the one that was made" in show(app, batch.reference, "--xml").stderr
    with pytest.raises(order_files.NoOrderFile):
        order_files.order_file(batch.reference)
    BankOrder.update(body_encrypted=kept).execute()  # every ciphertext must open at the end of a test


def test_without_a_file_the_command_tells_where_the_payment_is(demo: Demo, app: Flask):
    batch = demo.batch()
    assert show(app, batch.reference).output == f"{batch.reference}  open  no order was made\n"
