"""History of runs: the filtered list, what was received and called for each, and importing it again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import JOIN

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import NotFound
from domain.payments import held_lines
from domain.payments.held_lines import HeldLines
from models import BankAccount, Batch, Client, NmbrsCall, PayrollCompany, PayrollRun, User, WebhookDelivery, transaction
from models.states import BatchState, RunState

PAGE_SIZE = 25
_HIDDEN = (RunState.BEFORE_CONNECTION, RunState.UNMAPPED)
_MAX_BODY = 4096
_POLL_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True)
class HistoryRow:
    """A run in the list. `items`: lines of its file; `held` of them cannot be paid. `reason`: a code. Times are UTC."""

    id: int
    at: datetime
    result: str
    reason: str | None
    line: int | None
    account_iban: str | None
    company_number: str
    company_name: str
    items: int | None
    batch_reference: str | None
    description: str
    kind: str
    missing: bool
    held: int = 0


@dataclass(frozen=True)
class Filter:
    """Which runs to show; None does not filter. `period`: (year, number)."""

    company_id: int | None = None
    period: tuple[int, int] | None = None
    result: str | None = None


@dataclass(frozen=True)
class ReceivedView:
    """A webhook call as received; the body is text, shortened. The URL is secret and therefore left out."""

    at: datetime
    content_type: str
    body: str


@dataclass(frozen=True)
class ExchangeView:
    at: datetime
    call: str
    asked: dict[str, str]
    outcome: str
    answer: dict[str, Any]


@dataclass(frozen=True)
class Detail:
    """A run with its calls and batches. `overpaid`: (name, IBAN, cents) that was paid and is no longer in the run.

    `beside`: lines of its file that are in no payment.
    """

    row: HistoryRow
    number: int
    year: int
    period: int
    nmbrs_id: str
    run_at: datetime | None
    locked: bool
    found_at: datetime
    overpaid: list[tuple[str, str, int]]
    received: ReceivedView | None
    exchanges: list[ExchangeView]
    batches: list[Batch]
    again: bool
    beside: HeldLines
    redacted_at: datetime | None = None  # since when nothing tells who was paid


def history(client: Client, limit: int = PAGE_SIZE, offset: int = 0, only: Filter | None = None) -> list[HistoryRow]:
    """Return the runs and their outcomes, newest first."""
    return list_runs(
        client, PayrollRun.state.not_in(_HIDDEN), *_conditions(only or Filter()), limit=limit, offset=offset
    )


def list_runs(client: Client, *which: Any, limit: int = PAGE_SIZE, offset: int = 0) -> list[HistoryRow]:
    """Return the client's runs that meet the conditions, last changed first."""
    query = (
        PayrollRun.select(PayrollRun, PayrollCompany, BankAccount)
        .join(PayrollCompany)
        .join(BankAccount, JOIN.LEFT_OUTER)
        .where(PayrollRun.client == client.id, *which)
        .order_by(PayrollRun.changed_at.desc(), PayrollRun.id.desc())
        .limit(limit)
        .offset(offset)
    )
    rows = list(query)
    made = Batch.select(Batch.run, Batch.reference).where(Batch.run.in_([row.id for row in rows])).order_by(Batch.id)
    references = {batch.run_id: batch.reference for batch in made}
    with_held = [row.id for row in rows if row.held_count]
    held = held_lines.held_counts(with_held) if with_held else {}
    return [_row(row, references.get(row.id), held.get(row.id, 0)) for row in rows]


def _conditions(only: Filter) -> list[Any]:
    conditions = []
    if only.company_id is not None:
        conditions.append(PayrollRun.company == only.company_id)
    if only.period is not None:
        conditions += [
            PayrollRun.year == only.period[0],
            PayrollRun.period_start <= only.period[1],
            PayrollRun.period_end >= only.period[1],
        ]
    if only.result is not None:
        conditions.append(PayrollRun.state == only.result)
    return conditions


def _row(row: PayrollRun, reference: str | None, held: int) -> HistoryRow:
    account = row.company.bank_account
    return HistoryRow(
        row.id, row.changed_at, row.state, row.reason, row.error_line, account.iban if account else None,
        row.company.number, row.company.name, row.line_count, reference, row.description, row.kind,
        row.unlisted_since is not None, held,
    )  # fmt: skip


