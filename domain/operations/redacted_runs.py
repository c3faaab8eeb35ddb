"""What a redacted run keeps, what was removed of it, and the two hashes of these in the log.

With the hash of what was removed, whoever still has a copy can prove that it is the original. The hash of what is kept
replaces the digests, which cannot be computed again without names and accounts.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from domain.common.encryption import blind_index
from domain.orders.booking_references import mentions_reference
from models import (
    BankOrder,
    BankTransaction,
    Batch,
    BatchLine,
    Due,
    ExcessAllowance,
    HeldLine,
    LineDoubt,
    OrderLine,
    PayrollRun,
)
from models.redaction import REMOVED, REMOVED_IBAN

EVENT = "run.redacted"
# The texts of a booking, in which a person may be named.
BOOKING_TEXTS = ("counterparty_name", "counterparty_iban", "remittance_information")
_NAME_TO_IBAN = slice(1, 6)  # in the stored lines of a due, after the position (`domain.payroll.run_dues`)
_NO_DETAILS = [REMOVED, REMOVED, REMOVED, REMOVED, REMOVED_IBAN]


def payments_of(run_id: int) -> Any:
    """Return a query of the ids of all payments of this run."""
    return Batch.select(Batch.id).where(Batch.run == run_id)


def orders_of(run_id: int) -> Any:
    """Return a query of the ids of all orders of this run."""
    return BankOrder.select(BankOrder.id).where(BankOrder.batch.in_(payments_of(run_id)))


def dues_of(run_id: int) -> Any:
    """Return a query of the ids of all dues of this run."""
    return Due.select(Due.id).where(Due.run == run_id)


# --- what stands in place of it -------------------------------------------------------------------
def person_key(due_id: int) -> str:
    """Return the key that replaces a person's: unique within a redacted run."""
    return f"~{due_id}"


def lines_without_details(lines: Iterable[list[Any]]) -> list[list[Any]]:
    """Return the stored lines of a due with position and amount, and nothing of the person."""
    return [[line[0], *_NO_DETAILS, *line[_NAME_TO_IBAN.stop :]] for line in lines]


def overpaid_without_details(overpaid: Any) -> Any:
    return [[REMOVED, REMOVED_IBAN, cents] for _name, _iban, cents in overpaid] if overpaid else None


def booking_without_details(row: BankTransaction) -> dict[str, str]:
    """Return the texts of a booking without people: of its description only our reference stays, which matches it."""
    order = row.order if row.order_id is not None else None
    ours = [] if order is None else [order.msg_id, *filter(None, [order.bank_payment_id])]
    kept = next((one for one in ours if one in row.remittance_information and mentions_reference(row, one)), "")
    id_of_others = {"end_to_end_id": ""} if order is None else {}
    return {"counterparty_name": "", "counterparty_iban": "", "remittance_information": kept, **id_of_others}


# --- the hashes -----------------------------------------------------------------------------------
def removed_hash(run: PayrollRun) -> str:
    """Return the keyed hash of everything that will be removed of this run. Call it before the removal."""
    lines = _rows(
        BatchLine, BatchLine.batch.in_(payments_of(run.id)), "creditor_name", "creditor_name_sepa", "remittance",
        "remittance_sepa", "creditor_iban", "vop_name", "paid_for",
    )  # fmt: skip
    return _hash(
        "removed", run.id, lines, _rows(OrderLine, OrderLine.order.in_(orders_of(run.id)), "creditor_iban"),
        _rows(Due, Due.run == run.id, "person", "name", "employee", "lines"),
        _rows(HeldLine, HeldLine.run == run.id, "name", "iban", "description"),
        _rows(Batch, Batch.run == run.id, "unpaid_employee_names"),
        _rows(ExcessAllowance, ExcessAllowance.due.in_(dues_of(run.id)), "creditor_name", "creditor_iban", "remittance",
              "reason"),
        _rows(BankTransaction, BankTransaction.order.in_(orders_of(run.id)), *BOOKING_TEXTS), run.overpaid,
        _rows(LineDoubt, LineDoubt.batch.in_(payments_of(run.id)), "words"),
    )  # fmt: skip


