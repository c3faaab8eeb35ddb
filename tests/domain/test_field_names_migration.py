"""The migration of names keeps every row and what it meant: each state of before, and every renamed column."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import models
from models import schema
from models.dialect import is_postgres, is_sqlite

MIGRATION = "0009_field_names"
NOW = "2026-11-29 10:00:00"
TODAY = "2026-11-29"

# Each table and column of before with a value of each state, and what it is called now.
RENAMED_VALUES = [
    ("run", "state", "payroll_run", "state",
     {"found": "pending", "retrying": "retrying", "taken": "imported", "empty": "empty", "refused": "invalid",
      "older": "before_connection", "unmapped": "unmapped", "vanished": "deleted"}),
    ("batch_line", "state", "batch_line", "state",
     {"open": "open", "refused": "excluded", "void": "superseded", "sent": "sent", "executed": "executed",
      "rejected": "rejected", "returned": "returned", "disputed": "disputed"}),
    ("bank_order", "state", "bank_order", "state",
     {"ready": "prepared", "sent": "submitted", "at_bank": "at_bank", "signed": "signed", "executed": "executed",
      "ended": "closed"}),
    ("authority", "answer", "authority", "answer",
     {"yes": "authorised", "no": "not_authorised", "not_established": "undetermined"}),
    ("bank_account", "holder_check", "bank_account", "holder_check",
     {"agrees": "matched", "yes": "approved", "no": "rejected", None: None}),
    ("bank_link", "status", "bank_consent", "status",
     {"started": "started", "valid": "valid", "refused": "declined", "ended": "ended"}),
    ("nmbrs_connection", "status", "nmbrs_connection", "status", {"active": "active", "disturbed": "failing"}),
    ("nmbrs_check", "result", "nmbrs_permission_check", "result",
     {"waiting": "waiting", "ok": "ok", "refused": "refused", "unknown": "unknown", "trouble": "error"}),
    ("challenge", "purpose", "webauthn_challenge", "purpose",
     {"register": "register", "sign_in": "sign_in", "prove": "reauthenticate", "release": "release"}),
    ("bank_transaction", "role", "bank_transaction", "match_type",
     {"lump": "batch", "line": "line", "return": "return"}),
]  # fmt: skip
# Of later migrations.
LATER = {"payment_hold", "lost_order", "name_confirmation", "row_statement", "row_register", "excess_allowance",
         "payee_answer", "line_verdict", "line_doubt", "early_name_check", "name_check_task",
         "email_change"}  # fmt: skip
# columns, which stand last
ADDED_LATER = {"payroll_run": 3, "user_account": 1, "bank_order": 2, "client": 4, "payroll_company": 2, "release": 1,
               "approval": 1, "batch_line": 3}  # fmt: skip


def execute(query: str, *values: Any) -> list[tuple]:
    mark = "?" if is_sqlite() else "%s"
    done = models.database.execute_sql(query.replace("?", mark), values)
    return list(done.fetchall()) if done.description else []


class Before:
    """Rows of a database of before, as plain SQL: the first of each table, and one more for each state."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, table: str, **values: Any) -> int:
        """Insert a row; required columns that are not given get a value of their type."""
        self.count += 1
        row = {
            column.name: values.get(column.name, self._some(table, column))
            for column in models.database.get_columns(table)
            if column.name in values or not (column.null or (column.name == "id" and column.primary_key))
        }
        columns, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        execute(f'insert into "{table}" ({columns}) values ({marks})', *row.values())
        return execute(f'select max(id) from "{table}"')[0][0] if "id" in self._names(table) else self.count

    def _names(self, table: str) -> set[str]:
        return {column.name for column in models.database.get_columns(table)}

    def _some(self, table: str, column: Any) -> Any:
        keys = {key.column: key.dest_table for key in models.database.get_foreign_keys(table)}
        if column.name in keys:
            return execute(f'select max(id) from "{keys[column.name]}"')[0][0] or self.add(keys[column.name])
        kind = column.data_type.lower()
        if "timestamp" in kind or "date" in kind:
            return NOW if "timestamp" in kind else TODAY
        if "bool" in kind:
            return False
        if "int" in kind:
            return {"times": 2, "failures": 2, "code_tries": 1, "level": 1}.get(column.name, self.count)
        return b"x" if kind in ("blob", "bytea") else self._text(column.name)

    def _text(self, name: str) -> Any:
        known = {
            "kvk_number": "68750110", "locale": "nl", "language": "nl", "role": "owner", "state": "open",
            "environment": f"e{self.count}", "interface": "soap", "status": "valid", "webhook": "off",
            "kind": "salary", "proof": "session", "answer": "yes", "result": "ok", "purpose": "payment",
            "service": "nmbrs", "what": "waits", "standing": "unsent", "source": "status", "trust": "bank",
            "data": "{}", "headers": "{}", "details": "{}", "asked": "{}", "lines": "[]",
        }  # fmt: skip
        return known.get(name, f"{name} {self.count}")


@pytest.fixture
def before(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Before]:
    """A database with all migrations before this one."""
    models.database.close()
    if is_sqlite():
        models.connect(f"sqlite:///{tmp_path / 'before.db'}")
    models.database.connect()
    _empty()
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in sorted(Path(schema._DIRECTORY).glob("0*.py")):
        if path.stem < MIGRATION:
            shutil.copy(path, folder / path.name)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_DIRECTORY", str(folder))
        patch.setattr(schema, "create_triggers", lambda: None)  # today's are about today's names
        models.database.close()
        models.migrate()
    models.database.connect(reuse_if_open=True)
    yield Before()
    if is_postgres():
        _empty()
        models.database.close()
        models.migrate()


