"""The bank's signal that an order has changed: never believed, only a reason to ask sooner.

The address holds a state of this order alone, known to us and its bank. What the signal says is not
read (Berlin Group, lean push notifications 1.0: "the TPP needs to check the resource status").
"""

from core.clock import utcnow
from domain.common.encryption import blind_index
from domain.common.services import services
from domain.orders.status_polling import POLLED_STATES
from models import BankOrder


def callback_state(msg_id: str) -> str:
    """Cannot be guessed, need not be kept; another one than that of the way back."""
    return blind_index(f"notice:{msg_id}")


def callback_url(order: BankOrder) -> str | None:
    """Where the bank may post its signal of this order; None when none was asked for."""
    if order.notify_hash is None:
        return None
    return f"{services().hook_url}/bank/seintje/{callback_state(order.msg_id)}"


def handle_callback(state: str) -> bool:
    """Have the order of this state asked about now, unless it is over; whether there is one.

    The same two statements whatever comes of them: how long it takes tells nobody which states exist.
    """
    mine = BankOrder.notify_hash == blind_index(state)
    BankOrder.update(due_at=utcnow()).where(mine, BankOrder.state.in_(POLLED_STATES)).execute()
    return BankOrder.select(BankOrder.id).where(mine).exists()
