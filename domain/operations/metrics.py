"""Whether the database answers, and what is waiting, in figures."""

from collections.abc import Iterator
from typing import Any

from peewee import fn
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from models import Batch, Delivery, OutgoingMail, Run, database


def database_answers() -> None:
    """Raises Peewee's error when it does not."""
    database.execute_sql("select 1").fetchone()


class _Figures(Collector):
    """Counted when asked: the database is the only one who knows."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("bizcuit_waiting", "Rows that wait for the worker", labels=["kind"])
        waiting.add_metric(["delivery"], Delivery.select().where(Delivery.handled_at.is_null()).count())
        waiting.add_metric(["run"], Run.select().where(Run.due_at.is_null(False)).count())
        waiting.add_metric(["mail"], OutgoingMail.select().where(OutgoingMail.due_at.is_null(False)).count())
        yield waiting
        batches = GaugeMetricFamily("bizcuit_batches", "Batches by state", labels=["state"])
        rows: Any = Batch.select(Batch.state, fn.count(Batch.id)).group_by(Batch.state).tuples()
        for state, count in rows:
            batches.add_metric([state], count)
        yield batches


REGISTRY = CollectorRegistry()
REGISTRY.register(_Figures())
