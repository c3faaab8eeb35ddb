"""What was executed to people before a payment: one reading, for new and changed accounts and for changes in pay.

Only the standing `paid` counts as executed (docs/decisions/0026-evidence-and-conclusion.md).
"""

from datetime import date
from typing import Any

from peewee import JOIN, Case, fn

from core.names import normalise_name
from domain.payments.account_refusals import is_account_refused
from domain.payments.pay_changes import RECENT
from domain.payments.payee_findings import PaidAccount, Payee, Period
from models import BankOrder, Batch, BatchLine, Due, OrderLine, PayrollRun
from models.prepared import Prepared
from models.states import RunKind


def period_of(batch: Batch) -> Period:
    """Return the periods that the run of this payment is about; (year, 0, 0) if Nmbrs did not say."""
    return Period(batch.year, batch.period_start, batch.period_end)


def executed_to(batch: Batch) -> list[PaidAccount]:
    """Return what was executed of all salary payments of the client, and what came back: a row per person, account and
    spelling of the name. What this payment is held against, the periods before it, has rows of its own.
    """
    rows = _executed(batch.client_id, batch.company_key, batch.kind, batch.year, batch.year - 1, batch.period_start,
                     batch.period_end - batch.period_start)  # fmt: skip
    return [_paid_account(row) for row in rows]


@Prepared
def _executed(client: Any, company: Any, kind: Any, year: Any, year_before: Any, start: Any, length: Any) -> Any:
    told = OrderLine.standing.in_(("paid", "returned")) | is_account_refused()
    apart = _periods_before(client, company, kind, year, year_before, start, length)
    mine = (Batch.company_key == company) & (Batch.year == apart.c.year)
    same = mine & (Batch.period_start == apart.c.period_start) & (Batch.period_end == apart.c.period_end)
    kinds = [Batch.company_key, Due.employee, BatchLine.creditor_name, OrderLine.creditor_iban, OrderLine.standing,
             apart.c.year, apart.c.period_start, apart.c.period_end]  # fmt: skip
    day = BankOrder.execution_date
    return (
        OrderLine.select(
            *kinds, fn.min(day), fn.max(day), fn.sum(OrderLine.amount_cents), fn.max(BatchLine.id)
        )
        .join(BatchLine).join(Batch).join(PayrollRun).switch(BatchLine).join(Due).switch(OrderLine).join(BankOrder)
        .join(apart, JOIN.LEFT_OUTER, on=same)
        .where(
            Batch.client == client, Batch.kind == RunKind.SALARY, PayrollRun.redacted_at.is_null(), told,
        )
        .group_by(*kinds).tuples()
    )  # fmt: skip


def _periods_before(
    client: Any, company: Any, kind: Any, year: Any, year_before: Any, start: Any, length: Any
) -> Any:  # fmt: skip
    """Return a query of the latest periods of this length that were paid in this administratie before the one of this
    year and start, and the one of a year ago.
    """
    earlier, line = Batch.alias(), BatchLine.alias()
    columns = (earlier.year, earlier.period_start, earlier.period_end)
    paid = OrderLine.select(OrderLine.id).join(line).where(line.batch == earlier.id, OrderLine.standing == "paid")
    before = (earlier.year < year) | ((earlier.year == year) & (earlier.period_start < start))
    year_ago = (earlier.year == year_before) & (earlier.period_start == start)
    query = earlier.select(*columns).where(
        earlier.client == client, earlier.company_key == company, earlier.kind == kind,
        earlier.period_start > 0, earlier.period_end - earlier.period_start == length,
        before, fn.EXISTS(paid),
    )  # fmt: skip
    newest_first = (Case(None, [(year_ago, 0)], 1), earlier.year.desc(), earlier.period_start.desc())
    return query.group_by(*columns).order_by(*newest_first).limit(RECENT + 1).alias("apart")


def _paid_account(row: Any) -> PaidAccount:
    company, employee, name, iban, standing, year, start, end, first, last, cents, source = row
    payee = Payee(company, normalise_name(name), employee)
    if standing != "paid":
        return PaidAccount(payee, iban, None, None, _day(last), name)
    if year is None:
        return PaidAccount(payee, iban, _day(first), _day(last), None, name)
    return PaidAccount(payee, iban, _day(first), _day(last), None, name, Period(year, start, end), int(cents), source)


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
