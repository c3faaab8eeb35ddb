"""Wage tax (loonheffing): a return becomes a payment of one line to the tax authority, if the customer enabled it.

It is handled like a run: a row of kind "wage_tax", a strictly parsed file, one batch. Its number is made of period and
serial number, which are the same in both APIs.
"""

import logging

from peewee import IntegrityError

from connectors.nmbrs.port import Payroll, PayrollError, WageTax
from core.clock import today_amsterdam, utcnow
from domain.common import audit
from domain.common.errors import NotFound
from domain.payroll.nmbrs_client import NmbrsClient
from domain.payroll.wage_tax_deadline import pay_by
from models import Client, PayrollCompany, PayrollRun, User, transaction
from models.states import RunKind, RunState

_MAX_SERIALS = 1000
_YEARS = range(2000, 3000)  # of a period; any other is an error of the answer
log = logging.getLogger(__name__)


def set_wage_tax_enabled(client: Client, user: User, company_id: int, enabled: bool) -> None:
    """Enable or disable payment of this company's wage tax, for returns from now on.

    Raises:
    - NotFound
    """
    mine = (PayrollCompany.id == company_id) & (PayrollCompany.client == client.id)
    company = PayrollCompany.get_or_none(mine)
    if company is None:
        raise NotFound
    if enabled == (company.wage_tax_from is not None):
        return
    with transaction(client.id):
        PayrollCompany.update(wage_tax_from=utcnow() if enabled else None, poll_due_at=utcnow()).where(mine).execute()
        kind = "nmbrs.wage_tax_on" if enabled else "nmbrs.wage_tax_off"
        audit.record_event(client.id, audit.by_user(user), kind, f"company:{company.id}")


def discover_returns(company: PayrollCompany, caller: NmbrsClient, years: tuple[int, ...]) -> list[int]:
    """Store each new return. Returns the ids to import. A failure does not affect the salaries."""
    if company.wage_tax_from is None or company.mapped_at is None:
        return []
    try:
        found = [tax for year in years for tax in caller.call(Payroll.wage_taxes, company.nmbrs_id, year)]
    except PayrollError as error:
        log.info("company %s: wage tax not listed: %s", company.id, error.code)
        return []
    return [run_id for tax in found if (run_id := _store_return(company, tax))]


def _store_return(company: PayrollCompany, tax: WageTax) -> int | None:
    number = tax.period * _MAX_SERIALS + tax.serial
    same = (
        (PayrollRun.company == company.id)
        & (PayrollRun.kind == RunKind.WAGE_TAX)
        & (PayrollRun.year == tax.year)
        & (PayrollRun.number == number)
    )
    due = pay_by(tax.period_end) if tax.period_end and tax.period_end.year in _YEARS else None
    if PayrollRun.select().where(same).exists():
        if due:
            PayrollRun.update(pay_by=due).where(same, PayrollRun.pay_by.is_null()).execute()
        return None
    new = tax.sent_at is not None and company.wage_tax_from is not None and tax.sent_at >= company.wage_tax_from
    try:
        made = PayrollRun.insert(
            client=company.client_id, company=company.id, kind=RunKind.WAGE_TAX, nmbrs_id=tax.id, number=number,
            year=tax.year, description=f"Loonheffing {tax.period} {tax.year}", run_at=tax.sent_at, locked=True,
            period_start=tax.period, period_end=tax.period, wage_tax_reference=tax.reference,
            pay_by=due,
            state=RunState.PENDING if new else RunState.BEFORE_CONNECTION, due_at=utcnow() if new else None,
        ).execute()  # fmt: skip
    except IntegrityError:  # another worker stored it first
        return None
    return made if new else None


def fetch_return_file(run: PayrollRun, caller: NmbrsClient) -> bytes | None:
    """Return the payment file of a return. SOAP also requires a run of the same period."""
    return caller.call(
        Payroll.wage_tax_file, run.company.nmbrs_id, _run_of_period(run), run.nmbrs_id, run.year, today_amsterdam()
    )


def _run_of_period(run: PayrollRun) -> str:
    """Return the newest run of the return's period, or of its year."""
    query = PayrollRun.select().where(
        PayrollRun.company == run.company_id, PayrollRun.kind == RunKind.SALARY, PayrollRun.year == run.year
    )
    within = (PayrollRun.period_start <= run.period_start) & (PayrollRun.period_end >= run.period_end)
    row = (
        query.where(within).order_by(PayrollRun.number.desc()).first()
        or query.order_by(PayrollRun.number.desc()).first()
    )
    return row.nmbrs_id if row else "0"
