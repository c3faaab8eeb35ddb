"""Import of runs: the payment file of a run becomes one batch, never lost and never duplicated.

A run is stored before anything of it is fetched, and unique keys on run and batch prevent duplicates. A file whose
content changed since it was imported is a new version: see `run_versions` and `dues`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.nmbrs.payment_file import (
    SCOR,
    ZERO_AMOUNT,
    FileRefused,
    PaymentFile,
    PaymentLine,
    read_payment_file,
)
from connectors.nmbrs.port import Payroll, PayrollError
from core.clock import today_amsterdam, utcnow
from core.sepa_text import NAME, REMITTANCE, to_sepa
from domain.common import leases
from domain.payments import held_lines
from domain.payroll import (
    excess_payment,
    payment_creation,
    run_dues,
    run_employees,
    run_notices,
    supersession,
    wage_tax,
)
from domain.payroll.nmbrs_client import NmbrsClient, error_code, is_callable, is_suspended
from domain.payroll.run_dues import Offer
from domain.payroll.run_employees import RunEmployees
from domain.payroll.run_versions import PayableLine, UnpayableLine, version_hash
from models import Batch, NmbrsConnection, PayrollCompany, PayrollRun, transaction
from models.states import RunKind, RunState

# Seconds; longer than Nmbrs may take for a file. If two workers read it after all, unique keys prevent duplicates.
IMPORT_LEASE_SECONDS = 240
MAX_DUE = 200
# A run with a held line is read again so often, for so long after it was found.
REREAD_EVERY, REREAD_FOR = timedelta(hours=1), timedelta(days=31)


def due_runs() -> list[int]:
    """Return the ids of runs to import now: new, to be retried, or changed."""
    query = (
        PayrollRun.select(PayrollRun.id)
        .join(PayrollCompany)
        .join(NmbrsConnection)
        .where(PayrollRun.due_at <= utcnow(), is_callable())
    )
    return [row.id for row in query.order_by(PayrollRun.id).limit(MAX_DUE)]


def import_run(run_id: int) -> Batch | None:
    """Fetch the run's payment file and create a batch. Returns the batch if one was created.

    If Nmbrs fails, the run is retried later. If the file is invalid, there is no batch and the run holds the reason.
    """
    run = leases.claim_lease(PayrollRun, run_id, IMPORT_LEASE_SECONDS, PayrollRun.due_at <= utcnow())
    if run is None:
        return None
    if is_suspended(run.company.connection):
        leases.release_lease(run)
        return None
    if run.company.mapped_at is None:
        _set_outcome(run, RunState.UNMAPPED)
        return None
    caller = NmbrsClient(run.company.connection, run.company, run)
    try:
        return _import(run, caller)
    finally:
        caller.save_exchanges()


def _import(run: PayrollRun, caller: NmbrsClient) -> Batch | None:
    try:
        raw = _fetch_file(run, caller)
    except PayrollError as error:
        _schedule_retry(run, error)
        return None
    try:
        file = read_payment_file(raw, f"Salaris {run.description}".strip()) if raw is not None else None
        if file is not None:
            _require_one_payment(file)
    except FileRefused as error:
        _refuse(run, error)
        return None
    wanted = [to_payable_line(_with_reference(line, run)) for line in file.lines] if file else []
    unpayable = unpayable_lines(file) if file else []
    everyone = [*wanted, *(one.as_owed() for one in unpayable)]
    told = run_employees.find_employees(run, caller, everyone) if everyone and run.kind == RunKind.SALARY else None
    return create_batch_version(run, file, wanted, told, unpayable)


def _fetch_file(run: PayrollRun, caller: NmbrsClient) -> bytes | None:
    if run.kind == RunKind.WAGE_TAX:
        return wage_tax.fetch_return_file(run, caller)
    return caller.call(Payroll.sepa_file, run.company.nmbrs_id, run.nmbrs_id, run.year, today_amsterdam())


def _require_one_payment(file: PaymentFile) -> None:
    """Refuse a file that asks several payments: one that is released as one goes out on one day, from one account.

    Raises:
    - FileRefused: with what differs.
    """
    if len({one.debtor_iban for one in file.payments}) > 1:
        raise FileRefused("several_debtors", None, "more than one debtor account")
    if len(file.payments) > 1:
        raise FileRefused("several_dates", None, "more than one execution date")


def _with_reference(line: PaymentLine, run: PayrollRun) -> PaymentLine:
    """Set the payment reference as remittance information: the tax authority (Belastingdienst) reads nothing else."""
    return replace(line, description=run.wage_tax_reference, reference=None) if run.kind == RunKind.WAGE_TAX else line


def to_payable_line(line: PaymentLine) -> PayableLine:
    """Return the line with both the original text and the form that SEPA can carry (EPC217-08).

    A structured reference stands alone, as it came: SEPA carries no text beside it.
    """
    name, reference = to_sepa(line.name, NAME), line.reference
    if reference is None:
        text = to_sepa(line.description, REMITTANCE) or "."
        return PayableLine(line.name, name, line.description, text, line.iban, line.amount_cents)
    return PayableLine(
        line.name, name, reference.value, reference.value, line.iban, line.amount_cents,
        reference_type=reference.kind or SCOR, reference_issuer=reference.issuer,
    )  # fmt: skip


def unpayable_lines(file: PaymentFile) -> list[UnpayableLine]:
    """Return the lines that are no payment, in the order of the file: those that are held, and those of zero."""
    lines = sorted((*file.held, *file.left_out), key=lambda line: line.number)
    return [
        UnpayableLine(
            line.number, line.reason, line.name, line.iban, line.description, line.amount_cents, line.currency
        )
        for line in lines
    ]  # fmt: skip


# --- from file to batch ---
def create_batch_version(
    run: PayrollRun,
    file: PaymentFile | None,
    wanted: Sequence[PayableLine],
    employees: RunEmployees | None = None,
    unpayable: Sequence[UnpayableLine] = (),
) -> Batch | None:
    """Create the batch with its lines, mails and audit event in one transaction.

    Returns None if nothing has to be paid, or can be. Earlier batches of this run that were not submitted are
    superseded; the new batch pays only what is still owed. `unpayable` lines are in no batch: they are told beside it.
    """
    version = version_hash(wanted, unpayable)
    with transaction(run.client_id):
        count = len(wanted) + sum(one.reason != ZERO_AMOUNT for one in unpayable)
        if PayrollRun.get_by_id(run.id).version == version:
            _finish(run, version, count)
            return None
        stay = supersession.supersede_batches(run, "run_again" if file else "run_emptied")
        cautions: Any = [[one.code, list(one.lines)] for one in file.cautions] if file else []
        PayrollRun.update(held_count=len(unpayable), cautions=cautions or None).where(PayrollRun.id == run.id).execute()
        offer = run_dues.write_version(run, wanted, version, unpayable)
        excess_payment.carry_over(run)
        supersession.supersede_lines(offer.superseded)
        _finish(run, version, count, offer)
        made = None
        if offer.pay and file is not None:
            made = payment_creation.create_payment(run, offer.pay, version, bool(stay), file.debtor_iban, employees)
            payment_creation.notify_approvers(made)
        run_notices.notify_of_held_lines(PayrollRun.get_by_id(run.id), made)
    return made


# --- outcome of the import ---
def _refuse(run: PayrollRun, error: FileRefused) -> None:
    """Mark the run's file as invalid, and supersede batches from an earlier, valid file that were not submitted."""
    with transaction(run.client_id):
        supersession.supersede_batches(run, "run_refused")
        excess_payment.end_all(run, "run_refused")
        run_dues.suspend(run)
        PayrollRun.update(version=None).where(PayrollRun.id == run.id).execute()
        _set_outcome(run, RunState.INVALID, error.code, error.line)
        run_notices.notify_of_refusal(run, error.code, error.line)


