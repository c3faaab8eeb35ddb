"""Import a file of the bank: a status report (pain.002) or an account statement (camt.052, camt.053, camt.054).

A report names its order by message id; a statement by account plus message id or end-to-end ids. What the file states
is stored as a hint, which proves nothing. It counts once a member confirms it with their PIN
(`domain.orders.attestations`). If the order's bank is linked, the bank is asked first, and only its own answer counts.
Only if it cannot be asked (`domain.orders.bank_silence`), two members who confirm the same file count as that bank.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

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
from domain.common.errors import BankFileRefused, NotFound
from domain.orders import attestations, evidence, settlement, status_polling
from domain.orders.bank_silence import Silence, bank_silence
from domain.orders.conclusion import BOOKED, BOOKED_REVERSAL, Level, Trust
from domain.orders.evidence import Statement
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.release import require_person_with_pin
from domain.reconciliation.matching import booking_statement
from models import BankCall, BankOrder, Batch, Client, Device, Evidence, Membership, OrderLine, User, transaction

MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class UploadedFile:
    """An uploaded file. `document`: its SHA-256; `state`: that of the payment; `to_confirm`: whether a member must
    confirm it.
    """

    document: str
    state: str
    to_confirm: bool


@dataclass(frozen=True)
class StatedOutcome:
    """What a file states about a whole order (`lines` is None), or about a number of lines. `cents`: of a booking."""

    code: str
    lines: int | None
    reason: str | None
    cents: int | None
    said_at: datetime


@dataclass(frozen=True)
class KeptFile:
    """An uploaded file, as its page shows it.

    `people`: how many must confirm it. `silence`: why the linked bank cannot be asked; None for an order that a person
    took to the bank.
    """

    told: tuple[StatedOutcome, ...]
    people: int
    silence: Silence | None


@dataclass(frozen=True)
class ReadFile:
    """The statements of a file about one order."""

    kind: str
    order: BankOrder
    statements: list[Statement]


def receive_report(client: Client, user: User, reference: str, raw: bytes) -> UploadedFile:
    """Read an uploaded bank file about this payment and store what it states; ask the bank if it is linked.

    Raises:
    - BankFileRefused: "unreadable", "other_order", "other_account" or "nothing_new"; "hint" if the linked bank was
      asked because of this file and said nothing new; "one_member" if it cannot be asked, and the client has no second
      person to confirm the file.
    - NotFound
    """
    batch = get_batch(client, reference)
    orders = list(BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc()))
    if not orders:
        raise BankFileRefused("other_order")
    said_by, document = f"user:{user.id}", digest_sha256(raw)
    read = [one for one in _read(orders, raw) if not _has_confirmed(one, said_by)]
    if not read:
        raise BankFileRefused("nothing_new")
    with transaction(client.id):
        get_batch_locked(client, reference)
        for one in read:
            if evidence.add_evidence(one.order, evidence.REPORT, Trust.HINT, one.statements, said_by, document):
                _log(one)
    found = [one.order for one in read]
    state = _ask_the_banks(batch, found)
    if state != batch.state:
        return UploadedFile(document, state, to_confirm=False)
    _confirmable(batch, found)
    return UploadedFile(document, state, to_confirm=True)


def _has_confirmed(read: ReadFile, said_by: str) -> bool:
    trust = attestations.trust_of(read.order)
    return evidence.are_known(read.order, evidence.REPORT, trust, read.statements, said_by)


def confirm_report(membership: Membership, reference: str, document: str, pin: str, device: Device | None) -> str:
    """Confirm an uploaded file as this person; return the state of the payment.

    Raises:
    - NotFound: no such file was uploaded for this payment.
    - BankFileRefused: "hint" if the linked bank can be asked after all; "one_member".
    - InsufficientRole, PinWrong, PinLocked, PinMissing, DeviceUnconfirmed, NotIdentified, SamePerson
    """
    client = membership.client
    batch = get_batch(client, reference)
    orders = _orders_of_document(batch, document)
    require_person_with_pin(membership, pin, device)
    if _ask_the_banks(batch, orders) == batch.state:
        with transaction(client.id):
            get_batch_locked(client, reference)
            for order in _confirmable(batch, orders):
                _confirm(membership, reference, order, document)
    return Batch.get_by_id(batch.id).state


def _confirm(membership: Membership, reference: str, order: BankOrder, document: str) -> None:
    said, actor = evidence.statements_of_document(order, document), audit.by_user(membership.user)
    if attestations.add(membership, order, evidence.REPORT, said, document):
        subject = f"batch:{reference}"
        audit.record_event(
            membership.client_id, actor, "order.file_confirmed", subject, order=order.id, document=document
        )
        settlement.settle(order, actor, file="confirmed")


def kept_file(client: Client, reference: str, document: str) -> KeptFile:
    """Return an uploaded file of this payment.

    Raises:
    - NotFound
    """
    orders = _orders_of_document(get_batch(client, reference), document)
    said = [one for order in orders for one in evidence.statements_of_document(order, document)]
    silence = next((why for order in orders if (why := bank_silence(order))), None)
    return KeptFile(_told(said), max(map(attestations.people_needed, orders)), silence)


def _told(statements: list[Statement]) -> tuple[StatedOutcome, ...]:
    """Return what the statements say, with equal statements about several lines as one."""
    found: dict[tuple, StatedOutcome] = {}
    for one in statements:
        line = one.end_to_end_id is not None
        key = (one.code, line, one.reason, bool(one.cents and one.cents > 0) if one.cents else None)
        before = found.get(key)
        count = (before.lines if before and before.lines else 0) + 1 if line else None
        cents = (before.cents if before and before.cents else 0) + one.cents if one.cents else None
        found[key] = StatedOutcome(one.code, count, one.reason, cents, before.said_at if before else one.said_at)
    return tuple(found.values())


def _orders_of_document(batch: Batch, document: str) -> list[BankOrder]:
    rows = BankOrder.select().join(Evidence).where(
        BankOrder.batch == batch.id, Evidence.document_sha256 == document, Evidence.trust == Trust.HINT
    )  # fmt: skip
    orders = list(rows.distinct().order_by(BankOrder.id.desc()))
    if not orders:
        raise NotFound
    return orders


def _log(read: ReadFile) -> None:
    codes = [one.code for one in read.statements if one.end_to_end_id is None]
    BankCall.create(
        order=read.order.id, operation="file", x_request_id=uuid(), outcome=read.kind,
        bank_status=codes[0] if codes else None
    )


def _ask_the_banks(batch: Batch, orders: list[BankOrder]) -> str:
    """Ask the linked banks about these orders; return the state that the payment is in now."""
    for order in orders:
        if not order.is_manual:
            status_polling.poll_now(order)
    return Batch.get_by_id(batch.id).state


def _confirmable(batch: Batch, orders: list[BankOrder]) -> list[BankOrder]:
    """Return the orders about which members may confirm something now; at least one."""
    fresh = [BankOrder.get_by_id(order.id) for order in orders]
    found = [order for order in fresh if order.is_manual or bank_silence(order)]
    if not found:
        raise BankFileRefused("hint")
    if all(not order.is_manual for order in found) and not attestations.has_two_people(batch.client_id):
        raise BankFileRefused("one_member")
    return found


def _read(orders: list[BankOrder], raw: bytes) -> list[ReadFile]:
    if len(raw) > MOST_BYTES:
        raise BankFileRefused("unreadable")
    try:
        return [_of_report(orders, read_status_report(raw))]
    except NotAReport:
        pass
    try:
        return _of_account(orders, read_account_report(raw))
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
def _of_account(orders: list[BankOrder], document: AccountReportDocument) -> list[ReadFile]:
    """Read what is booked on the account of each order: the payment may be of another account by now."""
    told = {one.iban for one in document.statements}
    if not any(order.bank_account.iban in told for order in orders):
        raise BankFileRefused("other_account" if told else "unreadable")
    found = [ReadFile("camt", order, list(_bookings(order, _booked(order, document)))) for order in orders]
    if not any(one.statements for one in found):
        raise BankFileRefused("nothing_new")
    return [one for one in found if one.statements]


def _booked(order: BankOrder, document: AccountReportDocument) -> list[AccountEntry]:
    mine = [one for one in document.statements if one.iban == order.bank_account.iban]
    return [entry for one in mine for entry in one.entries if entry.is_booked and entry.booking_date]


def _bookings(order: BankOrder, entries: list[AccountEntry]) -> Iterator[Statement]:
    """Yield what the entries say about this order: about lines that their details name, else about the whole order."""
    lines = {row.end_to_end_id: row.amount_cents for row in OrderLine.select().where(OrderLine.order == order.id)}
    equals: Counter[tuple] = Counter()
    for entry in entries:
        for level, cents, end_to_end_id, reason in _parts(order, entry, lines):
            equals[(entry.booking_date, cents, end_to_end_id)] += 1
            number = equals[(entry.booking_date, cents, end_to_end_id)]
            code = BOOKED_REVERSAL if entry.reversal and cents < 0 else BOOKED
            if entry.booking_date:
                yield booking_statement(level, entry.booking_date, cents, end_to_end_id, reason, number, code)


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
    ids = {order.msg_id, order.bank_payment_id or order.msg_id}
    named = [(one.message_id, one.payment_information_id) for one in (*entry.batches, *entry.details)]
    return any(not ids.isdisjoint(pair) for pair in named)


def _cents_of(entry: AccountEntry, detail: TransactionDetail, lines: dict[str, int]) -> int:
    """Return the detail's own amount; that of the entry if it is the only detail; else the amount that we ordered."""
    if len(entry.details) == 1 and detail.amount_cents is None:
        return entry.signed_cents
    cents = detail.amount_cents if detail.amount_cents is not None else lines[detail.end_to_end_id or ""]
    return cents if (detail.direction or entry.direction) == "credit" else -cents
