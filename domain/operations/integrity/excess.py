"""What two people allowed beyond what is owed: what the log says of it, and that its payment is exactly that."""

from collections.abc import Iterator

from peewee import DoesNotExist

from domain.common import audit
from domain.payments import excess
from domain.payments.excess_allowances import asked_hash
from models import AuditEvent, Batch, BatchLine, Client, ExcessAllowance
from models.states import BatchState

_SUBJECT = "excess:"
_OVER = (BatchState.DISCARDED, BatchState.REPLACED)


def excess_faults(client: Client) -> Iterator[str]:
    """Yield what is wrong with the allowances of this client."""
    events: dict[tuple[str, str], AuditEvent] = {}
    told = AuditEvent.select().where(AuditEvent.client == client.id, AuditEvent.subject.startswith(_SUBJECT))
    for event in told.order_by(AuditEvent.number):
        events.setdefault((event.subject, event.kind), event)
    rows = list(ExcessAllowance.select().where(ExcessAllowance.client == client.id).order_by(ExcessAllowance.id))
    for row in rows:
        mine = {kind: event for (subject, kind), event in events.items() if subject == f"{_SUBJECT}{row.id}"}
        try:
            found = [fault for check in (_asked, _allowed, _ended, _payment) for fault in check(row, mine)]
            name = f"allowance {row.id} beside line {row.beside.end_to_end_id}"
        except DoesNotExist:
            name, found = f"allowance {row.id}", ["a row that it names is gone"]
        yield from (f"{name}: {fault}" for fault in found)
    if len(rows) != len({subject for subject, _kind in events}):
        yield f"client {client.public_id}: the log knows another payment beyond what is owed than there is"
    made = {row.batch_id for row in rows}
    for batch in Batch.select().where(Batch.client == client.id, excess.is_excess()).order_by(Batch.id):
        if batch.id not in made:
            yield f"payment {batch.reference}: nobody allowed it beyond what is owed"


def _asked(row: ExcessAllowance, told: dict[str, AuditEvent]) -> Iterator[str]:
    event = told.get("excess.asked")
    if event is None:
        yield "the log does not know it"
        return
    about = event.details["about"] if row.due.run.redacted_at is not None else asked_hash(row)
    said = (event.details["beside"], event.details["cents"], event.details["about"], event.actor)
    if said != (row.beside_id, row.amount_cents, about, audit.by_user(row.asked_by)):
        yield "line, amount, payee, reason or person is not what the log says"
    if row.due_id != row.beside.batch_line.due_id:
        yield "it is not of the person of the line that it is beside"


def _allowed(row: ExcessAllowance, told: dict[str, AuditEvent]) -> Iterator[str]:
    event = told.get("excess.allowed")
    if (event is None) != (row.allowed_at is None):
        yield "whether it was allowed is not what the log says"
    if event is None or row.allowed_by is None or row.batch is None:
        return
    said = (event.details["cents"], event.details["payment"], event.actor)
    if said != (row.amount_cents, row.batch.reference, audit.by_user(row.allowed_by)):
        yield "amount, payment or second person is not what the log says"


def _ended(row: ExcessAllowance, told: dict[str, AuditEvent]) -> Iterator[str]:
    event = told.get("excess.withdrawn") or told.get("excess.ended")
    if (event is None) != (row.withdrawn_at is None):
        yield "whether it still holds is not what the log says"
    if event is None:
        if row.withdrawn_by is not None or row.withdrawn_reason is not None:
            yield "it holds, and says why it ended, or by whom"
        return
    by = audit.by_user(row.withdrawn_by) if row.withdrawn_by else audit.WORKER
    if (event.details["reason"], event.actor) != (row.withdrawn_reason, by):
        yield "why it ended, or by whom, is not what the log says"


def _payment(row: ExcessAllowance, told: dict[str, AuditEvent]) -> Iterator[str]:
    batch = row.batch
    if batch is None:
        return
    lines = list(BatchLine.select().where(BatchLine.batch == batch.id))
    paid = [(line.amount_cents, line.creditor_iban, line.creditor_name, line.due_id) for line in lines]
    if paid != [(row.amount_cents, row.creditor_iban, row.creditor_name, row.due_id)]:
        yield "its payment is not what was allowed"
    if not excess.was_allowed(batch):
        yield "its payment is not marked as beyond what is owed"
    if row.withdrawn_at is not None and batch.state in (BatchState.OPEN, BatchState.APPROVED):
        yield "it is withdrawn, and its payment can still be approved"
    if row.withdrawn_at is None and batch.state in _OVER:
        yield "its payment was given up, and it still holds"
