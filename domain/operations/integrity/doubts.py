"""Doubts about lines of a payment, as the log says. Words of a redacted run are gone, and are not hashed."""

from collections.abc import Iterator

from domain.common import audit
from domain.operations.integrity.records import PaymentRecord
from domain.payments import line_doubts
from models import AuditEvent, LineDoubt
from models.doubts import HOLDING


def doubt_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the doubts about lines of this payment."""
    rows = list(LineDoubt.select().where(LineDoubt.batch == record.batch.id).order_by(LineDoubt.id))
    mine = {line.id for line in record.lines}
    told = {event.details["row"]: event for event in record.events_of(line_doubts.EVENT)}
    for row in rows:
        if row.line_id not in mine:
            yield f"{record.name}: step {row.id} of a doubt is about a line of another payment"
        if not _is_told(row, told.get(row.id), record.is_redacted):
            yield f"{record.name}: step {row.id} of a doubt is not what the log says"
    for gone in sorted(told.keys() - {row.id for row in rows}):
        yield f"{record.name}: a step of a doubt that the log knows is gone: {gone}"
    yield from _went_on(record, rows)


def _went_on(record: PaymentRecord, rows: list[LineDoubt]) -> Iterator[str]:
    """Yield at which moments the payment went on although a doubt stood."""
    moments = [("approved", one.approved_at) for one in record.approvals]
    moments += [("approved", one.released_at) for one in record.releases]
    moments += [("sent", one.submitted_at) for one in record.orders if one.submitted_at]
    for what, at in moments:
        if any(row.step in HOLDING for row in line_doubts.newest_of(rows, at).values()):
            yield f"{record.name}: it was {what} although a doubt stood"


def _is_told(row: LineDoubt, event: AuditEvent | None, redacted: bool) -> bool:
    if event is None:
        return False
    by = audit.WORKER if row.earlier_id else audit.by_user(row.user)
    about = event.details["about"] if redacted else line_doubts.step_hash(row)
    said = (event.details["line"], event.details["step"], event.details["about"], event.actor)
    return said == (row.line_id, row.step, about, by)
