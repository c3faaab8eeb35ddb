"""Jobs of the queue: each calls one domain function. A job is only a hint, and may run twice."""

import logging

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from jobs.task_jobs import SERIALIZER, TaskJob

NAMES = ("urgent", "default")
log = logging.getLogger(__name__)
_redis: Redis | None = None


def connect(url: str) -> Redis:
    """Connect to the queue server, where `enqueue` puts jobs."""
    global _redis
    _redis = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=20, health_check_interval=30)
    return _redis


def connection() -> Redis:
    if _redis is None:
        raise RuntimeError("the queue server is not configured")
    return _redis


def queue(name: str) -> Queue:
    """Return the queue of this name, one of NAMES."""
    return Queue(name, connection=connection(), job_class=TaskJob, serializer=SERIALIZER)


def has_pending(name: str) -> bool:
    """Return whether jobs wait in this queue."""
    return queue(name).count > 0


def enqueue(name: str, *args: int, urgent: bool = True) -> bool:
    """Enqueue the job `jobs.tasks.<name>`.

    Returns False if the queue server is unavailable; the sweep then finds the work in the database.
    """
    chosen = queue("urgent" if urgent else "default")
    try:
        chosen.enqueue(f"jobs.tasks.{name}", *args, job_timeout=600, result_ttl=0, failure_ttl=86_400)
    except RedisError:
        log.warning("the queue server is unavailable: %s waits for the sweep", name)
        return False
    return True
