"""Looking: which runs are there? Each one becomes a row, before anything of it is fetched.

A webhook and the clock only say "look"; Nmbrs's own list is the truth. A run that is new is taken in, one that
changed is read again, one that is no longer listed blocks its payment.
"""

from datetime import datetime, timedelta

from peewee import IntegrityError, fn

from connectors.nmbrs.port import Payroll, PayrollError, RateLimited, RunInfo
from core.clock import today_amsterdam, utcnow
from domain.common import leases
from domain.common.services import services
from domain.payroll import poll_schedule, supersession, wage_tax
from domain.payroll.nmbrs_client import NmbrsClient, is_callable, is_suspended
from models import NmbrsConnection, PayrollCompany, Run, transaction

LOOK_LEASE = 120
# A run that finished just before the link was made belongs to it: the two clocks are not one.
GRACE = timedelta(minutes=5)
# What waited longer than this for its administratie to be mapped is offered to pick, not pushed.
KEEPS_WAITING = timedelta(days=31)
# Gone from one list may be a hiccup. Gone for so long, in a later list too, is gone.
GONE_AFTER = timedelta(seconds=45)
AT_ONCE = 200
# A client with so few administraties has the unmapped ones looked at too, by every hint.
FEW = 50


def due_companies() -> list[int]:
    """Companies that are to be looked at now, of connections that may be asked."""
    query = PayrollCompany.select(PayrollCompany.id).join(NmbrsConnection)
    due = query.where(PayrollCompany.look_due_at <= utcnow(), is_callable()).order_by(PayrollCompany.look_due_at)
    return [row.id for row in due.limit(AT_ONCE)]


def mark_all_due() -> int:
    """Mark every mapped company that may be asked about to be looked at now; returns how many."""
    asked = NmbrsConnection.select(NmbrsConnection.id).where(is_callable())
    return (
        PayrollCompany.update(look_due_at=utcnow())
        .where(PayrollCompany.mapped_at.is_null(False), PayrollCompany.connection.in_(asked))
        .execute()
    )


def repair_schedule() -> int:
    """Give every mapped company without a next look its own moment; returns how many. None should be there."""
    lost = PayrollCompany.select().where(PayrollCompany.mapped_at.is_null(False), PayrollCompany.look_due_at.is_null())
    made = 0
    for company in lost.join(NmbrsConnection).where(is_callable()):
        still = (PayrollCompany.id == company.id) & PayrollCompany.look_due_at.is_null()
        made += PayrollCompany.update(look_due_at=_next(company)).where(still).execute()
    return made


def schedule_after_webhook(company_ids: list[int], delivery_id: int, spare: bool = False) -> None:
    """A webhook told of something: look now, and again for an hour when nothing new is found.

    `spare` companies were not named by it: they are looked at within minutes.
    """
    now = utcnow()
    due = now + timedelta(minutes=5) if spare else now
    sooner = PayrollCompany.look_due_at.is_null() | (PayrollCompany.look_due_at > due)
    chosen = PayrollCompany.id.in_(company_ids)
    if spare:
        PayrollCompany.update(look_due_at=due).where(chosen, sooner).execute()
        return
    PayrollCompany.update(look_due_at=due, look_attempts=0, hinted_at=now, hinted_by_id=delivery_id).where(
        chosen
    ).execute()


def discover_runs(company_id: int) -> list[int]:
    """List the company's runs; returns those to take in: new, or to be read again.

    A failure of Nmbrs leaves the company on the list, with a growing pause.
    """
    company = leases.claim_lease(PayrollCompany, company_id, LOOK_LEASE, PayrollCompany.look_due_at <= utcnow())
    if company is None:
        return []
    if is_suspended(company.connection):
        leases.release_lease(company)
        return []
    caller, years = NmbrsClient(company.connection, company), _years()
    try:
        found = [info for year in years for info in caller.call(Payroll.runs, company.nmbrs_id, year)]
    except PayrollError as error:
        caller.save_exchanges()
        _look_failed(company, error)
        return []
    due = [run_id for info in found if (run_id := _upsert_run(company, info))]
    gone = _handle_unlisted(company, years, {(info.year, info.number) for info in found})
    due += wage_tax.discover_returns(company, caller, years)
    if due or gone:
        caller.save_exchanges()
    _schedule_next(company, bool(due), gone)
    return list(dict.fromkeys(due + _waiting(company)))


def _waiting(company: PayrollCompany) -> list[int]:
    """Runs of the company that are due already: a webhook asked to read them again, or an earlier try failed."""
    query = Run.select(Run.id).where(Run.company == company.id, Run.due_at <= utcnow(), Run.lease_until.is_null())
    return [row.id for row in query.order_by(Run.id).limit(AT_ONCE)]


def _years() -> tuple[int, ...]:
    """This year; in January also the last one."""
    today = today_amsterdam()
    return (today.year - 1, today.year) if today.month == 1 else (today.year,)


# --- one run of the list ---
def _upsert_run(company: PayrollCompany, info: RunInfo) -> int | None:
    """Make the run a row, once, or see what changed; its id when it is to be taken in or read again."""
    same = (Run.company == company.id) & (Run.kind == "salary") & (Run.year == info.year) & (Run.number == info.number)
    known = Run.get_or_none(same)
    if known is not None:
        return _update_run(company, known, info)
    state = _state_of_new(company, info)
    try:
        made = Run.insert(
            client=company.client_id, company=company.id, nmbrs_id=info.id, number=info.number, year=info.year,
            description=info.description, run_at=info.run_at, locked=info.locked, period_start=info.period_start,
            period_end=info.period_end, state=state, due_at=utcnow() if state == "found" else None,
            delivery_id=company.hinted_by_id if company.hinted_at else None,
        ).execute()  # fmt: skip
    except IntegrityError:  # another look made the same row first
        return None
    return made if state == "found" else None


