"""The figures of the queue: what waits and failed in it, who works, which tasks ended, and whether it answers."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from redis import Redis
from rq import SimpleWorker
from rq.job import Job

import jobs
from connectors.calls import Call
from domain.common.services import Services, configure, services
from domain.operations.metrics import REGISTRY
from jobs import tasks
from jobs.call_tally import RedisCallTally
from jobs.queue_watch import RedisQueueWatch
from jobs.task_jobs import SERIALIZER, TaskJob
from tests.domain.test_figures import figures
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tools import process_supervisor


@pytest.fixture
def server(queue, world: Services) -> Iterator[Redis]:  # noqa: F811
    found = jobs.connect(f"unix://{queue[1]}?db=0")
    configure(replace(services(), queue=RedisQueueWatch(jobs.connection)))
    yield found
    found.close()


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch):
    """Give a task another body."""

    def replace_task(name: str, failing: bool = False) -> None:
        def body(*_: int) -> None:
            if failing:
                raise ZeroDivisionError

        body.__module__, body.__name__ = tasks.__name__, name
        monkeypatch.setattr(tasks, name, body)

    return replace_task


def work(server: Redis) -> None:
    found = [jobs.queue(name) for name in jobs.NAMES]
    SimpleWorker(found, connection=server, job_class=TaskJob, serializer=SERIALIZER).work(
        burst=True, logging_level="CRITICAL"
    )


def test_jobs_that_wait_are_counted_with_the_age_of_the_next(server: Redis):
    assert figures()['bizcuit_queue_jobs{queue="urgent"}'] == 0
    jobs.enqueue("send_order", 7)
    jobs.enqueue("send_order", 8)
    first = jobs.queue("urgent").get_job_ids()[0]
    earlier = datetime.now(UTC) - timedelta(hours=2)
    server.hset(Job.key_for(first), "enqueued_at", earlier.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    found = figures()
    assert found['bizcuit_queue_jobs{queue="urgent"}'] == 2 and found['bizcuit_queue_jobs{queue="default"}'] == 0
    assert found['bizcuit_queue_oldest_seconds{queue="urgent"}'] // 3600 == 2
    assert found['bizcuit_queue_oldest_seconds{queue="default"}'] == 0


def test_jobs_that_ended_are_counted_by_task_and_result(server: Redis, doing):
    doing("send_order")
    doing("poll_order_status", failing=True)
    for name in ("send_order", "send_order", "poll_order_status"):
        jobs.enqueue(name, 7)
        work(server)
    found = figures()
    assert found['bizcuit_jobs_total{result="ok",task="send_order"}'] == 2
    assert found['bizcuit_jobs_total{result="failed",task="poll_order_status"}'] == 1
    assert found['bizcuit_queue_failed_jobs{queue="urgent"}'] == 1


def test_the_last_sweep_is_told_once_there_was_one(server: Redis, doing):
    doing("enqueue_due_work", failing=True)
    jobs.enqueue("enqueue_due_work")
    work(server)
    assert "bizcuit_last_sweep_timestamp_seconds" not in figures()
    doing("enqueue_due_work")
    jobs.enqueue("enqueue_due_work")
    work(server)
    assert figures()["bizcuit_last_sweep_timestamp_seconds"] == pytest.approx(time.time(), abs=20)


def test_workers_are_counted_while_they_live(server: Redis):
    assert figures()["bizcuit_workers"] == 0
    worker = SimpleWorker([jobs.queue("urgent")], connection=server, job_class=TaskJob, serializer=SERIALIZER)
    worker.register_birth()
    assert figures()["bizcuit_workers"] == 1
    worker.register_death()
    assert figures()["bizcuit_workers"] == 0


def test_a_worker_that_was_killed_is_not_counted_for_long(server: Redis):
    worker = SimpleWorker([jobs.queue("urgent")], connection=server, job_class=TaskJob, serializer=SERIALIZER)
    worker.register_birth()
    server.delete(worker.key)  # as its time to live does
    assert figures()["bizcuit_workers"] == 0


def test_without_the_queue_server_the_other_figures_are_told(server: Redis, queue):  # noqa: F811
    assert figures()["bizcuit_queue_up"] == 1
    process_supervisor.stop_all([queue[0]])
    found = figures()
    assert found["bizcuit_queue_up"] == 0 and "bizcuit_workers" not in found
    assert found['bizcuit_waiting{kind="delivery"}'] == 0


def test_every_figure_is_on_the_page_about_monitoring(server: Redis, doing):
    doing("enqueue_due_work")
    jobs.enqueue("enqueue_due_work")
    work(server)
    for result in ("ok", "failed"):
        RedisCallTally(jobs.connection).add(Call("bank", "giro", "order_status", result, 1))
    told = set(re.findall(r"^# HELP (\S+) \S", generate_latest(REGISTRY).decode(), re.MULTILINE))
    page = (Path(jobs.__file__).parents[1] / "docs" / "monitoring.md").read_text("utf-8")
    assert told == set(re.findall(r"^\| `(bizcuit_\w+)` \|", page, re.MULTILINE))
