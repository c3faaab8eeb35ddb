"""Taking in runs: what Nmbrs lists becomes known, its payment file becomes one batch. Never lost, never doubled.

A webhook and the poll only say "look"; each run is a row before anything is fetched, and the
unique keys of run and batch decide that nothing comes twice.
"""

from collections.abc import Sequence
from datetime import timedelta

from peewee import IntegrityError, chunked

from connectors.nmbrs.payment_file import FileRefused, PaymentFile, PaymentLine, read_payment_file
from connectors.nmbrs.port import BadCredentials, NotAllowed, PayrollError, RunInfo
from core.clock import today_amsterdam, utcnow
from core.crypto import digest_sha256
from core.sepa_text import to_sepa
from domain import audit, leases, mails
from domain.nmbrs_link import credentials
from domain.references import draw, end_to_end_id
from domain.world import world
from models import Batch, BatchLine, Client, Membership, NmbrsConnection, PayrollCompany, Run, User, transaction

LOOK_LEASE, TAKE_LEASE = 120, 600
# A run that finished just before the mapping was saved belongs to it: the two clocks are not one.
GRACE = timedelta(minutes=5)
LINES_AT_ONCE = 1000


# --- looking: which runs are there? ---
def due_companies() -> list[int]:
    """Mapped companies that are to be looked at now."""
    query = PayrollCompany.select(PayrollCompany.id).where(
        PayrollCompany.look_due_at <= utcnow(), PayrollCompany.mapped_at.is_null(False)
    )
    return [row.id for row in query.limit(200)]


def poll() -> int:
    """Mark every mapped company of a working connection to be looked at; returns how many."""
    working = NmbrsConnection.select(NmbrsConnection.id).where(NmbrsConnection.status == "active")
    return (
        PayrollCompany.update(look_due_at=utcnow(), look_attempts=0)
        .where(PayrollCompany.mapped_at.is_null(False), PayrollCompany.connection.in_(working))
        .execute()
    )


def look(company_id: int) -> list[int]:
    """List the company's runs and make a row of each new one; returns the runs to take in.

    A failure of Nmbrs leaves the company on the list, with a growing pause.
    """
    company = leases.claim(PayrollCompany, company_id, LOOK_LEASE, PayrollCompany.look_due_at <= utcnow())
    if company is None:
        return []
    try:
        found = _listed(company)
    except PayrollError as error:
        _look_failed(company, error)
        return []
    new = [run_id for info in found if (run_id := _know(company, info))]
    _looked(company, bool(new))
    return new


def _listed(company: PayrollCompany) -> list[RunInfo]:
    today = today_amsterdam()
    years = (today.year - 1, today.year) if today.month == 1 else (today.year,)
    keys = credentials(company.connection)
    return [info for year in years for info in world().payroll.runs(keys, company.nmbrs_id, year)]


def _know(company: PayrollCompany, info: RunInfo) -> int | None:
    """Make the run a row, once; its id when it is to be taken in."""
    same = (Run.company == company.id) & (Run.year == info.year) & (Run.number == info.number)
    if Run.select().where(same).exists():
        return None
    since = company.mapped_at
    older = info.run_at is not None and since is not None and info.run_at < since - GRACE
    try:
        return Run.insert(
            client=company.client_id, company=company.id, nmbrs_id=info.id, number=info.number, year=info.year,
            description=info.description, run_at=info.run_at, locked=info.locked,
            state="older" if older else "found", due_at=None if older else utcnow(),
        ).execute()  # fmt: skip
    except IntegrityError:  # another look made the same row first
        return None


def _looked(company: PayrollCompany, news: bool) -> None:
    """After a hint that brought nothing, look again for a while: a run may be announced before it is listed."""
    attempts = 0 if news else company.look_attempts + 1
    hinted = company.look_attempts < len(leases.PAUSES) and not news
    later = leases.pause(company.look_attempts) if hinted else None
    # a hint that came while we looked has set its own time: that one stays
    PayrollCompany.update(look_due_at=later, look_attempts=attempts).where(
        PayrollCompany.id == company.id, PayrollCompany.look_due_at == company.look_due_at
    ).execute()
    leases.release(company, looked_at=utcnow())
    NmbrsConnection.update(status="active", problem=None).where(NmbrsConnection.id == company.connection_id).execute()


def _look_failed(company: PayrollCompany, error: PayrollError) -> None:
    if isinstance(error, BadCredentials | NotAllowed):
        NmbrsConnection.update(status="disturbed", problem=reason_of(error)).where(
            NmbrsConnection.id == company.connection_id
        ).execute()
    attempts = company.look_attempts + 1
    leases.release(company, look_due_at=leases.pause(company.look_attempts), look_attempts=attempts)


# --- taking in: the payment file of one run ---
def due_runs() -> list[int]:
    """Runs that are to be taken in now, new ones and those that are tried again."""
    return [row.id for row in Run.select(Run.id).where(Run.due_at <= utcnow()).order_by(Run.id).limit(200)]


