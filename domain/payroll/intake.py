"""Taking in: the payment file of a run becomes one batch. Never lost, never doubled.

Each run is a row before anything of it is fetched, and the unique keys of run and batch decide that nothing
comes twice. A file that was read before and says something else is a new version: see `versions`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from peewee import chunked

from connectors.nmbrs.payment_file import FileRefused, PaymentFile, PaymentLine, read_payment_file
from connectors.nmbrs.port import Payroll, PayrollError
from core.clock import today_amsterdam, utcnow
from core.sepa_text import to_sepa
from domain.common import audit, leases
from domain.outbox import mail, push
from domain.payments import creditor_names
from domain.payments.references import end_to_end_id, new_reference
from domain.payroll import missing_employees, supersession, wage_tax
from domain.payroll.nmbrs_client import NmbrsClient, error_code, is_callable, is_suspended
from domain.payroll.run_versions import PayableLine, diff_versions, version_hash
from models import Batch, BatchLine, Client, Membership, NmbrsConnection, PayrollCompany, Run, User, transaction

# Longer than Nmbrs may take over a file. Should two read at once after all, the keys keep it one payment.
TAKE_LEASE = 240
AT_ONCE = 200
LINES_AT_ONCE = 1000


def due_runs() -> list[int]:
    """Runs that are to be taken in now: new ones, those that are tried again, those that changed."""
    query = Run.select(Run.id).join(PayrollCompany).join(NmbrsConnection).where(Run.due_at <= utcnow(), is_callable())
    return [row.id for row in query.order_by(Run.id).limit(AT_ONCE)]


def import_run(run_id: int) -> Batch | None:
    """Fetch the run's payment file and make it a batch. Returns the batch when one was made now.

    Nmbrs's failure: the run stays on the list as "tried again". A file that is wrong: no batch,
    the run says why.
    """
    run = leases.claim_lease(Run, run_id, TAKE_LEASE, Run.due_at <= utcnow())
    if run is None:
        return None
    if is_suspended(run.company.connection):
        leases.release_lease(run)
        return None
    if run.company.mapped_at is None:
        _settle(run, "unmapped")
        return None
    caller = NmbrsClient(run.company.connection, run.company, run)
    try:
        return _take_in(run, caller)
    finally:
        caller.save_exchanges()


def _take_in(run: Run, caller: NmbrsClient) -> Batch | None:
    try:
        raw = _file_of(run, caller)
    except PayrollError as error:
        _try_later(run, error)
        return None
    try:
        file = read_payment_file(raw, f"Salaris {run.description}".strip()) if raw is not None else None
        wanted = [to_payable_line(_with_reference(line, run)) for line in file.lines] if file else []
    except FileRefused as error:
        _refuse(run, error)
        return None
    missing = missing_employees.find_missing(run, caller, wanted) if wanted and run.kind == "salary" else None
    return create_batch_version(run, file, wanted, missing)


def _file_of(run: Run, caller: NmbrsClient) -> bytes | None:
    if run.kind == "wage_tax":
        return wage_tax.fetch_return_file(run, caller)
    return caller.call(Payroll.sepa_file, run.company.nmbrs_id, run.nmbrs_id, run.year, today_amsterdam())


def _with_reference(line: PaymentLine, run: Run) -> PaymentLine:
    """The Belastingdienst reads the payment reference and nothing else."""
    return replace(line, description=run.wage_tax_reference) if run.kind == "wage_tax" else line


def to_payable_line(line: PaymentLine) -> PayableLine:
    """The line as shown and as the bank can carry it. FileRefused when nothing of the name is left."""
    name, text = to_sepa(line.name, 70), to_sepa(line.description, 140)
    if not any(c.isalnum() for c in name):
        raise FileRefused("name_unusable", None, "a name without a letter that a bank can carry")
    return PayableLine(line.name, name, line.description, text or ".", line.iban, line.amount_cents)


# --- from what the file says to what is to be paid ---
def create_batch_version(
    run: Run,
    file: PaymentFile | None,
    wanted: Sequence[PayableLine],
    missing: missing_employees.MissingEmployees | None = None,
) -> Batch | None:
    """The batch with its lines, the mail and the log, or nothing of it. None when the file says nothing new."""
    version = version_hash(wanted)
    with transaction(run.client_id):
        if Run.get_by_id(run.id).version == version:
            _finish(run, version, len(wanted))
            return None
        stay = supersession.supersede_batches(run, "run_again" if file else "run_emptied")
        owed = diff_versions(wanted, supersession.previous_lines(stay))
        supersession.void_lines(owed.void)
        _finish(run, version, len(wanted), nothing=not owed.pay, overpaid=owed.overpaid)
        if not owed.pay or file is None:
            return None
        batch = _make(run, file, owed.pay, version, bool(stay), missing)
        _notify_approvers(batch)
    return batch


def _make(
    run: Run, file: PaymentFile, pay: Sequence[PayableLine], version: str, again: bool,
    missing: missing_employees.MissingEmployees | None,
) -> Batch:  # fmt: skip
    company = run.company
    batch = Batch.create(
        client=run.client_id, run=run, company=company, nmbrs_company=company.key, kind=run.kind, year=run.year,
        run_number=run.number, version=_unused(run, version), reference=new_reference(), description=run.description,
        file_debtor_iban=file.debtor_iban, bank_account=company.bank_account_id,
        total_cents=sum(line.amount_cents for line in pay), line_count=len(pay), orders_made=0,
        period_start=run.period_start, period_end=run.period_end, difference=again, picked=run.picked_at is not None,
        missing_count=missing.count if missing else None, missing_names=missing.names if missing else None,
    )  # fmt: skip
    _insert_lines(batch, pay)
    audit.record_event(
        run.client_id, audit.WORKER, "batch.made", f"batch:{batch.reference}", run=run.id, version=version,
        total=batch.total_cents, count=len(pay), difference=again,
    )  # fmt: skip
    return batch


def _unused(run: Run, version: str) -> str:
    """A run may go back to an earlier version: its name says the how manieth time, so that each is one batch."""
    earlier = Batch.select().where(Batch.run == run.id, Batch.version.startswith(version)).count()
    return f"{version}:{earlier + 1}" if earlier else version


def _insert_lines(batch: Batch, pay: Sequence[PayableLine]) -> None:
    names = creditor_names.load_creditor_names(batch.client_id, pay)
    rows = [
        {
            "batch": batch.id, "position": position, "end_to_end_id": end_to_end_id(batch.reference, position),
            "name_shown": line.name_shown, "name_sent": names.name_for_bank(line.iban, line.name_shown),
            "description_shown": line.description_shown,
            "description_sent": line.description_sent, "iban": line.iban, "amount_cents": line.amount_cents,
            "paid_cents": line.paid_cents, "state": "open",
        }
        for position, line in enumerate(pay, 1)
    ]  # fmt: skip
    for part in chunked(rows, LINES_AT_ONCE):
        BatchLine.insert_many(part).execute()


def _notify_approvers(batch: Batch) -> None:
    """A mail with a button to everyone who may release it. Total and count, nobody's pay."""
    query = User.select().join(Membership).where(Membership.client == batch.client_id)
    client, people = Client.get_by_id(batch.client_id), list(query.where(Membership.role.in_(("owner", "approver"))))
    path = f"/betalingen/{batch.reference}"
    push.enqueue_push(client, "waits", f"waits:{batch.id}", path, people, batch)
    for user in people:
        mail.enqueue_mail(
            user, "batch_ready", once=f"batch_ready:{batch.id}:{user.id}", client=client,
            path=path, total_cents=batch.total_cents, count=batch.line_count,
            description=batch.description,
        )  # fmt: skip


