"""Whoever can write to the database, past its triggers and checks, is found: each column of each table, each row.

The tables and columns come from the models. What is left out has a reason in models/proof.py, and where that reason is
another proof, tests/domain/test_check_books.py plants changes against it.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from peewee import (
    BigIntegerField,
    BlobField,
    BooleanField,
    DatabaseError,
    DateField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

import models
from core.clock import utcnow
from domain.operations import integrity, log_anchors, register_start
from domain.operations.integrity import rows
from domain.orders.conclusion import Level, Trust
from domain.orders.evidence import Statement, _row
from models import WATCHED, Membership, RowRegister, RowStatement, User, proof
from models.base import JsonField, UtcField
from models.dialect import is_sqlite
from tests.conftest import empty_database
from tests.domain import test_check_books
from tests.support.factories import make_world
from tests.support.rich_books import Books, add_everything_else, make_books, switch_triggers_off, switch_triggers_on
from tests.support.sandbox import Sandbox

LONG = bool(os.environ.get("BIZCUIT_TEST_LONG"))
COMPUTED = "computed again"


def name_of(table: Any) -> str:
    return table._meta.table_name


def stated_columns() -> list[tuple[str, str]]:
    return [(watch.name, column) for watch in WATCHED.values() for column in watch.columns]


@pytest.fixture(scope="module")
def books(migrated: str, running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    folder = tmp_path_factory.mktemp("falsified")
    running_sandbox.reset()
    with empty_database(migrated, folder / "books.db"):
        make_world(running_sandbox.url, running_sandbox.smtp_port, folder)
        made = make_books(running_sandbox)
        add_everything_else(made, running_sandbox)
        assert list(integrity.find_inconsistencies()) == []
        assert register_start.is_register_due() is False
        switch_triggers_off()
        if is_sqlite():
            models.database.execute_sql("pragma foreign_keys = off")
        yield made
        switch_triggers_on()


@pytest.fixture(scope="module")
def told(books: Books) -> rows.RegisterState:
    """What the register says. A change of a row past the program does not change it."""
    return rows.read_register()


@contextmanager
def taken_back() -> Iterator[None]:
    with models.database.atomic() as change:
        yield
        change.rollback()


def write(table: Any, row_id: Any, **values: Any) -> None:
    """Change a row as whoever has the database can: past the program."""
    mark, fields = models.database.obj.param, table._meta.fields
    key = table._meta.primary_key.column_name
    for name, value in values.items():
        models.database.execute_sql(
            f'update "{name_of(table)}" set "{fields[name].column_name}" = {mark} where "{key}" = {mark}',
            (fields[name].db_value(value), row_id),
        )


def found_after(change: Callable[[], Any], check: Callable[[], Iterable[str]] = rows.row_faults) -> list[str]:
    """Return what is found after this change. That the database itself refuses it counts as found."""
    try:
        with taken_back():
            change()
            return list(check())
    except DatabaseError as error:
        return [f"the database refuses it: {error}"]


def some_row(table: Any) -> Any:
    """The first row that is watched."""
    return next(all_rows(table))


def all_rows(table: Any) -> Iterator[Any]:
    watch = WATCHED.get(table)
    for row in table.select().order_by(table._meta.primary_key):
        if watch is None or watch.only is None or watch.only(row.__data__):
            yield row


def key_of(row: Any) -> Any:
    return row.__data__[row._meta.primary_key.name]


def others(field: Any, value: Any) -> list[Any]:
    """Plausible other values of this column: of its type, and nothing at all."""
    if isinstance(field, (ForeignKeyField, IntegerField, BigIntegerField)):
        found: list[Any] = [(value or 0) + 1, (value or 0) + 100_000]
    elif isinstance(field, BooleanField):
        found = [not value]
    elif isinstance(field, UtcField):
        found = [utcnow() if value is None else value + timedelta(hours=30)]
    elif isinstance(field, DateField):
        found = [(value or date(2026, 1, 5)) + timedelta(days=1)]
    elif isinstance(field, JsonField):
        found = [[["planted"]]]
    elif isinstance(field, BlobField):
        found = [b"planted"]
    else:
        assert isinstance(field, TextField), field
        found = [f"{value or ''}x", ""]
    return [one for one in [*found, None] if one != value]


# --- which columns --------------------------------------------------------------------------------
def test_every_column_is_proved_or_has_a_reason():
    for table in models.TABLES:
        watch, reasons = WATCHED.get(table), proof.NOT_STATED_COLUMNS.get(table, {})
        if watch is None:
            assert proof.NOT_STATED[table]
            continue
        key: Any = table._meta.primary_key
        columns = set(table._meta.fields) - {key.name}
        assert columns == set(watch.columns) | set(reasons), table
        assert all(reasons.values())


def test_no_exemption_is_dead():
    assert set(proof.NOT_STATED) | set(proof.NOT_STATED_COLUMNS) | set(proof.SUMMED) | set(proof.ONLY) <= set(
        models.TABLES
    )
    assert not set(proof.NOT_STATED) & (set(proof.NOT_STATED_COLUMNS) | set(proof.SUMMED) | set(proof.ONLY))
    for table, reasons in proof.NOT_STATED_COLUMNS.items():
        assert set(reasons) <= set(table._meta.fields), table


def test_columns_that_are_computed_again_are_tested_in_check_books():
    tested = {name for name in test_check_books.columns() if name not in test_check_books.EXCLUDED}
    for table, reason in proof.NOT_STATED.items():
        if reason.startswith(COMPUTED):
            assert table in test_check_books.TABLES
    for table, reasons in proof.NOT_STATED_COLUMNS.items():
        if table in test_check_books.TABLES:
            computed = {f"{name_of(table)}.{name}" for name, reason in reasons.items() if reason.startswith(COMPUTED)}
            assert computed <= tested


# --- each column ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("table_name", "column"), stated_columns())
def test_a_changed_column_is_found(told: rows.RegisterState, table_name: str, column: str):
    table = next(one for one in WATCHED if name_of(one) == table_name)
    field = table._meta.fields[column]
    for row in all_rows(table) if LONG else [some_row(table)]:
        for value in others(field, row.__data__[column]):
            change = partial(write, table, key_of(row), **{column: value})
            found = found_after(change, partial(rows.table_faults, WATCHED[table], told))
            assert found, f"nothing was found of {table_name}.{column} = {value!r}"
            assert len(found) == 1 or column == WATCHED[table].group, found


@pytest.mark.parametrize("table", WATCHED, ids=name_of)
def test_values_of_two_rows_that_change_places_are_found(told: rows.RegisterState, table: Any):
    """Of each column in which two rows differ."""
    watch, pairs = WATCHED[table], itertools.combinations(all_rows(table), 2)
    for one, other in pairs if LONG else itertools.islice(pairs, 1):
        for column in watch.columns:
            first, second = one.__data__[column], other.__data__[column]
            if first == second:
                continue
            change = partial(swap, table, column, key_of(one), key_of(other), first, second)
            assert found_after(change, partial(rows.table_faults, watch, told)), column


def swap(table: Any, column: str, one: Any, other: Any, first: Any, second: Any) -> None:
    if table._meta.fields[column].unique:
        write(table, one, **{column: "meanwhile"})
    write(table, other, **{column: first})
    write(table, one, **{column: second})


# --- each row -------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", WATCHED, ids=name_of)
def test_a_removed_row_is_found(told: rows.RegisterState, table: Any):
    for row in all_rows(table) if LONG else [some_row(table)]:
        assert found_after(partial(remove, row), partial(rows.table_faults, WATCHED[table], told)), row


def remove(row: Any) -> None:
    key, mark = row._meta.primary_key.column_name, models.database.obj.param
    models.database.execute_sql(f'delete from "{name_of(row)}" where "{key}" = {mark}', (key_of(row),))


@pytest.mark.parametrize("table", WATCHED, ids=name_of)
def test_a_forged_row_is_found(told: rows.RegisterState, table: Any):
    assert found_after(partial(forge, table, some_row(table)), partial(rows.table_faults, WATCHED[table], told))


_forged = itertools.count(1)


def forge(table: Any, like: Any, **values: Any) -> None:
    """Insert a row like this one past the program; columns that must be unique get another value."""
    number = next(_forged)
    given = {name: value for name, value in like.__data__.items() if name != "id"} | values
    alone = {field.name for field in table._meta.sorted_fields if field.unique or field.primary_key} - {"id"}
    pairs = (one for one in table._meta.indexes if isinstance(one, tuple))
    in_pairs = {name for names, unique in pairs if unique for name in names[-1:]}
    for name in (alone | in_pairs) - set(values):
        field = table._meta.fields[name]
        given[name] = f"forged{number}" if type(field) is TextField else 90_000 + number
        if isinstance(field, DateField):
            given[name] = date(2031, 1, 1) + timedelta(days=number)
    insert(table, given)


@pytest.mark.parametrize("table", WATCHED, ids=name_of)
def test_a_table_that_is_put_back_to_an_earlier_copy_is_found(books: Books, table: Any):
    """The program changes a row, adds one and removes one; then the table is as it was before."""
    row = some_row(table)
    changeable = WATCHED[table].group is None
    column = next((name for name in WATCHED[table].columns if type(table._meta.fields[name]) is TextField), None)

    def put_back() -> None:
        before = list(table.select().dicts())
        if changeable and column:
            table.update({column: f"{row.__data__[column]}y"}).where(table._meta.primary_key == key_of(row)).execute()
        else:
            table.delete().where(table._meta.primary_key == key_of(row)).execute()
        assert list(rows.row_faults()) == []
        models.database.execute_sql(f'delete from "{name_of(table)}"')
        for values in before:
            insert(table, values)

    assert found_after(put_back)


def insert(table: Any, values: dict[str, Any]) -> None:
    """Insert a row past the program."""
    fields = [table._meta.fields[name] for name in values]
    columns = ", ".join(f'"{field.column_name}"' for field in fields)
    marks = ", ".join([models.database.obj.param] * len(fields))
    models.database.execute_sql(
        f'insert into "{name_of(table)}" ({columns}) values ({marks})',
        [field.db_value(values[field.name]) for field in fields],
    )


# --- attacks ---------------------------------------------------------------------------------------
def an_owner(books: Books) -> None:
    forge(Membership, some_row(Membership), user=User.select().order_by(User.id.desc()).get().id, role="owner")


def evidence_of_a_rejection(books: Books) -> None:
    """With the key that tells equal statements apart computed as the program does: it needs no secret."""
    order = models.BankOrder.get(models.BankOrder.batch == books.lump.id)
    said = Statement(Level.BATCH, "RJCT", utcnow(), reason="AC04")
    insert(models.Evidence, {**_row(order, "status", Trust.BANK, said, None, None, None), "received_at": utcnow()})


def a_due(books: Books) -> None:
    due = models.Due.get_by_id(models.BatchLine.get(models.BatchLine.batch == books.open.id).due_id)
    values = {name: value for name, value in due.__data__.items() if name != "id"}
    insert(models.Due, {**values, "person": "forged", "owed_cents": 100_000})


def a_longer_due(books: Books) -> None:
    due = models.Due.get_by_id(models.BatchLine.get(models.BatchLine.batch == books.open.id).due_id)
    line = [*due.lines[0][:6], due.lines[0][6] + 1_00]
    write(models.Due, due.id, owed_cents=due.owed_cents + 1_00, lines=[line])


def a_line(books: Books) -> None:
    line = models.BatchLine.get(models.BatchLine.batch == books.open.id)
    values = {name: value for name, value in line.__data__.items() if name != "id"}
    forged = {"position": 99, "end_to_end_id": "forged", "creditor_iban": "NL64TRIO0379501686"}
    insert(models.BatchLine, {**values, **forged})
    batch = models.Batch.get_by_id(books.open.id)
    write(models.Batch, batch.id, total_cents=batch.total_cents + line.amount_cents, line_count=batch.line_count + 1)


def no_orders(books: Books) -> None:
    """All that a bank was given of the executed payment is removed, and it is open again."""
    order = models.BankOrder.get(models.BankOrder.batch == books.lump.id)
    for table, where in (("evidence", "order_id"), ("bank_call", "order_id"), ("order_line", "order_id"),
                         ("sca_session", "order_id"), ("bank_order", "id")):  # fmt: skip
        models.database.execute_sql(f'delete from "{table}" where {where} = {order.id}')
    write(models.Batch, books.lump.id, state="open", order_count=0)


def operator_who_signs_in(books: Books) -> None:
    forge(models.Operator, some_row(models.Operator), name="mallory", token_hash="known")


def transient_owner(books: Books) -> None:
    """A forged member who is given another role by the program, and is gone at the time of the check."""
    forge(Membership, some_row(Membership), user=User.select().order_by(User.id.desc()).get().id, role="owner")
    forged = Membership.select().order_by(Membership.id.desc()).get()
    Membership.update(role="approver").where(Membership.id == forged.id).execute()
    models.database.execute_sql(f"delete from membership where id = {forged.id}")


def session_of_another(books: Books) -> None:
    """One's own session becomes that of another user."""
    one, other = itertools.islice(all_rows(models.LoginSession), 2)
    write(models.LoginSession, one.token_hash, user=other.user_id)


