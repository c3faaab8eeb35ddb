"""One payment with all rows that belong to it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from models import (
    Approval,
    AuditEvent,
    BankAccount,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    PayrollCompany,
    PayrollRun,
    Release,
)
from models.states import LineState, OrderState

_SUBJECT = "batch:"


@dataclass(frozen=True)
class PaymentRecord:
    """A payment. Lists are in the order in which the rows were made, lines in that of the payment."""

    client: Client
    batch: Batch
    lines: list[BatchLine]
    orders: list[BankOrder]
    releases: list[Release]
    approvals: list[Approval]
    events: list[AuditEvent]

    @property
    def name(self) -> str:
        return f"payment {self.batch.reference}"

    @property
    def is_redacted(self) -> bool:
        """Return whether the details of people were removed: what rests on them is in the hashes of `redactions`."""
        return self.batch.run.redacted_at is not None

    @property
    def live_order(self) -> BankOrder | None:
        return next((order for order in self.orders if order.state != OrderState.CLOSED), None)

    @property
    def lines_to_pay(self) -> list[BatchLine]:
        return [line for line in self.lines if line.state == LineState.OPEN]

    def events_of(self, kind: str) -> list[AuditEvent]:
        return [event for event in self.events if event.kind == kind]

    def event_of(self, kind: str, **details: object) -> AuditEvent | None:
        """Return the first event of this kind that has these details."""
        return next((one for one in self.events_of(kind) if details.items() <= one.details.items()), None)


def payment_records(client: Client) -> Iterator[PaymentRecord]:
    """Yield every payment of the client, one at a time."""
    events: dict[str, list[AuditEvent]] = defaultdict(list)
    of_payments = AuditEvent.select().where(AuditEvent.client == client.id, AuditEvent.subject.startswith(_SUBJECT))
    for event in of_payments.order_by(AuditEvent.number):
        events[event.subject].append(event)
    ids = [row.id for row in Batch.select(Batch.id).where(Batch.client == client.id).order_by(Batch.id)]
    for batch_id in ids:
        yield _record(client, batch_id, events)


def payment_record(batch: Batch) -> PaymentRecord:
    """Return one payment with all rows that belong to it."""
    subject = f"{_SUBJECT}{batch.reference}"
    mine = AuditEvent.select().where(AuditEvent.client == batch.client_id, AuditEvent.subject == subject)
    events = {subject: list(mine.order_by(AuditEvent.number))}
    return _record(Client.get_by_id(batch.client_id), batch.id, events)


def _record(client: Client, batch_id: int, events: dict[str, list[AuditEvent]]) -> PaymentRecord:
    query = (
        Batch.select(Batch, BankAccount, PayrollCompany, PayrollRun)
        .join(BankAccount)
        .switch(Batch)
        .join(PayrollCompany)
        .switch(Batch)
        .join(PayrollRun)
    )
    batch = query.where(Batch.id == batch_id).get()
    return PaymentRecord(
        client, batch,
        list(BatchLine.select().where(BatchLine.batch == batch_id).order_by(BatchLine.position)),
        list(BankOrder.select().where(BankOrder.batch == batch_id).order_by(BankOrder.id)),
        list(Release.select().where(Release.batch == batch_id).order_by(Release.id)),
        list(Approval.select().where(Approval.batch == batch_id).order_by(Approval.id)),
        events.get(f"{_SUBJECT}{batch.reference}", []),
    )  # fmt: skip