# --- what became of the run ---
def _refuse(run: Run, error: FileRefused) -> None:
    """A wrong file is no payment; what an earlier, right one made and was not sent cannot stay payable."""
    with transaction(run.client_id):
        supersession.supersede_batches(run, "run_refused")
        Run.update(version=None).where(Run.id == run.id).execute()
        _settle(run, "refused", error.code, error.line)


def _try_later(run: Run, error: PayrollError) -> None:
    """Again with growing pauses; a run that was taken in before stays so meanwhile."""
    state = "taken" if run.state == "taken" else "retrying"
    _release(
        run, leases.backoff(run.attempts), state=state, reason=error_code(error), attempts=run.attempts + 1,
        changed_at=utcnow(),
    )  # fmt: skip


def _release(run: Run, due_at: datetime | None, **changes: Any) -> None:
    """Give the run back. Somebody who wanted it read again meanwhile has set a time of their own: that one stays."""
    Run.update(due_at=due_at).where(Run.id == run.id, Run.due_at == run.due_at).execute()
    leases.release_lease(run, **changes)


def _settle(run: Run, state: str, reason: str | None = None, line: int | None = None) -> None:
    _release(run, None, state=state, reason=reason, reason_line=line, changed_at=utcnow())


def _finish(run: Run, version: str, count: int, nothing: bool = False, overpaid: Sequence = ()) -> None:
    """The run was read. `nothing`: no more is owed than was paid, or there is nobody to pay."""
    state = "taken" if count else "empty"
    reason = "overpaid" if overpaid else "nothing_more" if nothing and count else None
    row = Run.get_by_id(run.id)
    changed = {} if row.version == version and row.state == state else {"changed_at": utcnow()}
    kept = {} if row.version == version else {"overpaid": [list(part) for part in overpaid] or None, "reason": reason}
    _release(run, None, state=state, line_count=count, version=version, attempts=0, **kept, **changed)
