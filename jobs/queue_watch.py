"""The state of the queue server, for the figures of operators."""

from collections.abc import Callable
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.worker_registration import get_keys

import jobs
from domain.common.queue_state import QueueLength, QueueState
from jobs import call_tally, task_tally
from jobs.task_jobs import TaskJob


class RedisQueueWatch:
    """The queues, workers and tallies in Redis. A failure of Redis is raised as OSError, as the port requires."""

    def __init__(self, connection: Callable[[], Redis]) -> None:
        self._connection = connection

    def state(self) -> QueueState:
        try:
            connection = self._connection()
            done = task_tally.read(connection)
            return QueueState(
                queues={name: _length(jobs.queue(name)) for name in jobs.NAMES}, workers=_alive(connection),
                finished_at=done.finished_at, jobs=done.counts, calls=call_tally.read(connection),
            )  # fmt: skip
        except RedisError as error:
            raise OSError("the queue server does not answer") from error


def _alive(connection: Redis) -> int:
    """Return how many workers are registered and have told of themselves lately: one that was killed runs out."""
    keys = get_keys(connection=connection)
    return int(connection.exists(*keys)) if keys else 0  # type: ignore[arg-type]


def _length(queue: Queue) -> QueueLength:
    first = queue.get_job_ids(0, 1)
    oldest = TaskJob.fetch_many(first, connection=queue.connection, serializer=queue.serializer)
    since = [one.enqueued_at for one in oldest if one is not None and one.enqueued_at is not None]
    return QueueLength(queue.count, queue.failed_job_registry.get_job_count(cleanup=False), _age(since))


def _age(since: list[datetime]) -> float:
    now = datetime.now(UTC)
    return max((max(0.0, (now - one.replace(tzinfo=UTC)).total_seconds()) for one in since), default=0.0)
