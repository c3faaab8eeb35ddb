"""What the queue runs: one function a job, each calls one domain function. A job is a hint and may run twice."""

import logging

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

NAMES = ("urgent", "default")
log = logging.getLogger(__name__)
_redis: Redis | None = None


def connect(url: str) -> Redis:
    """The queue server; jobs are put there by `enqueue`."""
    global _redis
    _redis = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=20, health_check_interval=30)
    return _redis


def connection() -> Redis:
    if _redis is None:
        raise RuntimeError("the queue was not connected")
    return _redis


def has_pending(name: str) -> bool:
    """Whether something waits in this queue still."""
    return Queue(name, connection=connection()).count > 0


def enqueue(name: str, *args: int, urgent: bool = True) -> bool:
    """Wake the worker for `jobs.tasks.<name>`. False when the queue is away: the sweep finds what waits."""
    queue = Queue("urgent" if urgent else "default", connection=connection())
    try:
        queue.enqueue(f"jobs.tasks.{name}", *args, job_timeout=600, result_ttl=0, failure_ttl=86_400)
    except RedisError:
        log.warning("queue is away: %s waits for the sweep", name)
        return False
    return True
