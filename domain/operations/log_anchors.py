"""The heads of the audit logs and of the register of rows, kept outside the database: what was cut off or rewritten
there no longer matches.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connectors.anchors import REGISTER, Anchor
from core.clock import utcnow
from domain.common import audit
from domain.common.services import services
from models import AuditEvent, Client, RowRegister, RowStatement, transaction

log = logging.getLogger(__name__)
SHOWN = 8  # characters of a hash that people compare


@dataclass(frozen=True)
class LogHead:
    """The last event of a client's log, as members see it. `at` is UTC."""

    number: int
    hash: str
    at: datetime


def log_head(client: Client) -> LogHead | None:
    """Return the number of the last event, the beginning of its hash, and its time."""
    query = AuditEvent.select(AuditEvent.number, AuditEvent.hash, AuditEvent.created_at).where(
        AuditEvent.client == client.id
    )
    last = query.order_by(AuditEvent.number.desc()).first()
    return LogHead(last.number, last.hash[:SHOWN], last.created_at) if last else None


def anchor_logs() -> int:
    """Keep the head of every log that grew since its last anchor, and of the register of rows; return how many logs.

    A log from before hashes were keyed gets a keyed event first, once. A log that does not match its last anchor is
    left alone, for `anchor_faults` to report.
    """
    store, anchored = services().anchors, _newest_anchors()
    grown = []
    for client in Client.select(Client.id, Client.public_id, Client.log_head).order_by(Client.id):
        if client.log_head is None and client.public_id not in anchored and audit.last_event(client.id):
            with transaction(client.id):
                audit.record_event(client.id, audit.WORKER, "log.keyed", f"client:{client.id}")
        last, known = audit.last_event(client.id), anchored.get(client.public_id)
        if last is not None and (known is None or last.number > known.number):
            grown.append(Anchor(client.public_id, last.number, last.hash, utcnow().isoformat()))
    register = _grown_register(anchored.get(REGISTER))
    if grown or register:
        store.append([*grown, *register])
    return len(grown)


def _grown_register(known: Anchor | None) -> list[Anchor]:
    """Return the head of the register of rows if it has grown."""
    row = RowRegister.get_or_none()
    if row is None or row.number <= (known.number if known else 0):
        return []
    return [Anchor(REGISTER, row.number, row.last_hash, utcnow().isoformat())]


def _newest_anchors() -> dict[str, Anchor]:
    return {one.client: one for one in services().anchors.read()}


def anchor_faults() -> Iterator[str]:
    """Return a sentence for each log that is not as it was when its head was kept."""
    try:
        anchors = services().anchors.read()
    except (OSError, ValueError, TypeError) as error:
        yield f"the anchors of the audit logs cannot be read: {type(error).__name__}"
        return
    ids = {row.public_id: row.id for row in Client.select(Client.id, Client.public_id)}
    for one in anchors:
        if one.client == REGISTER:
            yield from _register_faults(one)
            continue
        event = AuditEvent.get_or_none(AuditEvent.client == ids.get(one.client), AuditEvent.number == one.number)
        if event is None:
            yield f"client {one.client}: event {one.number} of the log is gone; it was there at {one.at}"
        elif event.hash != one.hash:
            yield f"client {one.client}: event {one.number} of the log is not what it was at {one.at}"


def _register_faults(one: Anchor) -> Iterator[str]:
    row = RowStatement.get_or_none(RowStatement.number == one.number)
    if row is None:
        yield f"statement {one.number} of the register of rows is gone; it was there at {one.at}"
    elif row.hash != one.hash:
        yield f"statement {one.number} of the register of rows is not what it was at {one.at}"