def _empty() -> None:
    if is_postgres():
        models.database.execute_sql("drop schema public cascade")
        models.database.execute_sql("create schema public")


def migrate() -> None:
    models.database.close()
    assert MIGRATION in models.migrate()
    models.database.connect(reuse_if_open=True)


def fill(before: Before) -> None:
    """One row in every table, and one for each state of each."""
    before.add("client", public_id="c1")
    first = before.add("user_account", email="wouter@demobv.example")
    second = before.add("user_account", email="naomi@demobv.example")
    before.add("distinct_persons", first_id=first, second_id=second)
    for state in ("disturbed", "active"):
        before.add("nmbrs_connection", status=state)
    for state in ("started", "valid", "refused", "ended"):
        before.add("bank_link", status=state)
    for state in ("agrees", "yes", "no", None):
        before.add("bank_account", holder_check=state)
    before.add("payroll_company", bank_account_id=1, mapped_at=NOW)
    for number, state in enumerate(RENAMED_VALUES[0][4]):
        before.add("run", state=state, number=number)
    for state in ("ended", "ready", "sent", "at_bank", "signed", "executed"):  # each order is of a payment of its own
        batch = before.add("batch", reference=f"ref-{state}", total_cents=800, line_count=8)
        release = before.add("release", batch_id=batch, digest=state)
        before.add("bank_order", batch_id=batch, release_id=release, state=state)
    for position, state in enumerate(RENAMED_VALUES[1][4]):
        before.add("batch_line", state=state, position=position, batch_id=1, amount_cents=100, iban=f"NL{position}")
    for state in RENAMED_VALUES[3][4]:
        before.add("authority", answer=state)
    for state in RENAMED_VALUES[7][4]:
        before.add("nmbrs_check", result=state)
    for state in RENAMED_VALUES[8][4]:
        before.add("challenge", purpose=state, challenge_hash=state)
    before.add("bank_transaction", role="lump", order_id=1)
    before.add("bank_transaction", role="line", order_id=1, line_id=1)
    before.add("bank_transaction", role="return", order_id=1, line_id=1)
    before.add("nmbrs_exchange", answer="{}")
    for table in sorted(set(models.database.get_tables()) - {"schema_migration"}):
        if not execute(f'select 1 from "{table}"'):
            before.add(table)


def test_every_state_keeps_its_meaning(before: Before):
    fill(before)
    old = {(table, column): execute(f'select "{column}" from "{table}"') for table, column, *_ in RENAMED_VALUES}
    counts = {table: len(execute(f'select 1 from "{table}"')) for table in models.database.get_tables()}
    migrate()
    for table, column, new_table, new_column, values in RENAMED_VALUES:
        given = {state for (state,) in old[table, column]}
        assert given == set(values), f"{table}.{column}: not every state was tried"
        assert sorted(execute(f'select "{new_column}" from "{new_table}"'), key=str) == sorted(
            [(values[state],) for (state,) in old[table, column]], key=str
        )
    assert sorted(counts.values()) == sorted(
        len(execute(f'select 1 from "{table}"')) - (table == "schema_migration") * _after()
        for table in models.database.get_tables() if table not in LATER
    )


def _after() -> int:
    """How many migrations there are from this one on."""
    return sum(name >= MIGRATION for name in schema.known_migrations())


def test_every_column_keeps_its_values(before: Before):
    fill(before)
    known = {model._meta.table_name for model in models.TABLES} - LATER
    old = {table: _rows(table) for table in models.database.get_tables() if table != "schema_migration"}
    migrate()
    new = {table: [row[: len(row) - ADDED_LATER.get(table, 0)] for row in _rows(table)] for table in known}
    words = {word for *_, values in RENAMED_VALUES for pair in values.items() for word in pair}
    if is_sqlite():
        assert (execute("pragma integrity_check"), execute("pragma foreign_key_check")) == ([("ok",)], [])
    unchanged = sorted(_without(words, rows) for rows in old.values())
    assert unchanged == sorted(_without(words, rows) for rows in new.values())


def _rows(table: str) -> list[list[str]]:
    """The rows of a table by column position, which a renaming keeps."""
    return sorted([str(value) for value in row] for row in execute(f'select * from "{table}"'))


def _without(words: set, rows: list[list[str]]) -> list[list[str]]:
    return sorted([value for value in row if value not in words] for row in rows)


def test_the_models_read_what_was_migrated_and_the_database_still_refuses_unknown_values(before: Before):
    fill(before)
    migrate()
    for model in (one for one in models.TABLES if one._meta.table_name not in LATER):
        assert list(model.select().limit(20)), model.__name__
    for table, column, value in (("batch_line", "state", "refused"), ("bank_order", "state", "ended"),
                                 ("payroll_run", "state", "taken"), ("authority", "answer", "yes")):  # fmt: skip
        with models.database.atomic() as change, pytest.raises(Exception, match=r"(?i)check constraint"):
            try:
                execute(f'update "{table}" set "{column}" = ? where id = 1', value)
            finally:
                change.rollback()


def test_one_payment_still_has_one_live_order(before: Before):
    fill(before)
    migrate()
    names = {index.name for index in models.database.get_indexes("bank_order") if index.unique}
    assert "one_live_order" in names
    sql = next(index.sql for index in models.database.get_indexes("bank_order") if index.name == "one_live_order")
    assert "closed" in sql and "ended" not in sql
