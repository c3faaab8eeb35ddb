"""The file of a payment for operators: as it was sent, or as it would be sent now."""

from dataclasses import dataclass

from connectors.bank.payment_order import OrderUnwritable
from core.clock import amsterdam
from core.encryption import DecryptionFailed
from domain.common import errors
from domain.orders.order_building import order_bytes
from domain.orders.order_preview import is_still_to_be_sent, preview_order
from domain.payments.queries import get_batch
from domain.payments.references import message_id
from models import BankOrder, Batch, Client
from models.states import BatchState


@dataclass(frozen=True)
class OrderFile:
    """The bytes of an order. `note`: why its bank does not have them, as a sentence; None if it has, or may have them.
    """

    body: bytes
    note: str | None = None


class NoOrderFile(Exception):
    """A payment has no file, and none can be made. The message is a sentence."""


_WHY_NOT: dict[type[Exception], str] = {
    errors.NotOpen: "nothing of it is to be sent any more",
    errors.NothingToPay: "every line is excluded",
    errors.RunMissing: "Nmbrs no longer has its run",
    errors.MoreThanOwed: "it would pay more than its run owes now",
    errors.DateInvalid: "its execution date is no longer possible",
    errors.UnsupportedByBank: "its bank takes no such order",
    errors.UnknownBank: "its bank is not in the configuration",
    errors.BankUnavailable: "the configuration of banks cannot be read",
    OrderUnwritable: "its bank's format does not allow this",
}


def order_file(reference: str, attempt: int | None = None) -> OrderFile:
    """Return the file of a payment: the stored bytes of its newest order, or of its order number `attempt`.

    For a payment that waits for its approval or its order it is the file that would be sent now, also after earlier
    orders that failed. The MsgId of a later order (…-2) identifies that order.

    Raises:
    - NotFound
    - NoOrderFile
    """
    batch = Batch.get_or_none(Batch.reference == reference)
    if batch is None:
        return _stored(BankOrder.get_or_none(BankOrder.msg_id == reference))
    orders = BankOrder.select().where(BankOrder.batch == batch.id).order_by(BankOrder.id.desc())
    if attempt is not None:
        orders = orders.where(BankOrder.msg_id == message_id(reference, attempt))
    elif is_still_to_be_sent(batch):
        return _preview(batch)
    order = orders.first()
    if order is None:
        raise NoOrderFile(f"{reference} is {batch.state} and has no such order.")
    return _stored(order)


def _stored(order: BankOrder | None) -> OrderFile:
    if order is None:
        raise errors.NotFound
    if order.batch.run.redacted_at is not None:
        day = amsterdam(order.batch.run.redacted_at).date()
        raise NoOrderFile(f"The file of {order.msg_id} was removed on {day}; its SHA-256 is {order.body_sha256}.")
    note = None if order.submitted_at else f"{order.msg_id} was made and not sent: do not take it to the bank."
    try:
        return OrderFile(order_bytes(order), note)
    except (DecryptionFailed, errors.OrderMismatch) as error:
        raise NoOrderFile(f"The stored file of {order.msg_id} is not the one that was made.") from error


def _preview(batch: Batch) -> OrderFile:
    waits = "is not approved" if batch.state == BatchState.OPEN else "is approved and not sent"
    note = f"{batch.reference} {waits}: this is what would be sent now. Do not take it to the bank."
    try:
        return OrderFile(preview_order(get_batch(Client.get_by_id(batch.client_id), batch.reference)), note)
    except tuple(_WHY_NOT) as error:
        raise NoOrderFile(f"No order can be made of {batch.reference} now: {_told(error)}.") from error


def _told(error: Exception) -> str:
    """Return the reason in words, with the error's own details if it has any."""
    return f"{_WHY_NOT[type(error)]}{f' ({error})' if str(error) else ''}"
