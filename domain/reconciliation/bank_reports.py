"""A file of the bank, handed in by a person: a status report (pain.002) or a statement (camt.053, camt.054).

What it states becomes evidence about the order that it names: the report by the message id, the statement by account,
and by message id or end-to-end ids. For an order that a person took to the bank it counts as that person's word. For an
order at a linked bank it proves nothing: it is kept as a hint, and the bank is asked at once over its own line.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.bank.camt053 import Detail, Entry, NotAStatement, read_statements
from connectors.bank.camt053 import Statement as AccountStatement
from connectors.bank.pain002 import NotAReport, Report, read_report
from core.clock import utcnow
from core.encryption import digest_sha256
from core.ids import uuid
from domain.common import audit
from domain.common.errors import BankFileRefused
from domain.orders import evidence, settlement, status_polling
from domain.orders.conclusion import Level, Trust
from domain.orders.evidence import Statement
from domain.payments.queries import get_batch, get_batch_locked
from domain.reconciliation.matching import booking_statement
from models import BankExchange, BankOrder, Batch, Client, OrderLine, User, transaction

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class ReadFile:
    """What a file states about one order."""

    kind: str
    order: BankOrder
    statements: list[Statement]


def import_report(client: Client, user: User, reference: str, raw: bytes) -> str:
    """Read a file of the bank about this payment; return the state that the payment is in now.

    Raises:
        BankFileRefused: "unreadable", "other_order", "other_account" or "nothing_new"; "hint" when the bank is
            linked, was asked because of this file, and says nothing new.
        NotFound
    """
    batch = get_batch(client, reference)
    orders = list(BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()))
    if not orders:
        raise BankFileRefused("other_order")
    read = _read(batch, orders, raw)
    trust = Trust.PERSON if read.order.by_hand else Trust.HINT
    with transaction(client.id):
        get_batch_locked(client, reference)
        added = evidence.add_evidence(
            read.order, evidence.REPORT, trust, read.statements, said_by=f"user:{user.id}", document=digest_sha256(raw)
        )
        if added:
            _log(read)
            settlement.settle(read.order, audit.by_user(user), file=read.kind)
    if trust == Trust.HINT:
        return _ask_the_bank(batch, read.order)
    if not added:
        raise BankFileRefused("nothing_new")
    return Batch.get_by_id(batch.id).state


def _log(read: ReadFile) -> None:
    codes = [one.code for one in read.statements if one.end_to_end_id is None]
    BankExchange.create(
        order=read.order.id, call="file", request_id=uuid(), outcome=read.kind, raw_status=codes[0] if codes else None
    )


def _ask_the_bank(batch: Batch, order: BankOrder) -> str:
    status_polling.poll_now(order)
    state = Batch.get_by_id(batch.id).state
    if state == batch.state:
        raise BankFileRefused("hint")
    return state


def _read(batch: Batch, orders: list[BankOrder], raw: bytes) -> ReadFile:
    if len(raw) > MOST_BYTES:
        raise BankFileRefused("unreadable")
    try:
        return _of_report(orders, read_report(raw))
    except NotAReport:
        pass
    try:
        return _of_statements(batch, orders, read_statements(raw))
    except NotAStatement as error:
        raise BankFileRefused("unreadable") from error


# --- a status report -------------------------------------------------------------------------------
def _of_report(orders: list[BankOrder], report: Report) -> ReadFile:
    order = next((one for one in orders if one.msg_id == report.original_message_id), None)
    if order is None:
        raise BankFileRefused("other_order")
    at, reason = utcnow(), report.reasons[0] if report.reasons else None
    found = [Statement(Level.BATCH, status, at, None, reason) for status in report.payment_statuses]
    if report.group_status:
        found.append(Statement(Level.GROUP, report.group_status, at, None, reason))
    for one in report.transactions:
        if one.end_to_end_id and one.status:
            found.append(
                Statement(Level.LINE, one.status, at, one.end_to_end_id, one.reasons[0] if one.reasons else None)
            )
    if not found:
        raise BankFileRefused("unreadable")
    return ReadFile("pain.002", order, found)


# --- a statement -----------------------------------------------------------------------------------
def _of_statements(batch: Batch, orders: list[BankOrder], statements: list[AccountStatement]) -> ReadFile:
    mine = [one for one in statements if one.iban == batch.bank_account.iban]
    if not mine:
        raise BankFileRefused("other_account")
    entries = [entry for one in mine for entry in one.entries]
    for order in orders:
        found = list(_bookings(order, entries))
        if found:
            return ReadFile("camt.053", order, found)
    raise BankFileRefused("nothing_new")


def _bookings(order: BankOrder, entries: list[Entry]) -> Iterator[Statement]:
    """What the entries state of this order: of a line that a detail names, else of the whole that an entry names."""
    lines = {row.end_to_end_id: row.amount_cents for row in OrderLine.select().where(OrderLine.order == order.id)}
    equals: Counter[tuple] = Counter()
    for entry in entries:
        if entry.booked_on is None:
            continue
        named = [detail for detail in entry.details if detail.end_to_end_id in lines]
        if named:
            for detail in named:
                cents = _cents_of(entry, detail, len(entry.details), lines)
                equals[(entry.booked_on, cents, detail.end_to_end_id)] += 1
                number = equals[(entry.booked_on, cents, detail.end_to_end_id)]
                reason = detail.return_reason or ("MS03" if cents > 0 else None)
                yield booking_statement(Level.LINE, entry.booked_on, cents, detail.end_to_end_id, reason, number)
        elif order.msg_id in entry.message_ids:
            equals[(entry.booked_on, entry.cents)] += 1
            number = equals[(entry.booked_on, entry.cents)]
            yield booking_statement(Level.GROUP, entry.booked_on, entry.cents, None, None, number)


def _cents_of(entry: Entry, detail: Detail, details: int, lines: dict[str, int]) -> int:
    """The detail's own amount; a single one has the entry's; else what we asked: the bank lists what it booked."""
    sign = 1 if entry.cents > 0 else -1
    if detail.cents is not None:
        return sign * abs(detail.cents)
    return entry.cents if details == 1 else sign * lines[detail.end_to_end_id or ""]
