"""Import of runs: the payment file of a run becomes one batch, never lost and never duplicated.

A run is stored before anything of it is fetched, and unique keys on run and batch prevent duplicates. A file whose
content changed since it was imported is a new version: see `run_versions` and `dues`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.nmbrs.payment_file import FileRefused, PaymentFile, PaymentLine, read_payment_file
from connectors.nmbrs.port import Payroll, PayrollError
from core.clock import today_amsterdam, utcnow
from core.sepa_text import to_sepa
from domain.common import leases
from domain.payroll import missing_employees, payment_creation, run_dues, supersession, wage_tax
from domain.payroll.nmbrs_client import NmbrsClient, error_code, is_callable, is_suspended
from domain.payroll.run_versions import PayableLine, version_hash
from models import Batch, NmbrsConnection, PayrollCompany, Run, transaction

# Seconds; longer than Nmbrs may take for a file. If two workers read it after all, unique keys prevent duplicates.
IMPORT_LEASE_SECONDS = 240
MAX_DUE = 200


def due_runs() -> list[int]:
    """Return the ids of runs to import now: new, to be retried, or changed."""
    query = Run.select(Run.id).join(PayrollCompany).join(NmbrsConnection).where(Run.due_at <= utcnow(), is_callable())
    return [row.id for row in query.order_by(Run.id).limit(MAX_DUE)]


def import_run(run_id: int) -> Batch | None:
    """Fetch the run's payment file and create a batch. Returns the batch if one was created.

    If Nmbrs fails, the run is retried later. If the file is invalid, there is no batch and the run holds the reason.
    """
    run = leases.claim_lease(Run, run_id, IMPORT_LEASE_SECONDS, Run.due_at <= utcnow())
    if run is None:
        return None
    if is_suspended(run.company.connection):
        leases.release_lease(run)
        return None
    if run.company.mapped_at is None:
        _set_outcome(run, "unmapped")
        return None
    caller = NmbrsClient(run.company.connection, run.company, run)
    try:
        return _import(run, caller)
    finally:
        caller.save_exchanges()


def _import(run: Run, caller: NmbrsClient) -> Batch | None:
    try:
        raw = _fetch_file(run, caller)
    except PayrollError as error:
        _schedule_retry(run, error)
        return None
    try:
        file = read_payment_file(raw, f"Salaris {run.description}".strip()) if raw is not None else None
        if file is not None:
            _require_all_payable(file)
        wanted = [to_payable_line(_with_reference(line, run)) for line in file.lines] if file else []
    except FileRefused as error:
        _refuse(run, error)
        return None
    missing = missing_employees.find_missing(run, caller, wanted) if wanted and run.kind == "salary" else None
    return create_batch_version(run, file, wanted, missing)


def _fetch_file(run: Run, caller: NmbrsClient) -> bytes | None:
    if run.kind == "wage_tax":
        return wage_tax.fetch_return_file(run, caller)
    return caller.call(Payroll.sepa_file, run.company.nmbrs_id, run.nmbrs_id, run.year, today_amsterdam())


# What a held line is called as the reason of a refused run, where that differs.
_HELD_AS = {"no_name": "missing_field", "no_iban": "missing_field", "amount_too_large": "bad_amount"}


def _require_all_payable(file: PaymentFile) -> None:
    """Refuse a file of which a line would be lost: lines that are held or left out are not stored yet.

    Raises:
    - FileRefused: with the first such line, or the accounts or dates that differ, or the id that occurs twice.
    """
    for line in (*file.held, *file.left_out):
        code = "bad_amount" if line.reason == "zero_amount" else _HELD_AS.get(line.reason, line.reason)
        raise FileRefused(code, line.number, "a line that cannot be paid")
    doubled = next((one for one in file.cautions if one.code == "doubled_id"), None)
    if doubled is not None:
        raise FileRefused("doubled_id", doubled.lines[1], "an end-to-end id occurs twice in the file")
    if len({one.debtor_iban for one in file.payments}) > 1:
        raise FileRefused("several_debtors", None, "more than one debtor account")
    if len(file.payments) > 1:
        raise FileRefused("several_dates", None, "more than one execution date")


def _with_reference(line: PaymentLine, run: Run) -> PaymentLine:
    """Set the payment reference as remittance information: the tax authority (Belastingdienst) reads nothing else."""
    return replace(line, description=run.wage_tax_reference) if run.kind == "wage_tax" else line


def to_payable_line(line: PaymentLine) -> PayableLine:
    """Return the line with both the original text and the form that SEPA can carry (EPC217-08).

    Raises:
    - FileRefused: nothing of the name remains in the SEPA character set.
    """
    name, text = to_sepa(line.name, 70), to_sepa(line.description, 140)
    if not any(c.isalnum() for c in name):
        raise FileRefused("name_unusable", None, "a name without a letter that a bank can carry")
    return PayableLine(line.name, name, line.description, text or ".", line.iban, line.amount_cents)


# --- from file to batch ---
def create_batch_version(
    run: Run,
    file: PaymentFile | None,
    wanted: Sequence[PayableLine],
    missing: missing_employees.MissingEmployees | None = None,
) -> Batch | None:
    """Create the batch with its lines, mails and audit event in one transaction.

    Returns None if nothing has to be paid. Earlier batches of this run that were not submitted are superseded; the new
    batch pays only what is still owed.
    """
    version = version_hash(wanted)
    with transaction(run.client_id):
        if Run.get_by_id(run.id).version == version:
            _finish(run, version, len(wanted))
            return None
        stay = supersession.supersede_batches(run, "run_again" if file else "run_emptied")
        offer = run_dues.write_version(run, wanted, version)
        supersession.supersede_lines(offer.superseded)
        _finish(run, version, len(wanted), nothing=not offer.pay, overpaid=offer.overpaid)
        if not offer.pay or file is None:
            return None
        batch = payment_creation.create_payment(run, offer.pay, version, bool(stay), file.debtor_iban, missing)
        payment_creation.notify_approvers(batch)
    return batch


# --- outcome of the import ---
def _refuse(run: Run, error: FileRefused) -> None:
    """Mark the run's file as invalid, and supersede batches from an earlier, valid file that were not submitted."""
    with transaction(run.client_id):
        supersession.supersede_batches(run, "run_refused")
        run_dues.suspend(run)
        Run.update(version=None).where(Run.id == run.id).execute()
        _set_outcome(run, "refused", error.code, error.line)


