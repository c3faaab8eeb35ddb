"""Discovery of runs: poll Nmbrs for a company's runs, and store each one before its file is fetched.

Webhooks and the schedule only decide when to poll; Nmbrs's list is the truth. A new run is imported, a changed one is
imported again, and one that is no longer listed blocks its payment.
"""

from datetime import datetime, timedelta

from peewee import IntegrityError, fn

from connectors.nmbrs.port import Payroll, PayrollError, RateLimited, RunInfo
from core.clock import utcnow
from domain.common import leases
from domain.common.services import services
from domain.payroll import excess_payment, poll_schedule, run_dues, supersession, wage_tax
from domain.payroll.nmbrs_client import NmbrsClient, is_callable, is_suspended
from models import NmbrsConnection, PayrollCompany, PayrollRun, transaction
from models.states import RunKind, RunState

POLL_LEASE_SECONDS = 120
# Tolerance for clock differences: a run that finished just before the connection was made still counts.
GRACE = timedelta(minutes=5)
# Runs that waited longer than this for a mapping are only offered for manual import.
MAX_WAIT_FOR_MAPPING = timedelta(days=31)
# A run missing from one list may be an error of Nmbrs. Missing again after this period, it counts as deleted.
DELETED_AFTER = timedelta(seconds=45)
MAX_DUE = 200
# With at most so many companies, a webhook that names none polls the unmapped ones too.
FEW = 50


def due_companies() -> list[int]:
    """Return the ids of companies that are due for a poll and whose connection may be called."""
    query = PayrollCompany.select(PayrollCompany.id).join(NmbrsConnection)
    due = query.where(PayrollCompany.poll_due_at <= utcnow(), is_callable()).order_by(PayrollCompany.poll_due_at)
    return [row.id for row in due.limit(MAX_DUE)]


def mark_all_due() -> int:
    """Mark every mapped company as due for a poll now. Returns their number."""
    asked = NmbrsConnection.select(NmbrsConnection.id).where(is_callable())
    return (
        PayrollCompany.update(poll_due_at=utcnow())
        .where(PayrollCompany.mapped_at.is_null(False), PayrollCompany.connection.in_(asked))
        .execute()
    )


def repair_schedule() -> int:
    """Schedule every mapped company that has no next poll. Returns their number, normally 0."""
    idle = PayrollCompany.select().where(PayrollCompany.mapped_at.is_null(False), PayrollCompany.poll_due_at.is_null())
    repaired = 0
    for company in idle.join(NmbrsConnection).where(is_callable()):
        still = (PayrollCompany.id == company.id) & PayrollCompany.poll_due_at.is_null()
        repaired += PayrollCompany.update(poll_due_at=_next_regular_poll(company)).where(still).execute()
    return repaired


def schedule_after_webhook(company_ids: list[int], delivery_id: int, spare: bool = False) -> None:
    """Poll these companies now because of a webhook, and again for an hour if nothing new is found.

    `spare`: the webhook did not name these companies; poll them within five minutes.
    """
    now = utcnow()
    due = now + timedelta(minutes=5) if spare else now
    sooner = PayrollCompany.poll_due_at.is_null() | (PayrollCompany.poll_due_at > due)
    chosen = PayrollCompany.id.in_(company_ids)
    if spare:
        PayrollCompany.update(poll_due_at=due).where(chosen, sooner).execute()
        return
    PayrollCompany.update(
        poll_due_at=due, poll_attempts=0, webhook_received_at=now, webhook_delivery_id=delivery_id
    ).where(chosen).execute()


def discover_runs(company_id: int) -> list[int]:
    """Fetch the company's list of runs. Returns the ids to import or import again.

    If Nmbrs fails, the company is polled again after a growing pause.
    """
    company = leases.claim_lease(PayrollCompany, company_id, POLL_LEASE_SECONDS, PayrollCompany.poll_due_at <= utcnow())
    if company is None:
        return []
    if is_suspended(company.connection):
        leases.release_lease(company)
        return []
    caller, years = NmbrsClient(company.connection, company), _years(company)
    try:
        found = [info for year in years for info in caller.call(Payroll.runs, company.nmbrs_id, year)]
    except PayrollError as error:
        caller.save_exchanges()
        _schedule_retry(company, error)
        return []
    due = [run_id for info in found if (run_id := _upsert_run(company, info))]
    doubt = _handle_unlisted(company, years, {(info.year, info.number) for info in found})
    due += wage_tax.discover_returns(company, caller, years)
    if due or doubt:
        caller.save_exchanges()
    _schedule_next(company, bool(due), doubt)
    return list(dict.fromkeys(due + _waiting(company)))


