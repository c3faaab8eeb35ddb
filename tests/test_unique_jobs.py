"""A job waits once, whatever became of the ones before it, on a real queue server."""

import socket
import time
from collections.abc import Callable

import pytest
from redis import Redis

import jobs
from jobs import tasks, unique_jobs
from tests.test_queue_entries import server, work  # noqa: F401  (server is a fixture)
from tests.test_valkey import queue  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("server")


def waiting() -> dict[str, int]:
    return {name: count for name in jobs.NAMES if (count := jobs.queue(name).count)}


def become(monkeypatch: pytest.MonkeyPatch, name: str, does: Callable[[int], None]) -> None:
    """Make this function the task of this name."""
    does.__module__ = tasks.__name__
    monkeypatch.setattr(tasks, name, does)


def test_a_server_that_never_answers_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = jobs.connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        assert not jobs.enqueue("send_mails")
    assert time.monotonic() - begun < 15, "webhooks and pages answer within the time that others wait for them"
    assert asked.connection_pool.connection_kwargs["socket_timeout"] == 2


def test_what_is_asked_often_waits_once():
    for _ in range(50):
        assert jobs.enqueue("send_order", 7)
        assert jobs.enqueue("take_turn", 3)
        assert jobs.enqueue("send_mails")
    assert jobs.enqueue("send_order", 8)
    assert waiting() == {"urgent": 2, "payroll": 1, "messages": 1}


def test_while_it_runs_it_waits_once_more(server: Redis, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    seen = []

    def take_turn(client_id: int) -> None:
        for _ in range(3 if len(seen) < 2 else 0):
            jobs.enqueue("take_turn", client_id)
        seen.append(waiting().get("payroll", 0))

    become(monkeypatch, "take_turn", take_turn)
    jobs.enqueue("take_turn", 1)
    work(server)
    assert (seen, waiting()) == ([1, 1, 0], {})


def test_after_a_failure_it_waits_again(server: Redis, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    seen = []

    def send_order(batch_id: int) -> None:
        seen.append(batch_id)
        raise ValueError("not this time")

    become(monkeypatch, "send_order", send_order)
    for _ in range(unique_jobs.MOST_AT_ONCE * 2):
        jobs.enqueue("send_order", 7)
        work(server)
    assert seen == [7] * unique_jobs.MOST_AT_ONCE * 2
    assert jobs.queue("urgent").failed_job_registry.count == 1, "the last failure is kept for the operator"


def test_one_that_was_taken_and_lost_waits_again(server: Redis):  # noqa: F811
    """A worker that dies between taking a job and starting it leaves the job's record behind."""
    for _ in range(unique_jobs.MOST_AT_ONCE * 2):
        jobs.enqueue("send_order", 7)
        assert waiting() == {"urgent": 1}
        assert server.lpop(jobs.queue("urgent").key)


def test_workers_that_died_with_it_leave_room_for_others(server: Redis):  # noqa: F811
    for died in range(unique_jobs.MOST_AT_ONCE):
        jobs.enqueue("send_order", 7)
        assert waiting() == {"urgent": 1}, died
        taken = server.lpop(jobs.queue("urgent").key)
        server.hset(f"rq:job:{taken.decode()}", "status", "started")  # type: ignore[union-attr]
    jobs.enqueue("send_order", 7)
    assert waiting() == {}, "so many at once: the next one waits in the database, for the sweep"


def test_what_a_user_waits_for_passes_what_the_sweep_found():
    jobs.enqueue("send_order", 7, urgent=False)
    jobs.enqueue("send_order", 7)
    assert waiting() == {"urgent": 1}
    jobs.enqueue("send_order", 7, urgent=False)
    assert waiting() == {"urgent": 1}
