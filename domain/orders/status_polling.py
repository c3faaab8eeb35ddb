"""Poll the status of an order until it is final. Only the bank's status counts, never our own date."""

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit, leases
from domain.common.errors import BankUnavailable, UnknownBank
from domain.common.services import services
from domain.orders import bank_silence, evidence, line_statuses, settlement
from domain.orders.conclusion import SIGNING_FAILED, Level, Trust
from domain.orders.evidence import Statement, is_placed, statement_of
from models import BankCall, BankOrder, transaction
from models.states import OrderState

FOLLOW_LEASE = 60
# Executed orders are still polled, seldom: they may come back.
POLLED_STATES = (OrderState.AT_BANK, OrderState.SIGNED, OrderState.EXECUTED)
CANCELLING = "cancel_order"  # the exchanges about cancelling an order


def due_orders() -> list[int]:
    """Return the orders to poll now."""
    query = BankOrder.select(BankOrder.id).where(
        BankOrder.state.in_(POLLED_STATES), BankOrder.due_at <= utcnow(), ~BankOrder.is_manual
    )
    return [row.id for row in query.order_by(BankOrder.due_at).limit(200)]


def poll_status(order_id: int) -> None:
    """Ask the bank for the status once, and settle the order."""
    order = leases.claim_lease(
        BankOrder, order_id, FOLLOW_LEASE, BankOrder.state.in_(POLLED_STATES), BankOrder.due_at <= utcnow()
    )
    if order is None or order.bank_payment_id is None:
        return
    request_id = uuid()
    try:
        config = bank_config_for_order(order)
        report = services().bank.order_status(config, order.bank_payment_id, request_id)
        sca = _sca_status(config, order) if report.transaction_status in ("RCVD", "ACTC") else None
    except (port.BankError, BankUnavailable, UnknownBank) as error:
        _asked(order, request_id, bank_silence.failure(error), None, order.attempts + 1)
        return
    statements = statements_of(order, report)
    if sca == "failed" and not is_cancellation_pending(order):
        statements.append(Statement(Level.GROUP, SIGNING_FAILED, utcnow()))
    _record(order, request_id, report, statements)


def statements_of(order: BankOrder, report: port.StatusReport) -> list[Statement]:
    """Return the statements in a status answer, each at its own level, with nothing added."""
    at = report.said_at or utcnow()
    if not report.statements and report.transaction_status:
        return [Statement(Level.GROUP, report.transaction_status, at, None, report.reason)]
    return [statement_of(order, one, at) for one in report.statements if one.code and is_placed(one)]


def latest_cancellation_call(order: BankOrder) -> BankCall | None:
    """Return the last recorded request to cancel this order; None if nobody asked."""
    mine = (BankCall.order == order.id) & (BankCall.operation == CANCELLING)
    return BankCall.select().where(mine).order_by(BankCall.id.desc()).first()


def is_cancellation_pending(order: BankOrder) -> bool:
    """Return whether a cancellation was requested with unknown outcome.

    A failed SCA then proves nothing, as the cancellation may have caused it. Only the status says how the order ended.
    """
    return is_unanswered(latest_cancellation_call(order))


def is_unanswered(last: BankCall | None) -> bool:
    """Return whether this request to cancel has no known outcome."""
    return last is not None and (last.outcome == "asked" or last.outcome.startswith("unknown"))


def _sca_status(config: port.BankConfig, order: BankOrder) -> str | None:
    if order.authorisation_id is None or order.bank_payment_id is None:
        return None
    return services().bank.authorisation(config, order.bank_payment_id, order.authorisation_id, uuid())


def _asked(order: BankOrder, request_id: str, outcome: str, raw: str | None, attempts: int) -> None:
    """Keep the answer and when to ask next: soon after a change, ever later without one."""
    if raw is None or raw != order.bank_status or bank_silence.has_failed(order):
        BankCall.create(
            order=order.id, operation=bank_silence.STATUS_CALL, x_request_id=request_id, outcome=outcome,
            bank_status=raw
        )
    leases.release_lease(
        order, status_checked_at=utcnow(), attempts=attempts, bank_status=raw or order.bank_status,
        due_at=settlement.next_poll_at(BankOrder.get_by_id(order.id), attempts),
    )


def _record(order: BankOrder, request_id: str, report: port.StatusReport, statements: list[Statement]) -> None:
    with transaction(order.batch.client_id):
        line_statuses.keep_details(order, report)
        evidence.add_evidence(order, evidence.STATUS, Trust.BANK, evidence.news_of_status(order, statements))
        changed = settlement.settle(order, audit.WORKER, status=report.transaction_status)
        attempts = 0 if changed else order.attempts + 1
        _asked(order, request_id, bank_silence.ANSWERED, report.transaction_status, attempts)


def poll_now(order: BankOrder) -> None:
    """Ask the bank for the status at once, unless another caller is doing so."""
    BankOrder.update(due_at=utcnow()).where(
        BankOrder.id == order.id, BankOrder.state.in_((OrderState.AT_BANK, OrderState.SIGNED))
    ).execute()
    poll_status(order.id)


def record_statement(order: BankOrder, actor: str, code: str, reason: str | None = None, status: str = "") -> None:
    """Record what the bank just said about the whole order, and settle it, in the caller's transaction.

    `reason` is our own, shown if the bank gives none.
    """
    said = [Statement(Level.GROUP, code, utcnow())]
    evidence.add_evidence(order, evidence.STATUS, Trust.BANK, said)
    settlement.settle(order, actor, reason, status=status or code)
