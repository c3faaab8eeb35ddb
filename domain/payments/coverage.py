"""Whether an account holds enough on the day of a payment (*genoeg saldo*).

From the last known balance go, in the order of their days, all payments that are known and not executed yet: at the
bank, approved, or still open. An unknown balance tells nothing. It warns only: the bank decides.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from peewee import fn

from domain.payments.proposed_dates import execution_date
from models import BankAccount, BankConsent, Batch, BatchLine, Client, PayrollCompany
from models.states import BatchState, LineState

# A payment that will still be taken from its account, if nobody stops it.
PLANNED_STATES = (
    BatchState.OPEN, BatchState.APPROVED, BatchState.SENDING, BatchState.NAME_CHECK, BatchState.AT_BANK,
    BatchState.SIGNED, BatchState.PENDING_REJECTION,
)  # fmt: skip
_TO_BE_PAID = (LineState.OPEN, LineState.SENT)


@dataclass(frozen=True)
class PlannedPayment:
    """A payment that is to be executed on this day, in cents."""

    day: date
    cents: int


@dataclass(frozen=True)
class Shortfall:
    """How much an account lacks on a day (cents). `balance_cents`: as it was at `balance_at` (UTC). `others_cents`:
    of other payments until that day.
    """

    account_id: int
    account_name: str
    day: date
    cents: int
    balance_cents: int
    balance_at: datetime
    others_cents: int = 0


def first_shortfall(balance_cents: int, planned: Iterable[PlannedPayment]) -> PlannedPayment | None:
    """Return the first day on which the payments until then are more than the balance, with what is lacking then."""
    by_day: dict[date, int] = defaultdict(int)
    for one in planned:
        by_day[one.day] += one.cents
    left = balance_cents
    for day in sorted(by_day):
        left -= by_day[day]
        if left < 0:
            return PlannedPayment(day, -left)
    return None


# --- one payment ---
def others_cents() -> Any:
    """Return the SQL value of what is planned from the account of `Batch` beside it, on whatever day (cents)."""
    other, line = Batch.alias(), BatchLine.alias()
    planned = line.select(fn.sum(line.amount_cents)).join(other, on=(line.batch == other.id))
    same = (other.bank_account == Batch.bank_account) & (other.id != Batch.id) & other.state.in_(PLANNED_STATES)
    return planned.where(same, line.state.in_(_TO_BE_PAID))


def shortfall_of(batch: Batch, day: date, cents: int, planned_beside: int) -> Shortfall | None:
    """Return what the account of an open or approved payment lacks on its day, after all that goes until then.

    `cents`: what the payment pays. `planned_beside`: the value of `others_cents`; without it nothing more is read.
    """
    account = batch.bank_account
    if batch.state not in (BatchState.OPEN, BatchState.APPROVED) or account.balance_cents is None or not cents:
        return None
    if cents + planned_beside <= account.balance_cents:
        return None
    others = sum(one.cents for one in _beside(batch) if one.day <= day) if planned_beside else 0
    return _shortfall(account, day, cents + others - account.balance_cents, others)


def _beside(batch: Batch) -> list[PlannedPayment]:
    rows = _planned_batches(Batch.bank_account == batch.bank_account_id, Batch.id != batch.id)
    return [PlannedPayment(execution_date(row), int(row.cents)) for row in rows]


def _shortfall(account: BankAccount, day: date, lacking: int, others: int = 0) -> Shortfall | None:
    if lacking <= 0 or account.balance_cents is None or account.balance_at is None:
        return None
    return Shortfall(account.id, account.name, day, lacking, account.balance_cents, account.balance_at, others)


# --- all accounts of a client ---
def shortfalls(client: Client) -> list[Shortfall]:
    """Return the first day on which each account of the client lacks money, the nearest first."""
    planned: dict[int, list[PlannedPayment]] = defaultdict(list)
    accounts: dict[int, BankAccount] = {}
    known = BankAccount.balance_cents.is_null(False) & BankAccount.balance_at.is_null(False)
    for row in _planned_batches(Batch.client == client.id, known):
        accounts[row.bank_account_id] = row.bank_account
        planned[row.bank_account_id].append(PlannedPayment(execution_date(row), int(row.cents)))
    found = ((accounts[key], first_shortfall(accounts[key].balance_cents or 0, rows)) for key, rows in planned.items())
    lacking = (_shortfall(account, first.day, first.cents) for account, first in found if first)
    return sorted((one for one in lacking if one), key=lambda one: (one.day, one.account_id))


def _planned_batches(*conditions: Any) -> Any:
    """Return the planned payments, each with account, company and what it pays (`cents`)."""
    paid = BatchLine.select(fn.sum(BatchLine.amount_cents)).where(
        BatchLine.batch == Batch.id, BatchLine.state.in_(_TO_BE_PAID)
    )
    query = (
        Batch.select(Batch, BankAccount, BankConsent, PayrollCompany, fn.coalesce(paid, 0).alias("cents"))
        .join(BankAccount).join(BankConsent).switch(Batch).join(PayrollCompany)
    )  # fmt: skip
    return query.where(Batch.state.in_(PLANNED_STATES), *conditions).order_by(Batch.id)
