"""The payday of each company: proposed from what was executed, set by a person; and what comes next."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.bank_days import bank_days_until
from core.clock import amsterdam, today_amsterdam, utcnow
from domain.common import audit
from domain.common.errors import NotFound
from domain.payments import excess
from domain.payments.paydays import NO_PAYDAY, Payday, last_payday, next_payday, parse_payday, propose_payday
from models import BankOrder, Batch, Client, PayrollCompany, PayrollRun, User, transaction
from models.states import BatchState, OrderState, RunKind, RunState

LATE_FROM = 5  # bank days before payday on which a run is missed
_LOOKED_BACK = timedelta(days=150)
_RUNS_LOOKED_BACK = timedelta(days=62)


@dataclass(frozen=True)
class ProposedPayday:
    """A payday that nobody has confirmed yet. `days`: the executed payments that it is proposed from, oldest first."""

    company: PayrollCompany
    payday: Payday
    days: tuple[date, ...]


@dataclass(frozen=True)
class ComingPayday:
    """The next payday of a company. `bank_days`: until then. `run_late`: its run should be there by now, and is not."""

    company: PayrollCompany
    day: date
    bank_days: int
    run_late: bool


def get_company(client: Client, company_id: int) -> PayrollCompany:
    """Return the client's company that has an account.

    Raises:
    - NotFound
    """
    mine = (PayrollCompany.id == company_id) & (PayrollCompany.client == client.id)
    company = PayrollCompany.get_or_none(mine, PayrollCompany.mapped_at.is_null(False))
    if company is None:
        raise NotFound
    return company


def set_payday(client: Client, user: User, company_id: int, payday: Payday | None) -> None:
    """Set the payday of a company; None: it has no fixed day, and none is proposed any more.

    Raises:
    - NotFound
    """
    text = str(payday or NO_PAYDAY)
    with transaction(client.id):
        company = get_company(client, company_id)
        if company.payday == text:
            return
        PayrollCompany.update(payday=text, payday_checked_on=None).where(PayrollCompany.id == company.id).execute()
        audit.record_event(client.id, audit.by_user(user), "nmbrs.payday", f"company:{company.id}", payday=text)


def proposed_paydays(client: Client) -> list[ProposedPayday]:
    """Return the paydays of companies that have none yet and whose last payments agree on one."""
    undecided = list(_mapped(client, PayrollCompany.payday.is_null()))
    executed = _executed_days([one.id for one in undecided]) if undecided else {}
    found = (_proposal(one, executed.get(one.id, [])) for one in undecided)
    return [one for one in found if one is not None]


def proposed_payday(company: PayrollCompany) -> ProposedPayday | None:
    """Return what the last payments of this company agree on, whether a payday is set or not."""
    return _proposal(company, _executed_days([company.id]).get(company.id, []))


def _proposal(company: PayrollCompany, days: list[date]) -> ProposedPayday | None:
    payday = propose_payday(days)
    return ProposedPayday(company, payday, tuple(days[-3:])) if payday else None


def _executed_days(company_ids: list[int]) -> dict[int, list[date]]:
    """Return the days on which whole salary payments of these companies were executed, oldest first."""
    query: Any = BankOrder.select(Batch.company, BankOrder.execution_date).join(Batch).where(
        Batch.company.in_(company_ids), Batch.kind == RunKind.SALARY, ~Batch.is_supplement, ~excess.is_excess(),
        Batch.state.in_((BatchState.EXECUTED, BatchState.PARTLY_EXECUTED)), BankOrder.state == OrderState.EXECUTED,
        BankOrder.execution_date >= today_amsterdam() - _LOOKED_BACK,
    )  # fmt: skip
    found: dict[int, list[date]] = defaultdict(list)
    for company_id, day in query.distinct().order_by(BankOrder.execution_date).tuples():
        found[company_id].append(day)
    return found


def coming_paydays(client: Client) -> list[ComingPayday]:
    """Return the next payday of each company that has one, the nearest first."""
    companies = list(_mapped(client, PayrollCompany.payday.is_null(False), PayrollCompany.payday != NO_PAYDAY))
    runs = _recent_runs(companies) if companies else []
    found = (_coming(one, [run for run in runs if run.company_id == one.id]) for one in companies)
    return sorted((one for one in found if one), key=lambda one: (one.day, one.company.name))


def coming_payday(company: PayrollCompany) -> ComingPayday | None:
    """Return the next payday of this company; None if it has none."""
    return _coming(company, _recent_runs([company]))


def _coming(company: PayrollCompany, runs: Iterable[PayrollRun]) -> ComingPayday | None:
    payday, today = parse_payday(company.payday), today_amsterdam()
    if payday is None:
        return None
    day = next_payday(payday, today)
    left, before = bank_days_until(today, day), last_payday(payday, day)
    expected = payday.is_monthly and 0 < left <= LATE_FROM
    return ComingPayday(company, day, left, expected and not any(_is_for(run, day, before) for run in runs))


def _is_for(run: PayrollRun, day: date, before: date) -> bool:
    """Return whether this run is that of a payday: of its month, or found since the payday before it."""
    return (run.year == day.year and run.period_start <= day.month <= run.period_end) or (
        amsterdam(run.found_at).date() > before
    )


def _recent_runs(companies: Iterable[PayrollCompany]) -> list[PayrollRun]:
    return list(
        PayrollRun.select().where(
            PayrollRun.company.in_([one.id for one in companies]), PayrollRun.kind == RunKind.SALARY,
            PayrollRun.state != RunState.BEFORE_CONNECTION, PayrollRun.found_at > utcnow() - _RUNS_LOOKED_BACK,
        )
    )  # fmt: skip


def _mapped(client: Client, *conditions: Any) -> Any:
    mapped = (PayrollCompany.client == client.id) & PayrollCompany.mapped_at.is_null(False)
    return PayrollCompany.select().where(mapped, *conditions).order_by(PayrollCompany.number, PayrollCompany.id)
