"""Whether the linked bank of an order can be asked about it.

While it can, only its own answer counts. When it cannot, two members may confirm a file of that bank, and two
operators may settle the order (docs/decisions/0029-proof-and-people.md). No other module decides this.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from connectors.bank import port
from core.clock import utcnow
from models import BankExchange, BankOrder

STATUS_CALL = "status"
FAILED = "failed:"
ANSWERED = "answered"
LASTS = timedelta(hours=24)  # how long a bank must have failed to answer; a shorter failure passes by itself
# Refusals that say that our access to the account has ended (Berlin Group NextGenPSD2 1.3.11, message codes).
_ACCESS_ENDED = frozenset({"CONSENT_EXPIRED", "CONSENT_UNKNOWN", "CONSENT_INVALID"})


class Silence(StrEnum):
    """Why a bank cannot be asked about an order."""

    ACCESS_ENDED = "access_ended"  # the consent or the authorisation of the client has ended
    ORDER_UNKNOWN = "order_unknown"  # the bank does not know the order, or never gave it an id to ask about
    AWAY = "away"  # the bank has not answered for a day


def failure(error: Exception) -> str:
    """Return what to keep of a question about an order that failed: no text of the bank, which may contain names."""
    refused = f":{error.http_status}:{error.code}" if isinstance(error, port.BankRefused) else ""
    return f"{FAILED}{type(error).__name__}{refused}"


def bank_silence(order: BankOrder) -> Silence | None:
    """Return why the bank of this order cannot be asked about it; None if it can, or if a person took the order there.

    It goes by how the bank was asked last: each answer, of whatever content, means that it can be asked.
    """
    if order.by_hand or order.called_at is None:
        return None
    if order.payment_id is None:
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
    """The bank never confirmed the order. Operators may have said that it has it; else it may still answer for a day.
    """
    called: datetime = order.called_at  # type: ignore[assignment]
    if order.state == "sent" and called > utcnow() - LASTS:
        return None
    return Silence.ORDER_UNKNOWN


def _failing(order: BankOrder) -> tuple[str | None, datetime | None]:
    """Return the last failure and when the unbroken row of failures began; None when the last question was answered."""
    asked = BankExchange.select().where(BankExchange.order == order.id, BankExchange.call == STATUS_CALL)
    last, since = None, None
    for row in asked.order_by(BankExchange.id.desc()).iterator():
        if not row.outcome.startswith(FAILED):
            break
        last, since = last or row.outcome, row.at
    return last, since


def _is_access_ended(outcome: str) -> bool:
    return outcome.rpartition(":")[2] in _ACCESS_ENDED
