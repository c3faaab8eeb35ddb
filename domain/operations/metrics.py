"""Health of the database, and the figures for Prometheus."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.common.queue_state import CallFigures, QueueState
from domain.operations.figures import Figures, Waiting, read_figures
from models import pending_migrations


def database_answers() -> list[str]:
    """Return the names of the migrations that the database lacks. Raises Peewee's error if it does not answer."""
    return pending_migrations()


class _FiguresCollector(Collector):
    """Collects the figures on request, from database and queue server."""

    def collect(self) -> Iterator[Metric]:
        found = read_figures()
        yield from _work(found)
        yield from _trouble(found)
        yield from _books(found)
        yield _gauge("bizcuit_queue_up", "Whether the queue server answers", float(found.queue is not None))
        if found.queue is not None:
            yield from _queue(found.queue)


def _work(found: Figures) -> Iterator[Metric]:
    yield from _waiting("bizcuit_waiting", "What waits for the worker", "kind", found.waiting)
    yield from _waiting("bizcuit_batches", "Payments that are not over, in this state", "state", found.batches)
    yield _gauge("bizcuit_orders_unanswered", "Orders that a bank may have and did not answer", found.unanswered.count)
    yield _gauge(
        "bizcuit_orders_unanswered_oldest_seconds", "For how long the oldest of these has no answer",
        found.unanswered.oldest_seconds,
    )  # fmt: skip
    received = CounterMetricFamily("bizcuit_deliveries", "Webhook calls received from Nmbrs")
    received.add_metric([], found.deliveries)
    yield received


def _trouble(found: Figures) -> Iterator[Metric]:
    yield _by("bizcuit_given_up", "What was tried and is not tried again", "kind", found.given_up)
    yield _gauge("bizcuit_evidence_contradictions", "Lines of orders whose proofs disagree", found.contradictions)
    yield _gauge("bizcuit_holds", "Holds in force", found.holds)


def _books(found: Figures) -> Iterator[Metric]:
    faults, checked = found.books.faults, found.books.checked_at
    yield _gauge("bizcuit_books_inconsistencies", "What the last check of the books found", faults)
    at = checked.timestamp() if checked is not None else None
    yield _gauge("bizcuit_books_checked_timestamp_seconds", "When the books were last checked", at)


def _queue(state: QueueState) -> Iterator[Metric]:
    lengths = state.queues.items()
    waiting = {name: one.waiting for name, one in lengths}
    yield _by("bizcuit_queue_jobs", "Jobs that wait in the queue", "queue", waiting)
    oldest = {name: one.oldest_seconds for name, one in lengths}
    yield _by("bizcuit_queue_oldest_seconds", "How long the next job of the queue has waited", "queue", oldest)
    failed = {name: one.failed for name, one in lengths}
    yield _by("bizcuit_queue_failed_jobs", "Jobs of the queue that failed in the last day", "queue", failed)
    yield _gauge("bizcuit_workers", "Workers that are alive", state.workers)
    ended = CounterMetricFamily("bizcuit_jobs", "Jobs that ended", labels=["task", "result"])
    for names, count in state.jobs.items():
        ended.add_metric(names, count)
    yield ended
    swept = "When everything that is due was last enqueued"
    yield _gauge("bizcuit_last_sweep_timestamp_seconds", swept, state.swept_at)
    yield from _calls(state.calls)


def _calls(found: CallFigures) -> Iterator[Metric]:
    labels = ["counterpart", "which"]
    made = CounterMetricFamily("bizcuit_calls", "Calls to services", labels=[*labels, "operation", "result"])
    for names, count in found.counts.items():
        made.add_metric(names, count)
    yield made
    times = HistogramMetricFamily("bizcuit_call_seconds", "How long calls to services took", labels=labels)
    failing = GaugeMetricFamily(
        "bizcuit_failing_since_timestamp_seconds", "First failed call since the last answer", labels=labels
    )
    failed = GaugeMetricFamily("bizcuit_last_failure_timestamp_seconds", "Last call without an answer", labels=labels)
    answered = GaugeMetricFamily("bizcuit_last_answer_timestamp_seconds", "Last answer", labels=labels)
    for who, one in found.counterparts.items():
        names = [*map(str, found.bounds), "+Inf"]
        times.add_metric(who, list(zip(names, map(float, accumulate(one.within)), strict=True)), one.seconds)
        for family, at in ((failing, one.failing_since), (failed, one.failed_at), (answered, one.answered_at)):
            if at is not None:
                family.add_metric(who, at)
    yield from (times, failing, failed, answered)


def _gauge(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    """Return a gauge without labels; None: without a value."""
    made = GaugeMetricFamily(name, meaning)
    if value is not None:
        made.add_metric([], value)
    return made


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        made.add_metric([key], value)
    return made


def _waiting(name: str, meaning: str, label: str, found: Mapping[str, Waiting]) -> Iterator[GaugeMetricFamily]:
    yield _by(name, meaning, label, {key: one.count for key, one in found.items()})
    ages = {key: one.oldest_seconds for key, one in found.items()}
    yield _by(f"{name}_oldest_seconds", f"{meaning}: seconds since the oldest", label, ages)


REGISTRY = CollectorRegistry()
REGISTRY.register(_FiguresCollector())
