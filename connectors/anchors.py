"""Where the heads of audit logs are kept outside the database: a port, and a file that is only appended to.

Put the file on storage that whoever administers the database cannot write to: another machine's mount, or a bucket with
object lock that the file is copied to.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

REGISTER = "row register"  # in place of a client: the head of the register of rows


@dataclass(frozen=True)
class Anchor:
    """The head of one client's log at a time (UTC, ISO 8601): number and hash of its last event.

    With REGISTER as its client, number and hash of the last statement of the register of rows.
    """

    client: str
    number: int
    hash: str
    at: str


class AnchorStore(Protocol):
    """A store that keeps every anchor it was given."""

    def append(self, anchors: list[Anchor]) -> None:
        """Keep these anchors. Raises OSError if they are not kept."""
        ...

    def read(self) -> list[Anchor]:
        """Return all anchors, the oldest first. Raises OSError or ValueError if they cannot be read."""
        ...


@dataclass(frozen=True)
class FileAnchors:
    """Anchors as JSON lines in a file that only its owner can read."""

    path: Path

    def append(self, anchors: list[Anchor]) -> None:
        text = "".join(json.dumps(asdict(one), sort_keys=True) + "\n" for one in anchors)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[Anchor]:
        if not self.path.exists():
            return []
        return [Anchor(**json.loads(line)) for line in self.path.read_text().splitlines()]
