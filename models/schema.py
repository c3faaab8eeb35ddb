"""Migrations: numbered files in models/migrations, forward only, one process at a time; the triggers after them.

How to write one: docs/decisions/0004-migrations.md.
"""

from pathlib import Path

from playhouse.migrations import Runner

from models.base import database
from models.dialect import migration_lock, native_types
from models.triggers import create_triggers

_DIRECTORY = str(Path(__file__).parent / "migrations")
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
    with database.connection_context(), migration_lock():
        runner = Runner(database.obj, _DIRECTORY)
        if _FIRST_BEFORE_THE_RELEASE in runner.applied():
            raise DatabaseTooOld
        applied = runner.up()
        create_triggers()
        return applied


def run_script(script: str) -> None:
    """Run the statements of a migration, written for PostgreSQL and separated by `;` at the end of a line."""
    for statement in native_types(script).split(";\n"):
        if statement.strip():
            database.execute_sql(statement)