def _waiting(company: PayrollCompany) -> list[int]:
    """Return the company's runs that are already due, because of a webhook or an earlier failure."""
    query = PayrollRun.select(PayrollRun.id).where(
        PayrollRun.company == company.id, PayrollRun.due_at <= utcnow(), PayrollRun.lease_until.is_null()
    )
    return [row.id for row in query.order_by(PayrollRun.id).limit(MAX_DUE)]


def _years(company: PayrollCompany) -> tuple[int, ...]:
    hint_unanswered = company.webhook_received_at is not None and company.poll_attempts > 0
    return poll_schedule.years_to_list(utcnow(), company.polled_at, hint_unanswered)


# --- a run of the list ---
def _upsert_run(company: PayrollCompany, info: RunInfo) -> int | None:
    """Insert the run, or update the known one. Returns its id if it must be imported (again)."""
    same = (
        (PayrollRun.company == company.id)
        & (PayrollRun.kind == RunKind.SALARY)
        & (PayrollRun.year == info.year)
        & (PayrollRun.number == info.number)
    )
    known = PayrollRun.get_or_none(same)
    if known is not None and known.redacted_at is not None:
        return None  # nothing of it is paid any more, whatever Nmbrs makes of it
    if known is not None:
        return _update_run(company, known, info)
    state = _state_of_new(company, info)
    try:
        made = PayrollRun.insert(
            client=company.client_id, company=company.id, nmbrs_id=info.id, number=info.number, year=info.year,
            description=info.description, run_at=info.run_at, locked=info.locked, period_start=info.period_start,
            period_end=info.period_end, state=state, due_at=utcnow() if state == RunState.PENDING else None,
            delivery_id=company.webhook_delivery_id if company.webhook_received_at else None,
        ).execute()  # fmt: skip
    except IntegrityError:  # another worker stored it first
        return None
    return made if state == RunState.PENDING else None


def _state_of_new(company: PayrollCompany, info: RunInfo) -> str:
    if info.run_at is not None and info.run_at < import_since(company) - GRACE:
        return RunState.BEFORE_CONNECTION
    return RunState.PENDING if company.mapped_at else RunState.UNMAPPED


def import_since(company: PayrollCompany) -> datetime:
    """Return the time (UTC) from which runs are imported.

    That is when the connection was made, or 31 days before the mapping if that is later.
    """
    linked = company.connection.created_at
    return max(linked, company.mapped_at - MAX_WAIT_FOR_MAPPING) if company.mapped_at else linked


def _update_run(company: PayrollCompany, run: PayrollRun, info: RunInfo) -> int | None:
    """Update a known run. Returns its id if it was recalculated, locked, unlocked or listed again: import it again."""
    # SOAP and REST give the same run another id and date: that alone is no change
    again = run.nmbrs_id.isdigit() == info.id.isdigit() and (
        (run.nmbrs_id, run.run_at, run.locked) != (info.id, info.run_at, info.locked)
    )
    moved = run.nmbrs_id != info.id
    words = (run.description, run.period_start, run.period_end) != (
        info.description, info.period_start, info.period_end
    )  # fmt: skip
    back = run.unlisted_since is not None or run.state == RunState.DELETED
    if not (again or words or back or moved):
        return None
    changes: dict = {
        "nmbrs_id": info.id, "run_at": info.run_at, "locked": info.locked, "description": info.description,
        "period_start": info.period_start, "period_end": info.period_end, "unlisted_since": None,
    }  # fmt: skip
    if run.state == RunState.DELETED:
        changes["state"] = RunState.PENDING if company.mapped_at else RunState.UNMAPPED
    reread = (
        (again or back)
        and run.state not in (RunState.BEFORE_CONNECTION, RunState.UNMAPPED)
        and company.mapped_at is not None
    )
    if reread:
        changes |= {"due_at": utcnow(), "attempts": 0}
    PayrollRun.update(**changes).where(PayrollRun.id == run.id).execute()
    return run.id if reread else None