def companies_with_runs(client: Client) -> list[PayrollCompany]:
    """Return the companies that have runs in the history."""
    seen = PayrollRun.select(PayrollRun.company).where(PayrollRun.client == client.id, PayrollRun.state.not_in(_HIDDEN))
    return list(PayrollCompany.select().where(PayrollCompany.id.in_(seen)).order_by(PayrollCompany.number).limit(500))


def periods(client: Client) -> list[tuple[int, int]]:
    """Return the periods (year, number) that have runs in the history, newest first."""
    query: Any = (
        PayrollRun.select(PayrollRun.year, PayrollRun.period_start)
        .where(PayrollRun.client == client.id, PayrollRun.state.not_in(_HIDDEN))
        .distinct()
        .order_by(PayrollRun.year.desc(), PayrollRun.period_start.desc())
        .limit(60)
    )
    return [(year, period) for year, period in query.tuples() if period]


def run_detail(client: Client, run_id: int) -> Detail:
    """Return one run of the history.

    Raises:
    - NotFound
    """
    query = (
        PayrollRun.select(PayrollRun, PayrollCompany, BankAccount)
        .join(PayrollCompany)
        .join(BankAccount, JOIN.LEFT_OUTER)
    )
    run = query.where(PayrollRun.id == run_id, PayrollRun.client == client.id).first()
    if run is None:
        raise NotFound
    batches, beside = list(Batch.select().where(Batch.run == run.id).order_by(Batch.id)), held_lines.held_lines_of(run)
    return Detail(
        _row(run, batches[-1].reference if batches else None, len(beside.held)), run.number, run.year,
        run.period_start, run.nmbrs_id, run.run_at, run.locked, run.found_at,
        [] if run.redacted_at else [(name, iban, cents) for name, iban, cents in run.overpaid or []],
        _received(run), _exchanges(run), batches, _can_reimport(run), beside, run.redacted_at,
    )  # fmt: skip


def _received(run: PayrollRun) -> ReceivedView | None:
    row = WebhookDelivery.get_or_none(WebhookDelivery.id == run.delivery_id, WebhookDelivery.client == run.client_id)
    if row is None:
        return None
    body = bytes(row.body)[:_MAX_BODY].decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() or c == "\n" else "·" for c in body)
    return ReceivedView(row.received_at, row.content_type, shown)


def _exchanges(run: PayrollRun) -> list[ExchangeView]:
    """Return the calls of the poll that found the run, and every call about the run."""
    found = (
        NmbrsCall.run.is_null() & (NmbrsCall.company == run.company_id)
        & NmbrsCall.created_at.between(run.found_at - _POLL_WINDOW, run.found_at + _POLL_WINDOW)
    )  # fmt: skip
    query = NmbrsCall.select().where((NmbrsCall.run == run.id) | found).order_by(NmbrsCall.id.desc())
    return [
        ExchangeView(row.created_at, row.operation, row.request, row.outcome, row.response) for row in query.limit(40)
    ][::-1]


def _can_reimport(run: PayrollRun) -> bool:
    return (
        run.state in (RunState.IMPORTED, RunState.EMPTY, RunState.INVALID, RunState.RETRYING)
        and run.company.mapped_at is not None
        and run.redacted_at is None
    )


def reimport_run(client: Client, user: User, run_id: int) -> None:
    """Import the run again at the user's request. A payment that was discarded or superseded is created again.

    Raises:
    - NotFound: also when the run cannot be imported again.
    """
    mine = (PayrollRun.id == run_id) & (PayrollRun.client == client.id)
    with transaction(client.id):
        run = PayrollRun.get_or_none(mine)
        if run is None or not _can_reimport(run):
            raise NotFound
        batches = list(Batch.select(Batch.state).where(Batch.run == run.id))
        ended = all(batch.state in (BatchState.DISCARDED, BatchState.REPLACED) for batch in batches)
        PayrollRun.update(due_at=utcnow(), attempts=0, **({"version": None} if ended else {})).where(mine).execute()
        audit.record_event(client.id, audit.by_user(user), "run.again", f"run:{run_id}")
