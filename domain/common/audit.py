"""The audit log: one chain of events per client, each written in the same transaction as the fact.

The hashes of the chain are keyed (HMAC-SHA-256) with a key outside the database, so that whoever can write to the
database cannot write a chain that holds. `Client.log_head` is the keyed number and hash of the last event, so that a
chain whose end was cut off does not hold either. A log from before this has plain hashes up to some event, and keyed
ones from the next event on, which cover the plain ones.
"""

import json
from typing import Any

from core.clock import utcnow
from core.encryption import digest_sha256, keyed_digest
from domain.common.services import services
from models import AuditEvent, Client, require_client_lock

GENESIS = "0" * 64


def record_event(client_id: int, actor: str, kind: str, subject: str, **details: Any) -> AuditEvent:
    """Append an event to the client's chain.

    Details hold only ids, hashes and totals: the chain outlives personal data.
    """
    require_client_lock(client_id)  # two writers must not append to the same event
    last = last_event(client_id)
    event = AuditEvent(
        client=client_id, number=last.number + 1 if last else 1, created_at=utcnow(), actor=actor, kind=kind,
        subject=subject, details=details, previous=last.hash if last else GENESIS,
    )  # fmt: skip
    event.hash = _keyed_hash(event)
    event.save(force_insert=True)
    Client.update(log_head=_head(event)).where(Client.id == client_id).execute()
    return event


def last_event(client_id: int) -> AuditEvent | None:
    """Return number and hash of the client's last event."""
    query = AuditEvent.select(AuditEvent.number, AuditEvent.hash).where(AuditEvent.client == client_id)
    return query.order_by(AuditEvent.number.desc()).first()


def verify_chain(client_id: int) -> list[int]:
    """Return the numbers of the events at which the chain is broken, also of one that was cut off its end."""
    broken, previous, number, keyed = [], GENESIS, 0, False
    event = None
    for event in AuditEvent.select().where(AuditEvent.client == client_id).order_by(AuditEvent.number):
        number += 1
        is_keyed = event.hash == _keyed_hash(event)
        holds = is_keyed or (not keyed and event.hash == _plain_hash(event))
        if event.number != number or event.previous != previous or not holds:
            broken.append(event.number)
        previous, number, keyed = event.hash, event.number, keyed or is_keyed
    head = Client.get_by_id(client_id).log_head
    if head != (_head(event) if event else None) and number not in broken:
        broken.append(number + 1 if keyed or event is None else number)
    return broken


def _body(event: AuditEvent) -> str:
    fields = [
        event.client_id, event.number, event.created_at.isoformat(), event.actor, event.kind, event.subject,
        event.details,
        event.previous,
    ]  # fmt: skip
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _keyed_hash(event: AuditEvent) -> str:
    return keyed_digest(_key(), _body(event))


def _plain_hash(event: AuditEvent) -> str:
    return digest_sha256(_body(event).encode())


def _head(event: AuditEvent) -> str:
    return keyed_digest(_key(), f"{event.number}:{event.hash}")


def _key() -> bytes:
    return keyed_digest(services().lookup_key, "audit log").encode()


def details_text(event: AuditEvent) -> str:
    """Return the details of an event as they are part of its hash."""
    return json.dumps(event.details, sort_keys=True, separators=(",", ":"))


def by_user(user: Any) -> str:
    return f"user:{user.id}"


WORKER = "worker"
OPERATOR = "operator"
