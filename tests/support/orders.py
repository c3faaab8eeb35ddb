"""An order at the bank that no bank has seen: for what follows from how its lines stand.

put_at_bank(batch, "executed", "paid")
"""

from itertools import count

from core.clock import today_amsterdam, utcnow
from core.ids import uuid
from domain.orders import settlement
from domain.orders.conclusion import Standing
from domain.payments.totals import lines_of
from models import BankAccount, BankOrder, Batch, BatchLine, Membership, OrderLine, Release

_ORDER_STATES = {
    "sending": "submitted", "name_check": "at_bank", "at_bank": "at_bank", "executed": "executed",
    "partly_executed": "executed", "rejected": "closed", "failed": "closed", "cancelled": "closed",
}  # fmt: skip
_LINE_STATES = {"possible": "sent", "paid": "executed", "unpaid": "rejected", "returned": "returned", "unsent": "sent",
                "disputed": "disputed"}  # fmt: skip
_numbers = count(1)


def put_at_bank(batch: Batch, state: str, standing: str = "possible") -> BankOrder:
    """Bring the payment to this state, with an order whose lines all stand so."""
    lines = [line for line in lines_of(batch) if line.state == "open"]
    total, account = sum(line.amount_cents for line in lines), BankAccount.get_by_id(batch.bank_account_id)
    common = {"batch": batch.id, "total_cents": total, "line_count": len(lines), "execution_date": today_amsterdam()}
    release = Release.create(
        **common, user=Membership.get(Membership.client == batch.client_id).user_id, digest=uuid(),
        debtor_iban=account.iban, authentication_method="session", ip="127.0.0.1",
    )  # fmt: skip
    order = BankOrder.create(
        **common, release=release, bank_account=account, msg_id=f"{batch.reference}x{next(_numbers)}",
        x_request_id=uuid(), body_encrypted="-", body_sha256="-", state=_ORDER_STATES.get(state, "signed"),
        submitted_at=utcnow(), redirect_state_hash=uuid(), bank_payment_id=uuid(), due_at=None,
    )  # fmt: skip
    settlement.create_order_lines(order, lines)
    settlement.set_standing(order, Standing(standing))
    BatchLine.update(state=_LINE_STATES[standing]).where(BatchLine.id.in_([line.id for line in lines])).execute()
    Batch.update(state=state).where(Batch.id == batch.id).execute()
    return order


def set_line(batch: Batch, iban: str, standing: str) -> None:
    """How the lines of one account stand, of the payment's newest order."""
    lines = BatchLine.select(BatchLine.id).where(BatchLine.batch == batch.id, BatchLine.creditor_iban == iban)
    OrderLine.update(standing=standing).where(OrderLine.batch_line.in_(lines)).execute()
    BatchLine.update(state=_LINE_STATES[standing]).where(
        BatchLine.batch == batch.id, BatchLine.creditor_iban == iban
    ).execute()
