"""Remove who was paid from runs whose time is over (docs/decisions/0040-personal-data.md).

A run is redacted when the books must no longer be kept (Dutch fiscal retention: seven years, AWR art. 52), as a whole
and in one transaction with its event in the log. It must be over: nothing of it payable, waiting, disputed or on its
way. Before anything is removed all proofs are computed once more; where one fails, nothing is.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from peewee import chunked

from core.clock import amsterdam_midnight, today_amsterdam, utcnow
from domain.accounts import removed_users
from domain.common import audit
from domain.common.services import services
from domain.operations.integrity import approvals, bookings, order_files, outcomes, payments
from domain.operations.integrity.records import payment_record
from domain.operations.redacted_runs import (
    EVENT,
    booking_without_details,
    dues_of,
    kept_hash,
    lines_without_details,
    orders_of,
    overpaid_without_details,
    payments_of,
    person_key,
    removed_hash,
)
from domain.payments import lost_orders, state_machine
from domain.payments.held_lines import is_line_held
from domain.payroll import run_dues, unpaid
from models import (
    AcceptedCreditorName,
    BankAccount,
    BankOrder,
    BankTransaction,
    Batch,
    BatchLine,
    Due,
    Evidence,
    ExcessAllowance,
    HeldLine,
    LineDoubt,
    OrderLine,
    PayrollRun,
    RowRegister,
    User,
    transaction,
    update_rows,
)
from models.redaction import REMOVED, REMOVED_IBAN
from models.states import OrderState, RunState

log = logging.getLogger(__name__)
MOST_RUNS, MOST_BOOKINGS = 25, 500  # of one job; the next sweep goes on
_AT_ONCE = 200
# States of a run that is neither being read nor unclear.
_SETTLED = (RunState.IMPORTED, RunState.EMPTY, RunState.DELETED)
_CHECKS = (
    payments.payment_faults, approvals.approval_faults, order_files.order_file_faults, outcomes.outcome_faults,
    bookings.booking_faults,
)  # fmt: skip


# --- which ----------------------------------------------------------------------------------------
def cutoff() -> date:
    """Return the first day of the oldest year that is kept: what is from before it is past its time."""
    return date(today_amsterdam().year - services().kept_years, 1, 1)


def is_redaction_due() -> bool:
    """Return whether something is past its time, or seems so."""
    waits = BankTransaction.select().where(_old_bookings()), User.select().where(_left_long_ago())
    return _past_their_time().exists() or any(query.exists() for query in waits)


def redactable_runs(most: int = MOST_RUNS) -> list[int]:
    """Return the oldest runs that are past their time and over."""
    found: list[int] = []
    for part in chunked([row.id for row in _past_their_time()], _AT_ONCE):
        found += sorted(set(part) - _not_over(part))
        if len(found) >= most:
            break
    return found[:most]


def _past_their_time(*which: Any) -> Any:
    before = cutoff()
    start = amsterdam_midnight(before)
    holds_details = PayrollRun.id.in_(Due.select(Due.run)) | PayrollRun.id.in_(HeldLine.select(HeldLine.run))
    old = (PayrollRun.year < before.year) & (PayrollRun.found_at < start) & (PayrollRun.changed_at < start)
    query = PayrollRun.select(PayrollRun.id).where(PayrollRun.redacted_at.is_null(), old, holds_details, *which)
    return query.order_by(PayrollRun.id)


def _not_over(run_ids: Iterable[int]) -> set[int]:
    """Return which of these runs have something that may still be paid, is unclear, or happened lately."""
    ids, before = list(run_ids), cutoff()
    start = amsterdam_midnight(before)
    unsettled = PayrollRun.select(PayrollRun.id).where(PayrollRun.id.in_(ids), _is_unsettled())
    batches = Batch.select(Batch.run).where(Batch.run.in_(ids))
    lately = (Batch.created_at >= start) | (Batch.state_changed_at >= start) | (Batch.execution_date >= before)
    orders = BankOrder.select(Batch.run).join(Batch).where(Batch.run.in_(ids))
    lines = OrderLine.select(Batch.run).join(BatchLine).join(Batch).where(Batch.run.in_(ids))
    unproved = OrderLine.standing.in_(("possible", "disputed")) | (OrderLine.may_execute_until >= today_amsterdam())
    told = Evidence.select(Batch.run).join(BankOrder).join(Batch).where(Batch.run.in_(ids))
    dues = Due.select(Due.id).join(PayrollRun).where(Due.run.in_(ids), PayrollRun.state != RunState.DELETED)
    held = HeldLine.select(HeldLine.run).join(PayrollRun).where(HeldLine.run.in_(ids), is_line_held())
    asked = ExcessAllowance.select(Due.run).join(Due, on=(Due.id == ExcessAllowance.due)).where(Due.run.in_(ids))
    queries: tuple[Any, ...] = (
        unsettled, batches.where(Batch.state.not_in(state_machine.SETTLED) | lately), held,
        orders.where(BankOrder.state.not_in((OrderState.EXECUTED, OrderState.CLOSED))),
        lines.where(unproved),
        told.where(Evidence.received_at >= start), Due.select(Due.run).where(Due.id.in_(unpaid.still_owed(dues))),
        asked.where(ExcessAllowance.allowed_at.is_null(), ExcessAllowance.withdrawn_at.is_null()),
    )  # fmt: skip
    return {run for query in queries for (run,) in query.tuples()} | (lost_orders.runs_with_lost_orders() & set(ids))


def _is_unsettled() -> Any:
    reading = PayrollRun.due_at.is_null(False) | PayrollRun.lease_until.is_null(False)
    doubted = PayrollRun.unlisted_since.is_null(False) & (PayrollRun.state != RunState.DELETED)
    return PayrollRun.state.not_in(_SETTLED) | reading | doubted


# --- removing -------------------------------------------------------------------------------------
def redact_old() -> int:
    """Redact runs and bookings that are past their time, a limited number per call. Returns how many were.

    Nothing is removed while the last check of the books shows a fault: the details may be needed to explain it.
    """
    if RowRegister.select().where(RowRegister.fault_count > 0).exists():
        log.error("nothing is redacted while the books have faults")
        return 0
    return sum(redact_run(run_id) for run_id in redactable_runs()) + redact_bookings() + forget_removed_users()


def forget_removed_users() -> int:
    """Remove the names and identifications of users who left before the years that are kept. Returns how many."""
    left = [row.id for row in User.select(User.id).where(_left_long_ago()).order_by(User.id)]
    for user_id in left:
        with transaction(*removed_users.clients_of(user_id)):
            removed_users.forget_person(user_id)
    return len(left)


def _left_long_ago() -> Any:
    return (User.removed_at < amsterdam_midnight(cutoff())) & (User.name != REMOVED)


def redact_run(run_id: int) -> bool:
    """Remove who was paid from this run. Returns whether it was: not if it is kept, not over, or its proofs fail."""
    client_id = PayrollRun.get_by_id(run_id).client_id
    with transaction(client_id):
        run = PayrollRun.get_by_id(run_id)
        if not _past_their_time(PayrollRun.id == run_id).exists() or _not_over([run_id]):
            return False
        faults = list(_faults(run))
        for fault in faults:
            log.error("run %s is not redacted: %s", run_id, fault)
        if faults:
            return False
        removed, now = removed_hash(run), utcnow()
        ibans = _ibans(run)
        _remove(run, now)
        _forget_accepted_names(client_id, ibans)
        audit.record_event(
            client_id, audit.WORKER, EVENT, f"run:{run_id}", at=now.isoformat(), removed=removed, kept=kept_hash(run),
            payments=payments_of(run_id).count(),
        )  # fmt: skip
    return True


def _faults(run: PayrollRun) -> Iterator[str]:
    """Prove the run once more, while that can be done from its own values."""
    yield from run_dues.due_inconsistencies(run.id)
    for batch in Batch.select().where(Batch.run == run.id).order_by(Batch.id):
        record = payment_record(batch)
        for check in _CHECKS:
            yield from check(record)


def _remove(run: PayrollRun, now: datetime) -> None:
    """Remove the details. The run is marked first: the triggers let nothing else through."""
    mine, orders = payments_of(run.id), orders_of(run.id)
    overpaid: Any = overpaid_without_details(run.overpaid)
    PayrollRun.update(redacted_at=now, overpaid=overpaid).where(PayrollRun.id == run.id).execute()
    names = {"creditor_name": REMOVED, "creditor_name_sepa": REMOVED, "remittance": REMOVED, "remittance_sepa": REMOVED}
    no_names = {"vop_name": None, "paid_for": None}
    BatchLine.update(**names, **no_names, creditor_iban=REMOVED_IBAN).where(BatchLine.batch.in_(mine)).execute()
    OrderLine.update(creditor_iban=REMOVED_IBAN).where(OrderLine.order.in_(orders)).execute()
    ExcessAllowance.update(
        creditor_name=REMOVED, creditor_iban=REMOVED_IBAN, remittance=REMOVED, reason=REMOVED
    ).where(ExcessAllowance.due.in_(dues_of(run.id))).execute()
    LineDoubt.update(words=REMOVED).where(LineDoubt.batch.in_(mine), LineDoubt.words.is_null(False)).execute()
    BankOrder.update(body_encrypted="").where(BankOrder.id.in_(orders)).execute()
    Batch.update(unpaid_employee_names=None, totals_cache=None).where(Batch.run == run.id).execute()
    update_rows(Due, [
        {"id": due.id, "person": person_key(due.id), "name": REMOVED, "employee": None,
         "lines": lines_without_details(due.lines)}
        for due in Due.select().where(Due.run == run.id).order_by(Due.id)
    ])  # fmt: skip
    held = list(HeldLine.select().where(HeldLine.run == run.id).order_by(HeldLine.id))
    _write_anew(HeldLine, held, [{"name": REMOVED, "iban": REMOVED_IBAN, "description": REMOVED}] * len(held))
    _clear(list(_bookings().where(BankTransaction.order.in_(orders))))


def _write_anew(table: Any, rows: list[Any], changes: list[dict[str, Any]]) -> None:
    """Rewrite rows of a table whose register holds only sums: delete each, and insert it again with the same key."""
    made = [{**row.__data__, **change} for row, change in zip(rows, changes, strict=True)]
    for part in chunked(made, MOST_BOOKINGS):
        table.delete().where(table.id.in_([row["id"] for row in part])).execute()
        table.insert_many(part).execute()


def _ibans(run: PayrollRun) -> set[str]:
    lines = BatchLine.select(BatchLine.creditor_iban).where(BatchLine.batch.in_(payments_of(run.id))).distinct()
    return {row.creditor_iban for row in lines}


def _forget_accepted_names(client_id: int, ibans: Iterable[str]) -> None:
    """Remove the bank's names of accounts that no line of this client has any more."""
    still = BatchLine.select(BatchLine.creditor_iban).join(Batch).where(Batch.client == client_id)
    for part in chunked(sorted(ibans), _AT_ONCE):
        mine = (AcceptedCreditorName.client == client_id) & AcceptedCreditorName.iban.in_(part)
        AcceptedCreditorName.delete().where(mine, AcceptedCreditorName.iban.not_in(still)).execute()


