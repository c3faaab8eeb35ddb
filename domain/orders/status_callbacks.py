"""The bank's callback that an order has changed. It is never believed: it only makes us poll sooner.

The URL holds a state known only to us and the bank. The content of the callback is not read (Berlin Group, lean push
notifications 1.0: "the TPP needs to check the resource status").
"""

from core.clock import utcnow
from domain.common.encryption import blind_index
from domain.common.services import services
from domain.orders.status_polling import POLLED_STATES
from models import BankOrder


def callback_state(msg_id: str) -> str:
    """Return the state in the callback URL. It cannot be guessed, need not be stored, and differs from that of the
    redirect.
    """
    return blind_index(f"notice:{msg_id}")


def callback_url(order: BankOrder) -> str | None:
    """Return the URL for the bank's callbacks about this order; None if none were requested."""
    if order.callback_state_hash is None:
        return None
    return f"{services().hook_url}/bank/seintje/{callback_state(order.msg_id)}"


def handle_callback(state: str) -> bool:
    """Poll the order with this state now, unless it is over; return whether there is one.

    Both queries always run, so that the time taken does not reveal which states exist.
    """
    mine = BankOrder.callback_state_hash == blind_index(state)
    BankOrder.update(due_at=utcnow()).where(mine, BankOrder.state.in_(POLLED_STATES)).execute()
    return BankOrder.select(BankOrder.id).where(mine).exists()
