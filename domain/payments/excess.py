"""Paying somebody more than is owed: what two people allowed, and what it changes in the reckoning.

An allowance stands beside an order line that counts against the due. While that line counts, the payment of the
allowance is *beyond* what is owed: it does not count against the due, and only the allowance limits it. Once that line
no longer counts (proved unpaid, or returned), the payment is one of what is owed, like any other
(docs/decisions/0035-more-than-owed.md). Each allowance has one payment, of one line.
"""

from collections.abc import Sequence
from typing import Any

from domain.payments.references import EXCESS_MARK
from models import COMMITTED, BankOrder, Batch, BatchLine, Due, ExcessAllowance, OrderLine
from models.states import OrderState


def is_excess() -> Any:
    """Return the condition of a payment that was made of an allowance, whether it is beyond what is owed or not."""
    return Batch.version.contains(EXCESS_MARK)


def beyond_payments() -> Any:
    """Return a query of the ids of payments that are beyond what is owed now."""
    line, order = OrderLine.alias(), BankOrder.alias()
    counts = line.standing.in_(COMMITTED) | ((line.standing == "unsent") & (order.state != OrderState.CLOSED))
    query = ExcessAllowance.select(ExcessAllowance.batch).join(line, on=(line.id == ExcessAllowance.beside))
    return query.join(order, on=(order.id == line.order)).where(
        ExcessAllowance.batch.is_null(False), ExcessAllowance.withdrawn_at.is_null(), counts
    )


def is_beyond(batch: Batch) -> bool:
    """Return whether this payment is beyond what is owed now."""
    return was_allowed(batch) and beyond_payments().where(ExcessAllowance.batch == batch.id).exists()


def was_allowed(batch: Batch) -> bool:
    """Return whether this payment was made of an allowance. Reads nothing."""
    return EXCESS_MARK in batch.version


def allowance_of(batch: Batch) -> ExcessAllowance | None:
    """Return the allowance that this payment was made of, or None."""
    return ExcessAllowance.get_or_none(ExcessAllowance.batch == batch.id) if was_allowed(batch) else None


def exceeds(allowance: ExcessAllowance, lines: Sequence[BatchLine], given_cents: int) -> bool:
    """Return whether these lines to be paid are not what was allowed. `given_cents`: what counts of its payment."""
    due = Due.get_by_id(allowance.due_id)
    return (
        allowance.withdrawn_at is not None
        or due.suspended_at is not None
        or given_cents + sum(line.amount_cents for line in lines) > allowance.amount_cents
        or any((line.due_id, line.creditor_iban) != (due.id, allowance.creditor_iban) for line in lines)
    )
