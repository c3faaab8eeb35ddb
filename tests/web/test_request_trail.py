"""One id leads from the press of a button through the queue to the bank's call and to the mails about it."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from rq import SimpleWorker

import jobs
from core import log_context
from core.log_records import json_formatter
from domain.outbox import mail
from jobs import mail_rendering, tasks
from jobs.task_jobs import SERIALIZER, TaskJob
from models import OutgoingMail
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import WebClient
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tests.web.test_approval import pay

Lines = Callable[[], list[dict]]


@pytest.fixture
def server(queue, demo: Demo) -> Redis:  # noqa: F811
    return jobs.connect(f"unix://{queue[1]}?db=0")


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is written in the log, as a collector gets it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def work(server: Redis) -> None:
    found = [jobs.queue(name) for name in jobs.NAMES]
    SimpleWorker(found, connection=server, job_class=TaskJob, serializer=SERIALIZER).work(
        burst=True, logging_level="CRITICAL"
    )


def calls_of(lines: Lines, operation: str) -> list[dict]:
    return [one for one in lines() if one["logger"] == "connectors.calls" and one["operation"] == operation]


def test_the_bank_is_called_for_the_request_that_pressed_pay(
    owner: WebClient, demo: Demo, server: Redis, lines: Lines
):
    batch = demo.batch()
    request = pay(owner, demo, batch).headers["X-Request-ID"]
    (job,) = [one.id for one in jobs.queue("urgent").jobs if one.func_name == "jobs.tasks.send_order"]
    work(server)
    (call,) = calls_of(lines, "place_order")
    assert (call["request"], call["task"], call["job"], call["result"]) == (request, "send_order", job, "ok")


def test_a_bank_that_fails_is_a_line_with_request_and_task(
    owner: WebClient, demo: Demo, sandbox: Sandbox, server: Redis, lines: Lines
):
    batch = demo.batch()
    request = pay(owner, demo, batch).headers["X-Request-ID"]
    sandbox.fault(bank_down=True)
    work(server)
    (call,) = calls_of(lines, "place_order")
    assert (call["level"], call["request"], call["task"]) == ("warning", request, "send_order")
    assert demo.account.iban not in json.dumps(lines())


def test_each_request_has_its_own_id_also_in_the_security_log(owner: WebClient, demo: Demo, lines: Lines):
    first, second = (owner.client.get("/nowhere").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    refused = owner.post("/inloggen", {"email": "niemand@demobv.example", "password": "verkeerd-Aa1"})
    (event,) = [one for one in lines() if one["logger"] == "domain.common.security_log" and one["event"] == "sign_in"]
    assert event["request"] == refused.headers["X-Request-ID"]
    assert (event["outcome"], event["why"], event["level"]) == ("refused", "SignInRefused", "warning")
    assert not log_context.current_request(), "what follows the request does not belong to it"


def test_a_mail_belongs_to_the_request_that_caused_it(demo: Demo, server: Redis, lines: Lines):
    OutgoingMail.delete().execute()
    request = log_context.begin_request()
    mail.enqueue_mail(demo.user, "new_device", once="x", device="Firefox")
    log_context.end_request()
    jobs.enqueue("send_mails")  # as the sweep does, long after
    work(server)
    (call,) = calls_of(lines, "send")
    assert (call["counterpart"], call["request"], call["task"]) == ("mail", request, "send_mails")


def test_a_mail_from_before_is_sent_without_an_id(demo: Demo, server: Redis, lines: Lines):
    mail.enqueue_mail(demo.user, "new_device", once="x", device="Firefox")
    row = OutgoingMail.get(OutgoingMail.dedupe_key == "x")
    with log_context.of_request("another"):
        assert mail.deliver_mail(row.id, mail_rendering.write)
    (call,) = calls_of(lines, "send")
    assert call["result"] == "ok" and "request" not in call


def test_what_a_job_enqueues_belongs_to_its_request(demo: Demo, server: Redis, monkeypatch: pytest.MonkeyPatch):
    seen = []

    def send_order(number: int) -> None:
        seen.append(log_context.current_request())
        if number:
            jobs.enqueue("send_order", number - 1)

    send_order.__module__ = tasks.__name__
    monkeypatch.setattr(tasks, "send_order", send_order)
    with log_context.of_request("abc"):
        jobs.enqueue("send_order", 2)
    jobs.enqueue("send_order", 0)
    work(server)
    assert sorted(seen) == ["", "abc", "abc", "abc"]


def test_what_a_worker_does_after_a_job_belongs_to_no_request(
    demo: Demo, server: Redis, lines: Lines, monkeypatch: pytest.MonkeyPatch
):
    def send_order(number: int) -> None:
        raise ZeroDivisionError

    send_order.__module__ = tasks.__name__
    monkeypatch.setattr(tasks, "send_order", send_order)
    with log_context.of_request("abc"):
        jobs.enqueue("send_order", 1)
    work(server)
    assert not log_context.current_request()
    (failed,) = [one for one in lines() if one["logger"] == "jobs.task_tally"]
    assert (failed["event"], failed["level"]) == ("the task failed: ZeroDivisionError", "error")
    assert (failed["request"], failed["task"]) == ("abc", "send_order")


def test_a_request_in_the_queue_that_is_no_id_is_not_written(demo: Demo, server: Redis, lines: Lines):
    jobs.queue("urgent").enqueue("jobs.tasks.send_order", 0, meta={"request": 'x", "level": "\nforged'})
    work(server)
    assert not [one for one in lines() if "request" in one]
