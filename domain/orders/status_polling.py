"""Following an order until the bank says something final. The bank's status is the truth, never our date."""

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.linking import bank_config_for_order
from domain.common import audit, leases
from domain.common.services import services
from domain.orders import line_statuses
from domain.orders.status_codes import LINE_STATE, ORDER_STATE, event_for_status
from domain.payments import state_machine
from models import BankAccount, BankExchange, BankOrder, Batch, BatchLine, transaction

FOLLOW_LEASE = 60
# What was executed is still looked at, seldom: it may come back.
POLLED_STATES = ("at_bank", "signed", "executed")
CANCELLING = "cancel_order"  # the exchanges about taking an order back


def due_orders() -> list[int]:
    """Orders whose status is to be asked now."""
    query = BankOrder.select(BankOrder.id).where(
        BankOrder.state.in_(POLLED_STATES), BankOrder.due_at <= utcnow(), ~BankOrder.by_hand
    )
    return [row.id for row in query.order_by(BankOrder.due_at).limit(200)]


def poll_status(order_id: int) -> None:
    """Ask the bank once how the order stands, and move the batch accordingly."""
    order = leases.claim_lease(
        BankOrder, order_id, FOLLOW_LEASE, BankOrder.state.in_(POLLED_STATES), BankOrder.due_at <= utcnow()
    )
    if order is None or order.payment_id is None:
        return
    line, request_id = bank_config_for_order(order), uuid()
    try:
        report = services().bank.order_status(line, order.payment_id, request_id)
        sca = _sca_status(line, order) if report.transaction_status in ("RCVD", "ACTC") else None
    except port.BankError as error:
        _asked(order, request_id, f"failed:{type(error).__name__}", None, order.attempts + 1)
        return
    event = event_for_status(report.transaction_status, line.signing)
    if sca == "failed" and event == "bank_has_it" and not is_cancellation_pending(order):
        event = "signing_failed"
    _record(order, request_id, report, event)


def latest_cancellation_call(order: BankOrder) -> BankExchange | None:
    """What was last written of taking this order back; None when nobody asked that."""
    mine = (BankExchange.order == order.id) & (BankExchange.call == CANCELLING)
    return BankExchange.select().where(mine).order_by(BankExchange.id.desc()).first()


def is_cancellation_pending(order: BankOrder) -> bool:
    """It was asked, and the bank did not say what came of it. A signing that fails then fails because of that:
    only the status says how the order ended."""
    return is_unanswered(latest_cancellation_call(order))


def is_unanswered(last: BankExchange | None) -> bool:
    """Whether this request to cancel was made and the bank did not say what came of it."""
    return last is not None and (last.outcome == "asked" or last.outcome.startswith("unknown"))


def _sca_status(config: port.BankConfig, order: BankOrder) -> str | None:
    if order.authorisation_id is None or order.payment_id is None:
        return None
    return services().bank.authorisation(config, order.payment_id, order.authorisation_id, uuid())


def _asked(order: BankOrder, request_id: str, outcome: str, raw: str | None, attempts: int) -> None:
    """Keep the answer and when to ask next: soon after a change, ever later without one."""
    if raw != order.raw_status or raw is None:
        BankExchange.create(order=order.id, call="status", request_id=request_id, outcome=outcome, raw_status=raw)
    leases.release_lease(
        order, asked_at=utcnow(), attempts=attempts, due_at=line_statuses.next_poll_at(order, attempts),
        raw_status=raw or order.raw_status,
    )


def _record(order: BankOrder, request_id: str, report: port.StatusReport, event: str | None) -> None:
    with transaction(order.batch.client_id):
        batch = Batch.get_by_id(order.batch_id)
        event = line_statuses.apply_status_report(batch, order, report, event)
        changed = event is not None and (batch.state, event) in state_machine.TRANSITIONS
        _asked(order, request_id, "answered", report.transaction_status, 0 if changed else order.attempts + 1)
        if not changed or event is None:
            return
        _move(order, batch, event, audit.WORKER, report.reason, report.transaction_status)


def _move(order: BankOrder, batch: Batch, event: str, actor: str, reason: str | None, status: str) -> None:
    """Batch, order and lines together."""
    state_machine.transition(batch, event, actor, reason, order=order.id, status=status)
    state = ORDER_STATE[event]
    done = {"due_at": line_statuses.next_poll_at(order, 0, state)} if state in ("executed", "ended") else {}
    BankOrder.update(state=state, **done).where(BankOrder.id == order.id).execute()
    if event in LINE_STATE:
        BatchLine.update(state=LINE_STATE[event]).where(
            BatchLine.batch == batch.id, BatchLine.state == "sent"
        ).execute()
    if state == "executed":  # it is booked by now: the account is looked at anew, however short ago it was
        BankAccount.update(transactions_asked_at=None).where(BankAccount.id == order.bank_account_id).execute()


def poll_now(order: BankOrder) -> None:
    """Ask the bank how the order stands, at once; when another is asking, that one's answer will do."""
    BankOrder.update(due_at=utcnow()).where(
        BankOrder.id == order.id, BankOrder.state.in_(("at_bank", "signed"))
    ).execute()
    poll_status(order.id)


def mark_cancelled(order: BankOrder, actor: str) -> None:
    """The bank has said that it took the order back (204); in the caller's transaction.

    StateConflict when the payment can no longer be cancelled by what the table knows.
    """
    _move(order, Batch.get_by_id(order.batch_id), "bank_cancelled", actor, None, "CANC")


def mark_signing_failed(order: BankOrder, actor: str, reason: str, status: str) -> None:
    """The signing has failed or was given up, and the bank says that the order is not signed.

    StateConflict when the payment is no longer waiting for a signature.
    """
    with transaction(order.batch.client_id):
        _move(order, Batch.get_by_id(order.batch_id), "signing_failed", actor, reason, status)
