"""Where the heads of audit logs are kept outside the database: a port, and a file that is only appended to.

Put the file on storage that whoever administers the database cannot write to: another machine's mount, or a bucket with
object lock that the file is copied to.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from core.private_files import append_lines

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
        append_lines(self.path, text)

    def read(self) -> list[Anchor]:
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines()
        whole = [line for line in lines if not _is_cut_off(line)]
        if lines and not whole:
            raise ValueError("not one line is whole")
        return [Anchor(**json.loads(line)) for line in whole]


def _is_cut_off(line: str) -> bool:
    """Return whether the line has only its beginning: the disk was full, or the machine stopped. It was never kept."""
    return not line or (line.startswith("{") and not line.endswith("}"))
