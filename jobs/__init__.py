"""Jobs of the queue: each calls one domain function. A job is only a hint, and may run twice."""

import logging

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from jobs import unique_jobs
from jobs.task_jobs import SERIALIZER, TaskJob

# What a user waits for, the runs, mails and notifications, and the rest. A worker takes one job of each in turn.
NAMES = ("urgent", "payroll", "messages", "default")
_QUEUES = {"take_turn": "payroll", "send_mails": "messages", "send_pushes": "messages"}
log = logging.getLogger(__name__)
_redis: Redis | None = None


def connect(url: str, patience: float = 2) -> Redis:
    """Connect to the queue server, where `enqueue` puts jobs; wait `patience` seconds for an answer.

    A web server must not wait long: a webhook is stored before, and the sweep finds it.
    """
    global _redis
    _redis = Redis.from_url(url, socket_connect_timeout=2, socket_timeout=patience, health_check_interval=30)
    return _redis


def connection() -> Redis:
    if _redis is None:
        raise RuntimeError("the queue server is not configured")
    return _redis


def queue(name: str) -> Queue:
    """Return the queue of this name, one of NAMES."""
    return Queue(name, connection=connection(), job_class=TaskJob, serializer=SERIALIZER)


def enqueue(name: str, *args: int, urgent: bool = True) -> bool:
    """Enqueue the job `jobs.tasks.<name>`, unless it waits already.

    Returns False if the queue server is unavailable; the sweep then finds the work in the database.
    """
    chosen = queue(_QUEUES.get(name, "urgent" if urgent else "default"))
    try:
        unique_jobs.enqueue_once(chosen, name, args, urgent)
    except RedisError:
        log.warning("the queue server is unavailable: %s waits for the sweep", name)
        return False
    return True
