"""Jobs that wait once: however often a task is asked for, one job of it waits, beside those that run.

RQ refuses a job whose id is there already, be it of a job that waits, runs, failed, or was lost with its worker. Only
one that waits makes another needless, so the jobs of a task have several ids.
"""

from typing import Any, cast

from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.job import JobStatus

from core import log_context
from jobs.task_jobs import TaskJob

# So many jobs of one task may run at once, as of a client with many runs.
MOST_AT_ONCE = 8
JOB_SECONDS, FAILURE_SECONDS = 600, 86_400


def enqueue_once(queue: Queue, name: str, args: tuple[int, ...], urgent: bool) -> None:
    """Put a job of this task in the queue unless one waits already. An urgent one that waits elsewhere comes here.

    Raises:
    - RedisError: the queue server is unavailable.
    """
    for number in range(MOST_AT_ONCE):
        job_id = "-".join((name, *map(str, args), str(number)))
        # first what is asked most often, and costs least
        if _holds(queue, queue.key, job_id) or _enqueue(queue, job_id, name, args):
            return
        waits_in = _waits_in(queue, job_id)
        if waits_in and not urgent:
            return
        if waits_in or not _runs(queue, job_id):
            _remove(queue, job_id, waits_in)
            _enqueue(queue, job_id, name, args)
            return


def _enqueue(queue: Queue, job_id: str, name: str, args: tuple[int, ...]) -> bool:
    """Return whether the job was put in the queue: its id was free."""
    try:
        queue.enqueue(
            f"jobs.tasks.{name}", *args, job_id=job_id, unique=True, job_timeout=JOB_SECONDS, result_ttl=0,
            failure_ttl=FAILURE_SECONDS, meta={"request": log_context.current_request()},
        )  # fmt: skip
    except DuplicateJobError:
        return False
    return True


def _holds(queue: Queue, key: str, job_id: str) -> bool:
    """Return whether the queue with this key holds the job."""
    return queue.connection.lpos(key, job_id) is not None


def _waits_in(queue: Queue, job_id: str) -> str | None:
    """Return the key of the queue that holds the job, or None."""
    origin = queue.connection.hget(TaskJob.key_for(job_id), "origin")
    key = f"{Queue.redis_queue_namespace_prefix}{origin.decode()}" if isinstance(origin, bytes) else queue.key
    return key if _holds(queue, key, job_id) else None


def _runs(queue: Queue, job_id: str) -> bool:
    status = queue.connection.hget(TaskJob.key_for(job_id), "status")
    return status == JobStatus.STARTED.value.encode()


def _remove(queue: Queue, job_id: str, waits_in: str | None) -> None:
    """Remove a job that waits, that failed, or that a worker took and did not start."""
    cast("Any", queue.failed_job_registry).remove(job_id)
    if waits_in:
        queue.connection.lrem(waits_in, 0, job_id)
    queue.connection.delete(TaskJob.key_for(job_id))
