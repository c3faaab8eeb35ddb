"""Back up the whole database into one encrypted file, and restore it, into a hold.

The restored database contains the hold before anybody can use it. A database restored in any other way is held once it
is compared with the marks outside it (`domain.orders.restore_watch`).
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import models
from core.backup_file import BackupRefused, read_content, read_header, write_backup
from core.clock import utcnow
from core.ids import random_token
from core.private_files import private_opener
from core.version import VERSION
from domain.common import audit, marks
from domain.operations import integrity, register_start
from domain.orders import restore_watch
from models import AuditEvent, Client, PaymentHold, dumps, schema

LENGTH = 8  # bytes that say how long the heads of the logs are


@dataclass(frozen=True)
class Store:
    """Where the database is: its URL, the program's home folder for copies, and the key of backups."""

    url: str
    home: Path
    key: bytes


@dataclass(frozen=True)
class Restored:
    """What a restore did: of when the backup is, the migrations that followed, the hold, and what is wrong."""

    of: datetime
    migrated: list[str]
    hold: PaymentHold
    faults: list[str]


# --- backing up -----------------------------------------------------------------------------------
def back_up(store: Store, target: BinaryIO) -> int:
    """Write a backup of the database as of now; return the size of its content in bytes.

    Raises:
    - DumpFailed
    """
    at, heads = utcnow(), json.dumps(_heads()).encode()
    newest = AuditEvent.select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).first()
    header = {
        "version": VERSION, "database": dumps.kind(), "migrations": schema.applied_migrations(), "at": at.isoformat(),
        "event": newest.id if newest else 0, "event_hash": newest.hash if newest else "", "logs": len(_heads()),
    }  # fmt: skip
    return write_backup(target, store.key, header, _content(heads, dumps.dump(store.url, store.home)))


def _content(heads: bytes, database: Iterator[bytes]) -> Iterator[bytes]:
    yield len(heads).to_bytes(LENGTH, "big") + heads
    yield from database


def _heads() -> list[tuple[str, int, str]]:
    """Return the head of each client's log. Read before the copy is made: the copy has at least these events."""
    rows = [(row.public_id, audit.last_event(row.id)) for row in Client.select(Client.id, Client.public_id)]
    return [(client, event.number, event.hash) for client, event in rows if event is not None]


def back_up_into(store: Store, path: Path) -> int:
    """As `back_up`, into a private file: written aside, then named, so that a file of this name is always whole.

    Raises:
    - FileExistsError: there is one already.
    - DumpFailed, OSError
    """
    if path.exists():
        raise FileExistsError(str(path))
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(aside, "xb", opener=private_opener) as file:
            size = back_up(store, file)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # fails if somebody made a file of this name meanwhile
    finally:
        aside.unlink(missing_ok=True)
    return size


# --- restoring ------------------------------------------------------------------------------------
def restore(store: Store, path: Path, replace: bool = False) -> Restored:
    """Restore a backup into the empty database, or on SQLite with `replace` in the place of the one that is there.

    Nothing is changed before the whole file is proved. The database is then in place with a hold on all payments. On
    SQLite it appears at once, migrated and held; on PostgreSQL in one transaction, before which a mark is kept that
    makes it a hold also if this process is killed right after.

    Raises:
    - BackupRefused: not a backup, not whole, not of this key, of a newer version, or of the other kind of database.
    - RestoreRefused: the database is not empty.
    - DumpFailed
    """
    of = _require_fit(store, path)
    require_room(store, replace)
    token, begun = random_token(), utcnow()
    if dumps.kind() == dumps.POSTGRESQL:
        marks.keep_mark_of_restore(token, begun)
        with _opened(store, path) as (_, parts):
            dumps.restore_postgres(parts, store.url)
        return _finish(store, path, of)
    target = Path(models.database.obj.database)
    aside = target.with_name(f"{target.name}.restoring")
    with _opened(store, path) as (_, parts):
        dumps.write_aside(parts, aside)
    models.disconnect()
    try:
        models.connect(f"sqlite:///{aside}")
        done = _finish(store, path, of)
        models.disconnect()
        dumps.fold_log(aside)
    finally:
        models.disconnect()
        models.connect(store.url)
        Path(f"{aside}.migrate-lock").unlink(missing_ok=True)
    require_room(store, replace)
    marks.keep_mark_of_restore(token, begun)
    dumps.put_in_place(aside, target)
    return done


class RestoreRefused(Exception):
    """The database is not one to restore into. The text says why."""


def require_room(store: Store, replace: bool) -> None:
    """Check that a backup may be restored here, and that nobody has a database open that is to be replaced.

    Raises:
    - RestoreRefused
    - DumpFailed: it is in use.
    """
    if dumps.kind() == dumps.SQLITE and not Path(models.database.obj.database).exists():
        return
    with models.database.connection_context():
        empty = dumps.is_empty()
    models.disconnect()
    if dumps.kind() == dumps.POSTGRESQL and not empty:
        raise RestoreRefused("the database is not empty: make a new one and name it in BIZCUIT_DATABASE_URL")
    if not empty and not replace:
        raise RestoreRefused("the database is not empty: move it away, or say --replace")
    if dumps.kind() == dumps.SQLITE:
        dumps.fold_log(Path(models.database.obj.database))


def _require_fit(store: Store, path: Path) -> datetime:
    """Prove the whole file and that this program can use it; return of when it is."""
    with open(path, "rb") as file:
        header, told = read_header(file)
        for _ in read_content(file, store.key, header, told):
            pass
    if header["database"] != dumps.kind():
        raise BackupRefused(f"the backup is of {header['database']}, and the database here is {dumps.kind()}")
    if newer := sorted(set(header["migrations"]) - set(schema.known_migrations())):
        raise BackupRefused(
            f"the backup is of a newer version of Bizcuit ({header['version']}): this one, {VERSION}, does not know "
            f"{newer[0]}. Restore it with that version"
        )
    return datetime.fromisoformat(header["at"])


@contextmanager
def _opened(store: Store, path: Path) -> Iterator[tuple[list[tuple[str, int, str]], Iterator[bytes]]]:
    """Open a backup: the heads of the logs, and the parts of the database's copy."""
    with open(path, "rb") as file:
        header, told = read_header(file)
        parts = read_content(file, store.key, header, told)
        begin = next(parts)
        length = int.from_bytes(begin[:LENGTH], "big")
        while len(begin) < LENGTH + length:
            begin += next(parts)
        heads = [(client, number, digest) for client, number, digest in json.loads(begin[LENGTH : LENGTH + length])]
        yield heads, _from(begin[LENGTH + length :], parts)


def _from(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts


def _finish(store: Store, path: Path, of: datetime) -> Restored:
    """Migrate the database that is connected, hold all payments, and check its log and its books."""
    with _opened(store, path) as (heads, _):
        migrated = models.migrate()
        with models.database.connection_context():
            if migrated:
                register_start.bring_up_to_date(proved=True)
            hold = restore_watch.hold_restored(of, "from a backup")
            faults = [*_log_faults(heads), *integrity.find_inconsistencies()]
    return Restored(of, migrated, hold, faults)


def _log_faults(heads: list[tuple[str, int, str]]) -> Iterator[str]:
    """Yield what the log does not hold of what it held when the backup was made."""
    ids: dict[Any, int] = {row.public_id: row.id for row in Client.select(Client.id, Client.public_id)}
    for client, number, digest in heads:
        event = AuditEvent.get_or_none(AuditEvent.client == ids.get(client), AuditEvent.number == number)
        if event is None or event.hash != digest:
            yield f"client {client}: event {number} of the log is not what it was when the backup was made"
