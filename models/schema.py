"""Migrations: numbered files in models/migrations, applied forward only by one process at a time; then the triggers.

How to write one: docs/decisions/0004-migrations.md.
"""

from pathlib import Path

from playhouse.migrations import Runner

from models.base import database
from models.dialect import migration_lock, native_types
from models.triggers import create_triggers

_DIRECTORY = str(Path(__file__).parent / "migrations")
_FIRST_BEFORE_THE_RELEASE = "0001_initial"  # the first of the migrations that 0001_schema replaced


class DatabaseTooOld(RuntimeError):
    """The database is from before the first release, and no migration leads to today's tables."""

    def __init__(self) -> None:
        super().__init__(
            "This database was made by a version of Bizcuit from before the first release and cannot be brought up to "
            f"date. Nothing in it was changed. Move it away ({database.obj.database}) or name another one in "
            "BIZCUIT_DATABASE_URL, and start with an empty database."
        )


def migrate() -> list[str]:
    """Bring the schema up to date. Returns the names of the applied migrations.

    Raises:
    - DatabaseTooOld: the database is left untouched.
    """
    with database.connection_context(), migration_lock():
        runner = Runner(database.obj, _DIRECTORY)
        if _FIRST_BEFORE_THE_RELEASE in runner.applied():
            raise DatabaseTooOld
        applied = runner.up()
        create_triggers()
        return applied


def applied_migrations() -> list[str]:
    """Return the names of the migrations that the connected database has, in order."""
    return sorted(Runner(database.obj, _DIRECTORY).applied())


def known_migrations() -> list[str]:
    """Return the names of the migrations that this version knows, in order."""
    return sorted(path.stem for path in Path(_DIRECTORY).glob("[0-9]*.py"))


def pending_migrations() -> list[str]:
    """Return the names of the migrations that this version knows and the connected database lacks, in order.

    A newer version's migrations in the database are none of these: this version runs on them.
    """
    applied = set(applied_migrations())
    return [name for name in known_migrations() if name not in applied]


def run_script(script: str) -> None:
    """Run the statements of a migration. They are written for PostgreSQL and end with `;` at the end of a line."""
    for statement in native_types(script).split(";\n"):
        if statement.strip():
            database.execute_sql(statement)
