"""Marks outside the database: kept before an order goes to its bank, compared with what the database knows."""

import logging
from collections.abc import Callable
from datetime import datetime

from connectors.marks import Mark, MarkStore
from core.clock import utcnow
from domain.common.services import services
from models import AuditEvent, Client

log = logging.getLogger(__name__)


class NoMarkKept(RuntimeError):
    """No place outside the database keeps a mark: nothing may be sent."""


def keep_mark(event: AuditEvent, order: str = "") -> None:
    """Keep a mark of this event, which is committed, in every place outside the database.

    Raises:
    - NoMarkKept: no place could be reached.
    """
    client = Client.get_by_id(event.client_id)
    _keep(Mark(event.id, event.hash, utcnow().isoformat(), client.public_id, order))


def keep_newest_mark() -> None:
    """Keep a mark of the newest event of all, unless each place has it."""
    newest = AuditEvent.select().order_by(AuditEvent.id.desc()).first()
    if newest is None:
        return
    if any((newest.id, newest.hash) not in {(one.event, one.hash) for one in found} for found in _ask(_recent)):
        keep_mark(newest)


def keep_mark_of_restore(token: str, at: datetime) -> None:
    """Keep a mark that no database knows: whichever is found here next, without a hold placed after `at`, was restored.

    Raises:
    - NoMarkKept
    """
    _keep(Mark(0, token, at.isoformat()))


def _keep(mark: Mark) -> None:
    kept = 0
    for store in services().marks:
        try:
            store.keep(mark)
            kept += 1
        except OSError as error:
            log.warning("a mark of the database was not kept: %s", error)
    if not kept and services().marks:
        raise NoMarkKept


def recent_marks() -> list[Mark]:
    """Return the recent marks of every store that can be reached, without repetitions."""
    return list(dict.fromkeys(one for found in _ask(_recent) for one in found))


def order_marks() -> list[Mark]:
    """Return the marks of all orders that the places which can be reached remember, each once."""
    return list(dict.fromkeys(one for found in _ask(lambda store: store.orders()) for one in found))


def _recent(store: MarkStore) -> list[Mark]:
    return store.recent()


def _ask(question: Callable[[MarkStore], list[Mark]]) -> list[list[Mark]]:
    found = []
    for store in services().marks:
        try:
            found.append(question(store))
        except OSError as error:
            log.warning("a place of marks cannot be read: %s", error)
    return found
