"""Holds: while one is in force, nothing is submitted to a bank, of one client, at one bank, or at all.

A hold is placed in a transaction that holds the lock of every client that it concerns, and looked at in the transaction
that makes an order one that its bank may have: so none slips through.
"""

from typing import Any

from peewee import fn

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import PaymentsHeld
from models import BankAccount, Client, PaymentHold, transaction
from models.states import ClientState, HoldCause


def active_holds() -> list[PaymentHold]:
    """Return the holds that are in force, oldest first."""
    return list(PaymentHold.select().where(PaymentHold.lifted_at.is_null()).order_by(PaymentHold.id))


def hold_on(client_id: int, bank: str) -> PaymentHold | None:
    """Return a hold that concerns this client's payments at this bank; None if they may go."""
    return PaymentHold.select().where(PaymentHold.id == first_hold_on(client_id, bank)).first()


def first_hold_on(client: Any, bank: Any) -> Any:
    """Return a query of the id of the oldest hold that concerns a client's payments at a bank: values, or columns of
    the query that this one is a part of.
    """
    every = PaymentHold.client.is_null() & PaymentHold.bank.is_null()
    concerns = every | (PaymentHold.client == client) | (PaymentHold.bank == bank)
    return PaymentHold.select(fn.min(PaymentHold.id)).where(PaymentHold.lifted_at.is_null(), concerns)


def require_no_hold(client_id: int, bank: str) -> None:
    """Raise PaymentsHeld while a hold concerns this client's payments at this bank, or the client is being closed."""
    if hold_on(client_id, bank) is not None or Client.get_by_id(client_id).state != ClientState.OPEN:
        raise PaymentsHeld


def is_account_held(accounts: Any = BankAccount) -> Any:
    """Return the SQL condition that payments of an account in the query are held."""
    active = PaymentHold.lifted_at.is_null()
    every = PaymentHold.select(PaymentHold.id).where(active, PaymentHold.client.is_null(), PaymentHold.bank.is_null())
    clients = PaymentHold.select(PaymentHold.client).where(active, PaymentHold.client.is_null(False))
    banks = PaymentHold.select(PaymentHold.bank).where(active, PaymentHold.bank.is_null(False))
    if every.exists():
        return accounts.id.is_null(False)
    return accounts.client.in_(clients) | accounts.bank.in_(banks)


def place_hold(
    cause: HoldCause, reason: str, placed_by: str, client: Client | None = None, bank: str | None = None,
    **facts: Any,
) -> PaymentHold:  # fmt: skip
    """Place a hold and record it in the log of every client that it concerns. `reason` is shown to them."""
    with transaction(*_concerned(client, bank)):
        return add_hold(cause, reason, placed_by, client, bank, **facts)


def add_hold(
    cause: HoldCause, reason: str, placed_by: str, client: Client | None = None, bank: str | None = None,
    **facts: Any,
) -> PaymentHold:  # fmt: skip
    """As `place_hold`, in the caller's transaction, which holds the locks of all clients that it concerns."""
    row = PaymentHold.create(
        cause=cause, reason=reason, placed_by=placed_by, client=client.id if client else None, bank=bank, **facts
    )
    for client_id in _concerned(client, bank):
        record(client_id, "hold.placed", row, reason, placed_by)
    return row


def end_hold(row: PaymentHold, reason: str, lifted_by: str) -> None:
    """Lift the hold, in a transaction that holds the locks of all clients."""
    ended = {"lifted_at": utcnow(), "lifted_by": lifted_by, "lift_reason": reason}
    PaymentHold.update(**ended).where(PaymentHold.id == row.id, PaymentHold.lifted_at.is_null()).execute()
    for client_id in concerned_by(row):
        record(client_id, "hold.lifted", row, reason, lifted_by)


def concerned_by(row: PaymentHold) -> list[int]:
    """Return the ids of the clients that this hold concerns."""
    return _concerned(row.client, row.bank)


def _concerned(client: Client | None, bank: str | None) -> list[int]:
    if client is not None:
        return [client.id]
    query = Client.select(Client.id).order_by(Client.id)
    if bank is not None:
        query = query.where(Client.id.in_(BankAccount.select(BankAccount.client).where(BankAccount.bank == bank)))
    return [row.id for row in query]


def record(client_id: int, kind: str, row: PaymentHold, reason: str, by: str) -> None:
    """Record an act about this hold in the client's log."""
    actor = audit.WORKER if by == audit.WORKER else audit.OPERATOR
    audit.record_event(client_id, actor, kind, f"hold:{row.id}", by=by, reason=reason, cause=row.cause)
