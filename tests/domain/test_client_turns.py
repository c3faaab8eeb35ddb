"""Clients take turns: one with many runs keeps no other waiting, and the queue holds as much as there is to do."""

import logging
import time
from itertools import groupby

import pytest
from peewee import OperationalError
from redis import Redis

import jobs
from connectors.smtp import Message
from core.clock import utcnow
from domain.outbox import mail
from domain.payroll import client_turns, webhook_deliveries, webhook_keys
from jobs import mail_rendering, tasks
from models import Batch, OutgoingMail, PayrollCompany, PayrollRun, WebhookDelivery, database
from tests.support.factories import Demo, make_demo
from tests.support.sandbox import Sandbox
from tests.test_queue_entries import server, work  # noqa: F401  (server is a fixture)
from tests.test_unique_jobs import waiting
from tests.test_valkey import queue  # noqa: F401  (a fixture)
from tools.dev_stack import ROOT

RUNS = 6


def announce(demo: Demo, body: bytes = b'{"CompanyId":9969}') -> None:
    key = webhook_keys.webhook_url(demo.client).split("/")[-3]
    assert webhook_deliveries.store_delivery(key, "application/json", {}, body) == demo.client.id
    jobs.enqueue("take_turn", demo.client.id)


@pytest.fixture
def runs(sandbox: Sandbox) -> None:
    for _ in range(RUNS):
        sandbox.run_payroll(webhook="none")


def work_off(server: Redis) -> int:  # noqa: F811
    done = work(server)
    database.connect(reuse_if_open=True)
    return done


def test_clients_take_turns(server: Redis, demo: Demo, sandbox: Sandbox, runs: None):  # noqa: F811
    late = make_demo(sandbox)
    for _ in range(40):
        announce(demo)
    announce(late)
    assert waiting() == {"payroll": 2}
    work_off(server)
    order = [row.client_id for row in Batch.select().order_by(Batch.id)]
    assert sorted(order) == sorted([demo.client.id, late.client.id] * RUNS)
    assert max(len(list(same)) for _, same in groupby(order)) == 1, order


def test_jobs_grow_with_the_runs_and_not_with_what_announces_them(
    server: Redis, demo: Demo, runs: None  # noqa: F811
):  # fmt: skip
    for _ in range(40):
        announce(demo)
    done = work_off(server)
    assert Batch.select().count() == RUNS
    assert done <= 3 * RUNS + 2, "for each run a turn, its mails and the check of its names"


def test_a_turn_takes_one_run_in_and_says_that_there_are_more(demo: Demo, runs: None, world: object):
    demo_id = demo.client.id
    key = webhook_keys.webhook_url(demo.client).split("/")[-3]
    for _ in range(RUNS):
        webhook_deliveries.store_delivery(key, "", {}, b"")
    assert (client_turns.due_clients(), client_turns.has_several_due(demo_id)) == ([demo_id], True)
    turns = [client_turns.take_turn(demo_id) for _ in range(RUNS + 1)]
    assert [turn.payment is not None for turn in turns] == [True] * RUNS + [False]
    assert [turn.more for turn in turns[-2:]] == [False, False]
    assert (client_turns.due_clients(), client_turns.has_several_due(demo_id)) == ([], False)


def test_the_webhooks_of_one_company_lead_to_one_poll(demo: Demo, runs: None, world: object):
    key = webhook_keys.webhook_url(demo.client).split("/")[-3]
    for _ in range(10):
        webhook_deliveries.store_delivery(key, "", {}, b'{"CompanyId":9969}')
    client_turns.take_turn(demo.client.id)
    assert webhook_deliveries.unprocessed_deliveries(demo.client.id) == []
    assert client_turns._next_companies(demo.client.id) == []


def test_a_run_that_another_worker_has_is_left_to_it(demo: Demo, runs: None, world: object):
    PayrollCompany.update(poll_due_at=utcnow()).execute()
    client_turns.take_turn(demo.client.id)
    PayrollRun.update(lease_until=utcnow().replace(year=2100)).where(PayrollRun.due_at.is_null(False)).execute()
    assert (client_turns.due_clients(), client_turns.take_turn(demo.client.id)) == ([], client_turns.Turn(None, False))


