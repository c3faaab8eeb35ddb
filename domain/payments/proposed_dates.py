"""The execution date that a payment has, or that its page proposes: its payday, else the first possible bank day."""

from datetime import date, datetime

from core.clock import amsterdam
from domain.banking.bank_configs import bank_config_or_default
from domain.payments import excess
from domain.payments.execution_dates import earliest_execution_date, unavailable_reason
from domain.payments.paydays import parse_payday, payday_of_payment
from models import Batch
from models.states import RunKind


def execution_date(batch: Batch, now: datetime | None = None) -> date:
    """Return the chosen date, else the payday while it can still be met, else the first bank day whose cut-off has not
    passed. Expects account and company.
    """
    if batch.execution_date:
        return batch.execution_date
    cut_off, payday = bank_config_or_default(batch.bank_account.bank).cut_off, payday_of(batch)
    if payday and unavailable_reason(payday, cut_off, now) is None:
        return payday
    return earliest_execution_date(cut_off, now)


def payday_of(batch: Batch) -> date | None:
    """Return the payday for which this payment was made; None if its company has none, or if it is not the payment of
    a whole run of salaries, which is paid as soon as possible. Expects the company.
    """
    payday = parse_payday(batch.company.payday)
    if payday is None or batch.kind != RunKind.SALARY or batch.is_supplement or excess.was_allowed(batch):
        return None
    period = (batch.year, batch.period_start, batch.period_end)
    return payday_of_payment(payday, amsterdam(batch.created_at).date(), period)
