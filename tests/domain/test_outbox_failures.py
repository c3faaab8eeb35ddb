"""A mail or notification that is not sent leaves a line in the log each time, and is counted once it is given up."""

import logging

import pytest
from prometheus_client import generate_latest

from connectors.smtp import Message
from core.clock import utcnow
from domain.operations.metrics import REGISTRY
from domain.outbox import mail, push_delivery
from models import OutgoingMail, PushNotification
from tests.domain.test_notifications import phone, send
from tests.support.factories import Demo
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox

__all__ = ["phone"]
ADDRESS = "wouter@demobv.example"


def render(content: mail.MailMessage) -> Message:
    return Message(ADDRESS, "Er is ingelogd", "tekst", "<p>tekst</p>")


def counted(kind: str) -> bool:
    return f'bizcuit_given_up{{kind="{kind}"}} 1.0' in generate_latest(REGISTRY).decode()


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(one.levelno, one.getMessage()) for one in caplog.records if one.name == "domain.outbox.failures"]


@pytest.fixture
def waiting(demo: Demo) -> OutgoingMail:
    mail.enqueue_mail(demo.user, "new_device", once="x")
    return OutgoingMail.get()


def test_a_mail_that_fails_is_said_each_time_and_counted_when_given_up(
    waiting: OutgoingMail, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
):
    sandbox.fault(mail_later=True)
    assert not mail.deliver_mail(waiting.id, render)
    ((level, text),) = said(caplog)
    assert level == logging.WARNING and text.startswith(f"mail {waiting.id} (new_device) was not sent at attempt 1: ")
    assert not counted("mail")
    OutgoingMail.update(attempts=mail.MAX_ATTEMPTS - 1, due_at=utcnow()).execute()
    assert not mail.deliver_mail(waiting.id, render)
    level, text = said(caplog)[-1]
    assert level == logging.ERROR and text.endswith("given up") and f"attempt {mail.MAX_ATTEMPTS}" in text
    assert counted("mail") and ADDRESS not in caplog.text


def test_a_mail_that_is_refused_for_good_is_given_up_at_once(
    waiting: OutgoingMail, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
):
    sandbox.fault(mail_refused=True)
    assert not mail.deliver_mail(waiting.id, render)
    assert [level for level, _ in said(caplog)] == [logging.ERROR]
    assert counted("mail")


def test_a_mail_that_is_sent_is_no_failure(waiting: OutgoingMail, sandbox: Sandbox, caplog: pytest.LogCaptureFixture):
    sandbox.fault(mail_later=True)
    mail.deliver_mail(waiting.id, render)
    sandbox.fault(mail_later=False)
    OutgoingMail.update(due_at=utcnow()).execute()
    assert mail.deliver_mail(waiting.id, render)
    assert len(said(caplog)) == 1 and not counted("mail")


def test_a_notification_is_said_and_counted_too(
    demo: Demo, sandbox: Sandbox, phone: Receiver, caplog: pytest.LogCaptureFixture
):
    demo.batch()
    sandbox.fault(push_down=True)
    assert send() == [False] and not counted("push")
    PushNotification.update(attempts=push_delivery.MAX_ATTEMPTS - 1, due_at=utcnow()).execute()
    assert send() == [False] and counted("push")
    assert [level for level, _ in said(caplog)] == [logging.WARNING, logging.ERROR]
    assert phone.messages() == [] and "https://" not in caplog.text