def take_in_run(run_id: int) -> Batch | None:
    """Fetch the run's payment file and make it a batch. Returns the batch when one was made now.

    Nmbrs's failure: the run stays on the list as "tried again". A file that is wrong: no batch,
    the run says why.
    """
    run = leases.claim(Run, run_id, TAKE_LEASE, Run.due_at <= utcnow())
    if run is None:
        return None
    try:
        raw = world().payroll.sepa_file(
            credentials(run.company.connection), run.company.nmbrs_id, run.nmbrs_id, run.year, today_amsterdam()
        )
    except PayrollError as error:
        _try_later(run, error)
        return None
    if raw is None:
        _settle(run, "empty")
        return None
    try:
        file = read_payment_file(raw, f"Salaris {run.description}".strip())
        rows = [_line_row(line) for line in file.lines]
    except FileRefused as error:
        _settle(run, "refused", error.code, error.line)
        return None
    return make_batch(run, file, rows)


def _line_row(line: PaymentLine) -> dict:
    name, text = to_sepa(line.name, 70), to_sepa(line.description, 140)
    if not any(c.isalnum() for c in name):
        raise FileRefused("name_unusable", None, "a name without a letter that a bank can carry")
    return {
        "name_shown": line.name, "name_sent": name, "description_shown": line.description,
        "description_sent": text or ".", "iban": line.iban, "amount_cents": line.amount_cents,
    }  # fmt: skip


def make_batch(run: Run, file: PaymentFile, rows: list[dict]) -> Batch | None:
    """The batch with its lines, the mail and the log, or nothing of it."""
    company, version = run.company, version_of(file.lines)
    if company.bank_account_id is None:
        _settle(run, "retrying", "not_mapped")
        return None
    with transaction():
        same = Batch.select().where(
            Batch.client == run.client_id, Batch.nmbrs_company == company.nmbrs_id, Batch.year == run.year,
            Batch.run_number == run.number, Batch.version == version,
        )  # fmt: skip
        if same.exists():
            _finish(run, "taken", len(rows))
            return None
        batch = Batch.create(
            client=run.client_id, run=run, company=company, nmbrs_company=company.nmbrs_id, year=run.year,
            run_number=run.number, version=version, reference=draw(), description=run.description,
            file_debtor_iban=file.debtor_iban, bank_account=company.bank_account_id,
            total_cents=file.total_cents, line_count=len(rows), orders_made=0,
        )  # fmt: skip
        _insert_lines(batch, rows)
        _finish(run, "taken", len(rows))
        audit.note(
            run.client_id, audit.WORKER, "batch.made", f"batch:{batch.reference}", run=run.id, version=version,
            total=file.total_cents, count=len(rows),
        )  # fmt: skip
        _tell(batch)
    return batch


def _insert_lines(batch: Batch, rows: Sequence[dict]) -> None:
    for position, row in enumerate(rows, 1):
        row["batch"], row["position"] = batch.id, position
        row["end_to_end_id"], row["state"] = end_to_end_id(batch.reference, position), "open"
    for part in chunked(rows, LINES_AT_ONCE):
        BatchLine.insert_many(part).execute()


def _tell(batch: Batch) -> None:
    """A mail with a button to everyone who may release it. Total and count, nobody's pay."""
    query = User.select().join(Membership).where(Membership.client == batch.client_id)
    client = Client.get_by_id(batch.client_id)
    for user in query.where(Membership.role.in_(("owner", "approver"))):
        mails.queue(
            user, "batch_ready", once=f"batch_ready:{batch.id}:{user.id}", client=client,
            path=f"/betalingen/{batch.reference}", total_cents=batch.total_cents, count=batch.line_count,
            description=batch.description,
        )  # fmt: skip


def version_of(lines: Sequence[PaymentLine]) -> str:
    """What makes two files the same payment: the sorted lines. Not the file, whose date and ids change."""
    rows = sorted((line.name, line.iban, str(line.amount_cents), line.description) for line in lines)
    return digest_sha256("\n".join("\t".join(row) for row in rows).encode())


def reason_of(error: PayrollError) -> str:
    """A code for the history: the screens have words for it."""
    names = {
        "BadCredentials": "bad_credentials", "OutOfSight": "out_of_sight", "Disabled": "disabled",
        "Unreadable": "unreadable",
    }  # fmt: skip
    if isinstance(error, NotAllowed):
        return f"not_allowed:{error.call}"
    return names.get(type(error).__name__, "try_again")


def _try_later(run: Run, error: PayrollError) -> None:
    leases.release(
        run, state="retrying", reason=reason_of(error), attempts=run.attempts + 1, due_at=leases.pause(run.attempts),
        changed_at=utcnow(),
    )  # fmt: skip


def _settle(run: Run, state: str, reason: str | None = None, line: int | None = None) -> None:
    leases.release(run, state=state, reason=reason, reason_line=line, due_at=None, changed_at=utcnow())


def _finish(run: Run, state: str, count: int) -> None:
    leases.release(run, state=state, reason=None, line_count=count, due_at=None, changed_at=utcnow())

