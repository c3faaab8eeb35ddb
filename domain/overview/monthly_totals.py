"""What was paid each month: only what a bank executed counts, in the month of its execution date."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import fn

from core.clock import today_amsterdam
from models import BankOrder, Batch, Client, OrderLine
from models.states import RunKind

MOST_MONTHS, LEAST_MONTHS = 12, 6


@dataclass(frozen=True)
class MonthTotal:
    """What was paid in one month, in cents: to people, and as wage tax. `month`: its first day."""

    month: date
    salary_cents: int = 0
    tax_cents: int = 0

    @property
    def cents(self) -> int:
        return self.salary_cents + self.tax_cents


def monthly_totals(client: Client) -> list[MonthTotal]:
    """Return the last six to twelve months up to this one, oldest first: from the first payment. None without payments.
    """
    months = _last_months(today_amsterdam())
    paid = _paid_since(client, months[0])
    if not paid:
        return []
    first = min(month for month, _kind in paid)
    return [_total(one, paid) for one in months if one >= min(first, months[-LEAST_MONTHS])]


def _last_months(today: date) -> list[date]:
    count = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(count - MOST_MONTHS + 1, count + 1)]


def _total(month: date, paid: dict[tuple[date, str], int]) -> MonthTotal:
    return MonthTotal(month, paid.get((month, RunKind.SALARY), 0), paid.get((month, RunKind.WAGE_TAX), 0))


def _paid_since(client: Client, first: date) -> dict[tuple[date, str], int]:
    """Return the executed cents by month and kind; `first`: no payments of an earlier day."""
    rows: Any = (
        OrderLine.select(BankOrder.execution_date, Batch.kind, fn.sum(OrderLine.amount_cents))
        .join(BankOrder).join(Batch)
        .where(Batch.client == client.id, OrderLine.standing == "paid", BankOrder.execution_date >= first)
        .group_by(BankOrder.execution_date, Batch.kind).tuples()
    )  # fmt: skip
    found: dict[tuple[date, str], int] = {}
    for day, kind, cents in rows:
        key = (BankOrder.execution_date.python_value(day).replace(day=1), kind)
        found[key] = found.get(key, 0) + int(cents)
    return found
