"""The queue makes a worker do our tasks and nothing else, whoever wrote in it (OWASP ASVS 5.0, 1.5.2)."""

import pickle
import zlib
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

import jobs
from jobs import tasks
from jobs.task_jobs import SERIALIZER, TaskJob
from tests.test_valkey import queue  # noqa: F401  (a fixture)


class Bomb:
    """What unpickling it makes is a folder."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self):
        return Path.mkdir, (Path(self._path),)


@pytest.fixture
def server(queue) -> Redis:  # noqa: F811
    return jobs.connect(f"unix://{queue[1]}?db=0")


def work(server: Redis) -> int:
    """Do all jobs. Returns how many were done without a failure."""
    found = [jobs.queue(name) for name in jobs.NAMES]
    worker = SimpleWorker(found, connection=server, job_class=TaskJob, serializer=SERIALIZER)
    worker.work(burst=True, logging_level="CRITICAL")
    return worker.successful_job_count


def test_a_task_is_done_with_its_ids(server: Redis, monkeypatch: pytest.MonkeyPatch):
    done = []

    def send_order(batch_id: int) -> None:
        done.append(batch_id)

    send_order.__module__ = tasks.__name__
    monkeypatch.setattr(tasks, "send_order", send_order)
    assert jobs.enqueue("send_order", 7) and jobs.queue("urgent").count
    work(server)
    assert done == [7] and not jobs.queue("urgent").count


@pytest.mark.parametrize("name", ["os.mkdir", "jobs.tasks.time.sleep", "jobs.tasks._enqueue_all", "jobs.tasks.enqueue",
                                  "jobs.enqueue", "pathlib.Path.mkdir"])  # fmt: skip
def test_another_function_is_not_called(server: Redis, tmp_path: Path, name: str):
    target = tmp_path / "made"
    Queue("urgent", connection=server, serializer=JSONSerializer).enqueue(name, str(target))
    assert jobs.queue("urgent").count
    work(server)
    assert not target.exists() and not jobs.queue("urgent").count and not jobs.queue("default").count
    assert jobs.queue("urgent").failed_job_registry.count == 1


def test_nothing_is_unpickled(server: Redis, tmp_path: Path):
    target = tmp_path / "made"
    job = jobs.queue("urgent").enqueue("jobs.tasks.send_order", 1)
    bomb = pickle.dumps(("jobs.tasks.send_order", None, (Bomb(target),), {}))
    server.hset(job.key, "data", zlib.compress(bomb))
    work(server)
    assert not target.exists()
    pickle.loads(bomb)
    assert target.exists(), "the bomb is one"


def test_no_callback_is_called(server: Redis, tmp_path: Path):
    target = tmp_path / "made"
    job = jobs.queue("urgent").enqueue("jobs.tasks.no_such_task", str(target))
    server.hset(job.key, mapping={"failure_callback_name": "os.mkdir", "success_callback_name": "os.mkdir"})
    work(server)
    assert not target.exists() and jobs.queue("urgent").failed_job_registry.count <= 1