def _state_of_new(company: PayrollCompany, info: RunInfo) -> str:
    if info.run_at is not None and info.run_at < import_since(company) - GRACE:
        return "older"
    return "found" if company.mapped_at else "unmapped"


def import_since(company: PayrollCompany) -> datetime:
    """Runs from then on are ours: since the link, but of what waited for a mapping only the last weeks."""
    linked = company.connection.created_at
    return max(linked, company.mapped_at - KEEPS_WAITING) if company.mapped_at else linked


def _update_run(company: PayrollCompany, run: Run, info: RunInfo) -> int | None:
    """A run that was run again, unlocked, locked or that came back is read again; its words are kept up."""
    # the two interfaces name and date the same run otherwise: that alone is no news
    again = run.nmbrs_id.isdigit() == info.id.isdigit() and (
        (run.nmbrs_id, run.run_at, run.locked) != (info.id, info.run_at, info.locked)
    )
    moved = run.nmbrs_id != info.id
    words = (run.description, run.period_start, run.period_end) != (
        info.description, info.period_start, info.period_end
    )  # fmt: skip
    back = run.missing_since is not None or run.state == "vanished"
    if not (again or words or back or moved):
        return None
    changes: dict = {
        "nmbrs_id": info.id, "run_at": info.run_at, "locked": info.locked, "description": info.description,
        "period_start": info.period_start, "period_end": info.period_end, "missing_since": None,
    }  # fmt: skip
    if run.state == "vanished":
        changes["state"] = "found" if company.mapped_at else "unmapped"
    reread = (again or back) and run.state not in ("older", "unmapped") and company.mapped_at is not None
    if reread:
        changes |= {"due_at": utcnow(), "attempts": 0}
    Run.update(**changes).where(Run.id == run.id).execute()
    return run.id if reread else None


# --- runs that are gone ---
def _handle_unlisted(company: PayrollCompany, years: tuple[int, ...], listed: set[tuple[int, int]]) -> bool:
    """Block what is no longer listed, and end it when a later list lacks it too. True while one is in doubt."""
    known = Run.select().where(Run.company == company.id, Run.kind == "salary", Run.year.in_(years),
                               Run.state.not_in(("vanished", "older")))  # fmt: skip
    doubt = False
    for run in known:
        if (run.year, run.number) in listed:
            continue
        if run.missing_since is None:
            _block(run)
            doubt = True
        elif utcnow() - run.missing_since >= GONE_AFTER:
            _end(run)
        else:
            doubt = True
    return doubt


def _block(run: Run) -> None:
    """Nothing of it can be approved now, and what was approved is no longer."""
    with transaction(run.client_id):
        Run.update(missing_since=utcnow()).where(Run.id == run.id).execute()
        supersession.revoke_approval(run, "run_missing")


def _end(run: Run) -> None:
    with transaction(run.client_id):
        supersession.supersede_batches(run, "vanished")
        Run.update(state="vanished", due_at=None, version=None, reason=None, changed_at=utcnow()).where(
            Run.id == run.id
        ).execute()


# --- when to look again ---
def _next(company: PayrollCompany) -> datetime | None:
    """The next regular look; none for a company that nobody pays from and that is not in a small account."""
    now = utcnow()
    if company.mapped_at is None:
        return None
    seconds = poll_schedule.poll_interval(company.connection.interface, now, services().poll_seconds)
    return poll_schedule.next_regular_poll_at(company.id, now, seconds)


def _schedule_next(company: PayrollCompany, news: bool, doubt: bool) -> None:
    """After a hint that brought nothing, look again for a while; otherwise at the next regular moment."""
    now, later = utcnow(), _next(company)
    hinted = company.hinted_at if not news else None
    again = poll_schedule.next_retry_after_webhook(hinted, company.look_attempts, now) if hinted else None
    if doubt:
        again = min(again or now + timedelta(minutes=1), now + timedelta(minutes=1))
    due = min(filter(None, (again, later)), default=None)
    changes = {"look_due_at": due, "look_attempts": company.look_attempts + 1 if again else 0}
    if not again:
        changes["hinted_at"] = None
    # a hint that came while we looked has set its own time: that one stays
    PayrollCompany.update(**changes).where(
        PayrollCompany.id == company.id, PayrollCompany.look_due_at == company.look_due_at
    ).execute()
    leases.release_lease(company, looked_at=now)


def _look_failed(company: PayrollCompany, error: PayrollError) -> None:
    """Again later. Nmbrs that asks for patience gets it for every company of the connection."""
    due = leases.backoff(company.look_attempts)
    if isinstance(error, RateLimited):
        due = max(due, utcnow() + timedelta(seconds=error.seconds))
        early = (PayrollCompany.connection == company.connection_id) & (PayrollCompany.look_due_at < due)
        PayrollCompany.update(look_due_at=due).where(early).execute()
    leases.release_lease(company, look_due_at=due, look_attempts=company.look_attempts + 1)


def last_polled_at(client_id: int) -> datetime | None:
    """When Nmbrs was last asked for the runs of a client; UTC."""
    query = PayrollCompany.select(fn.max(PayrollCompany.looked_at)).where(PayrollCompany.client == client_id)
    return PayrollCompany.looked_at.python_value(query.scalar())
