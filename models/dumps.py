"""Copies of the whole database, out and in: of SQLite a file, of PostgreSQL what pg_dump writes.

What differs is which kind of copy there is (`models.dialect.kind`); a copy of the one is no copy of the other.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg.conninfo import make_conninfo

from core.private_files import private_opener
from models.base import database
from models.dialect import kind

PART = 1 << 20
SQLITE, POSTGRESQL = "sqlite", "postgresql"


class DumpFailed(Exception):
    """The database could not be copied. The text says why, for operators."""


def is_empty() -> bool:
    """Return whether the database has no table."""
    return not database.get_tables()


def dump(url: str, folder: Path) -> Iterator[bytes]:
    """Yield a consistent copy of the database at this URL, as of one moment, while others write.

    SQLite is copied into a private file in `folder` first, which has no name any more once it is read.

    Raises:
    - DumpFailed
    """
    return _dump_sqlite(Path(database.obj.database), folder) if kind() == SQLITE else _dump_postgres(url)


# --- SQLite ---------------------------------------------------------------------------------------
def _dump_sqlite(path: Path, folder: Path) -> Iterator[bytes]:
    handle, name = tempfile.mkstemp(prefix="backup-", suffix=".copy", dir=folder)
    os.close(handle)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(name)) as copy:
            source.backup(copy)  # all pages in one read transaction: writers go on, in the log (WAL)
        with open(name, "rb") as file:
            os.unlink(name)
            yield from iter(lambda: file.read(PART), b"")
    finally:
        Path(name).unlink(missing_ok=True)


def write_aside(parts: Iterable[bytes], aside: Path) -> None:
    """Write a copy of SQLite into a new private file. A file of that name, left by a restore that ended, goes first."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{aside}{suffix}").unlink(missing_ok=True)
    with open(aside, "xb", opener=private_opener) as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def fold_log(path: Path) -> None:
    """Write the log (WAL) of a SQLite database into its file, so that the file alone is the whole database.

    Raises:
    - DumpFailed: another process has it open.
    """
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
            mode = connection.execute("pragma journal_mode = delete").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DumpFailed(f"{path} is in use: stop the web server and all workers first ({error})") from error
    if mode != "delete":
        raise DumpFailed(f"{path} is in use: stop the web server and all workers first")


def put_in_place(aside: Path, path: Path) -> None:
    """Let this file be the database, at once: whoever looks finds the old one or the new one, whole."""
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- PostgreSQL -----------------------------------------------------------------------------------
def _dump_postgres(url: str) -> Iterator[bytes]:
    with _tool("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", stdout=subprocess.PIPE) as running:
        yield from iter(lambda: cast(IO[bytes], running.stdout).read(PART), b"")


def restore_postgres(parts: Iterable[bytes], url: str) -> None:
    """Fill the empty database at this URL from what `dump` gave, in one transaction: all of it or nothing.

    Raises:
    - DumpFailed
    """
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    with _tool("pg_restore", url, *options, stdin=subprocess.PIPE) as running:
        target = cast(IO[bytes], running.stdin)
        try:
            for part in parts:
                target.write(part)
            target.close()
        except BrokenPipeError:
            return  # it ended early: its exit code says so


@contextmanager
def _tool(
    name: str, url: str, *options: str, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:  # fmt: skip
    """Run a program of PostgreSQL on this database; fail unless it ends well. The password is in its environment."""
    connection, password = _connection(url)
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    with tempfile.TemporaryFile() as told:
        running = subprocess.Popen(
            [_path_of(name), f"--dbname={connection}", *options], env=environment, stdin=stdin, stdout=stdout,
            stderr=told,
        )  # fmt: skip
        try:
            yield running
        except BaseException:
            running.kill()
            raise
        finally:
            for pipe in (running.stdin, running.stdout):
                if pipe is not None and not pipe.closed:
                    pipe.close()
            code = running.wait()
        told.seek(0)
        if code:
            lines = told.read().decode(errors="replace").strip().splitlines()
            raise DumpFailed(f"{name} failed: {lines[0] if lines else f'exit {code}'}")


def _connection(url: str) -> tuple[str, str]:
    """Return how libpq is told of this database, without the password, and the password."""
    parts = urlsplit(url)
    known = {
        "host": parts.hostname, "port": parts.port, "user": unquote(parts.username or "") or None,
        "dbname": parts.path.lstrip("/"), **dict(parse_qsl(parts.query)),
    }  # fmt: skip
    password = known.pop("password", None) or unquote(parts.password or "")
    return make_conninfo(**{name: str(value) for name, value in known.items() if value}), str(password)


def _path_of(name: str) -> str:
    """Return the newest of PostgreSQL's programs of this name: on the path, else where Debian keeps them."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: path.parts[4].zfill(4))
    found = str(kept[-1]) if kept else shutil.which(name)
    if found is None:
        raise DumpFailed(f"{name} is not installed here: install PostgreSQL's client programs (postgresql-client)")
    return found
