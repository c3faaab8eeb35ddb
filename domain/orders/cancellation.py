"""Cancel an order at the bank before it is executed. Only the bank's answer makes it cancelled.

The request is recorded and committed before the bank is called. Without an answer, the order counts as "being
cancelled", and the bank is asked for its status. If the bank wants the cancellation signed, that is done by `sca`.
Asking again is harmless: a cancelled order cannot be cancelled twice.
"""

from dataclasses import dataclass
from datetime import timedelta

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from core.ids import uuid
from domain.accounts import pins
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit
from domain.common.errors import (
    BankUnavailable,
    CancellationOutcomeUnknown,
    CancellationRefused,
    InsufficientRole,
    NotOpen,
    ScaInProgress,
)
from domain.common.services import services
from domain.orders import sca_state, status_polling
from domain.payments.payment_views import Payment
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.release import MAY_RELEASE
from models import BankCall, BankOrder, Batch, Client, Device, Membership, User, transaction
from models.states import BatchState, OrderState

CALL = status_polling.CANCELLING
CANCELLABLE = (BatchState.AT_BANK, BatchState.SIGNED, BatchState.PENDING_REJECTION)
ASKED, DONE, TO_SIGN = "asked", "cancelled", "to_be_signed"
# Longer than a call to a bank may last. After it the caller has crashed, and the bank may have the request.
ASKING_LASTS = timedelta(minutes=3)


@dataclass(frozen=True)
class CancellationStatus:
    """`offered`: the cancellation can be requested (again). `running`: it was requested, and its outcome is unknown.
    `to_sign`: the bank wants it signed.
    """

    offered: bool
    running: bool
    to_sign: bool


def cancellation_status(payment: Payment) -> CancellationStatus | None:
    """Return how a cancellation stands; None if there is nothing to cancel."""
    if payment.order is None or payment.state not in CANCELLABLE:
        return None
    order = payment.order.row
    last = status_polling.latest_cancellation_call(order) if payment.order.cancel_asked else None
    to_sign = sca_state.is_cancellation(sca_state.load_sca_document(order))
    return CancellationStatus(
        _may_be_asked(order, payment.state) and not _in_progress(last), status_polling.is_unanswered(last), to_sign
    )


def _may_be_asked(order: BankOrder, state: str) -> bool:
    """Return whether the order is at the bank, signed for a later day, or rejected while the bank may still execute it.
    """
    if order.is_manual or order.bank_payment_id is None:
        return False
    if state == BatchState.PENDING_REJECTION:
        return True
    return order.state == OrderState.AT_BANK or (
        order.state == OrderState.SIGNED and order.execution_date > today_amsterdam()
    )


def _is_asking(order: BankOrder) -> bool:
    return _in_progress(status_polling.latest_cancellation_call(order))


def _in_progress(last: BankCall | None) -> bool:
    """Return whether the last request may still be on its way to the bank."""
    return last is not None and last.outcome == ASKED and last.created_at > utcnow() - ASKING_LASTS


# --- asking ---------------------------------------------------------------------------------------
def request_cancellation(
    membership: Membership, reference: str, pin: str, device: Device | None, psu: port.Psu
) -> None:
    """Ask the bank to cancel the order. Afterwards it is cancelled, or the cancellation has to be signed.

    Raises:
    - InsufficientRole
    - NotOpen: it cannot be cancelled.
    - ScaInProgress: somebody is cancelling or signing it.
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed
    - BankUnavailable: the bank was not reached.
    - CancellationRefused: the order stands.
    - CancellationOutcomeUnknown
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    client, user = membership.client, membership.user
    _askable(get_batch(client, reference))
    pins.check_pin(user, pin, device)
    order, request_id = _claim(client, user, reference)
    try:
        answer = services().bank.cancel_order(
            bank_config_for_order(order), order.bank_payment_id or "", psu, request_id
        )
    except port.NotDelivered as error:
        _keep(order, request_id, "not_delivered")
        raise BankUnavailable from error
    except port.BankRefused as error:
        _keep(order, request_id, f"refused:{error.http_status}:{error.code}")
        if not _cancelled_since(order):
            raise CancellationRefused(error.code) from error
    except port.BankError as error:
        _keep(order, request_id, f"unknown:{type(error).__name__}")
        if not _cancelled_since(order):
            raise CancellationOutcomeUnknown from error
    else:
        _answered(client, user, reference, order, request_id, answer)


def _askable(batch: Batch) -> BankOrder:
    order = BankOrder.get_or_none(
        BankOrder.batch == batch.id, BankOrder.state.in_((OrderState.AT_BANK, OrderState.SIGNED))
    )
    if order is None or batch.state not in CANCELLABLE or not _may_be_asked(order, batch.state):
        raise NotOpen(batch.state)
    if _is_asking(order):
        raise ScaInProgress
    return order


def _claim(client: Client, user: User, reference: str) -> tuple[BankOrder, str]:
    """Record the request. After this commit the bank may have it. Only one person asks at a time."""
    with transaction(client.id):
        order, request_id = _askable(get_batch_locked(client, reference)), uuid()
        _keep(order, request_id, ASKED)
        audit.record_event(client.id, audit.by_user(user), "order.cancelling", f"batch:{reference}", order=order.id)
    return order, request_id


def _keep(order: BankOrder, request_id: str, outcome: str) -> None:
    BankCall.create(order=order.id, operation=CALL, x_request_id=request_id, outcome=outcome, is_final=outcome == DONE)


def _cancelled_since(order: BankOrder) -> bool:
    """Poll the bank, and return whether the order is cancelled: an earlier request may have succeeded without an
    answer.
    """
    status_polling.poll_now(order)
    return Batch.get_by_id(order.batch_id).state == BatchState.CANCELLED


def _answered(
    client: Client, user: User, reference: str, order: BankOrder, request_id: str, answer: port.Cancellation
) -> None:
    if answer.done:
        with transaction(client.id):
            get_batch_locked(client, reference)
            _keep(order, request_id, DONE)
            if BankOrder.get_by_id(order.id).state in (
                OrderState.AT_BANK,
                OrderState.SIGNED,
            ):  # else polling has recorded it
                status_polling.record_statement(order, audit.by_user(user), "CANC")
        return
    _keep(order, request_id, TO_SIGN)
    if not sca_state.switch_to_cancellation(BankOrder.get_by_id(order.id), answer.links):
        raise ScaInProgress


def withdraw_cancellation(client: Client, user: User, reference: str) -> None:
    """Stop a cancellation that waits for its signature. The order stands as it was.

    Raises:
    - NotOpen: no cancellation waits for a signature.
    - ScaInProgress: another window is calling the bank.
    """
    batch = get_batch(client, reference)
    order = BankOrder.get_or_none(
        BankOrder.batch == batch.id, BankOrder.state.in_((OrderState.AT_BANK, OrderState.SIGNED))
    )
    if order is None or not sca_state.is_cancellation(sca_state.load_sca_document(order)):
        raise NotOpen(batch.state)
    if not sca_state.restore_authorisation(order):
        raise ScaInProgress
    with transaction(client.id):
        audit.record_event(
            client.id, audit.by_user(user), "order.cancelling_stopped", f"batch:{reference}", order=order.id
        )
