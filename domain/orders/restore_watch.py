"""Notice that the database was restored, without being told, and place a hold on all payments.

Three witnesses outside the database are compared with it: marks in files of this machine and in the queue's server
(`domain.common.marks`), and the heads of the audit logs (`connectors.anchors`). Each may be lost alone: the queue when
it is emptied, the files with the machine. An event that a witness names and the database does not have, or has
otherwise, means that the database is older. A database that has sent orders, of which no witness remembers anything,
counts as older too.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import reduce
from operator import or_

from peewee import chunked

from connectors.anchors import REGISTER, Anchor
from connectors.marks import Mark
from core.clock import utcnow
from domain.common import audit, marks
from domain.common.services import services
from domain.orders import recovery
from domain.payments import holds
from models import AuditEvent, BankAccount, BankOrder, Client, PaymentHold, PayrollCompany, RowStatement, transaction
from models.states import HoldCause

AT_ONCE, HEADS_AT_ONCE = 500, 100
CALLED = "order.called"  # the event before each call that gives an order to a bank
log = logging.getLogger(__name__)


# --- comparing ------------------------------------------------------------------------------------
def is_restored() -> bool:
    """Return whether a mark names an event that this database does not have. Cheap: asked before each order."""
    return bool(_unknown(marks.recent_marks()))


def hold_if_restored() -> PaymentHold | None:
    """Place a hold on all payments if the marks say that the database was restored; return it, else None."""
    return _hold_unless_done(is_restored) if is_restored() else None


def hold_if_no_witness_agrees() -> PaymentHold | None:
    """As `hold_if_restored`, and also compare the heads of the logs, and whether anything remembers at all.

    Slower: for the start of a program, and now and then.
    """
    if is_restored() or _unknown_heads():
        return _hold_unless_done(lambda: is_restored() or _unknown_heads())
    if _is_forgotten():
        return _hold_unless_done(_is_forgotten, "nothing outside the database remembers how far it had come")
    return None


def _is_forgotten() -> bool:
    """Return whether this database has sent orders, and no witness remembers anything."""
    sent_before = AuditEvent.select().where(AuditEvent.kind == CALLED).exists()
    remembered = not services().marks or marks.recent_marks() or _heads()
    return sent_before and not remembered and _last_restore() is None


def _unknown(found: list[Mark]) -> list[Mark]:
    """Return the marks of events that this database does not have, later than the last hold after a restore."""
    if not found:
        return []
    unknown = _without_event(found)
    settled = _last_restore() if unknown else None
    return [one for one in unknown if settled is None or datetime.fromisoformat(one.at) > settled]


def _without_event(found: list[Mark]) -> list[Mark]:
    """Return those of these marks whose event this database does not have, or has otherwise."""
    known: set[tuple[int, str]] = set()
    ids = sorted({one.event for one in found})
    for start in range(0, len(ids), AT_ONCE):
        query = AuditEvent.select(AuditEvent.id, AuditEvent.hash).where(AuditEvent.id.in_(ids[start : start + AT_ONCE]))
        known |= {(row.id, row.hash) for row in query}
    return [one for one in found if (one.event, one.hash) not in known]


def _unknown_heads() -> bool:
    """Return whether a newest head kept outside is of an event, or of a statement of the register of rows, that this
    database does not have, since then.
    """
    ids = {row.public_id: row.id for row in Client.select(Client.id, Client.public_id)}
    clients = {row_id: public_id for public_id, row_id in ids.items()}
    newest = list({one.client: one for one in _heads()}.values())
    known = _known_statements(newest)
    for part in chunked([one for one in newest if one.client in ids], HEADS_AT_ONCE):
        same = (((AuditEvent.client == ids[one.client]) & (AuditEvent.number == one.number)) for one in part)
        rows = AuditEvent.select(AuditEvent.client, AuditEvent.number, AuditEvent.hash).where(reduce(or_, same))
        known |= {(clients[row.client_id], row.number, row.hash) for row in rows}
    unknown = [one for one in newest if (one.client, one.number, one.hash) not in known]
    settled = _last_restore() if unknown else None
    return any(settled is None or datetime.fromisoformat(one.at) > settled for one in unknown)


def _known_statements(heads: list[Anchor]) -> set[tuple[str, int, str]]:
    """Return the heads of the register of rows, among these, that this database has."""
    numbers = [one.number for one in heads if one.client == REGISTER]
    rows = RowStatement.select(RowStatement.number, RowStatement.hash).where(RowStatement.number.in_(numbers))
    return {(REGISTER, row.number, row.hash) for row in rows}


def _heads() -> list[Anchor]:
    try:
        return services().anchors.read()
    except (OSError, ValueError, TypeError) as error:  # `audit verify` names it
        log.error("the heads of the audit logs cannot be read: %s", type(error).__name__)
        return []


def _last_restore() -> datetime | None:
    """Return when the last hold after a restore was placed: what was marked until then is asked about under it."""
    query = PaymentHold.select(PaymentHold.placed_at).where(PaymentHold.cause == HoldCause.RESTORE)
    row = query.order_by(PaymentHold.placed_at.desc()).first()
    return row.placed_at if row else None


def _known_until() -> datetime:
    """Return the time of the last event that this database has."""
    row = AuditEvent.select(AuditEvent.created_at).order_by(AuditEvent.id.desc()).first()
    return row.created_at if row else datetime.fromtimestamp(0, utcnow().tzinfo)


# --- holding --------------------------------------------------------------------------------------
def hold_restored(known_until: datetime, why: str = "") -> PaymentHold:
    """Place the hold of a database that knows what happened until then; keep the orders that marks remember since.

    What is to be asked is due at once: every company at Nmbrs, every account and every order at its bank.
    """
    with _every_client():
        row = _add_hold(known_until, why)
    make_all_due()
    return row


def _hold_unless_done(still: Callable[[], bool], why: str = "") -> PaymentHold | None:
    """As `hold_restored`, unless another worker has done it a moment ago; return None then."""
    with _every_client():
        if not still():
            return None
        row = _add_hold(_known_until(), why)
    make_all_due()
    return row


def _every_client() -> AbstractContextManager[None]:
    return transaction(*(row.id for row in Client.select(Client.id).order_by(Client.id)))


def _add_hold(known_until: datetime, why: str) -> PaymentHold:
    reason = f"restored: the database is of {known_until:%Y-%m-%d %H:%M} UTC" + (f"; {why}" if why else "")
    row = holds.add_hold(HoldCause.RESTORE, reason, audit.WORKER, known_until=known_until)
    lost = _note_orders_of_marks()
    log.error("payments are held: %s; %s orders were sent since that it does not know", reason, lost)
    return row


def _note_orders_of_marks() -> int:
    ids = {row.public_id: row.id for row in Client.select(Client.id, Client.public_id)}
    return sum(
        recovery.note_lost_order(ids[one.client], one.order, recovery.MARK, datetime.fromisoformat(one.at))
        for one in _without_event(marks.order_marks()) if one.client in ids
    )  # fmt: skip


def make_all_due() -> None:
    """Let the workers ask banks and Nmbrs everything now, as far as they allow."""
    now = utcnow()
    PayrollCompany.update(poll_due_at=now).where(PayrollCompany.mapped_at.is_null(False)).execute()
    BankAccount.update(transactions_requested_at=None).execute()
    BankOrder.update(due_at=now).where(BankOrder.due_at.is_null(False)).execute()
