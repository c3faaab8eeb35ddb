"""What differs between SQLite and PostgreSQL, one function per difference (docs/decisions/0022-two-databases.md).

No other module of the program asks which of the two it is.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast

from peewee import InterfaceError, ModelSelect, OperationalError, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import connect as connect_url
from playhouse.db_url import register_database

from core.private_files import make_private_database, private_opener
from models.base import database

# synchronous 2 is FULL: committed data survives a power failure.
PRAGMAS = {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1, "synchronous": 2}
MAX_CONNECTIONS = 16  # of one process, on PostgreSQL
CONNECT_SECONDS = 5  # libpq would wait for minutes; the address may name another time
_ADVISORY_LOCK = 4242_9969


class PrivateSqliteDatabase(SqliteDatabase):
    """SQLite whose files only this user can read."""

    def _connect(self) -> Any:
        if self.database and not self.database.startswith((":memory:", "file:")):
            try:
                make_private_database(Path(self.database))
            except OSError as error:
                raise OperationalError(f"unable to open database file: {error.strerror}") from error
        return super()._connect()  # pyright: ignore[reportAttributeAccessIssue]  (peewee is not typed)


register_database(PrivateSqliteDatabase, "sqlite")


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def is_postgres() -> bool:
    return isinstance(database.obj, PostgresqlDatabase)


def kind() -> str:
    """Return "sqlite" or "postgresql": a copy of the one is no copy of the other (`models.dumps`)."""
    return "sqlite" if is_sqlite() else "postgresql"


# --- connections ----------------------------------------------------------------------------------
def connect(url: str) -> None:
    """Configure the database for all tables. Opens no connection yet: each thread opens its own."""
    database.initialize(database_at(url))


def database_at(url: str) -> Any:
    """Return the database at this URL. User and password in it are percent-encoded (RFC 3986)."""
    if url.startswith("sqlite"):
        return connect_url(url, pragmas=PRAGMAS, timeout=5)
    scheme, rest = url.split("://", 1)
    patience = {} if "connect_timeout=" in rest else {"connect_timeout": CONNECT_SECONDS}
    return connect_url(
        f"psycopg3+pool://{rest}" if scheme.startswith("postgres") else url, max_connections=MAX_CONNECTIONS,
        unquote_user=True, unquote_password=True, **patience,
    )  # fmt: skip


def release_connection() -> None:
    """Return this thread's connection to the pool of PostgreSQL.

    On SQLite it stays open: closing the last connection writes the whole log (WAL) into the database file.
    """
    if is_postgres() and not database.is_closed():
        database.close()


def disconnect() -> None:
    """Close this process's connections, also the idle ones of a pool, so that none is shared by a fork."""
    if is_postgres():
        database.obj.close_all()
    elif not database.is_closed():
        database.close()


# What a SQLite file answers while it is locked, full or out of reach (result codes, https://sqlite.org/rescode.html).
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether the error is temporary: the database is locked, full, unreachable or restarting.

    An error in our own SQL is not.
    """
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    return is_postgres() or any(
        isinstance(one, OSError) or getattr(one, "sqlite_errorname", "").startswith(_PASSING) for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those it came up in: SQLite may end a transaction itself, and the rollback then fails too."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def drop_idle_connections() -> None:
    """Forget connections that nobody uses now: those of a server that was restarted fail once each."""
    if is_postgres():
        database.obj.close_idle()


# --- locks ----------------------------------------------------------------------------------------
def write_transaction() -> AbstractContextManager[Any]:
    """Return a transaction that may read before it writes.

    SQLite takes the write lock at the start: otherwise the first write after a read fails if another connection wrote
    in between.
    """
    return database.atomic("IMMEDIATE") if is_sqlite() else database.atomic()


@contextmanager
def read_snapshot() -> Iterator[None]:
    """Run a transaction that sees the database as it is at its first query, and writes nothing."""
    with database.atomic():
        if is_postgres():
            database.execute_sql("set transaction isolation level repeatable read read only")
        yield


def lock_rows(query: "ModelSelect[Any]") -> None:
    """Lock the rows of a query until the transaction ends.

    Rows that refer to them can still be inserted. SQLite needs no lock: `write_transaction` already allows one writer
    only.
    """
    if is_postgres():
        list(query.for_update(cast(Any, "FOR NO KEY UPDATE")))


def locking(select: str) -> str:
    """Return this statement so that it also locks the rows that it reads, as `lock_rows` does."""
    return f"{select} for no key update" if is_postgres() else select


@contextmanager
def migration_lock() -> Iterator[None]:
    """Allow one process at a time to migrate: the migration runner has no lock of its own."""
    if is_sqlite():
        with open(f"{database.obj.database}.migrate-lock", "w", opener=private_opener) as handle:
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
    """Return the PostgreSQL script with this database's types for auto-increment keys and for bytes."""
    return script.replace(" SERIAL ", " INTEGER ").replace(" BYTEA ", " BLOB ") if is_sqlite() else script


def is_distinct(left: str, right: str) -> str:
    """Return the condition that two values differ, also when one of them is null."""
    return f"{left} {'is not' if is_sqlite() else 'is distinct from'} {right}"