# --- runs that are no longer listed ---
def _handle_unlisted(company: PayrollCompany, years: tuple[int, ...], listed: set[tuple[int, int]]) -> bool:
    """Block runs that are no longer listed, and delete them once a later list confirms it.

    Returns whether one is in doubt.
    """
    known = PayrollRun.select().where(
        PayrollRun.company == company.id,
        PayrollRun.kind == RunKind.SALARY,
        PayrollRun.year.in_(years),
        PayrollRun.redacted_at.is_null(),
        PayrollRun.state.not_in((RunState.DELETED, RunState.BEFORE_CONNECTION)),
    )
    doubt = False
    for run in known:
        if (run.year, run.number) in listed:
            continue
        if run.unlisted_since is None:
            _block(run)
            doubt = True
        elif utcnow() - run.unlisted_since >= DELETED_AFTER:
            _mark_deleted(run)
        else:
            doubt = True
    return doubt


def _block(run: PayrollRun) -> None:
    """Revoke the approval of the run's payments; they cannot be approved while the run is unlisted."""
    with transaction(run.client_id):
        PayrollRun.update(unlisted_since=utcnow()).where(PayrollRun.id == run.id).execute()
        supersession.revoke_approval(run, "run_missing")


def _mark_deleted(run: PayrollRun) -> None:
    with transaction(run.client_id):
        supersession.supersede_batches(run, "vanished")
        excess_payment.end_all(run, "vanished")
        run_dues.suspend(run)
        PayrollRun.update(state=RunState.DELETED, due_at=None, version=None, reason=None, changed_at=utcnow()).where(
            PayrollRun.id == run.id
        ).execute()


# --- next poll ---
def _next_regular_poll(company: PayrollCompany) -> datetime | None:
    """Return the next regular poll (UTC), or None for an unmapped company."""
    now = utcnow()
    if company.mapped_at is None:
        return None
    seconds = poll_schedule.poll_interval(company.connection.api, now, services().poll_seconds)
    return poll_schedule.next_regular_poll_at(company.id, now, seconds)


def _schedule_next(company: PayrollCompany, news: bool, doubt: bool) -> None:
    """Schedule the next poll at the regular time; sooner, for an hour, after a webhook that led to no new run."""
    now, later = utcnow(), _next_regular_poll(company)
    hinted = company.webhook_received_at if not news else None
    again = poll_schedule.next_retry_after_webhook(hinted, company.poll_attempts, now) if hinted else None
    if doubt:
        again = min(again or now + timedelta(minutes=1), now + timedelta(minutes=1))
    due = min(filter(None, (again, later)), default=None)
    changes = {"poll_due_at": due, "poll_attempts": company.poll_attempts + 1 if again else 0}
    if not again:
        changes["webhook_received_at"] = None
    # a webhook that arrived meanwhile has set another time, which stays
    PayrollCompany.update(**changes).where(
        PayrollCompany.id == company.id, PayrollCompany.poll_due_at == company.poll_due_at
    ).execute()
    leases.release_lease(company, polled_at=now)


def _schedule_retry(company: PayrollCompany, error: PayrollError) -> None:
    """Schedule a retry. If Nmbrs limits the rate, every company of the connection waits."""
    due = leases.backoff(company.poll_attempts)
    if isinstance(error, RateLimited):
        due = max(due, utcnow() + timedelta(seconds=error.seconds))
        early = (PayrollCompany.connection == company.connection_id) & (PayrollCompany.poll_due_at < due)
        PayrollCompany.update(poll_due_at=due).where(early).execute()
    leases.release_lease(company, poll_due_at=due, poll_attempts=company.poll_attempts + 1)


def last_polled_at(client_id: int) -> datetime | None:
    """Return when Nmbrs was last polled for the runs of a client (UTC), or None."""
    query = PayrollCompany.select(fn.max(PayrollCompany.polled_at)).where(PayrollCompany.client == client_id)
    return PayrollCompany.polled_at.python_value(query.scalar())
