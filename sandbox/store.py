"""The sandbox's state: one SQLite file of small JSON documents."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Store:
    """A document store from (kind, id) to dict. Thread-safe; survives a restart."""

    def __init__(self, path: str | Path):
        # One connection behind one lock: a call takes microseconds, and no reader sees a partial write.
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def get(self, kind: str, id: str | int, default: Any = None) -> Any:
        """Return a copy of the document, or `default` if there is none."""
        with self._lock:
            row = self._db.execute("SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, str(id))).fetchone()
        return json.loads(row[0]) if row else default

    def put(self, kind: str, id: str | int, doc: Document) -> None:
        """Write the document; an existing one keeps its position."""
        with self._lock:
            self._db.execute(
                "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, str(id), json.dumps(doc)),
            )

    def all(self, kind: str) -> list[Document]:
        """Return all documents of a kind, in order of creation."""
        with self._lock:
            rows = self._db.execute("SELECT body FROM documents WHERE kind = ? ORDER BY position", (kind,)).fetchall()
        return [json.loads(body) for (body,) in rows]

    def delete(self, kind: str, id: str | int) -> bool:
        """Delete a document; return whether it existed."""
        with self._lock:
            cursor = self._db.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, str(id)))
        return cursor.rowcount > 0

    def clear(self, kind: str | None = None, but: str = "") -> None:
        """Delete one kind, or everything including the counters except the kind `but`."""
        with self._lock:
            if kind is not None:
                self._db.execute("DELETE FROM documents WHERE kind = ?", (kind,))
                return
            self._db.execute("DELETE FROM documents WHERE kind <> ?", (but,))
            self._db.execute("DELETE FROM numbers")

    def update(self, kind: str, id: str | int, change: Callable[[Any], Document | None]) -> Any:
        """Read, change and write atomically; return what is stored afterwards. `change` gets the document (or None) and
        returns the new one, or None to leave it unchanged.
        """
        with self._lock:
            before = self.get(kind, id)
            after = change(before)
            if after is None:
                return self.get(kind, id)
            self.put(kind, id, after)
            return after

    def next_number(self, name: str, first: int = 1) -> int:
        """Return the next number of a named counter, starting at `first`. Each number is returned once."""
        with self._lock:
            row = self._db.execute(
                "INSERT INTO numbers (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (name, first),
            ).fetchone()
        return row[0]

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Run a block as one transaction, while others wait. Must not be nested."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._db.close()


_current: Store | None = None


def open_store(path: str | Path) -> Store:
    """Open the store of this process, which `get_store` then returns."""
    global _current
    _current = Store(path)
    return _current


def get_store() -> Store:
    """Return the store of this process, also outside a request (SMTP server, background threads)."""
    if _current is None:
        raise RuntimeError("the sandbox has no store yet: create_app opens it")
    return _current
