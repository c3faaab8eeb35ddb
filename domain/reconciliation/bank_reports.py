"""Import a file of the bank: a status report (pain.002) or an account statement (camt.052, camt.053, camt.054).

Its statements become evidence about the order that they name: a report by message id, an account statement by account
plus message id or end-to-end ids. For a manual order it counts as the word of the person who imports it. For an order
at a linked bank it proves nothing: it is stored as a hint, and the bank is asked at once.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.bank.camt import (
    AccountEntry,
    AccountReportDocument,
    NotAnAccountReport,
    TransactionDetail,
    read_account_report,
)
from connectors.bank.pain002 import NotAReport, StatusReportDocument, read_status_report
from core.clock import utcnow
from core.encryption import digest_sha256
from core.ids import uuid
from domain.common import audit
from domain.common.errors import BankFileRefused
from domain.orders import evidence, settlement, status_polling
from domain.orders.conclusion import BOOKED, BOOKED_REVERSAL, Level, Trust
from domain.orders.evidence import Statement
from domain.payments.queries import get_batch, get_batch_locked
from domain.reconciliation.matching import booking_statement
from models import BankExchange, BankOrder, Batch, Client, OrderLine, User, transaction

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ReadFile:
    """The statements of a file about one order."""

    kind: str
    order: BankOrder
    statements: list[Statement]


def import_report(client: Client, user: User, reference: str, raw: bytes) -> str:
    """Read a file of the bank about this payment; return the state that the payment is in now.

    Raises:
    - BankFileRefused: "unreadable", "other_order", "other_account" or "nothing_new"; "hint" if the linked bank was
      asked because of this file, and said nothing new.
    - NotFound
    """
    batch = get_batch(client, reference)
    orders = list(BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()))
    if not orders:
        raise BankFileRefused("other_order")
    read = _read(batch, orders, raw)
    with transaction(client.id):
        get_batch_locked(client, reference)
        added = [_add(one, user, raw) for one in read]
    linked = [one.order for one in read if not one.order.by_hand]
    if linked:
        return _ask_the_bank(batch, linked)
    if not any(added):
        raise BankFileRefused("nothing_new")
    return Batch.get_by_id(batch.id).state


def _add(read: ReadFile, user: User, raw: bytes) -> int:
    """Add a file's statements about one order and settle it; return how many were new."""
    added = evidence.add_evidence(
        read.order, evidence.REPORT, Trust.PERSON if read.order.by_hand else Trust.HINT, read.statements,
        said_by=f"user:{user.id}", document=digest_sha256(raw),
    )  # fmt: skip
    if added:
        _log(read)
        settlement.settle(read.order, audit.by_user(user), file=read.kind)
    return added


def _log(read: ReadFile) -> None:
    codes = [one.code for one in read.statements if one.end_to_end_id is None]
    BankExchange.create(
        order=read.order.id, call="file", request_id=uuid(), outcome=read.kind, raw_status=codes[0] if codes else None
    )


def _ask_the_bank(batch: Batch, orders: list[BankOrder]) -> str:
    for order in orders:
        status_polling.poll_now(order)
    state = Batch.get_by_id(batch.id).state
    if state == batch.state:
        raise BankFileRefused("hint")
    return state


def _read(batch: Batch, orders: list[BankOrder], raw: bytes) -> list[ReadFile]:
    if len(raw) > MOST_BYTES:
        raise BankFileRefused("unreadable")
    try:
        return [_of_report(orders, read_status_report(raw))]
    except NotAReport:
        pass
    try:
        return _of_account(batch, orders, read_account_report(raw))
    except NotAnAccountReport as error:
        raise BankFileRefused("unreadable") from error


# --- a status report -------------------------------------------------------------------------------
def _of_report(orders: list[BankOrder], document: StatusReportDocument) -> ReadFile:
    order = next((one for one in orders if one.msg_id == document.original_message_id), None)
    if order is None:
        raise BankFileRefused("other_order")
    at = document.created_at or utcnow()
    told = [one for one in document.statements if one.code and evidence.is_placed(one)]
    found = [evidence.statement_of(order, one, at) for one in told]
    if not found:
        raise BankFileRefused("unreadable")
    return ReadFile("pain.002", order, found)


# --- a statement -----------------------------------------------------------------------------------
def _of_account(batch: Batch, orders: list[BankOrder], document: AccountReportDocument) -> list[ReadFile]:
    mine = [one for one in document.statements if one.iban == batch.bank_account.iban]
    if not mine:
        raise BankFileRefused("other_account" if document.statements else "unreadable")
    entries = [entry for one in mine for entry in one.entries if entry.is_booked and entry.booked_on]
    found = [ReadFile("camt", order, list(_bookings(order, entries))) for order in orders]
    if not any(one.statements for one in found):
        raise BankFileRefused("nothing_new")
    return [one for one in found if one.statements]


def _bookings(order: BankOrder, entries: list[AccountEntry]) -> Iterator[Statement]:
    """Yield what the entries say about this order: about lines that their details name, else about the whole order."""
    lines = {row.end_to_end_id: row.amount_cents for row in OrderLine.select().where(OrderLine.order == order.id)}
    equals: Counter[tuple] = Counter()
    for entry in entries:
        for level, cents, end_to_end_id, reason in _parts(order, entry, lines):
            equals[(entry.booked_on, cents, end_to_end_id)] += 1
            number = equals[(entry.booked_on, cents, end_to_end_id)]
            code = BOOKED_REVERSAL if entry.reversal and cents < 0 else BOOKED
            if entry.booked_on:
                yield booking_statement(level, entry.booked_on, cents, end_to_end_id, reason, number, code)


def _parts(order: BankOrder, entry: AccountEntry, lines: dict[str, int]) -> Iterator[tuple]:
    """Yield level, cents, end-to-end id and reason of each part of an entry that belongs to this order."""
    named = [detail for detail in entry.details if detail.end_to_end_id in lines]
    amounts = [_cents_of(entry, detail, lines) for detail in named]
    ours = _names_order(order, entry)
    is_told = all(detail.amount_cents is not None for detail in named) or len(entry.details) == 1
    if named and (sum(amounts) == entry.signed_cents or (is_told and not ours)):
        for detail, cents in zip(named, amounts, strict=True):
            yield Level.LINE, cents, detail.end_to_end_id, detail.return_reason or ("MS03" if cents > 0 else None)
    elif ours:
        yield Level.GROUP, entry.signed_cents, None, None


def _names_order(order: BankOrder, entry: AccountEntry) -> bool:
    """Return whether the entry names our message id (also the payment information id), or the bank's id of the order.
    """
    ids = {order.msg_id, order.payment_id or order.msg_id}
    named = [(one.message_id, one.payment_information_id) for one in (*entry.batches, *entry.details)]
    return any(not ids.isdisjoint(pair) for pair in named)


def _cents_of(entry: AccountEntry, detail: TransactionDetail, lines: dict[str, int]) -> int:
    """Return the detail's own amount; that of the entry if it is the only detail; else the amount that we ordered."""
    if len(entry.details) == 1 and detail.amount_cents is None:
        return entry.signed_cents
    cents = detail.amount_cents if detail.amount_cents is not None else lines[detail.end_to_end_id or ""]
    return cents if (detail.direction or entry.direction) == "credit" else -cents
