"""The audit log: whoever can write to the database cannot change, shorten or replace it unseen."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.encryption import digest_sha256
from domain.common import audit
from domain.common.services import services
from domain.operations import log_anchors
from models import AuditEvent, Client, transaction
from models import database as connected
from models.triggers import create_triggers
from tests.support.factories import Demo

ALL_OF_IT = "delete from audit_event"


@pytest.fixture
def log(demo: Demo) -> Client:
    """A client with a log of some events, of which the worker has kept the head."""
    for number in (1, 2, 3):
        demo.batch(number=number)
    assert log_anchors.anchor_logs() == 1
    return demo.client


@pytest.fixture(autouse=True)
def triggers_again(database: str) -> Iterator[None]:
    """On PostgreSQL the next test has the same database."""
    yield
    create_triggers()


def faults(client: Client) -> list:
    return [*audit.verify_chain(client.id), *log_anchors.anchor_faults()]


def rewrite(*statements: str) -> None:
    """Change the log as somebody who owns the database can: without its triggers."""
    for name in ("audit_event_keep", "audit_event_stay"):
        table = " on audit_event" if os.environ.get("BIZCUIT_TEST_DATABASE_URL") else ""
        connected.execute_sql(f"drop trigger {name}{table}")
    for statement in statements:
        connected.execute_sql(statement)


def last(client: Client) -> int:
    event = audit.last_event(client.id)
    assert event is not None
    return event.number


def test_an_untouched_log_holds(log: Client, demo: Demo):
    assert faults(log) == []
    demo.batch(number=4)
    assert faults(log) == []
    assert log_anchors.anchor_logs() == 1
    assert (log_anchors.anchor_logs(), faults(log)) == (0, [])


@pytest.mark.parametrize(
    "change",
    ["actor = 'user:99'", "kind = 'batch.discard'", "subject = 'batch:other'", "details = '{}'", "number = 99",
     "created_at = '2020-01-01 00:00:00'", f"hash = '{'0' * 64}'", f"previous = '{'1' * 64}'"],
)  # fmt: skip
def test_a_changed_event_is_found(log: Client, change: str):
    rewrite(f"update audit_event set {change} where number = 2")
    assert audit.verify_chain(log.id)


@pytest.mark.parametrize("where", ["number = 1", "number = 2", "number >= 2"])
def test_a_removed_event_is_found(log: Client, where: str):
    rewrite(f"delete from audit_event where {where}")
    assert audit.verify_chain(log.id)


def test_the_removed_end_of_a_log_is_found(log: Client):
    rewrite(f"delete from audit_event where number = {last(log)}")
    assert audit.verify_chain(log.id), "by the head in the client's row"
    assert list(log_anchors.anchor_faults()), "by the head outside the database"


@pytest.mark.parametrize("head", ["null", "'earlier'"], ids=["removed", "of an earlier time"])
def test_a_log_shortened_together_with_its_head_is_found_by_its_anchor(log: Client, demo: Demo, head: str):
    earlier = Client.get_by_id(log.id).log_head
    demo.batch(number=4)
    log_anchors.anchor_logs()
    rewrite(f"delete from audit_event where number = {last(log)}")
    Client.update(log_head=earlier if "earlier" in head else None).where(Client.id == log.id).execute()
    assert any("is gone" in fault for fault in log_anchors.anchor_faults())


def test_a_log_that_is_gone_is_found(log: Client):
    rewrite(ALL_OF_IT, "update client set log_head = null")
    assert any("is gone" in fault for fault in log_anchors.anchor_faults())


def test_a_log_written_anew_with_plain_hashes_is_found(log: Client):
    rows = list(AuditEvent.select().where(AuditEvent.client == log.id).order_by(AuditEvent.number))
    previous, statements = audit.GENESIS, []
    for event in rows:
        event.previous = previous
        event.hash = previous = _plain_hash(event)
        statements.append(
            f"update audit_event set previous = '{event.previous}', hash = '{event.hash}' where id = {event.id}"
        )
    rewrite(*statements)
    assert audit.verify_chain(log.id)
    assert any("is not what it was" in fault for fault in log_anchors.anchor_faults())
    with transaction(log.id):
        audit.record_event(log.id, audit.WORKER, "later", "client:1")
    assert list(log_anchors.anchor_faults())


def _plain_hash(event: AuditEvent) -> str:
    """Return the hash as the first version made it, without a key."""
    fields = [event.client_id, event.number, event.created_at.isoformat(), event.actor, event.kind, event.subject,
              event.details, event.previous]  # fmt: skip
    return digest_sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.asks_payees
def test_a_log_of_the_first_version_is_continued_with_keyed_hashes(demo: Demo):
    demo.batch()
    event = AuditEvent.select().where(AuditEvent.client == demo.client.id).get()
    plain = _plain_hash(event)
    rewrite(f"update audit_event set hash = '{plain}' where id = {event.id}", "update client set log_head = null")
    assert audit.verify_chain(demo.client.id) == [1], "nothing keyed covers it yet"
    assert log_anchors.anchor_logs() == 1
    assert faults(demo.client) == []
    assert AuditEvent.select().where(AuditEvent.kind == "log.keyed").count() == 1


def test_a_head_that_was_cut_off_spoils_no_other(log: Client, demo: Demo):
    """The disk was full in the middle of a line: the next head is kept, and the log can be verified."""
    log_anchors.anchor_logs()
    path = services().anchors.path  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes() + b'{"at": "2026-1')
    demo.batch(number=7)
    assert log_anchors.anchor_logs() == 1
    assert (log_anchors.anchor_logs(), list(log_anchors.anchor_faults())) == (0, [])


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{"), lambda path: path.write_text('{"a": 1}\n')])
def test_damaged_anchors_are_reported(log: Client, damage: Callable[[Path], None]):
    damage(services().anchors.path)  # type: ignore[attr-defined]
    assert any("cannot be read" in fault for fault in log_anchors.anchor_faults())
