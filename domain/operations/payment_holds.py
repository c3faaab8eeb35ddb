"""Operators hold payments and lift holds; after a restore only once banks and Nmbrs were asked what happened since."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peewee import fn

from core.clock import utcnow
from domain.common.errors import NotFound, StateConflict
from domain.common.services import services
from domain.operations import operator_access, operators, restore_check
from domain.payments import holds
from models import BankAccount, BankOrder, Batch, Client, PaymentHold, transaction
from models.states import BatchState, HoldCause, OrderState


@dataclass(frozen=True)
class HeldPayments:
    """What waits under a hold: approved payments and orders that would go. `cents` is their total."""

    hold: PaymentHold
    scope: str
    payments: int
    cents: int


def hold(by: str, token: str | None, reason: str, client: str | None = None, bank: str | None = None) -> PaymentHold:
    """Hold the payments of one client (public id), at one bank (id), or all. The reason is shown to clients.

    Raises:
    - OperatorRefused: nobody signed in.
    - NotFound: no such client or bank.
    """
    who = operator_access.sign_in(by, token)
    if bank is not None and bank not in services().banks.configs():
        raise NotFound
    row = operators.require_client(client) if client is not None else None
    return holds.place_hold(HoldCause.OPERATOR, reason, who, row, bank)


def waiting() -> Iterator[HeldPayments]:
    """Yield each hold in force with what waits under it."""
    for row in holds.active_holds():
        query = Batch.select(fn.count(Batch.id), fn.coalesce(fn.sum(Batch.total_cents), 0)).join(BankAccount)
        unsent = BankOrder.select(BankOrder.batch).where(BankOrder.state == OrderState.PREPARED)
        goes = (Batch.state == BatchState.APPROVED) | ((Batch.state == BatchState.SENDING) & Batch.id.in_(unsent))
        found: Any = query.where(goes, _concerns(row)).tuples()
        ((count, cents),) = found
        yield HeldPayments(row, scope_of(row), count, int(cents))


def _concerns(row: PaymentHold) -> Any:
    if row.client_id is not None:
        return Batch.client == row.client_id
    return BankAccount.bank == row.bank if row.bank is not None else Batch.id.is_null(False)


def scope_of(row: PaymentHold) -> str:
    """Return what is held, for operators."""
    if row.client_id is not None:
        return f"client {Client.get_by_id(row.client_id).public_id}"
    return f"bank {row.bank}" if row.bank is not None else "all"


def lift(number: int, by: str, token: str | None, reason: str) -> str:
    """Lift a hold; return what came of it, in a sentence.

    A hold of operators ends at one operator's word. One after a restore ends at one operator's word for every client of
    which everything was asked; each other client gets a hold of its own. Such a hold ends when all of that client was
    asked, or when two different operators lift it, each with a reason.

    Raises:
    - OperatorRefused: nobody signed in.
    - NotFound: no such hold is in force.
    """
    who = operator_access.sign_in(by, token)
    row = PaymentHold.get_or_none(PaymentHold.id == number, PaymentHold.lifted_at.is_null())
    if row is None:
        raise NotFound
    with transaction(*(one.id for one in Client.select(Client.id).order_by(Client.id))):
        said = _lift(PaymentHold.get_by_id(row.id), who, reason)
        BankOrder.update(due_at=utcnow()).where(
            BankOrder.state == OrderState.PREPARED, ~BankOrder.is_manual
        ).execute()
    return said


def _lift(row: PaymentHold, who: str, reason: str) -> str:
    if row.lifted_at is not None:
        raise StateConflict(f"hold {row.id} was lifted a moment ago")
    unasked = restore_check.unasked_clients(row) if row.cause == HoldCause.RESTORE else []
    if not unasked:
        holds.end_hold(row, reason, who)
        return f"hold {row.id} is lifted"
    if row.client_id is None:
        holds.end_hold(row, reason, who)
        for client in unasked:
            holds.add_hold(
                HoldCause.RESTORE, row.reason, who, client, known_until=row.known_until, placed_at=row.placed_at
            )
        names = ", ".join(client.public_id for client in unasked)
        return f"hold {row.id} is lifted, except for clients of which not everything was asked: {names}"
    if row.first_lifted_by in (None, who):
        PaymentHold.update(first_lifted_by=who).where(PaymentHold.id == row.id).execute()
        holds.record(row.client_id, "hold.lift_said", row, reason, who)
        return "kept; not everything could be asked, so a second operator must lift it too"
    holds.end_hold(row, f"{reason} (with {row.first_lifted_by})", who)
    return f"hold {row.id} is lifted by two operators"
