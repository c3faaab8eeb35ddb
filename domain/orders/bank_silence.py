"""Whether the linked bank of an order can be asked about it.

If it can, only its own answer counts. If not, two members may confirm a file of that bank, and two operators may settle
the order (docs/decisions/0029-proof-and-people.md). Only this module decides it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from connectors.bank import port
from core.clock import utcnow
from models import BankCall, BankOrder
from models.states import OrderState

STATUS_CALL = "status"
FAILED = "failed:"
ANSWERED = "answered"
LASTS = timedelta(hours=24)  # how long a bank must have failed to answer
# Message codes for an ended access to the account (Berlin Group NextGenPSD2 1.3.11).
_ACCESS_ENDED = frozenset({"CONSENT_EXPIRED", "CONSENT_UNKNOWN", "CONSENT_INVALID"})


class Silence(StrEnum):
    """Why a bank cannot be asked about an order."""

    ACCESS_ENDED = "access_ended"  # the consent or the authorisation of the client has ended
    ORDER_UNKNOWN = "order_unknown"  # the bank does not know the order, or never gave it an id to ask about
    AWAY = "away"  # the bank has not answered for a day


def failure(error: Exception) -> str:
    """Return how to record a failed question about an order: without the bank's text, which may contain names."""
    refused = f":{error.http_status}:{error.code}" if isinstance(error, port.BankRefused) else ""
    return f"{FAILED}{type(error).__name__}{refused}"


def bank_silence(order: BankOrder) -> Silence | None:
    """Return why the bank cannot be asked about this order; None if it can, or if a person took the order there.

    Any answer to the last question, whatever its content, means that the bank can be asked.
    """
    if order.is_manual or order.submitted_at is None:
        return None
    if order.bank_payment_id is None:
        return _without_id(order)
    last, since = _failing(order)
    if last is None or since is None:
        return None
    if _is_access_ended(last):
        return Silence.ACCESS_ENDED
    if since > utcnow() - LASTS:
        return None
    return Silence.ORDER_UNKNOWN if ":404:" in last else Silence.AWAY


def has_failed(order: BankOrder) -> bool:
    """Return whether the last question about this order failed."""
    return _failing(order)[0] is not None


def _without_id(order: BankOrder) -> Silence | None:
    """Return the silence about an order that the bank never confirmed: after a day, or once operators say that it has
    it.
    """
    called: datetime = order.submitted_at  # type: ignore[assignment]
    if order.state == OrderState.SUBMITTED and called > utcnow() - LASTS:
        return None
    return Silence.ORDER_UNKNOWN


def _failing(order: BankOrder) -> tuple[str | None, datetime | None]:
    """Return the last failure, and when the unbroken series of failures began; None if the last question was answered.
    """
    asked = BankCall.select().where(BankCall.order == order.id, BankCall.operation == STATUS_CALL)
    last, since = None, None
    for row in asked.order_by(BankCall.id.desc()).iterator():
        if not row.outcome.startswith(FAILED):
            break
        last, since = last or row.outcome, row.created_at
    return last, since


def _is_access_ended(outcome: str) -> bool:
    return outcome.rpartition(":")[2] in _ACCESS_ENDED
