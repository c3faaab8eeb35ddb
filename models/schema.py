"""Migrations: numbered files in models/migrations, forward only, one process at a time; the triggers after them.

How to write one: docs/decisions/0004-migrations.md.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from models.base import database, is_sqlite
from models.triggers import create_triggers

_DIRECTORY = str(Path(__file__).parent / "migrations")
_ADVISORY_LOCK = 4242_9969
_FIRST_BEFORE_THE_RELEASE = "0001_initial"  # what the first of the migrations was called that 0001_schema replaces


class DatabaseTooOld(RuntimeError):
    """The database was made before the first release; no migration leads from it to today's tables."""

    def __init__(self) -> None:
        super().__init__(
            "This database was made by a version of Bizcuit from before the first release and cannot be brought up to "
            f"date. Nothing in it was changed. Move it away ({database.obj.database}) or name another one in "
            "BIZCUIT_DATABASE_URL, and start with an empty database."
        )


def migrate() -> list[str]:
    """Bring the schema up to date. Returns the names of the migrations that were applied.

    Raises:
        DatabaseTooOld: the database is from before the first release; it is left as it is.
    """
    with database.connection_context(), _alone():
        runner = Runner(database.obj, _DIRECTORY)
        if _FIRST_BEFORE_THE_RELEASE in runner.applied():
            raise DatabaseTooOld
        applied = runner.up()
        create_triggers()
        return applied


def run_script(script: str) -> None:
    """Run the statements of a migration, written for PostgreSQL and separated by `;` at the end of a line.

    SQLite understands the same text but for the types of a key that numbers itself and of bytes.
    """
    if is_sqlite():
        script = script.replace(" SERIAL ", " INTEGER ").replace(" BYTEA ", " BLOB ")
    for statement in script.split(";\n"):
        if statement.strip():
            database.execute_sql(statement)


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process migrate at a time: the runner has no lock of its own."""
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