def refuse(name: str, table: str, event: str, condition: str, message: str) -> None:
    """Create a trigger that rejects this event for rows that meet the condition.

    Replaces a trigger of the same name.
    """
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
    """Create a trigger that runs `update` after this event, for the rows that belong to the changed ones.

    SQLite runs it once per row, with the condition `of_row` on the row `new`; PostgreSQL once per statement, with the
    condition `of_rows` on the table `changed`.
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


def allow_more_values(table: str, known: str, old: str, new: str) -> None:
    """Widen a check constraint in a migration: replace the value list `old` by `new` in the one that names `known`.

    On SQLite the table's own text is changed, as its documentation describes for CHECK constraints
    (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
    """
    if is_sqlite():
        version = database.execute_sql("pragma schema_version").fetchone()[0]
        database.execute_sql("pragma writable_schema = on")
        database.execute_sql(
            "update sqlite_master set sql = replace(sql, ?, ?) where type = 'table' and name = ?", (old, new, table)
        )
        database.execute_sql(f"pragma schema_version = {version + 1}")
        database.execute_sql("pragma writable_schema = off")
        return
    rows = database.execute_sql(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'c' "
        "and pg_get_constraintdef(oid) like %s",
        (f'"{table}"', f"%'{known}'%"),
    ).fetchall()
    for name, definition in rows:
        values = ", ".join(f"{value.strip()}::text" for value in new.split(","))
        database.execute_sql(f'alter table "{table}" drop constraint "{name}"')
        widened = definition.replace(f"{old}::text", values)
        database.execute_sql(f'alter table "{table}" add constraint "{name}" {widened}')


# --- renaming, in migrations ----------------------------------------------------------------------
def drop_triggers() -> None:
    """Drop every trigger: an older one may name an older column. `create_triggers` makes the current ones."""
    if is_sqlite():
        for (name,) in database.execute_sql("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute_sql(f'drop trigger "{name}"')
        return
    rows = database.execute_sql(
        "select t.tgname, c.relname, p.proname from pg_trigger t join pg_class c on c.oid = t.tgrelid "
        "join pg_proc p on p.oid = t.tgfoid where not t.tgisinternal"
    ).fetchall()
    for name, table, function in rows:
        database.execute_sql(f'drop trigger "{name}" on "{table}"')
        database.execute_sql(f'drop function "{function}"()')


def rename_table(old: str, new: str) -> None:
    """Rename a table, and on PostgreSQL the sequence of its ids. Foreign keys and indexes follow by themselves."""
    database.execute_sql(f'alter table "{old}" rename to "{new}"')
    if is_postgres():
        database.execute_sql(f'alter sequence if exists "{old}_id_seq" rename to "{new}_id_seq"')


def rename_column(table: str, old: str, new: str) -> None:
    """Rename a column, also in the checks and indexes of its table. SQLite writes it there as it is written here."""
    database.execute_sql(f'alter table "{table}" rename column "{old}" to {new}')


def rename_values(table: str, column: str, values: dict[str, str]) -> None:
    """Rename stored values of a column, in its rows and in the checks of the table that name them.

    On SQLite the checks are changed in the table's own text, as `allow_more_values` does.
    """
    if is_sqlite():
        version = database.execute_sql("pragma schema_version").fetchone()[0]
        database.execute_sql("pragma writable_schema = on")
        for old, new in values.items():
            database.execute_sql(
                "update sqlite_master set sql = replace(sql, ?, ?) where type = 'table' and name = ?",
                (f"'{old}'", f"'{new}'", table),
            )
        database.execute_sql(f"pragma schema_version = {version + 1}")
        database.execute_sql("pragma writable_schema = reset")  # this connection reads the new text, too
        _update_values(table, column, values)
        return
    checks = database.execute_sql(
        "select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'c'",
        (f'"{table}"',),
    ).fetchall()
    renamed = [(name, text, _with_values(text, values)) for name, text in checks]
    for name, before, after in renamed:
        if before != after:
            database.execute_sql(f'alter table "{table}" drop constraint "{name}"')
    _update_values(table, column, values)
    for name, before, after in renamed:
        if before != after:
            database.execute_sql(f'alter table "{table}" add constraint "{name}" {after}')


def _with_values(text: str, values: dict[str, str]) -> str:
    for old, new in values.items():
        text = text.replace(f"'{old}'::text", f"'{new}'::text")
    return text


def _update_values(table: str, column: str, values: dict[str, str]) -> None:
    mark = database.obj.param
    for old, new in values.items():
        database.execute_sql(f'update "{table}" set "{column}" = {mark} where "{column}" = {mark}', (new, old))  # noqa: S608


def rename_indexes(table: str, own_names: tuple[str, ...]) -> None:
    """Name each index after its table and columns, as Peewee does; those with `own_names` keep theirs."""
    for index in database.get_indexes(table):
        if index.name in own_names or index.name.startswith("sqlite_autoindex"):
            continue
        new = f"{table}_pkey" if index.name.endswith("_pkey") else "_".join([table, *index.columns])
        if index.name == new:
            continue
        if is_postgres():
            database.execute_sql(f'alter index "{index.name}" rename to "{new}"')
            continue
        database.execute_sql(f'drop index "{index.name}"')
        database.execute_sql(index.sql.replace(f'"{index.name}"', f'"{new}"', 1))
