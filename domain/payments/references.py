"""References: YYYYMMDDHHMMSS-NNNNN for a batch, and what is derived from it for the bank."""

from core.clock import utcnow
from core.ids import five_digits
from models import Batch


def new_reference() -> str:
    """A reference that no batch has; the database's unique key has the last word."""
    while True:
        reference = f"{utcnow():%Y%m%d%H%M%S}-{five_digits()}"
        if not Batch.select().where(Batch.reference == reference).exists():
            return reference


def message_id(reference: str, order_number: int) -> str:
    """MsgId: the reference for the first order, then the reference with -2, -3."""
    return reference if order_number == 1 else f"{reference}-{order_number}"


def end_to_end_id(msg_id: str, position: int) -> str:
    """Unique for ever: the order's MsgId and the line's position."""
    return f"{msg_id}-{position:05d}"
