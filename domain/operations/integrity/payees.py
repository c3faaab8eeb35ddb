"""What people answered about new and changed accounts, as the log says. That it was approved so is in the digests."""

from collections.abc import Iterator

from domain.common import audit
from domain.operations.integrity.records import PaymentRecord
from domain.payments import payee_answers
from models import PayeeAnswer


def payee_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the answers of this payment."""
    rows = list(PayeeAnswer.select().where(PayeeAnswer.batch == record.batch.id).order_by(PayeeAnswer.id))
    mine = {line.id for line in record.lines}
    for row in rows:
        if row.line_id not in mine:
            yield f"{record.name}: answer {row.id} is about a line of another payment"
    told = {event.details["act"]: event for event in record.events_of("payees.answered")}
    for act in sorted(told.keys() | {row.act for row in rows}):
        given, event = [row for row in rows if row.act == act], told.get(act)
        if event is None:
            yield f"{record.name}: the log does not know the answers {', '.join(str(row.id) for row in given)}"
        elif (event.details["count"], event.details["hash"]) != (len(given), payee_answers.answers_hash(given)):
            yield f"{record.name}: what was answered about accounts is not what the log says at event {event.number}"
        elif event.actor != audit.WORKER and {event.actor} != {audit.by_user(row.user) for row in given}:
            yield f"{record.name}: who answered about accounts is not who the log says at event {event.number}"