def visitor_who_is_signed_in(books: Books) -> None:
    like = some_row(models.LoginSession)
    visitor = models.LoginSession.create(token_hash="visitor", user=None, data={}, expires_at=utcnow())
    assert list(rows.row_faults()) == []
    write(models.LoginSession, visitor.token_hash, user=like.user_id)


def forged_account_that_the_bank_lists(books: Books) -> None:
    """An account with high limits, which the next synchronisation finds there and updates."""
    like = some_row(models.BankAccount)
    forge(models.BankAccount, like, iban="NL18RABO0123459876", limit_payment_cents=10**12)
    facts = {"bank": like.bank, "name": "x", "holder_name": "x", "resource_id": "x", "consent": like.consent_id}
    models.BankAccount.insert(
        client=like.client_id, iban="NL18RABO0123459876", limit_payment_cents=1, limit_day_cents=1, **facts
    ).on_conflict(conflict_target=(models.BankAccount.client, models.BankAccount.iban), update=facts).execute()


ATTACKS = (
    an_owner, evidence_of_a_rejection, a_due, a_longer_due, a_line, no_orders, operator_who_signs_in, transient_owner,
    session_of_another, visitor_who_is_signed_in, forged_account_that_the_bank_lists,
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_an_attack_is_found(books: Books, attack: Callable[[Books], None]):
    assert found_after(lambda: attack(books), integrity.find_inconsistencies)


@pytest.mark.parametrize("table", [one for one in models.TABLES if proof.NOT_STATED.get(one, "").startswith(COMPUTED)],
                         ids=name_of)  # fmt: skip
def test_a_row_of_a_computed_table_that_is_gone_is_found(books: Books, table: Any):
    for row in list(all_rows(table)) if LONG else [some_row(table)]:
        assert found_after(partial(remove, row), integrity.find_inconsistencies), row.__data__


# --- the register itself --------------------------------------------------------------------------
def test_a_shortened_register_is_found(books: Books):
    last = RowRegister.get().number
    assert found_after(lambda: execute(f"delete from row_statement where number = {last}"))
    assert found_after(lambda: execute("delete from row_statement where number = 3"))
    assert found_after(lambda: execute("delete from row_statement"))


@pytest.mark.parametrize("column", ["changes", "stated_at", "previous", "hash"])
def test_a_changed_statement_is_found(books: Books, column: str):
    row = RowStatement.get(RowStatement.number == 5)
    value = row.stated_at + timedelta(days=1) if column == "stated_at" else "[]" if column == "changes" else "0" * 64
    found = found_after(lambda: write(RowStatement, row.id, **{column: value}))
    assert any("not intact at statement" in one for one in found)


@pytest.mark.parametrize("column", ["number", "head", "last_hash"])
def test_a_changed_head_is_found(books: Books, column: str):
    value = 1 if column == "number" else "0" * 64
    assert found_after(lambda: write(RowRegister, 1, **{column: value}))


def test_an_emptied_register_is_not_begun_again(books: Books):
    """All of it removed, and an owner put in: the logs know that there was one."""

    def wipe() -> None:
        an_owner(books)
        execute("delete from row_statement")
        execute("delete from row_register")
        log_anchors.anchor_logs()
        assert register_start.begin_register() == 0

    log_anchors.anchor_logs()
    assert found_after(wipe)


def test_a_register_put_back_to_an_earlier_copy_is_found(books: Books):
    """The register and all rows are put back to an earlier copy of themselves."""
    with taken_back():
        number = RowRegister.get().number
        register = RowRegister.get().__data__
        User.update(name="Somebody").where(User.id == books.demo.user.id).execute()
        log_anchors.anchor_logs()
        execute(f"delete from row_statement where number > {number}")
        write(RowRegister, 1, **{name: register[name] for name in ("number", "head", "last_hash")})
        write(User, books.demo.user.id, name=books.demo.user.name)
        assert list(rows.row_faults()) == []
        assert any("register of rows is gone" in one for one in log_anchors.anchor_faults())


def execute(statement: str) -> None:
    models.database.execute_sql(statement)
