"""Orders that a bank has and this database had no record of: two operators may rule one out, after asking the bank."""

from core.clock import utcnow
from domain.common import audit
from domain.common.errors import NotFound, StateConflict
from domain.operations import operator_access
from models import LostOrder, transaction


def rule_out(msg_id: str, reason: str, by: str, token: str | None = None) -> str:
    """Record that the bank does not have this order; two different operators free its lines, which are owed again.

    Raises:
    - OperatorRefused: nobody signed in.
    - NotFound: no order without a record bears this MsgId.
    - StateConflict: an order was made of it since; `order resolve` settles that one.
    """
    who = operator_access.sign_in(by, token)
    row = LostOrder.get_or_none(LostOrder.msg_id == msg_id, LostOrder.ruled_out_at.is_null())
    if row is None:
        raise NotFound
    if row.order_id is not None:
        raise StateConflict(f"{msg_id} has an order by now: use `order resolve`")
    with transaction(row.client_id):
        audit.record_event(
            row.client_id, audit.OPERATOR, "order.ruled_out", f"order:{msg_id}", by=who, reason=reason,
            signed_in=operator_access.requires_sign_in(),
        )  # fmt: skip
        first = LostOrder.get_by_id(row.id).first_ruled_out_by
        if first in (None, who):
            LostOrder.update(first_ruled_out_by=who).where(LostOrder.id == row.id).execute()
            return "kept; a second operator must say the same"
        LostOrder.update(ruled_out_at=utcnow()).where(LostOrder.id == row.id).execute()
    return f"{msg_id} is not at the bank: its lines are owed again"
