"""Health of the database, and the figures for Prometheus."""

from collections.abc import Iterator
from typing import Any

from peewee import fn
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from models import (
    Batch,
    OutgoingMail,
    PaymentHold,
    PayrollRun,
    PushNotification,
    RowRegister,
    WebhookDelivery,
    pending_migrations,
)


def database_answers() -> list[str]:
    """Return the names of the migrations that the database lacks. Raises Peewee's error if it does not answer."""
    return pending_migrations()


class _DatabaseCollector(Collector):
    """Collects the figures on request, from the database."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("bizcuit_waiting", "Rows that wait for the worker", labels=["kind"])
        waiting.add_metric(["delivery"], WebhookDelivery.select().where(WebhookDelivery.processed_at.is_null()).count())
        waiting.add_metric(["run"], PayrollRun.select().where(PayrollRun.due_at.is_null(False)).count())
        waiting.add_metric(["mail"], OutgoingMail.select().where(OutgoingMail.due_at.is_null(False)).count())
        yield waiting
        unsent = GaugeMetricFamily("bizcuit_given_up", "What was tried and is not tried again", labels=["kind"])
        unsent.add_metric(["mail"], _given_up(OutgoingMail))
        unsent.add_metric(["push"], _given_up(PushNotification))
        yield unsent
        batches = GaugeMetricFamily("bizcuit_batches", "Batches by state", labels=["state"])
        rows: Any = Batch.select(Batch.state, fn.count(Batch.id)).group_by(Batch.state).tuples()
        for state, count in rows:
            batches.add_metric([state], count)
        yield batches
        held = GaugeMetricFamily("bizcuit_holds", "Holds in force")
        held.add_metric([], PaymentHold.select().where(PaymentHold.lifted_at.is_null()).count())
        yield held
        yield from _books()


def _given_up(table: type[OutgoingMail] | type[PushNotification]) -> int:
    """Return how many were tried and are not tried again, as long as their rows are kept."""
    return table.select().where(table.due_at.is_null(), table.sent_at.is_null(), table.attempts > 0).count()


def _books() -> Iterator[GaugeMetricFamily]:
    """The last check of the books. Without a number it runs now, or failed."""
    row = RowRegister.get_or_none()
    faults = GaugeMetricFamily("bizcuit_books_inconsistencies", "What the last check of the books found")
    if row is not None and row.fault_count is not None:
        faults.add_metric([], row.fault_count)
    yield faults
    checked = GaugeMetricFamily("bizcuit_books_checked_timestamp_seconds", "When the books were last checked")
    if row is not None and row.checked_at is not None:
        checked.add_metric([], row.checked_at.timestamp())
    yield checked


REGISTRY = CollectorRegistry()
REGISTRY.register(_DatabaseCollector())
