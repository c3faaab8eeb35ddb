"""What differs between SQLite and PostgreSQL: one function for each difference (docs/decisions/0022-two-databases.md).

No other module of the program asks which of the two it is.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from peewee import ModelSelect, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import connect as connect_url

from models.base import database

# synchronous 2 is FULL: what was committed survives a power cut.
PRAGMAS = {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 2}
MAX_CONNECTIONS = 16  # of one process, on PostgreSQL
_ADVISORY_LOCK = 4242_9969


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def is_postgres() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


# --- connections ----------------------------------------------------------------------------------
def connect(url: str) -> None:
    """Point every table at this database. Opens nothing yet: each thread opens its own."""
    if url.startswith("sqlite"):
        real = connect_url(url, pragmas=PRAGMAS, timeout=5)
    else:
        scheme, rest = url.split("://", 1)
        real = connect_url(
            f"psycopg3+pool://{rest}" if scheme.startswith("postgres") else url, max_connections=MAX_CONNECTIONS
        )
    database.initialize(real)


def release_connection() -> None:
    """Give this thread's connection back to the pool of PostgreSQL.

    SQLite's stays open in its thread: closing the last one writes the whole log back into the file.
    """
    if is_postgres() and not database.is_closed():
        database.close()


# --- locks ----------------------------------------------------------------------------------------
def write_transaction() -> AbstractContextManager[Any]:
    """Return a transaction that may read before it writes.

    SQLite takes its write lock at the start: otherwise the first write after a read fails when another writer came
    between.
    """
    return database.atomic("IMMEDIATE") if is_sqlite() else database.atomic()


def lock_rows(query: "ModelSelect[Any]") -> None:
    """Lock the rows of a query until the transaction ends.

    Rows that only refer to them can be inserted meanwhile. SQLite has one writer, which `write_transaction` is already.
    """
    if is_postgres():
        list(query.for_update(cast(Any, "FOR NO KEY UPDATE")))


@contextmanager
def migration_lock() -> Iterator[None]:
    """Let one process migrate at a time: the runner of migrations has no lock of its own."""
    if is_sqlite():
        with open(f"{database.obj.database}.migrate-lock", "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        return
    database.execute_sql("select pg_advisory_lock(%s)", (_ADVISORY_LOCK,))
    try:
        yield
    finally:
        database.execute_sql("select pg_advisory_unlock(%s)", (_ADVISORY_LOCK,))


# --- SQL ------------------------------------------------------------------------------------------
def native_types(script: str) -> str:
    """Return SQL written for PostgreSQL with the types of this database: a key that numbers itself, and bytes."""
    return script.replace(" SERIAL ", " INTEGER ").replace(" BYTEA ", " BLOB ") if is_sqlite() else script


def is_distinct(left: str, right: str) -> str:
    """Return the comparison that also holds when one of the two is null."""
    return f"{left} {'is not' if is_sqlite() else 'is distinct from'} {right}"


def refuse(name: str, table: str, event: str, condition: str, message: str) -> None:
    """Refuse this event on rows of this table for which the condition holds; replaces a trigger of that name."""
    if is_sqlite():
        database.execute_sql(f"drop trigger if exists {name}")
        database.execute_sql(
            f"create trigger {name} before {event} on {table} when {condition} "
            f"begin select raise(abort, '{table}: {message}'); end"
        )
        return
    back = "old" if event == "delete" else "new"
    database.execute_sql(
        f"create or replace function {name}() returns trigger as $$ begin "
        f"if {condition} then raise exception '{table}: {message}'; end if; return {back}; end $$ language plpgsql"
    )
    database.execute_sql(f"drop trigger if exists {name} on {table}")
    database.execute_sql(f"create trigger {name} before {event} on {table} for each row execute function {name}()")


def update_after(name: str, table: str, event: str, update: str, of_row: str, of_rows: str) -> None:
    """Run `update` after this event.

    SQLite runs it for each row, where `of_row` holds of the row `new`; PostgreSQL once for all rows of a statement,
    where `of_rows` holds of the table `changed`.
    """
    if is_sqlite():
        database.execute_sql(f"drop trigger if exists {name}")
        database.execute_sql(f"create trigger {name} after {event} on {table} begin {update} where {of_row}; end")
        return
    body = f"begin {update} where {of_rows}; return null; end"
    database.execute_sql(f"create or replace function {name}() returns trigger as $$ {body} $$ language plpgsql")
    database.execute_sql(f"drop trigger if exists {name} on {table}")
    database.execute_sql(
        f"create trigger {name} after {event} on {table} referencing new table as changed "
        f"for each statement execute function {name}()"
    )
