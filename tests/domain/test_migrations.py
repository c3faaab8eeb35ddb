"""Migrations: they end at today's tables, and keep every row of a database of before."""

from pathlib import Path

import pytest
from playhouse.migrations import Runner

import models
from models.base import database, is_sqlite
from models.schema import _DIRECTORY

SEED = (
    "insert into client (id, public_id, name, kvk_number, created_at) values (1, 'c1', 'Demo BV', '68750110', '2026-01-01')",
    "insert into user_account (id, email, name, password_hash, created_at) values (1, 'a@b.example', 'A', '-', '2026-01-01')",
    "insert into nmbrs_connection (id, client_id, email, token_sealed, environment, status, created_at) "
    "values (1, 1, 'a@b.example', 'x', 'demo', 'active', '2026-01-01')",
    "insert into bank_link (id, client_id, user_id, bank, status, state_hash, created_at) "
    "values (1, 1, 1, 'redirect', 'valid', 'h', '2026-01-01')",
    "insert into bank_account (id, client_id, link_id, bank, iban, name, holder_name, resource_id, limit_payment_cents, "
    "limit_day_cents, releases) values (1, 1, 1, 'redirect', 'NL95INGB0004921836', 'n', 'h', 'r', 1, 1, 0)",
    "insert into payroll_company (id, connection_id, client_id, nmbrs_id, number, name, bank_account_id, mapped_at, "
    "look_attempts) values (1, 1, 1, '9969', '9969', 'Demo BV', 1, '2026-01-01', 0)",
    "insert into run (id, client_id, company_id, nmbrs_id, number, year, description, locked, state, attempts, found_at, "
    "changed_at) values (1, 1, 1, '700001', 1, 2026, 'april', {true}, 'taken', 0, '2026-01-01', '2026-01-01')",
    "insert into batch (id, client_id, run_id, company_id, nmbrs_company, year, run_number, version, reference, "
    "description, bank_account_id, total_cents, line_count, orders_made, state, state_at, created_at) "
    "values (1, 1, 1, 1, '9969', 2026, 1, 'v1', 'r1', 'april', 1, 100, 1, 0, 'open', '2026-01-01', '2026-01-01')",
)  # fmt: skip


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
    for statement in SEED:
        models.database.execute_sql(statement.format(true="1" if is_sqlite() else "true"))
    yield
    if not is_sqlite():
        models.database.execute_sql("drop schema public cascade")
        models.database.execute_sql("create schema public")
        Runner(models.database.obj, _DIRECTORY).up()
        models.create_triggers()


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
        wanted = {tuple(table._meta.fields[field].column_name for field in fields)
                  for fields, unique in filter(lambda one: isinstance(one, tuple), table._meta.indexes) if unique}  # fmt: skip
        assert wanted <= found, table.__name__
