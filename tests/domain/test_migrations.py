"""Migrations: they end at today's tables, and keep every row of a database of before."""

from pathlib import Path

import pytest
from playhouse.migrations import Runner

import models
from models.base import database, is_sqlite
from models.schema import _DIRECTORY
from models.triggers import create_triggers

SEED = {
    "client": {"id": 1, "public_id": "c1", "kvk_number": "68750110"},
    "user_account": {"id": 1, "email": "a@b.example"},
    "nmbrs_connection": {"id": 1, "client_id": 1, "status": "active"},
    "bank_link": {"id": 1, "client_id": 1, "user_id": 1, "status": "valid"},
    "bank_account": {"id": 1, "client_id": 1, "link_id": 1},
    "payroll_company": {"id": 1, "connection_id": 1, "client_id": 1, "nmbrs_id": "9969", "bank_account_id": 1,
                        "mapped_at": "2026-01-01"},
    "run": {"id": 1, "client_id": 1, "company_id": 1, "number": 1, "year": 2026, "state": "taken"},
    "batch": {"id": 1, "client_id": 1, "run_id": 1, "company_id": 1, "bank_account_id": 1, "version": "v1",
              "state": "open", "total_cents": 100, "line_count": 1},
}  # fmt: skip
FILLERS = {"INT": 0, "BOOL": False, "TIME": "2026-01-01", "DATE": "2026-01-01"}


def insert(table: str, given: dict) -> None:
    """A row of a table as it is now: what must be there and was not given gets something of its type."""
    row = dict(given)
    for column in models.database.get_columns(table):
        if not column.null and column.name not in row:
            kind = column.data_type.upper()
            row[column.name] = next((value for mark, value in FILLERS.items() if mark in kind), column.name)
    names, mark = ", ".join(f'"{name}"' for name in row), "?" if is_sqlite() else "%s"
    marks = ", ".join([mark] * len(row))
    models.database.execute_sql(f'insert into "{table}" ({names}) values ({marks})', tuple(row.values()))


@pytest.fixture
def before(database: str, tmp_path: Path):
    """A database as the first release left it, with a row of everything that changed since."""
    if is_sqlite():
        models.database.close()
        models.connect(f"sqlite:///{tmp_path / 'before.db'}")
        models.database.connect()
    else:
        models.database.execute_sql("drop schema public cascade")
        models.database.execute_sql("create schema public")
    Runner(models.database.obj, _DIRECTORY).up("0001_initial")
    for table, row in SEED.items():
        insert(table, row)
    yield
    if not is_sqlite():
        models.database.execute_sql("drop schema public cascade")
        models.database.execute_sql("create schema public")
        Runner(models.database.obj, _DIRECTORY).up()
        create_triggers()


def test_every_row_survives_and_knows_its_key_and_version(before: None):
    Runner(database.obj, _DIRECTORY).up()
    company, run, batch = models.PayrollCompany.get(), models.Run.get(), models.Batch.get()
    assert (company.key, run.version, run.kind, run.period_start) == ("9969", "v1", "salary", 0)
    assert (batch.run_id, batch.kind, batch.difference) == (run.id, "salary", False)
    assert models.NmbrsConnection.get().interface == "soap"
    models.Run.update(state="vanished").execute()


def test_the_tables_are_those_of_the_models(database: str):
    for table in models.TABLES:
        columns = {column.name: column.null for column in models.database.get_columns(table._meta.table_name)}
        assert columns == {field.column_name: field.null for field in table._meta.sorted_fields}, table.__name__


def test_the_unique_keys_are_those_of_the_models(database: str):
    for table in models.TABLES:
        name = table._meta.table_name
        found = {tuple(index.columns) for index in models.database.get_indexes(name) if index.unique}
        declared = [one for one in table._meta.indexes if isinstance(one, tuple) and one[1]]
        wanted = {tuple(table._meta.fields[field].column_name for field in fields) for fields, _unique in declared}
        assert wanted <= found, table.__name__
