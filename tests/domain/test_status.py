"""`flask status` tells the figures of /metrics on one screen, marks what is wrong, and has the limits of the alerts."""

import re
import time
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from commands.program import status as command
from connectors.calls import Call
from core.clock import utcnow
from domain.operations import status
from domain.operations.status import duration
from jobs import call_tally, task_tally
from jobs.call_tally import RedisCallTally
from models import BankOrder, OutgoingMail, RowRegister
from tests.domain.test_figures import a_mail, a_run
from tests.domain.test_queue_figures import server
from tests.support.factories import Demo
from tests.support.orders import put_at_bank
from tests.test_alerts import rules
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tools import process_supervisor

__all__ = ["server"]


def shown() -> Result:
    return CliRunner().invoke(command)


def marked(result: Result) -> list[str]:
    """Return the names of the lines that are marked."""
    return [re.split(r"\s{2,}", line[2:])[0] for line in result.output.splitlines() if line.startswith("!")]


@pytest.fixture
def healthy(server: Redis, demo: Demo) -> Redis:
    """A worker lives, sweeps, and the books were checked."""
    server.sadd("rq:workers", "rq:worker:x")
    server.hset("rq:worker:x", "queues", "urgent")
    server.hset(task_tally.FINISHED, "enqueue_due_work", time.time())
    RowRegister.update(checked_at=utcnow(), fault_count=0).execute()
    OutgoingMail.delete().execute()
    return server


def test_all_is_well(healthy: Redis):
    result = shown()
    assert (result.exit_code, marked(result)) == (0, [])
    assert "workers                 1" in result.output and "0 faults  checked 0 s ago" in result.output


def test_it_fits_on_one_screen_on_a_bad_day(healthy: Redis, demo: Demo):
    a_run(demo, utcnow() - timedelta(hours=2))
    a_mail(demo, utcnow() - timedelta(hours=2))
    order = put_at_bank(demo.batch(number=3), "sending")
    BankOrder.update(submitted_at=utcnow() - timedelta(hours=2)).where(BankOrder.id == order.id).execute()
    put_at_bank(demo.batch(number=2), "disputed", "disputed")
    for number in range(20):
        RedisCallTally(lambda: healthy).add(Call("bank", f"bank{number}", "order_status", "failed", 0.1))
    result = shown()
    lines = result.output.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80, result.output
    assert result.exit_code == 1
    assert marked(result) == ["waits: run", "waits: mail", "unanswered orders", "proofs that disagree"]
    assert "oldest 2 h" in result.output and "and 12 more" in result.output
    assert not [one for one in (demo.client.name, demo.user.email, demo.account.iban) if one in result.output]


def test_a_bank_that_fails_is_first_and_marked_after_ten_minutes(healthy: Redis):
    tally = RedisCallTally(lambda: healthy)
    tally.add(Call("bank", "another", "order_status", "ok", 0.1))
    tally.add(Call("bank", "giro", "order_status", "failed", 0.1))
    assert marked(shown()) == []
    healthy.hset(call_tally.FAILING, '["bank", "giro"]', time.time() - 660)
    result = shown()
    assert marked(result) == ["calls: bank giro"]
    assert re.search(r"! calls: bank giro +ok 0  refused 0  failed 1  no answer for 11 min", result.output)
    assert result.output.index("bank giro") < result.output.index("bank another")


@pytest.mark.parametrize(("trouble", "line"), [
    (lambda one: one.delete("rq:worker:x"), "workers"),
    (lambda one: one.hset(task_tally.FINISHED, "enqueue_due_work", time.time() - 200), "last sweep"),
    (lambda one: one.delete(task_tally.FINISHED), "last sweep"),
    (lambda one: RowRegister.update(fault_count=2).execute(), "books"),
    (lambda one: RowRegister.update(checked_at=utcnow() - timedelta(hours=27)).execute(), "books"),
    (lambda one: RowRegister.update(checked_at=None).execute(), "books"),
])  # fmt: skip
def test_what_is_wrong_is_marked(healthy: Redis, trouble, line: str):
    trouble(healthy)
    result = shown()
    assert (result.exit_code, marked(result)) == (1, [line])


def test_without_the_queue_server_the_rest_is_shown(healthy: Redis, queue):  # noqa: F811
    process_supervisor.stop_all([queue[0]])
    result = shown()
    assert (result.exit_code, marked(result)) == (1, ["queue server"]) and "0 faults" in result.output


def test_the_limits_are_those_of_the_alerts():
    found = rules()

    def limit(alert: str) -> list[int]:
        return [int(one) for one in re.findall(r"[<>] (\d+)", found[alert]["expr"])]

    kinds = {kind for alert in ("RunWithoutPayment", "OrderNotGiven", "MailStandsStill")
             for kind in re.search(r'kind=~?"([\w|]+)"', found[alert]["expr"])[1].split("|")}  # type: ignore[index]
    assert kinds == set(status.LATE)
    assert limit("RunWithoutPayment") == [status.LATE["run"]] == [status.LATE["delivery"]] == [status.LATE["run_again"]]
    assert limit("OrderNotGiven")[0] == status.LATE["order"]
    assert limit("MailStandsStill") == [status.LATE["mail"]] == [status.LATE["push"]]
    assert limit("OrderUnanswered") == [status.UNANSWERED] and limit("NoSweep") == [status.SWEEP]
    assert limit("CounterpartFails") == [status.FAILING, status.FAILED_LATELY]
    assert limit("QueueStandsStill") == [status.QUEUED] and "26 * 3600" in found["BooksNotChecked"]["expr"]


@pytest.mark.parametrize(("seconds", "told"), [
    (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_400, "24 h"), (172_800, "2 days"),
    (-3, "0 s"),
])  # fmt: skip
def test_times_are_told_in_their_largest_unit(seconds: float, told: str):
    assert duration(seconds) == told
