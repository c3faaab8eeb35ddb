"""Redacted runs: what the log says was removed is gone, what was kept is as it was, and no other run lacks details."""

from collections.abc import Iterator
from typing import Any

from domain.operations.redacted_runs import EVENT, details_left, kept_hash
from models import AuditEvent, Batch, BatchLine, Client, PayrollRun
from models.redaction import REMOVED_IBAN

_SUBJECT = "run:"


def redaction_faults(client: Client) -> Iterator[str]:
    """Yield what is wrong with this client's redacted runs, and which other lines lack their details."""
    events: dict[str, AuditEvent] = {}
    for event in AuditEvent.select().where(AuditEvent.client == client.id, AuditEvent.kind == EVENT):
        if event.subject in events:
            yield f"{event.subject.replace(':', ' ')}: its details were removed twice"
        events[event.subject] = event
    marked = PayrollRun.select().where(PayrollRun.client == client.id, PayrollRun.redacted_at.is_null(False))
    for run in marked.order_by(PayrollRun.id):
        yield from (f"run {run.id}: {fault}" for fault in _run(run, events.pop(f"{_SUBJECT}{run.id}", None)))
    for subject in sorted(events):
        yield f"{subject.replace(':', ' ')}: the log says that its details were removed, and it is not marked so"
    bare: Any = (
        BatchLine.select(Batch.reference, BatchLine.position).join(Batch).join(PayrollRun)
        .where(Batch.client == client.id, PayrollRun.redacted_at.is_null(), BatchLine.creditor_iban == REMOVED_IBAN)
    )  # fmt: skip
    for reference, position in bare.tuples():
        yield f"payment {reference}: line {position} is without its details, and the program did not remove them"


def _run(run: PayrollRun, event: AuditEvent | None) -> Iterator[str]:
    if event is None or run.redacted_at is None:
        yield "its details are marked as removed, and the log does not say so"
        return
    if event.details["at"] != run.redacted_at.isoformat():
        yield "its details were removed at another time than the log says"
    if event.details["kept"] != kept_hash(run):
        yield "what was kept when its details were removed is not what the log says: an amount, id, count or digest"
    for what in details_left(run):
        yield f"its details were removed, and they are there: {what}"