def _schedule_retry(run: PayrollRun, error: PayrollError) -> None:
    """Schedule a retry with growing pauses; a run that was imported before keeps its state meanwhile."""
    state = RunState.IMPORTED if run.state == RunState.IMPORTED else RunState.RETRYING
    _release(
        run, leases.backoff(run.attempts), state=state, reason=error_code(error), attempts=run.attempts + 1,
        changed_at=utcnow(),
    )  # fmt: skip


def _release(run: PayrollRun, due_at: datetime | None, **changes: Any) -> None:
    """Release the lease. If a new import was requested meanwhile, its due time stays."""
    PayrollRun.update(due_at=due_at).where(PayrollRun.id == run.id, PayrollRun.due_at == run.due_at).execute()
    leases.release_lease(run, **changes)


def _set_outcome(run: PayrollRun, state: str, reason: str | None = None, line: int | None = None) -> None:
    _release(run, None, state=state, reason=reason, error_line=line, changed_at=utcnow())


def _finish(run: PayrollRun, version: str, count: int, offer: Offer | None = None) -> None:
    """Mark the run as imported. `offer`: what may be paid of a version that was not known.

    A run with a held line is read again by and by: what is changed in Nmbrs may not show in its list of runs.
    """
    state = RunState.IMPORTED if count else RunState.EMPTY
    before = PayrollRun.get_by_id(run.id)
    changed = {} if before.version == version and before.state == state else {"changed_at": utcnow()}
    PayrollRun.update(version=version).where(PayrollRun.id == run.id).execute()
    row = PayrollRun.get_by_id(run.id)
    kept: dict[str, Any] = {}
    if offer is not None:
        reason = payment_creation.reason_of(row, offer) if count or offer.overpaid else None
        kept = {"overpaid": [list(part) for part in offer.overpaid] or None, "reason": reason}
    elif before.attempts:  # the reason is that of a failure that is over
        kept = {"reason": _reason_anew(row)}
    is_waiting = held_lines.held_lines_of(row).held and utcnow() - row.found_at < REREAD_FOR
    due_at = utcnow() + REREAD_EVERY if is_waiting else None
    _release(run, due_at, state=state, line_count=count, version=version, attempts=0, **kept, **changed)


def _reason_anew(run: PayrollRun) -> str | None:
    """Return what is to be known of a known version; nothing more than its payment, where there is one."""
    paid = Batch.select().where(Batch.run == run.id, Batch.version.startswith(run.version or "-")).exists()
    if paid and not run.overpaid:
        return None
    return "overpaid" if run.overpaid else payment_creation.reason_of(run, run_dues.offer(run))
