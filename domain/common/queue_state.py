"""The port to the queue server, for figures: what waits in it, who works, what was done and called. No row is there."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class QueueLength:
    """Jobs that wait in a queue, those of it that failed in the last day, and how long the oldest waits (seconds)."""

    waiting: int
    failed: int
    oldest_seconds: float


@dataclass(frozen=True)
class QueueState:
    """`queues`: by name; `workers`: how many are alive; `finished_at`: when each task last succeeded (Unix time).

    `jobs`: how many ended, by task and "ok" or "failed".
    """

    queues: dict[str, QueueLength]
    workers: int
    finished_at: dict[str, float] = field(default_factory=dict)
    jobs: dict[tuple[str, str], int] = field(default_factory=dict)


class QueueWatch(Protocol):
    """The queue server, seen from outside."""

    def state(self) -> QueueState:
        """Return its state. Raises OSError if the server cannot be reached."""
        ...
