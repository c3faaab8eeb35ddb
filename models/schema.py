"""Migrations behind a lock, and the triggers that a rebuilt table would lose."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from models.base import database, is_sqlite
from models.triggers import create_triggers

_DIRECTORY = str(Path(__file__).parent / "migrations")
_ADVISORY_LOCK = 4242_9969


def migrate() -> list[str]:
    """Bring the schema up to date; returns the names of what was applied. One at a time."""
    with database.connection_context(), _alone():
        applied = Runner(database.obj, _DIRECTORY).up()
        create_triggers()
        return applied


def pending_migrations() -> list[str]:
    """What `migrate` would apply."""
    return [m.name for m in Runner(database.obj, _DIRECTORY).status() if not m.applied]


@contextmanager
def _alone() -> Iterator[None]:
    """The migrations runner has no lock of its own."""
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
