"""The state of the program in one screen, from the same figures as `/metrics`. The limits are those of the alerts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.common.queue_state import CallFigures, QueueState
from domain.operations.figures import Books, Figures, Waiting

# Seconds after which something is wrong; docs/monitoring.md lists the alerts.
LATE = {"delivery": 600, "run": 600, "run_again": 600, "order": 600, "mail": 900, "push": 900}
UNANSWERED, SWEEP, QUEUED, FAILING, FAILED_LATELY, CHECKED = 300, 120, 300, 600, 2700, 26 * 3600
MOST_COUNTERPARTS = 8  # that are shown, the failing ones first


@dataclass(frozen=True)
class StatusLine:
    """A line of the screen, and whether it tells that something is wrong."""

    text: str
    is_wrong: bool = False


def status_lines(found: Figures, now: float) -> list[StatusLine]:
    """Return the lines of the screen. `now` is Unix time."""
    return [
        *_waiting("waits", found.waiting, LATE), *_waiting("payments", found.batches, {}), *_orders(found),
        StatusLine(_counts("given up", found.given_up)),
        StatusLine(_row("holds", str(found.holds)), found.holds > 0),
        _books(found.books, now), *_queue(found.queue, now),
    ]  # fmt: skip


def _row(name: str, *values: str) -> str:
    return f"{name:<23} {'  '.join(values)}"


def _waiting(name: str, found: Mapping[str, Waiting], late: Mapping[str, int]) -> Iterator[StatusLine]:
    """Yield a line for each that is there."""
    there = {kind: one for kind, one in found.items() if one.count}
    if not there:
        yield StatusLine(_row(name, "none"))
    for kind, one in there.items():
        is_late = kind in late and one.oldest_seconds > late[kind]
        yield StatusLine(_row(f"{name}: {kind}", f"{one.count:>7}", f"oldest {duration(one.oldest_seconds)}"), is_late)


def _orders(found: Figures) -> Iterator[StatusLine]:
    age, count = found.unanswered.oldest_seconds, found.unanswered.count
    oldest = f"oldest {duration(age)}" if count else ""
    yield StatusLine(_row("unanswered orders", str(count), oldest).rstrip(), age > UNANSWERED)
    yield StatusLine(_row("proofs that disagree", str(found.contradictions)), found.contradictions > 0)


def _books(books: Books, now: float) -> StatusLine:
    if books.faults is None or books.checked_at is None:
        return StatusLine(_row("books", "not checked"), is_wrong=True)
    age = now - books.checked_at.timestamp()
    told = _row("books", f"{books.faults} faults", f"checked {duration(age)} ago")
    return StatusLine(told, books.faults > 0 or age > CHECKED)


def _queue(state: QueueState | None, now: float) -> Iterator[StatusLine]:
    if state is None:
        yield StatusLine(_row("queue server", "does not answer"), is_wrong=True)
        return
    yield StatusLine(
        _counts("queue", {name: one.waiting for name, one in state.queues.items()}),
        any(one.oldest_seconds > QUEUED for one in state.queues.values()),
    )
    yield StatusLine(_counts("failed in a day", {name: one.failed for name, one in state.queues.items()}))
    yield StatusLine(_row("workers", str(state.workers)), state.workers == 0)
    swept = state.swept_at
    told = f"{duration(now - swept)} ago" if swept is not None else "never"
    yield StatusLine(_row("last sweep", told), swept is None or now - swept > SWEEP)
    yield from _calls(state.calls, now)


def _calls(found: CallFigures, now: float) -> Iterator[StatusLine]:
    order = sorted(found.counterparts.items(), key=lambda one: (one[1].failing_since is None, one[0]))
    for (counterpart, which), one in order[:MOST_COUNTERPARTS]:
        results = {"ok": 0, "refused": 0, "failed": 0}
        for (*who, _, result), count in found.counts.items():
            if tuple(who) == (counterpart, which):
                results[result] += count
        since, last = one.failing_since, one.failed_at
        is_wrong = since is not None and now - since > FAILING and last is not None and now - last < FAILED_LATELY
        failing = f"  no answer for {duration(now - since)}" if since is not None else ""
        yield StatusLine(_counts(f"calls: {counterpart} {which}".rstrip(), results) + failing, is_wrong)
    if len(order) > MOST_COUNTERPARTS:
        yield StatusLine(_row("calls", f"and {len(order) - MOST_COUNTERPARTS} more in /metrics"))


def _counts(name: str, counts: Mapping[str, int]) -> str:
    return _row(name, *(f"{key} {count}" for key, count in counts.items()))


def duration(seconds: float) -> str:
    """Return a time in its largest unit: 59 s, 12 min, 3 h, 2 days."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
