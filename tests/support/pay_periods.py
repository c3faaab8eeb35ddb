"""Payments of named months, executed and open: for what is held against the payments before."""

from collections.abc import Sequence
from datetime import date
from itertools import count

from models import BankOrder, Batch, PayrollRun
from tests.support.factories import LINES, Demo
from tests.support.orders import put_at_bank

Lines = Sequence[tuple[str, str, int]]
_numbers = count(100)


def of_month(demo: Demo, month: int, lines: Lines = LINES, year: int = 2026) -> Batch:
    """Return an open payment of the run of this month."""
    batch = demo.batch(lines, next(_numbers))
    period = {"year": year, "period_start": month, "period_end": month}
    PayrollRun.update(**period).where(PayrollRun.id == batch.run_id).execute()
    Batch.update(**period).where(Batch.id == batch.id).execute()
    return Batch.get_by_id(batch.id)


def executed(demo: Demo, month: int, lines: Lines = LINES, year: int = 2026, standing: str = "paid") -> Batch:
    """Return the payment of this month, executed on its 24th."""
    batch = of_month(demo, month, lines, year)
    order = put_at_bank(batch, "executed" if standing == "paid" else "at_bank", standing)
    BankOrder.update(execution_date=date(year, month, 24)).where(BankOrder.id == order.id).execute()
    return batch


def with_pay(cents: int, at: int = 0, lines: Lines = LINES) -> list[tuple[str, str, int]]:
    """Return these lines, one of them with another amount."""
    return [(name, iban, cents if number == at else was) for number, (name, iban, was) in enumerate(lines)]
