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
class Counterpart:
    """Calls to one external service. Moments are Unix time, None if there was none.

    `within`: how many took at most the bound of that place, and more than the one before; the last: more than all.
    `seconds`: all together. `failing_since`: the first failure since its last answer.
    """

    within: tuple[int, ...]
    seconds: float
    failing_since: float | None
    failed_at: float | None
    answered_at: float | None


@dataclass(frozen=True)
class CallFigures:
    """`counts`: calls by counterpart, which of its kind, operation and result. `bounds`: seconds, of `within`."""

    counts: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()
    counterparts: dict[tuple[str, str], Counterpart] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueState:
    """`queues`: by name; `workers`: how many are alive; `finished_at`: when each task last succeeded (Unix time).

    `jobs`: how many ended, by task and "ok" or "failed". `calls`: those to external services.
    """

    queues: dict[str, QueueLength]
    workers: int
    finished_at: dict[str, float] = field(default_factory=dict)
    jobs: dict[tuple[str, str], int] = field(default_factory=dict)
    calls: CallFigures = field(default_factory=CallFigures)

    @property
    def swept_at(self) -> float | None:
        """Return when everything that is due was last enqueued; None if it never was."""
        return self.finished_at.get("enqueue_due_work")


class QueueWatch(Protocol):
    """The queue server, seen from outside."""

    def state(self) -> QueueState:
        """Return its state. Raises OSError if the server cannot be reached."""
        ...
