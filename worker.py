"""Starts the worker with its queues and schedule: `python worker.py`."""

import logging
from time import monotonic

from rq import Worker

import app as application
import config
import jobs
from core.log_records import log_to_stderr
from jobs import tasks  # noqa: F401  (imported before the fork, so that a job starts in milliseconds)
from jobs.task_jobs import SERIALIZER, TaskJob

SWEEP_SECONDS = 5


class SweepingWorker(Worker):
    """A worker that also enqueues a sweep of the database whenever it runs its maintenance."""

    poll_seconds = 3600
    _polled_at: float | None = None

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()
        sweeps = jobs.queue("urgent")
        sweeps.enqueue("jobs.tasks.enqueue_due_work", job_timeout=120, result_ttl=0)
        if self._polled_at is None or monotonic() - self._polled_at >= self.poll_seconds:
            type(self)._polled_at = monotonic()
            sweeps.enqueue("jobs.tasks.poll", job_timeout=120, result_ttl=0)


def main() -> None:
    log_to_stderr()
    logging.getLogger("rq").setLevel(logging.WARNING)
    with config.exit_on_faults():
        settings = config.load()
        application.configure_services(settings)
        application.require_schema()
    connection = jobs.connect(settings.redis_url)
    application.watch_for_restore()
    SweepingWorker.poll_seconds = settings.poll_seconds
    worker = SweepingWorker(
        [jobs.queue(name) for name in jobs.NAMES], connection=connection, job_class=TaskJob, serializer=SERIALIZER,
        maintenance_interval=SWEEP_SECONDS, worker_ttl=20,
    )  # fmt: skip
    worker.work(logging_level="WARNING")


if __name__ == "__main__":
    main()
