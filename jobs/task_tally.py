"""How often each task ended and when it last succeeded, counted in Redis: workers are several processes,
maybe on several machines. Who empties the queue server starts the counts anew, as Prometheus expects of counters.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

COUNTS, FINISHED = "bizcuit:task-counts", "bizcuit:task-finished"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskTally:
    """`counts`: by task and result; `finished_at`: Unix time of the last success of each task."""

    counts: dict[tuple[str, str], int]
    finished_at: dict[str, float]


@contextmanager
def counted(connection: Redis, task: str) -> Iterator[None]:
    """Count how this task ends. Its own error is raised again; one of the queue server only leaves the count out."""
    try:
        yield
    except Exception as error:
        log.error("the task failed: %s", type(error).__name__)  # RQ writes its traceback, without the request
        _count(connection, task, "failed")
        raise
    _count(connection, task, "ok")


def _count(connection: Redis, task: str, result: str) -> None:
    try:
        with connection.pipeline(transaction=False) as pipe:
            pipe.hincrby(COUNTS, f"{task}|{result}", 1)
            if result == "ok":
                pipe.hset(FINISHED, task, f"{time.time():.3f}")
            pipe.execute()
    except RedisError as error:
        log.warning("a task was not counted: %s", type(error).__name__)


def read(connection: Redis) -> TaskTally:
    """Return what was counted. Raises RedisError."""
    counts: dict[bytes, bytes] = connection.hgetall(COUNTS)  # type: ignore[assignment]
    finished: dict[bytes, bytes] = connection.hgetall(FINISHED)  # type: ignore[assignment]
    by_task = {}
    for name, number in counts.items():
        task, _, result = name.decode().rpartition("|")
        by_task[task, result] = int(number)
    return TaskTally(by_task, {task.decode(): float(at) for task, at in finished.items()})