def kept_hash(run: PayrollRun) -> str:
    """Return the keyed hash of what a redacted run keeps unchanged: amounts, order, ids, digests."""
    dues = [[row.id, row.version, row.owed_cents, row.lines] for row in _in_order(Due, Due.run == run.id)]
    return _hash(
        "kept", run.id, dues,
        _rows(Batch, Batch.run == run.id, "reference", "version", "kind", "total_cents", "line_count",
              "execution_date", "bank_account"),
        _rows(BatchLine, BatchLine.batch.in_(payments_of(run.id)), "batch", "position", "amount_cents", "due",
              "end_to_end_id", "already_paid_cents", "reference_type", "reference_issuer"),
        _rows(BankOrder, BankOrder.batch.in_(payments_of(run.id)), "batch", "release", "msg_id", "body_sha256",
              "total_cents", "line_count", "execution_date"),
        _rows(OrderLine, OrderLine.order.in_(orders_of(run.id)), "order", "batch_line", "end_to_end_id",
              "amount_cents"),
        _rows(HeldLine, HeldLine.run == run.id, "version", "number", "reason", "amount_cents", "currency", "due"),
    )  # fmt: skip


def _in_order(table: Any, where: Any) -> Any:
    return table.select().where(where).order_by(table.id)


def _rows(table: Any, where: Any, *columns: str) -> list[list[Any]]:
    return [[row.id, *(row.__data__[name] for name in columns)] for row in _in_order(table, where)]


def _hash(what: str, *parts: Any) -> str:
    return blind_index(f"{what}:{json.dumps(parts, sort_keys=True, default=str)}")


# --- what may not be there ------------------------------------------------------------------------
def details_left(run: PayrollRun) -> Iterator[str]:
    """Yield which details of persons a redacted run still holds."""
    mine, orders = payments_of(run.id), orders_of(run.id)
    named = (
        (BatchLine.creditor_name != REMOVED) | (BatchLine.creditor_name_sepa != REMOVED)
        | (BatchLine.remittance != REMOVED) | (BatchLine.remittance_sepa != REMOVED)
        | (BatchLine.creditor_iban != REMOVED_IBAN) | BatchLine.vop_name.is_null(False)
        | BatchLine.paid_for.is_null(False)
    )  # fmt: skip
    if BatchLine.select().where(BatchLine.batch.in_(mine), named).exists():
        yield "its lines"
    if OrderLine.select().where(OrderLine.order.in_(orders), OrderLine.creditor_iban != REMOVED_IBAN).exists():
        yield "the lines of its orders"
    if BankOrder.select().where(BankOrder.id.in_(orders), BankOrder.body_encrypted != "").exists():
        yield "the bytes of its orders"
    for due in Due.select().where(Due.run == run.id):
        plain = (person_key(due.id), REMOVED, None, lines_without_details(due.lines))
        if (due.person, due.name, due.employee, due.lines) != plain:
            yield f"due {due.id}"
    held = (HeldLine.name != REMOVED) | (HeldLine.iban != REMOVED_IBAN) | (HeldLine.description != REMOVED)
    if HeldLine.select().where(HeldLine.run == run.id, held).exists():
        yield "its held lines"
    asked = (ExcessAllowance.creditor_name != REMOVED) | (ExcessAllowance.reason != REMOVED)
    if ExcessAllowance.select().where(ExcessAllowance.due.in_(dues_of(run.id)), asked).exists():
        yield "what was allowed beyond what is owed"
    if LineDoubt.select().where(LineDoubt.batch.in_(mine), LineDoubt.words != REMOVED).exists():
        yield "what was asked about its lines"
    if Batch.select().where(Batch.run == run.id, Batch.unpaid_employee_names.is_null(False)).exists():
        yield "names of people without a line"
    if run.overpaid != overpaid_without_details(run.overpaid):
        yield "who was paid too much"
