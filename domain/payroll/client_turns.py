"""Turns of clients: each takes one run in, so that no client waits for all runs of another.

What is due is in the database: webhooks that came in, companies to poll, runs to import. Several workers may take turns
for one client at once: a lease keeps them from the same company or run.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from core.clock import utcnow
from domain.common import leases
from domain.payroll import intake, run_discovery
from domain.payroll.nmbrs_client import is_callable
from domain.payroll.webhook_deliveries import process_deliveries, unprocessed_deliveries
from models import Batch, NmbrsConnection, PayrollCompany, PayrollRun, WebhookDelivery
from models.prepared import Prepared

MAX_CLIENTS = 1000
# Rows of each kind that are looked up: one to take, another that tells that there is more.
FEW = 2


@dataclass(frozen=True)
class Turn:
    """What a turn did. `payment`: that it made, or None. `more`: whether something is due for the next one."""

    payment: Batch | None
    more: bool


def due_clients() -> list[int]:
    """Return the ids of at most MAX_CLIENTS clients for which a turn has something to do."""
    now = utcnow()
    kinds: tuple[Any, ...] = (
        PayrollRun.select(PayrollRun.client).where(PayrollRun.id.in_(_runs_due(now))),
        WebhookDelivery.select(WebhookDelivery.client).where(WebhookDelivery.processed_at.is_null()),
        PayrollCompany.select(PayrollCompany.client).where(PayrollCompany.id.in_(_companies_due(now))),
    )
    found = (kind.distinct().limit(MAX_CLIENTS).tuples() for kind in kinds)
    return list(dict.fromkeys(client for (client,) in chain.from_iterable(found)))[:MAX_CLIENTS]


def has_several_due(client_id: int) -> bool:
    """Return whether there is enough to do for more than one worker."""
    return len([*_next_runs(client_id), *_next_companies(client_id), *unprocessed_deliveries(client_id)]) > 1


def take_turn(client_id: int) -> Turn:
    """Import the run that waited longest. If none is due, read webhooks and poll a company first, which may tell one.

    If one of these fails with an error that nobody expected, the others are done in the next turns.
    """
    runs, done = _next_runs(client_id), 0
    if not runs:
        done += process_deliveries(client_id)
        for company_id in _next_companies(client_id)[:1]:
            run_discovery.discover_runs(company_id)
            done += 1
        runs = _next_runs(client_id)
    payment = intake.import_run(runs[0]) if runs else None
    # what is due and was not done now waits for the sweep, not for the next turn: that one could do no more
    return Turn(payment, bool(runs or done) and _is_due(client_id))


def _is_due(client_id: int) -> bool:
    return bool(_next_runs(client_id) or _next_companies(client_id) or unprocessed_deliveries(client_id))


def _next_runs(client_id: int) -> list[int]:
    return [row.id for row in _runs_of(client_id, utcnow())]


def _next_companies(client_id: int) -> list[int]:
    return [row.id for row in _companies_of(client_id, utcnow())]


def _runs_due(now: Any) -> Any:
    query = PayrollRun.select(PayrollRun.id).join(PayrollCompany).join(NmbrsConnection).where(is_callable())
    return query.where(PayrollRun.due_at <= now, leases.is_free(PayrollRun, now))


def _companies_due(now: Any) -> Any:
    query = PayrollCompany.select(PayrollCompany.id).join(NmbrsConnection).where(is_callable())
    return query.where(PayrollCompany.poll_due_at <= now, leases.is_free(PayrollCompany, now))


@Prepared
def _runs_of(client, now):
    return _runs_due(now).where(PayrollRun.client == client).order_by(PayrollRun.due_at, PayrollRun.id).limit(FEW)


@Prepared
def _companies_of(client, now):
    """The companies that a webhook was about, then the others, those that wait longest first."""
    untold = PayrollCompany.webhook_received_at.is_null()
    mine = _companies_due(now).where(PayrollCompany.client == client)
    return mine.order_by(untold, PayrollCompany.poll_due_at, PayrollCompany.id).limit(FEW)