def test_a_webhook_that_cannot_be_processed_keeps_no_run_from_being_paid(
    server: Redis, demo: Demo, runs: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture  # noqa: F811
):  # fmt: skip
    whole = webhook_deliveries.process_delivery

    def faulty(delivery_id: int) -> list[int]:
        if bytes(WebhookDelivery.get_by_id(delivery_id).body) == b"bad":
            raise ValueError("cannot be read")
        return whole(delivery_id)

    monkeypatch.setattr(webhook_deliveries, "process_delivery", faulty)
    announce(demo, b"bad")
    announce(demo)
    with caplog.at_level(logging.ERROR):
        work_off(server)
    assert Batch.select().count() == RUNS
    assert WebhookDelivery.select().where(WebhookDelivery.processed_at.is_null()).count() == 1
    assert "cannot be processed" in caplog.text
    assert waiting() == {}, "it waits for the sweep: a turn that can do nothing asks for no other"


def test_a_database_that_is_away_is_no_fault_of_a_webhook(
    server: Redis, demo: Demo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture  # noqa: F811
):  # fmt: skip
    def away(delivery_id: int) -> list[int]:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(webhook_deliveries, "process_delivery", away)
    announce(demo)
    announce(demo)
    with pytest.raises(OperationalError):
        client_turns.take_turn(demo.client.id)
    assert "cannot be processed" not in caplog.text


def test_the_sweep_puts_nothing_in_the_queue_twice(server: Redis, demo: Demo):  # noqa: F811
    for number in range(30):
        mail.enqueue_mail(demo.user, "pin_changed", once=f"sweep:{number}")
    jobs.enqueue("poll", urgent=False)
    key = webhook_keys.webhook_url(demo.client).split("/")[-3]
    for _ in range(10):
        webhook_deliveries.store_delivery(key, "", {}, b"")
        tasks.enqueue_due_work()
    database.connect(reuse_if_open=True)
    held = waiting()
    assert (held["payroll"], held["messages"]) == (1, 1)
    assert held["default"] <= 20, held


def test_mails_are_sent_a_few_at_a_time_until_none_is_left(
    server: Redis, demo: Demo, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):  # fmt: skip
    monkeypatch.setattr(mail_rendering, "write", lambda told: Message(told.user.email, "x", "x", "x"))
    OutgoingMail.update(sent_at=utcnow()).execute()
    for number in range(tasks.MESSAGES_EACH * 2 + 1):
        mail.enqueue_mail(demo.user, "pin_changed", once=f"few:{number}")
    tasks.send_mails()
    database.connect(reuse_if_open=True)
    assert OutgoingMail.select().where(OutgoingMail.sent_at.is_null()).count() == tasks.MESSAGES_EACH + 1
    assert waiting() == {"messages": 1}
    work_off(server)
    assert OutgoingMail.select().where(OutgoingMail.sent_at.is_null()).count() == 0
    assert len(sandbox.control("GET", "inbox")) == tasks.MESSAGES_EACH * 2 + 1


def test_a_slow_mail_server_keeps_no_other_work_waiting(
    server: Redis, demo: Demo, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):  # fmt: skip
    """A job that took its time leaves the other mails to the next one: other queues have their turn in between."""
    done = list[int]()
    monkeypatch.setattr(tasks, "MESSAGES_SECONDS", 0.05)
    monkeypatch.setattr(mail, "deliver_mail", lambda mail_id, _: (done.append(mail_id), time.sleep(0.1)))
    OutgoingMail.update(sent_at=utcnow()).execute()
    for number in range(3):
        mail.enqueue_mail(demo.user, "pin_changed", once=f"slow:{number}")
    tasks.send_mails()
    database.connect(reuse_if_open=True)
    assert (done, waiting()) == (mail.due_mails(1), {"messages": 1})


def test_a_mail_that_a_user_waits_for_goes_first(demo: Demo, world: object):
    for number in range(5):
        mail.enqueue_mail(demo.user, "pin_changed", once=f"later:{number}")
    mail.enqueue_mail(demo.user, "confirm_device", once="first", path="/apparaat/x")
    (first,) = mail.due_mails(1)
    assert OutgoingMail.get_by_id(first).kind == "confirm_device"
    assert all((ROOT / "templates/mail" / f"{kind}.txt").exists() for kind in mail.AWAITED)
