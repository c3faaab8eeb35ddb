"""Webhook deliveries: kept before they are answered, and only ever a hint to look sooner."""

from core.clock import utcnow
from domain import webhook_keys
from domain.errors import NotFound
from models import Delivery, NmbrsConnection, PayrollCompany, transaction

# What may wait unhandled for one key; above it the answer is "not stored".
MOST_WAITING = 10_000


class TooManyWaiting(Exception):
    """This key has more waiting than a person's payroll can explain."""


def receive(secret: str, content_type: str, headers: dict[str, str], body: bytes) -> int:
    """Keep the call as it came and return its id. NotFound for an unknown key, TooManyWaiting."""
    client_id = webhook_keys.client_id_of(secret)
    if client_id is None:
        raise NotFound
    waiting = Delivery.select(Delivery.id).where(Delivery.client == client_id, Delivery.handled_at.is_null())
    if waiting.offset(MOST_WAITING - 1).limit(1).exists():
        raise TooManyWaiting
    return Delivery.insert(
        client=client_id, received_at=utcnow(), content_type=content_type[:200], headers=headers, body=body
    ).execute()


def known_key(secret: str) -> bool:
    return webhook_keys.client_id_of(secret) is not None


def waiting() -> list[int]:
    query = Delivery.select(Delivery.id).where(Delivery.handled_at.is_null()).order_by(Delivery.id).limit(500)
    return [row.id for row in query]


def handle(delivery_id: int) -> list[int]:
    """Mark every mapped company of the client to be looked at now; returns their ids.

    Whatever the body says: Nmbrs's own list of runs is the truth. Handled twice, it looks twice,
    which makes nothing twice.
    """
    with transaction():
        row = Delivery.get_or_none(Delivery.id == delivery_id)
        if row is None or row.handled_at is not None:
            return []
        due = (
            PayrollCompany.select(PayrollCompany.id)
            .join(NmbrsConnection)
            .where(PayrollCompany.client == row.client_id, PayrollCompany.mapped_at.is_null(False))
        )
        ids = [company.id for company in due]
        now = utcnow()
        PayrollCompany.update(look_due_at=now, look_attempts=0).where(PayrollCompany.id.in_(ids)).execute()
        Delivery.update(handled_at=now).where(Delivery.client == row.client_id, Delivery.id <= row.id).execute()
    return ids
