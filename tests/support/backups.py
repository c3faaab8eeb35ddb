"""Backups of the database of a test, and going back to one. SQLite only: a file copy.

    before = backup.take()
    ...
    backup.restore(before)
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import models


class Backup:
    """Takes backups of the database at this URL, in its folder."""

    def __init__(self, url: str):
        self._file = Path(url.removeprefix("sqlite:///"))
        self._taken = 0

    def take(self) -> Path:
        """Return a copy of the database as it is now."""
        self._taken += 1
        copy = self._file.with_name(f"backup-{self._taken}.db")
        with closing(sqlite3.connect(self._file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return copy

    def restore(self, copy: Path) -> None:
        """Put this copy in the place of the database."""
        models.database.close()
        with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(self._file)) as target:
            source.backup(target)
        models.database.connect()
