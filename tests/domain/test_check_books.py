"""check-books computes everything again from the rows beneath, and finds whatever was changed behind its back.

One set of books with payments in every kind of state is made once. Each test changes one column of one row, with the
triggers of the database switched off, and takes the change back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from peewee import (
    BigIntegerField,
    BooleanField,
    DateField,
    ForeignKeyField,
    IntegerField,
    IntegrityError,
    TextField,
)

import commands
import models
from core.clock import utcnow
from domain.operations import integrity
from domain.payments import queries, totals
from models import (
    Approval,
    BankOrder,
    BankTransaction,
    Batch,
    BatchLine,
    Client,
    Due,
    Evidence,
    ExcessAllowance,
    LineVerdict,
    OrderLine,
    PayeeAnswer,
    Release,
)
from models.base import JsonField, UtcField
from models.dialect import is_sqlite
from tests.conftest import empty_database
from tests.support.factories import make_demo, make_world
from tests.support.rich_books import Books, make_books, switch_triggers_off, switch_triggers_on
from tests.support.sandbox import Sandbox

TABLES: tuple[Any, ...] = (
    Batch, BatchLine, Due, Release, Approval, BankOrder, OrderLine, Evidence, BankTransaction, ExcessAllowance,
    PayeeAnswer, LineVerdict,
)  # fmt: skip
# Columns that bear on no money, and why.
EXCLUDED = {
    "batch.id": "the row itself",
    "batch.description": "what the run is called; shown only",
    "batch.file_debtor_iban": "what the file names; warns only, the account is chosen in the app",
    "batch.state_changed_at": "when it came to be so; shown only",
    "batch.created_at": "shown only",
    "batch.period_start": "shown only; the run is known by its number",
    "batch.period_end": "shown only; the run is known by its number",
    "batch.is_manually_imported": "shown only: the run is from before the connection",
    "batch.unpaid_employee_count": "shown only: people of the run without a line",
    "batch.unpaid_employee_names": "shown only: people of the run without a line",
    "batch.last_edited_by": "who may approve, not what is paid; the log holds who changed what",
    "batch.lines_version": "a counter; what rests on it is in totals_cache",
    "batch_line.id": "the row itself",
    "batch_line.person_group": "shown only: which lines stand together",
    "batch_line.place": "shown only: where the line stands",
    "batch_line.paid_for": "shown only: whose pay goes to somebody else",
    "batch_line.already_paid_cents": "shown only: what was paid to this person before",
    "batch_line.vop_result": "what the bank found of the name; what is sent is compared with what was approved",
    "batch_line.vop_name": "what the bank found of the name; what is sent is compared with what was approved",
    "batch_line.reference_type": "said by the description, which is compared",
    "batch_line.reference_issuer": "said by the description, which is compared",
    "due.id": "the row itself",
    "due.created_at": "shown nowhere",
    "due.updated_at": "shown nowhere",
    "release.id": "the row itself",
    "release.ip": "where from, not what",
    "release.void_reason": "why it no longer stands; whether it does is compared",
    "approval.id": "the row itself",
    "approval.ip": "where from, not what",
    "approval.date_was_automatic": "whether the day is free again when it is voided; the day itself is compared",
    "approval.approved_at": "when, not what; the log holds it",
    "approval.void_reason": "why it no longer stands; whether it does is compared",
    "bank_order.id": "the row itself",
    "bank_order.bank_status": "the bank's last word as it was; the evidence decides",
    "bank_order.authorisation_id": "where the signature is followed",
    "bank_order.redirect_state_hash": "lets the redirect of the bank in, which proves nothing",
    "bank_order.callback_state_hash": "lets a signal of the bank in, which proves nothing",
    "bank_order.psu_returned_at": "when the redirect came, which proves nothing",
    "bank_order.status_checked_at": "when it was asked last",
    "bank_order.attempts": "when it is asked next",
    "bank_order.due_at": "when it is asked next",
    "bank_order.lease_until": "which worker has it",
    "bank_order.created_at": "shown nowhere; the moment in the bytes is compared with the release",
    "order_line.id": "the row itself",
    "excess_allowance.id": "the row itself",
    "excess_allowance.asked_at": "when, not what; the log holds it",
    "excess_allowance.allowed_at": "when, not what; the log holds it, and whether it was allowed is compared",
    "payee_answer.id": "the row itself",
    "line_verdict.id": "the row itself",
    "line_verdict.given_at": "when, not what; the log holds it",
    "evidence.id": "the row itself",
    "evidence.document_sha256": "which file said it, which is not kept; of a hint it is part of the key",
    "evidence.received_at": "when we heard it; the bank's own time decides",
    "bank_transaction.id": "the row itself",
    "bank_transaction.dedupe_key": "what tells bookings of the bank's list apart; the booking itself is compared",
    "bank_transaction.value_date": "shown only",
    "bank_transaction.counterparty_name": "shown only; a booking is known by its ids",
    "bank_transaction.counterparty_iban": "shown only; a booking is known by its ids",
    "bank_transaction.batch_count": "shown only; a lump is known by its reference",
    "bank_transaction.is_batch": "shown only",
    "bank_transaction.imported_at": "when we heard it",
}


def columns() -> list[str]:
    return [f"{table._meta.table_name}.{name}" for table in TABLES for name in table._meta.sorted_field_names]


# --- the books ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def books(migrated: str, running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("books")
    running_sandbox.reset()
    with empty_database(migrated, folder / "books.db"):
        make_world(running_sandbox.url, running_sandbox.smtp_port, folder)
        made = make_books(running_sandbox)
        assert list(integrity.find_inconsistencies()) == []
        switch_triggers_off()
        yield made
        switch_triggers_on()


@contextmanager
def planted(table: Any, row_id: int, column: str, value: Any) -> Iterator[None]:
    """Change one column of a row as somebody with access to the database could; take it back afterwards."""
    field = table._meta.fields[column]
    mark = models.database.obj.param
    with models.database.atomic() as change:
        models.database.execute_sql(
            f'update "{table._meta.table_name}" set "{field.column_name}" = {mark} where id = {mark}',
            (field.db_value(value), row_id),
        )
        yield
        change.rollback()


# --- which row, and to what -----------------------------------------------------------------------
def row_of(books: Books, table: Any) -> Any:
    """The row that is changed: of the payment that was executed in one booking, unless another is said."""
    order = BankOrder.get(BankOrder.batch == books.lump.id)
    line = BatchLine.get(BatchLine.batch == books.lump.id, BatchLine.position == 1)
    lump = (Evidence.order == order.id) & (Evidence.source == "status") & (Evidence.code == "ACSC")
    return {
        Batch: Batch.get_by_id(books.lump.id), BatchLine: line, Due: Due.get_by_id(line.due_id),
        Release: Release.get(Release.batch == books.lump.id), BankOrder: order,
        Approval: Approval.get(Approval.batch == books.approved.id),
        OrderLine: OrderLine.get(OrderLine.order == order.id), Evidence: Evidence.get(lump),
        BankTransaction: BankTransaction.get(BankTransaction.order == order.id),
        ExcessAllowance: ExcessAllowance.get(), PayeeAnswer: PayeeAnswer.get(PayeeAnswer.line == line.id),
        LineVerdict: LineVerdict.get(),
    }[table]  # fmt: skip


# Columns that say nothing of that row: a lump has no end-to-end id.
ROWS = {"bank_transaction.end_to_end_id": lambda: BankTransaction.get(BankTransaction.match_type == "line")}


# Values that the type of a column alone does not tell.
VALUES: dict[str, Callable[[Any], Any]] = {
    "batch.kind": lambda _: "wage_tax",
    "batch.state": lambda _: "rejected",
    "batch.totals_cache": lambda row: _kept(row),
    "batch_line.state": lambda _: "rejected",
    "due.lines": lambda row: [[*one[:5], "NL64TRIO0379501686", *one[6:]] for one in row.lines],
    "release.authentication_method": lambda _: "pin",
    "approval.authentication_method": lambda _: "pin",
    "bank_order.state": lambda _: "closed",
    "bank_order.submitted_at": lambda _: None,
    "bank_order.message_format": lambda _: "json",
    "bank_order.body_encrypted": lambda row: row.body_encrypted.replace("A", "B"),
    "order_line.standing": lambda _: "unpaid",
    "evidence.source": lambda _: "report",
    "evidence.trust": lambda _: "hint",
    "evidence.code": lambda _: "RJCT",
    "bank_transaction.match_type": lambda _: "line",
    "bank_transaction.remittance_information": lambda row: row.remittance_information.replace("-", "x"),
}


def _kept(batch: Batch) -> dict:
    """The totals of a page, with another sum."""
    loaded = queries.get_batch(Client.get_by_id(batch.client_id), batch.reference)
    day = queries.execution_date(loaded)
    wishes = queries.wishes_in_force(loaded)
    sums = totals.compute_totals(loaded, day, totals.lines_of(loaded), wishes)
    return {"of": totals._made_of(loaded, day, wishes), "sums": {**vars(sums), "cents": sums.cents + 1}}


def changed(books: Books, table: Any, column: str, row: Any) -> Any:
    """Another value for this column of this row."""
    name, field, value = f"{table._meta.table_name}.{column}", table._meta.fields[column], getattr(row, column)
    if name in VALUES:
        return VALUES[name](row)
    if isinstance(field, ForeignKeyField):
        return _another(field.rel_model, row.__data__[column])
    if isinstance(field, BooleanField):
        return not value
    if isinstance(field, (IntegerField, BigIntegerField)):
        return (value or 0) + 1
    if isinstance(field, UtcField):
        return utcnow() if value is None else value + timedelta(hours=30)
    if isinstance(field, DateField):
        return (value or date(2026, 1, 5)) + timedelta(days=1)
    if isinstance(field, JsonField):
        return {**(value or {}), "total": [1, 1], "people": []}
    assert isinstance(field, TextField), name
    return f"{value or ''}x"


def _another(table: Any, row_id: int | None) -> int:
    """Another row of a table that a column refers to; made where there is none."""
    found = table.select(table.id).where(table.id != (row_id or 0)).order_by(table.id.desc()).first()
    return found.id if found else make_demo().client.id


# --- each change is found -------------------------------------------------------------------------
def test_what_is_left_out_are_columns_that_exist():
    assert EXCLUDED.keys() <= set(columns())


@pytest.mark.parametrize("name", [name for name in columns() if name not in EXCLUDED])
def test_a_changed_column_is_found(books: Books, name: str):
    table_name, _, column = name.partition(".")
    table = next(one for one in TABLES if one._meta.table_name == table_name)
    row = ROWS[name]() if name in ROWS else row_of(books, table)
    value = changed(books, table, column, row)
    assert value != row.__data__[column]
    found = _faults_with(table, row.id, column, value)
    assert found, f"nothing was found of {name}"
    assert all(" " in one and any(word in one for word in ("payment ", "run ", "due ", "line ")) for one in found)


def _faults_with(table: Any, row_id: int, column: str, value: Any) -> list[str]:
    """What is found once this is changed. That the database itself refuses it counts as found."""
    try:
        with planted(table, row_id, column, value):
            return list(integrity.computed_faults())
    except IntegrityError as error:
        return [f"the line cannot be changed: {error}"]


@dataclass(frozen=True)
class Change:
    """A further change: of which row, which column, to what, and what the finding says."""

    row: Callable[[Books], Any]
    column: str
    value: Any
    told: str


def _line(batch: str, position: int = 1) -> Callable[[Books], Any]:
    return lambda books: BatchLine.get(
        BatchLine.batch == getattr(books, batch).id, BatchLine.position == position
    )


def _of(table: Any, batch: str) -> Callable[[Books], Any]:
    return lambda books: table.get(table.batch == getattr(books, batch).id)


def _booking(role: str) -> Callable[[Books], Any]:
    return lambda _: BankTransaction.get(BankTransaction.match_type == role)


OTHERS = {
    "an approved line gets another account": Change(
        _line("approved"), "creditor_iban", "NL64TRIO0379501686", "the log says"
    ),
    "an approved line gets another name at the bank": Change(
        _line("approved"), "creditor_name_sepa", "Mallory", "not those that were approved"
    ),
    "an approved line is excluded": Change(_line("approved"), "state", "excluded", "not those that were approved"),
    "an open line gets another amount": Change(_line("open"), "amount_cents", 1, "total or count"),
    "an open line gets another account": Change(
        _line("open"), "creditor_iban", "NL64TRIO0379501686", "not what the log"
    ),
    "an open line gets another name at the bank": Change(
        _line("open"), "creditor_name_sepa", "Mallory", "name for the bank"
    ),
    "an open line gets another text": Change(_line("open"), "remittance_sepa", "x", "not that of whom it is owed"),
    "an open line is called paid": Change(_line("open"), "state", "rejected", "it is rejected in a payment"),
    "an open payment gets another account": Change(
        lambda books: books.open, "bank_account", lambda books: books.demo.other.id, "not the one that the log"
    ),
    "an approved payment gets another day": Change(
        lambda books: books.approved, "execution_date", date(2027, 1, 5), "not what was approved"
    ),
    "an approved payment opens": Change(lambda books: books.approved, "state", "open", "the log says approved"),
    "a release that was voided stands": Change(_of(Release, "again"), "voided_at", None, "a release stands"),
    "a release of an approved payment does not": Change(
        _of(Release, "approved"), "voided_at", utcnow(), "0 releases stand"
    ),
    "a first approval is of something else": Change(_of(Approval, "half"), "digest", "0" * 64, "not for what it pays"),
    "one of two approvals is voided": Change(_of(Approval, "approved"), "voided_at", utcnow(), "not those of two"),
    "an order that ended lives": Change(_of(BankOrder, "again"), "state", "signed", "the evidence says"),
    "a payment that is not called executed": Change(
        lambda books: books.lump, "state", "signed", "the evidence says executed"
    ),
    "a returned line counts as paid": Change(_line("by_line"), "state", "executed", "the payment shows executed"),
    "a booking of a line changes its amount": Change(_booking("line"), "amount_cents", -1, "nothing follows from it"),
    "a booking of a line becomes another's": Change(_booking("line"), "end_to_end_id", "x", "another end-to-end id"),
    "a return is not ours": Change(_booking("return"), "order", None, "counts for nothing"),
    "a return is another day's": Change(
        _booking("return"), "booking_date", date(2026, 1, 2), "no such booking is there"
    ),
    "a lump is not ours": Change(_booking("batch"), "order", None, "counts for nothing"),
    "a due is of nobody": Change(
        lambda books: Due.get_by_id(_line("open")(books).due_id), "owed_cents", 0, "newest version"
    ),
    "a due waits, though its run was read": Change(
        lambda books: Due.get_by_id(_line("open")(books).due_id), "suspended_at", utcnow(), "suspended"
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_change_in_another_state_is_found(books: Books, name: str):
    change = OTHERS[name]
    row, value = change.row(books), change.value(books) if callable(change.value) else change.value
    found = _faults_with(type(row), row.id, change.column, value)
    assert any(change.told in one or "cannot be changed" in one for one in found), found


@pytest.mark.parametrize("table", [Evidence, BankTransaction], ids=lambda one: one.__name__)
def test_a_row_that_is_gone_is_found(books: Books, table: Any):
    order = BankOrder.get(BankOrder.batch == books.lump.id)
    cents = table.amount_cents if table is BankTransaction else table.cents
    row = table.get(table.order == order.id, cents.is_null(False))
    with models.database.atomic() as change:
        models.database.execute_sql(f'delete from "{table._meta.table_name}" where id = {row.id}')
        assert [one for one in integrity.computed_faults() if books.lump.reference in one]
        change.rollback()


def let_go_of(table: str) -> None:
    """Let rows of this table be deleted that others refer to, until the transaction ends."""
    execute = models.database.execute_sql
    if is_sqlite():
        execute("pragma defer_foreign_keys = on")
        return
    keys = "select conrelid::regclass, conname from pg_constraint where contype = 'f' and confrelid = %s::regclass"
    for other, name in execute(keys, (table,)).fetchall():
        execute(f'alter table {other} drop constraint "{name}"')


def test_an_allowance_whose_line_is_gone_is_named(books: Books):
    """The check tells it, and goes on with everything else."""
    row = ExcessAllowance.get()
    with models.database.atomic() as change:
        let_go_of("order_line")
        models.database.execute_sql(f"delete from order_line where id = {row.beside_id}")
        found = list(integrity.computed_faults())
        change.rollback()
    assert f"allowance {row.id}: a row that it names is gone" in found
    assert any(row.beside.order.msg_id in one for one in found), "what was paid by that line"


def test_a_payment_that_is_put_in_by_hand_is_found(books: Books):
    copy = {name: value for name, value in books.open.__data__.items() if name != "id"}
    with models.database.atomic() as change:
        Batch.insert(**copy | {"reference": "20260101000099-12345", "version": "x"}).execute()
        assert "payment 20260101000099-12345: the log does not say that it was made" in integrity.computed_faults()
        change.rollback()


def test_the_command_tells_each_fault_and_fails(books: Books):
    app = Flask("test")
    commands.register(app)
    assert app.test_cli_runner().invoke(args=["check-books"]).output == "0 faults\n"
