"""Calls of all processes count together, also of one that is gone; without the queue server nothing waits for it."""

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis

import jobs
from connectors.calls import Call, Result
from jobs import call_tally
from jobs.call_tally import RedisCallTally
from tests.domain.test_figures import figures
from tests.domain.test_queue_figures import server
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tools import process_supervisor

__all__ = ["server"]
GIRO = 'counterpart="bank",which="giro"'


def call(result: Result, seconds: float = 0.2, which: str = "giro") -> Call:
    return Call("bank", which, "order_status", result, seconds)


def counted(result: str) -> float:
    labels = f'counterpart="bank",operation="order_status",result="{result}",which="giro"'
    return figures().get(f"bizcuit_calls_total{{{labels}}}", 0)


@pytest.fixture
def tally(server: Redis) -> RedisCallTally:
    return RedisCallTally(lambda: server)


def test_calls_are_counted_by_result(tally: RedisCallTally):
    for result in ("ok", "failed", "failed", "refused"):
        tally.add(call(result))
    assert (counted("ok"), counted("failed"), counted("refused")) == (1, 2, 1)


def test_calls_of_another_process_count_too(tally: RedisCallTally, queue):  # noqa: F811
    tally.add(call("ok"))
    code = (
        "import jobs; from connectors.calls import Call; from jobs.call_tally import RedisCallTally\n"
        f"jobs.connect('unix://{queue[1]}?db=0')\n"
        "RedisCallTally(jobs.connection).add(Call('bank', 'giro', 'order_status', 'ok', 1.5))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(jobs.__file__).parents[1], check=True)
    assert counted("ok") == 2


def test_times_are_a_histogram(tally: RedisCallTally):
    for seconds in (0.1, 0.2, 3, 100):
        tally.add(call("ok", seconds))
    found = figures()
    within = {
        bound: found[f'bizcuit_call_seconds_bucket{{counterpart="bank",le="{bound}",which="giro"}}']
        for bound in ("0.1", "0.25", "2.5", "5.0", "60.0", "+Inf")
    }
    assert within == {"0.1": 1, "0.25": 2, "2.5": 2, "5.0": 3, "60.0": 3, "+Inf": 4}
    assert found[f"bizcuit_call_seconds_count{{{GIRO}}}"] == 4
    assert found[f"bizcuit_call_seconds_sum{{{GIRO}}}"] == pytest.approx(103.3)


def test_failing_begins_with_the_first_failure_and_ends_with_an_answer(
    tally: RedisCallTally, monkeypatch: pytest.MonkeyPatch
):
    moments = iter((1000.0, 1700.0, 1800.0, 1900.0))
    monkeypatch.setattr(call_tally.time, "time", lambda: next(moments))
    since, last = (f"bizcuit_{name}_timestamp_seconds{{{GIRO}}}" for name in ("failing_since", "last_failure"))
    tally.add(call("failed"))
    tally.add(call("failed"))
    monkeypatch.undo()
    assert (figures()[since], figures()[last]) == (1000, 1700)
    tally.add(call("ok", which="another"))
    assert figures()[since] == 1000, "another bank answered"
    tally.add(call("refused"))
    assert since not in figures()
    assert figures()[f"bizcuit_last_answer_timestamp_seconds{{{GIRO}}}"] == pytest.approx(time.time(), abs=20)


def test_without_the_queue_server_a_call_ends_as_it_did_and_it_is_asked_once(
    tally: RedisCallTally, queue, caplog: pytest.LogCaptureFixture  # noqa: F811
):  # fmt: skip
    process_supervisor.stop_all([queue[0]])
    for _ in range(3):
        tally.add(call("failed"))
    warned = [one for one in caplog.records if one.name == "jobs.call_tally" and one.levelno == logging.WARNING]
    assert len(warned) == 1
