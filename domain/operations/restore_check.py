"""What must be asked after a restore, before payments go again: of Nmbrs all runs, of banks all bookings and orders.

The workers ask by themselves while the hold is in force; `flask restore-check --ask` does it at once. A question is
answered by an answer that came after the hold was placed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from domain.banking import manual_bank
from domain.orders import bank_silence
from domain.payroll.nmbrs_client import is_suspended
from models import (
    BankAccount,
    BankConsent,
    BankOrder,
    Batch,
    Client,
    LostOrder,
    NmbrsConnection,
    PaymentHold,
    PayrollCompany,
    PayrollRun,
)
from models.states import ConsentStatus, HolderCheck, OrderState, RunState

LOOKED_BACK = timedelta(days=120)  # an account that paid nothing for longer is not asked
_OPEN_AT_BANK = (OrderState.AT_BANK, OrderState.SIGNED)


@dataclass(frozen=True)
class Question:
    """Something to be asked of Nmbrs ("runs", "run") or of a bank ("bookings", "order").

    `row_id`: of the company, run, account or order. `why_not`: why it was not answered yet; empty if it was.
    """

    client: Client
    kind: Literal["runs", "run", "bookings", "order"]
    whom: str
    subject: str
    row_id: int
    why_not: str


def restore_holds() -> list[PaymentHold]:
    """Return the holds after a restore that are in force."""
    query = PaymentHold.select().where(PaymentHold.lifted_at.is_null(), PaymentHold.cause == "restore")
    return list(query.order_by(PaymentHold.id))


def questions(hold: PaymentHold) -> Iterator[Question]:
    """Yield everything that is to be asked under this hold, client by client."""
    clients = Client.select().order_by(Client.id)
    for client in clients.where(Client.id == hold.client_id) if hold.client_id is not None else clients:
        yield from _runs(client, hold.placed_at)
        yield from _bookings(client, hold)
        yield from _orders(client, hold.placed_at)


def unasked_clients(hold: PaymentHold) -> list[Client]:
    """Return the clients of whom not everything was asked, in the order of their ids."""
    found = {one.client.id: one.client for one in questions(hold) if one.why_not}
    return [found[number] for number in sorted(found)]


def found_orders(client: Client | None = None) -> list[LostOrder]:
    """Return the orders that banks have and that this database had no record of, which nobody ruled out."""
    query = LostOrder.select().where(LostOrder.ruled_out_at.is_null()).order_by(LostOrder.id)
    return list(query.where(LostOrder.client == client.id) if client is not None else query)


def _runs(client: Client, since: datetime) -> Iterator[Question]:
    query: Any = PayrollCompany.select(PayrollCompany, NmbrsConnection).join(NmbrsConnection)
    mapped = PayrollCompany.mapped_at.is_null(False) & NmbrsConnection.removed_at.is_null()
    for row in query.where(PayrollCompany.client == client.id, mapped).order_by(PayrollCompany.id):
        asked = row.polled_at is not None and row.polled_at >= since
        why_not = "the connection waits for its user" if is_suspended(row.connection) else "not asked yet"
        yield Question(client, "runs", "Nmbrs", f"company {row.number}", row.id, "" if asked else why_not)
    waiting = PayrollRun.select().where(
        PayrollRun.client == client.id, PayrollRun.state == RunState.PENDING, PayrollRun.due_at.is_null(False)
    )
    for run in waiting.order_by(PayrollRun.id):
        yield Question(client, "run", "Nmbrs", f"run {run.year}/{run.number}", run.id, "its file was not read yet")


def _bookings(client: Client, hold: PaymentHold) -> Iterator[Question]:
    query: Any = BankAccount.select(BankAccount, BankConsent).join(BankConsent)
    lately = (hold.known_until or hold.placed_at) - LOOKED_BACK
    pays = BankAccount.id.in_(
        Batch.select(Batch.bank_account).where(Batch.client == client.id, Batch.created_at >= lately)
    ) | BankAccount.id.in_(
        PayrollCompany.select(PayrollCompany.bank_account).where(
            PayrollCompany.client == client.id, PayrollCompany.bank_account.is_null(False)
        )
    )
    of_client = (BankAccount.client == client.id) & (BankAccount.bank != manual_bank.MANUAL_BANK_ID)
    for row in query.where(of_client, pays).order_by(BankAccount.id):
        asked = row.transactions_as_of is not None and row.transactions_as_of >= hold.placed_at
        yield Question(client, "bookings", f"bank {row.bank}", row.iban, row.id, "" if asked else _why_no_bookings(row))


def _why_no_bookings(account: BankAccount) -> str:
    if account.consent.status != ConsentStatus.VALID:
        return "our access has ended"
    if account.holder_check not in (HolderCheck.MATCHED, HolderCheck.APPROVED):
        return "the holder of the account is not confirmed"
    return "not answered yet; a bank may be asked four times a day"


def _orders(client: Client, since: datetime) -> Iterator[Question]:
    query: Any = BankOrder.select(BankOrder, Batch).join(Batch).where(
        Batch.client == client.id, BankOrder.state.in_(_OPEN_AT_BANK), ~BankOrder.is_manual
    )
    for row in query.order_by(BankOrder.id):
        asked = row.status_checked_at is not None and row.status_checked_at >= since
        answered = asked and not bank_silence.has_failed(row)
        why_not = "" if answered else "the bank did not answer" if asked else "not asked yet"
        yield Question(client, "order", f"bank {row.bank_account.bank}", row.msg_id, row.id, why_not)
