"""Starts a worker and its schedule: `python worker.py [queue …]`, without names for all queues."""

import logging
import sys
from time import monotonic

from rq import SimpleWorker
from rq.worker import DequeueStrategy

import app as application
import config
import jobs
from core.log_records import log_to_stderr
from jobs import tasks  # noqa: F401  (imported before the first job)
from jobs.task_jobs import SERIALIZER, TaskJob

SWEEP_SECONDS = 5
PATIENCE = 20  # seconds for an answer of the queue server, which is asked to wait for a job


class SweepingWorker(SimpleWorker):
    """A worker that also enqueues a sweep of the database whenever it runs its maintenance.

    It does its jobs in its own process: to fork for each takes as long as to take in a run. What ends it is started
    again by its supervisor, and what it was doing is found by the sweep, as after a job that was killed.
    """

    poll_seconds = 3600
    _polled_at: float | None = None

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()
        jobs.enqueue("enqueue_due_work")
        if self._polled_at is None or monotonic() - self._polled_at >= self.poll_seconds:
            type(self)._polled_at = monotonic()
            jobs.enqueue("poll")


def main(names: list[str]) -> None:
    log_to_stderr()
    logging.getLogger("rq").setLevel(logging.WARNING)
    unknown = set(names) - set(jobs.NAMES)
    if unknown:
        sys.exit(f"no such queue: {', '.join(sorted(unknown))}; there are {', '.join(jobs.NAMES)}")
    with config.exit_on_faults():
        settings = config.load()
        log_to_stderr(settings.log_json)
        application.configure_services(settings)
        application.require_schema()
    connection = jobs.connect(settings.redis_url, patience=PATIENCE)
    application.watch_for_restore()
    SweepingWorker.poll_seconds = settings.poll_seconds
    worker = SweepingWorker(
        [jobs.queue(name) for name in names or jobs.NAMES], connection=connection, job_class=TaskJob,
        serializer=SERIALIZER, maintenance_interval=SWEEP_SECONDS, worker_ttl=20,
    )  # fmt: skip
    worker.work(logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)


if __name__ == "__main__":
    main(sys.argv[1:])
