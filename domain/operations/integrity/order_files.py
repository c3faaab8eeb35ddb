"""Orders: their bytes say what was released, what stands in their lines, and what the log knows."""

from collections.abc import Iterator
from copy import copy
from datetime import timedelta

from connectors.bank.order_formats import read_stored_order
from connectors.bank.payment_order import NotOurOrder, PaymentOrder
from core.encryption import DecryptionFailed
from domain.common.errors import OrderMismatch
from domain.operations.integrity.records import PaymentRecord
from domain.orders.order_building import order_bytes
from domain.payments.digest import is_digest_of, wishes_of
from domain.payments.payee_checks import answer_marks
from domain.payments.references import message_id
from models import BankCall, BankOrder, BatchLine, OrderDownload, OrderLine, Release
from models.states import OrderState

_WITHOUT_MSG_ID = "json"


def order_file_faults(record: PaymentRecord) -> Iterator[str]:
    """Yield what is wrong with the orders of this payment as they were made."""
    releases = {one.id: one for one in record.releases}
    for number, order in enumerate(record.orders, 1):
        name = f"{record.name}: order {order.msg_id}"
        if order.msg_id != message_id(record.batch.reference, number):
            yield f"{name}: its MsgId is not that of order {number} of the payment"
        release = releases.get(order.release_id)
        if release is None:
            yield f"{name}: its release is another payment's"
            continue
        for fault in _order(record, order, release):
            yield f"{name}: {fault}"


def _order(record: PaymentRecord, order: BankOrder, release: Release) -> Iterator[str]:
    yield from _facts(record, order, release)
    yield from _calls(order)
    if record.is_redacted:
        return  # the hash of its bytes is compared with the log, and that of its lines (`redactions`)
    try:
        body = read_stored_order(order.message_format, order_bytes(order))
    except (DecryptionFailed, OrderMismatch):
        yield "its bytes are not those that were made"
    except NotOurOrder:
        yield "its bytes cannot be read as an order of ours"
    else:
        yield from _header(order, release, body)
        yield from _lines(record, order, release, body)


def _facts(record: PaymentRecord, order: BankOrder, release: Release) -> Iterator[str]:
    sums = (release.total_cents, release.line_count, release.execution_date)
    if (order.total_cents, order.line_count, order.execution_date) != sums:
        yield "total, count or day is not what was released"
    if order.bank_account.iban != release.debtor_iban:
        yield "its account is not the one that was released"
    if order is record.live_order and order.bank_account_id != record.batch.bank_account_id:
        yield "its account is not that of the payment"
    if order is record.live_order and order.execution_date != record.batch.execution_date:
        yield "its day is not that of the payment"
    told = record.event_of("batch.send", order=order.id)
    if told is None:
        yield "the log does not know it"
    elif (told.details["sha256"], told.details.get("request", order.x_request_id)) != (
        order.body_sha256, order.x_request_id,
    ):  # fmt: skip
        yield "the hash of its bytes or its X-Request-ID is not what the log says"
    elif (told.details.get("retry_days"), told.details.get("signing")) != (order.retry_days, order.signing):
        yield "how its bank retries or signs is not what the log says"
    payments = [event.details["payment"] for event in record.events if event.details.get("order") == order.id
                and "payment" in event.details]  # fmt: skip
    if payments and payments[0] != order.bank_payment_id:
        yield "the bank's id of it is not what the log says"


def _calls(order: BankOrder) -> Iterator[str]:
    """Whether the bank may have it: what was called, and who took the file."""
    placed = list(BankCall.select().where(BankCall.order == order.id, BankCall.operation == "place"))
    taken = OrderDownload.select().where(OrderDownload.order == order.id).exists()
    if any(row.x_request_id != order.x_request_id for row in placed):
        yield "it was sent under another X-Request-ID"
    reached = taken or bool(order.bank_payment_id) or any(row.outcome != "not_delivered" for row in placed)
    if order.submitted_at is None and (reached or order.state not in (OrderState.PREPARED, OrderState.CLOSED)):
        yield "the bank may have it, and it is kept as never sent"
    if order.submitted_at is not None and order.state == OrderState.PREPARED:
        yield "it waits to be sent, and is kept as sent"
    if order.is_manual and (placed or order.bank_payment_id):
        yield "it went over the bank's line, and is kept as taken by a person"
    if taken and not order.is_manual:
        yield "a person took its file, and it is kept as sent over the bank's line"


def _header(order: BankOrder, release: Release, body: PaymentOrder) -> Iterator[str]:
    if order.message_format != _WITHOUT_MSG_ID and body.msg_id != order.msg_id:
        yield "its bytes bear another MsgId"
    if (body.debtor_iban, body.execution_date) != (release.debtor_iban, release.execution_date):
        yield "its bytes name another account or day than was released"
    if (body.total_cents, body.count) != (order.total_cents, order.line_count):
        yield "total or count is not that of its bytes"
    if body.batch_booking != release.batch_booking:
        yield "its bytes ask for another way of booking than was released"
    if order.message_format != _WITHOUT_MSG_ID and body.created_at < release.released_at - timedelta(seconds=1):
        yield "its bytes are older than the release"


def _lines(record: PaymentRecord, order: BankOrder, release: Release, body: PaymentOrder) -> Iterator[str]:
    """Compare bytes and order lines, and compute the digest of the release again from both."""
    rows = {row.end_to_end_id: row for row in OrderLine.select().where(OrderLine.order == order.id)}
    if not rows and order.state == OrderState.CLOSED and order is not record.orders[-1]:
        return  # it ended before orders had lines of their own
    given = {line.end_to_end_id: line for line in body.lines}
    for end_to_end_id in sorted(rows.keys() ^ given.keys()):
        yield f"line {end_to_end_id} is not both in its bytes and in its lines"
    of_payment, shown = {line.id: line for line in record.lines}, []
    for end_to_end_id in sorted(rows.keys() & given.keys()):
        row, line = rows[end_to_end_id], given[end_to_end_id]
        if (row.creditor_iban, row.amount_cents) != (line.creditor_iban, line.amount_cents):
            yield f"line {end_to_end_id}: account or amount is not that of its bytes"
        mine = of_payment.get(row.batch_line_id)
        if mine is None:
            yield f"line {end_to_end_id} belongs to no line of the payment"
            continue
        shown.append(_as_sent(mine, end_to_end_id, line.creditor_name, line.remittance))
        if (mine.creditor_iban, mine.amount_cents) != (row.creditor_iban, row.amount_cents):
            yield f"line {end_to_end_id}: account or amount is not that of the payment"
    answers = answer_marks(record.batch.id, release.released_at)
    said = (release.debtor_iban, release.execution_date, shown, record.batch.kind, wishes_of(release), answers)
    if not is_digest_of(release.digest, *said):
        yield "what it says is not what was released"


def _as_sent(line: BatchLine, end_to_end_id: str, name: str, remittance: str) -> BatchLine:
    """Return the line as it was when the order was made: a later order may have another id and name."""
    sent = copy(line)
    sent.__data__ = {**line.__data__, "end_to_end_id": end_to_end_id, "creditor_name_sepa": name}
    sent.remittance_sepa = remittance
    return sent