def _schedule_retry(run: Run, error: PayrollError) -> None:
    """Schedule a retry with growing pauses; a run that was imported before keeps its state meanwhile."""
    state = "taken" if run.state == "taken" else "retrying"
    _release(
        run, leases.backoff(run.attempts), state=state, reason=error_code(error), attempts=run.attempts + 1,
        changed_at=utcnow(),
    )  # fmt: skip


def _release(run: Run, due_at: datetime | None, **changes: Any) -> None:
    """Release the lease. If a new import was requested meanwhile, its due time stays."""
    Run.update(due_at=due_at).where(Run.id == run.id, Run.due_at == run.due_at).execute()
    leases.release_lease(run, **changes)


def _set_outcome(run: Run, state: str, reason: str | None = None, line: int | None = None) -> None:
    _release(run, None, state=state, reason=reason, reason_line=line, changed_at=utcnow())


def _finish(run: Run, version: str, count: int, nothing: bool = False, overpaid: Sequence = ()) -> None:
    """Mark the run as imported. `nothing` is true when no further payment is due."""
    state = "taken" if count else "empty"
    reason = "overpaid" if overpaid else "nothing_more" if nothing and count else None
    row = Run.get_by_id(run.id)
    changed = {} if row.version == version and row.state == state else {"changed_at": utcnow()}
    kept = {} if row.version == version else {"overpaid": [list(part) for part in overpaid] or None, "reason": reason}
    _release(run, None, state=state, line_count=count, version=version, attempts=0, **kept, **changed)
