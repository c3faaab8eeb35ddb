"""Each figure for monitoring moves with the trouble that it tells, and is read from an index of what waits."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import generate_latest

import models
from core.clock import utcnow
from domain.banking.manual_bank import MANUAL_BANK_ID
from domain.operations.figures import CURRENT
from domain.operations.metrics import REGISTRY
from domain.outbox import mail
from models import (
    BankAccount,
    BankConsent,
    BankOrder,
    Batch,
    NameCheckTask,
    NmbrsConnection,
    OutgoingMail,
    PaymentHold,
    PayrollCompany,
    PayrollRun,
    PushNotification,
    TokenRevocation,
    WebhookDelivery,
)
from models.dialect import is_sqlite
from tests.domain.test_notifications import phone
from tests.support.factories import Demo, make_run
from tests.support.orders import put_at_bank
from tests.support.push import Receiver

__all__ = ["phone"]
HOUR = timedelta(hours=1)


def figures() -> dict[str, float]:
    """Return the samples of /metrics, by name and labels."""
    told = generate_latest(REGISTRY).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in told if not line.startswith("#")}


def waiting(kind: str) -> tuple[float, float]:
    """Return how many of this kind wait, and since when, in whole hours."""
    found = figures()
    oldest = found[f'bizcuit_waiting_oldest_seconds{{kind="{kind}"}}']
    return found[f'bizcuit_waiting{{kind="{kind}"}}'], oldest // 3600


def received(demo: Demo, at: datetime) -> WebhookDelivery:
    return WebhookDelivery.create(client=demo.client, received_at=at, content_type="", headers={}, body=b"")


# --- made-up trouble of each kind that waits: it is two hours old ---
def a_delivery(demo: Demo, at: datetime) -> None:
    received(demo, at)


def a_run(demo: Demo, at: datetime) -> None:
    PayrollCompany.update(mapped_at=at).execute()
    run = make_run(demo.company)
    PayrollRun.update(found_at=at, state="retrying", due_at=utcnow() + HOUR).where(PayrollRun.id == run.id).execute()


def a_run_that_is_read_again(demo: Demo, at: datetime) -> None:
    run = make_run(demo.company)
    PayrollRun.update(due_at=at, state="imported").where(PayrollRun.id == run.id).execute()


def an_order(demo: Demo, at: datetime) -> None:
    batch = demo.batch()
    Batch.update(state="approved", state_changed_at=at).where(Batch.id == batch.id).execute()


def a_name_check(demo: Demo, at: datetime) -> None:
    NameCheckTask.create(batch=demo.batch(), due_at=at)


def a_mail(demo: Demo, at: datetime) -> None:
    mail.enqueue_mail(demo.user, "new_device", once="x")
    OutgoingMail.update(created_at=at, due_at=utcnow() + HOUR).execute()


def a_revocation(demo: Demo, at: datetime) -> None:
    TokenRevocation.create(
        client=demo.client, service="nmbrs", subject="connection:1", token_encrypted="-", created_at=at
    )


TROUBLES: dict[str, Callable[[Demo, datetime], None]] = {
    "delivery": a_delivery, "run": a_run, "run_again": a_run_that_is_read_again, "order": an_order,
    "name_check": a_name_check, "mail": a_mail, "revocation": a_revocation,
}  # fmt: skip


@pytest.mark.parametrize("kind", TROUBLES)
def test_what_waits_is_counted_with_its_age(demo: Demo, kind: str):
    assert waiting(kind) == (0, 0)
    TROUBLES[kind](demo, utcnow() - 2 * HOUR)
    assert waiting(kind) == (1, 2)


def test_a_notification_that_waits_is_counted_with_its_age(demo: Demo, phone: Receiver):
    demo.batch()
    PushNotification.update(created_at=utcnow() - 2 * HOUR).execute()
    assert waiting("push") == (1, 2)
    PushNotification.update(sent_at=utcnow(), due_at=None).execute()
    assert waiting("push") == (0, 0)


def test_every_kind_that_waits_has_its_trouble_here(demo: Demo):
    told = {name for name in figures() if name.startswith("bizcuit_waiting{")}
    assert told == {f'bizcuit_waiting{{kind="{kind}"}}' for kind in (*TROUBLES, "push")}


def test_what_was_done_no_longer_waits(demo: Demo):
    received(demo, utcnow() - HOUR)
    WebhookDelivery.update(processed_at=utcnow()).execute()
    assert waiting("delivery") == (0, 0)


def test_what_waits_for_a_client_is_not_for_operators(demo: Demo):
    a_run(demo, utcnow() - HOUR)
    NmbrsConnection.update(status="failing", error_code="bad_credentials").execute()
    assert waiting("run") == (0, 0)


def test_what_a_person_takes_to_the_bank_does_not_wait_for_the_worker(demo: Demo):
    an_order(demo, utcnow() - HOUR)
    BankAccount.update(bank=MANUAL_BANK_ID).execute()
    assert waiting("order") == (0, 0)


def test_a_run_waits_since_it_could_be_imported(demo: Demo):
    a_run(demo, utcnow() - 5 * HOUR)
    PayrollCompany.update(mapped_at=utcnow() - 3 * HOUR).execute()
    assert waiting("run") == (1, 3)
    PayrollRun.update(manually_selected_at=utcnow() - HOUR).execute()
    assert waiting("run") == (1, 1)


def test_payments_are_counted_by_state_with_their_age(demo: Demo):
    batch = demo.batch()
    for state in CURRENT:
        Batch.update(state=state, state_changed_at=utcnow() - 2 * HOUR).where(Batch.id == batch.id).execute()
        found = figures()
        counts = {one: found[f'bizcuit_batches{{state="{one}"}}'] for one in CURRENT}
        assert counts == {one: float(one == state) for one in CURRENT}
        assert found[f'bizcuit_batches_oldest_seconds{{state="{state}"}}'] // 3600 == 2
    Batch.update(state="executed").execute()
    assert not any(figures()[f'bizcuit_batches{{state="{one}"}}'] for one in CURRENT)


def test_an_order_without_an_answer_is_counted_with_its_age(demo: Demo):
    order = put_at_bank(demo.batch(), "sending")
    BankOrder.update(submitted_at=utcnow() - 2 * HOUR).where(BankOrder.id == order.id).execute()
    found = figures()
    assert (found["bizcuit_orders_unanswered"], found["bizcuit_orders_unanswered_oldest_seconds"] // 3600) == (1, 2)
    put_at_bank(demo.batch(number=2), "at_bank")
    Batch.update(state="at_bank").execute()
    assert figures()["bizcuit_orders_unanswered"] == 0


def test_lines_whose_proofs_disagree_are_counted(demo: Demo):
    batch = demo.batch()
    assert figures()["bizcuit_evidence_contradictions"] == 0
    put_at_bank(batch, "disputed", "disputed")
    assert figures()["bizcuit_evidence_contradictions"] == batch.line_count


def test_received_deliveries_and_holds_are_counted(demo: Demo):
    before = figures()
    received(demo, utcnow())
    PaymentHold.create(cause="operator", reason="r", placed_by="o")
    after = figures()
    assert after["bizcuit_deliveries_total"] == before["bizcuit_deliveries_total"] + 1
    assert (before["bizcuit_holds"], after["bizcuit_holds"]) == (0, 1)


def test_no_figure_names_anybody(demo: Demo):
    put_at_bank(demo.batch(), "disputed", "disputed")
    PaymentHold.create(cause="operator", client=demo.client, reason="secret reason", placed_by="Wouter")
    told = generate_latest(REGISTRY).decode()
    secrets = (demo.client.name, demo.client.public_id, demo.user.name, demo.user.email, demo.account.iban, "secret")
    assert not [one for one in (*secrets, "Wouter") if one in told]
    assert BankConsent.get().bank not in told


# --- cost ---
def test_no_figure_reads_a_whole_table_that_grows(demo: Demo, caplog: pytest.LogCaptureFixture):
    if not is_sqlite():
        pytest.skip("PostgreSQL reads small tables whole, whatever their indexes")
    caplog.set_level(logging.DEBUG, logger="peewee")
    figures()
    asked: list[Any] = [record.msg for record in caplog.records if record.name == "peewee"]
    assert 8 <= len(asked) <= 20
    plans = [(plan, sql) for sql, values in asked for plan in plan_of(sql, values)]
    assert len(plans) >= len(asked)
    assert not [(plan, sql) for plan, sql in plans if plan.startswith("SCAN") and not is_small(plan, sql)]


def plan_of(sql: str, values: list) -> list[str]:
    return [row[3] for row in models.database.execute_sql(f"explain query plan {sql}", values).fetchall()]


def is_small(plan: str, sql: str) -> bool:
    """Whether what is read whole holds only what waits or went wrong: three tables, and the partial indexes."""
    tables = ("token_revocation", "payment_hold", "row_register")
    indexes = ("given_up_mail", "given_up_push", "disputed_order_line")
    return any(f'FROM "{one}"' in sql for one in tables) or any(f"INDEX {one}" in plan for one in indexes)
