"""Why lines were left out of a payment, as the log says."""

from collections.abc import Iterator

from domain.common import audit
from domain.operations.integrity.records import PaymentRecord
from domain.payments import line_verdicts
from models import AuditEvent, LineVerdict


def verdict_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the verdicts on lines of this payment."""
    rows = list(LineVerdict.select().where(LineVerdict.batch == record.batch.id).order_by(LineVerdict.id))
    mine = {line.id for line in record.lines}
    told = {event.details["row"]: event for event in record.events_of("line.refused") if "row" in event.details}
    for row in rows:
        if row.line_id not in mine:
            yield f"{record.name}: verdict {row.id} is about a line of another payment"
        if row.earlier_id is None and not _is_told(row, told.get(row.id)):
            yield f"{record.name}: verdict {row.id} is not what the log says"
    for gone in sorted(told.keys() - {row.id for row in rows}):
        yield f"{record.name}: a verdict that the log knows is gone: {gone}"
    yield from _carried(record, [row for row in rows if row.earlier_id is not None])


def _is_told(row: LineVerdict, event: AuditEvent | None) -> bool:
    if event is None:
        return False
    said = (event.details["line"], event.details["verdict"], event.actor)
    return said == (row.line_id, row.verdict, audit.by_user(row.user))


def _carried(record: PaymentRecord, rows: list[LineVerdict]) -> Iterator[str]:
    said = [(event.details["count"], event.details["hash"]) for event in record.events_of("verdicts.carried")]
    if said != ([(len(rows), line_verdicts.verdicts_hash(rows))] if rows else []):
        yield f"{record.name}: the verdicts of earlier payments are not those that the log says"