# --- bookings -------------------------------------------------------------------------------------
def redact_bookings() -> int:
    """Remove the texts of old bookings without a payment, or with a redacted one. Returns how many were.

    A booking that bears an id of ours but belongs to no payment is kept: that is a fault, which somebody must examine.
    """
    last, found = 0, list[BankTransaction]()
    while len(found) < MOST_BOOKINGS:
        rows = list(_bookings().where(_old_bookings(), BankTransaction.id > last).limit(MOST_BOOKINGS))
        if not rows:
            break
        last, found = rows[-1].id, found + [row for row in rows if _may_clear(row)]
    for account in BankAccount.select().where(BankAccount.id.in_({row.account_id for row in found})):
        _clear_account(account, [row.id for row in found if row.account_id == account.id])
    return len(found)


def _clear_account(account: BankAccount, ids: list[int]) -> None:
    with transaction(account.client_id):
        rows = list(_bookings().where(BankTransaction.id.in_(ids)))
        _clear(rows)
        audit.record_event(
            account.client_id, audit.WORKER, "bookings.redacted", f"account:{account.id}", count=len(rows)
        )


def _bookings() -> Any:
    query = BankTransaction.select(BankTransaction, BankOrder)
    query = query.left_outer_join(BankOrder, on=(BankTransaction.order == BankOrder.id))
    return query.order_by(BankTransaction.id)


def _old_bookings() -> Any:
    named = (BankTransaction.counterparty_name != "") | (BankTransaction.counterparty_iban != "")
    loose = named | (BankTransaction.remittance_information != "") | (BankTransaction.end_to_end_id != "")
    runs = PayrollRun.select(PayrollRun.id).where(PayrollRun.redacted_at.is_null(False))
    redacted = BankOrder.select(BankOrder.id).join(Batch).where(Batch.run.in_(runs))
    which = (BankTransaction.order.is_null() & loose) | (named & BankTransaction.order.in_(redacted))
    return (BankTransaction.booking_date < cutoff()) & which


def _may_clear(row: BankTransaction) -> bool:
    return row.order_id is not None or not lost_orders.ids_named_in([row.remittance_information, row.end_to_end_id])


def _clear(rows: list[BankTransaction]) -> None:
    changed = [(row, booking_without_details(row)) for row in rows]
    changed = [one for one in changed if any(getattr(one[0], name) != text for name, text in one[1].items())]
    _write_anew(BankTransaction, [row for row, _ in changed], [texts for _, texts in changed])
