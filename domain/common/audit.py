"""The audit log: one hash chain of events per client, each written in the same transaction as the fact."""

import json
from typing import Any

from core.clock import utcnow
from core.encryption import digest_sha256
from models import AuditEvent, require_client_lock

GENESIS = "0" * 64


def record_event(client_id: int, actor: str, kind: str, subject: str, **details: Any) -> AuditEvent:
    """Append an event to the client's chain.

    Details hold only ids, hashes and totals: the chain outlives personal data.
    """
    require_client_lock(client_id)  # two writers must not append to the same event
    last = (
        AuditEvent.select(AuditEvent.number, AuditEvent.hash)
        .where(AuditEvent.client == client_id)
        .order_by(AuditEvent.number.desc())
        .first()
    )
    event = AuditEvent(
        client=client_id, number=last.number + 1 if last else 1, at=utcnow(), actor=actor, kind=kind,
        subject=subject, details=details, previous=last.hash if last else GENESIS,
    )  # fmt: skip
    event.hash = event_hash(event)
    event.save(force_insert=True)
    return event


def event_hash(event: AuditEvent) -> str:
    """Return the SHA-256 of the event, which covers the hash of the previous event."""
    body = [
        event.client_id, event.number, event.at.isoformat(), event.actor, event.kind, event.subject, event.details,
        event.previous,
    ]  # fmt: skip
    return digest_sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def verify_chain(client_id: int) -> list[int]:
    """Return the numbers of the events at which the chain is broken."""
    broken, previous, number = [], GENESIS, 0
    for event in AuditEvent.select().where(AuditEvent.client == client_id).order_by(AuditEvent.number):
        number += 1
        if event.number != number or event.previous != previous or event.hash != event_hash(event):
            broken.append(event.number)
        previous, number = event.hash, event.number
    return broken


def by_user(user: Any) -> str:
    return f"user:{user.id}"


WORKER = "worker"
OPERATOR = "operator"
