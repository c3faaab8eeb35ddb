"""Marks of the newest events, kept outside the database: a port, and a store in files of this machine.

A mark names an audit event by id and keyed hash. A database without that event is older than the mark, or another one:
it was restored. The mark of an order is kept before its bank is called, so no order goes out that only the database
knows of.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from core.private_files import append_lines, private_opener

RECENT = 200  # orders that are compared each time
TAIL = RECENT * 400  # bytes


@dataclass(frozen=True)
class Mark:
    """An audit event, and the time of the mark (UTC, ISO 8601).

    `client`: its public id. `order`: the MsgId, if the mark says that this order is about to go to its bank.
    """

    event: int
    hash: str
    at: str
    client: str = ""
    order: str = ""


class MarkStore(Protocol):
    """A place outside the database. Every operation raises OSError if the place cannot be reached."""

    def keep(self, mark: Mark) -> None:
        """Keep this mark as the newest one, and for good if it is of an order."""
        ...

    def recent(self) -> list[Mark]:
        """Return the newest mark, and those of the last RECENT orders."""
        ...

    def orders(self) -> list[Mark]:
        """Return the marks of all orders that are kept."""
        ...


@dataclass(frozen=True)
class FileMarks:
    """Marks in two private files of a folder: the newest one, and a line for each order."""

    folder: Path

    @property
    def _newest(self) -> Path:
        return self.folder / "newest-mark.json"

    @property
    def _orders(self) -> Path:
        return self.folder / "order-marks.jsonl"

    def keep(self, mark: Mark) -> None:
        line = json.dumps(asdict(mark), sort_keys=True) + "\n"
        if mark.order:
            append_lines(self._orders, line)
        aside = self._newest.with_suffix(f".{os.getpid()}")
        with open(aside, "w", opener=private_opener) as file:
            file.write(line)
        aside.replace(self._newest)

    def recent(self) -> list[Mark]:
        newest = read_marks(self._newest.read_text()) if self._newest.exists() else []
        return newest + self._last_orders()

    def _last_orders(self) -> list[Mark]:
        if not self._orders.exists():
            return []
        with open(self._orders, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            lines = file.read().decode()
        return read_marks(lines if size <= TAIL else lines.partition("\n")[2])[-RECENT:]

    def orders(self) -> list[Mark]:
        return read_marks(self._orders.read_text()) if self._orders.exists() else []

    def forget(self) -> None:
        """Remove both files: for a database that begins anew."""
        for path in (self._newest, self._orders):
            path.unlink(missing_ok=True)


def read_marks(text: str) -> list[Mark]:
    """Return the marks in these lines. A line that was cut off, when the machine stopped, is left out: its order was
    not sent.
    """
    found = []
    for line in text.splitlines():
        try:
            found.append(Mark(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


@dataclass(frozen=True)
class NoMarks:
    """Keeps nothing: for programs that send nothing, and for tests of what the database alone can tell."""

    def keep(self, mark: Mark) -> None:
        return None

    def recent(self) -> list[Mark]:
        return []

    def orders(self) -> list[Mark]:
        return []
