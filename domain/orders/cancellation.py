"""Taking an order back at the bank before it is executed: only the bank's word makes it cancelled.

Claim and commit, call, record. What is asked is written down first; without an answer the order is being
cancelled and the bank is asked how it stands. A bank that wants the cancellation signed gets that by the ways
of `signing`. Asking again is harmless: what was cancelled cannot be cancelled twice.
"""

from dataclasses import dataclass
from datetime import timedelta

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from core.ids import uuid
from domain.accounts import pins
from domain.banking.linking import bank_config_for_order
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
from domain.payments.queries import Payment, get_batch, get_batch_locked
from domain.payments.release import MAY_RELEASE
from models import BankExchange, BankOrder, Batch, Client, Device, Membership, User, transaction

CALL = status_polling.CANCELLING
CANCELLABLE = ("at_bank", "signed", "pending_rejection")
ASKED, DONE, TO_SIGN = "asked", "cancelled", "to_be_signed"
# Longer than a call to a bank may last: after it, whoever asked has died and the bank may have it.
ASKING_LASTS = timedelta(minutes=3)


@dataclass(frozen=True)
class CancellationStatus:
    """`offered`: it can be asked (again). `running`: it was asked, and the bank did not say what came of it.
    `to_sign`: the bank wants it signed."""

    offered: bool
    running: bool
    to_sign: bool


def cancellation_status(payment: Payment) -> CancellationStatus | None:
    """How cancelling stands; None when there is nothing to cancel."""
    if payment.order is None or payment.state not in CANCELLABLE:
        return None
    order = payment.order.row
    last = status_polling.latest_cancellation_call(order)
    to_sign = sca_state.is_cancellation(sca_state.load_sca_document(order))
    return CancellationStatus(
        _may_be_asked(order, payment.state) and not _in_progress(last), status_polling.is_unanswered(last), to_sign
    )


def _may_be_asked(order: BankOrder, state: str) -> bool:
    """At the bank, signed for a day that is still to come, or refused while the bank may yet execute it."""
    if order.by_hand or order.payment_id is None:
        return False
    if state == "pending_rejection":
        return True
    return order.state == "at_bank" or (order.state == "signed" and order.execution_date > today_amsterdam())


def _is_asking(order: BankOrder) -> bool:
    return _in_progress(status_polling.latest_cancellation_call(order))


def _in_progress(last: BankExchange | None) -> bool:
    """Whether the last request to cancel may still be on its way to the bank."""
    return last is not None and last.outcome == ASKED and last.at > utcnow() - ASKING_LASTS


# --- asking ---------------------------------------------------------------------------------------
def request_cancellation(
    membership: Membership, reference: str, pin: str, device: Device | None, psu: port.Psu
) -> None:
    """Ask the bank to take the order back. Afterwards it is cancelled, or waits to be signed (`shown`).

    InsufficientRole, NotOpen, ScaInProgress (somebody asks now, or signs), PinWrong, PinLocked, PinMissing,
    DeviceUnconfirmed;
    BankUnavailable: nothing was asked; CancellationRefused: the order stands; CancellationOutcomeUnknown.
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    client, user = membership.client, membership.user
    _askable(get_batch(client, reference))
    pins.check_pin(user, pin, device)
    order, request_id = _claim(client, user, reference)
    try:
        answer = services().bank.cancel_order(bank_config_for_order(order), order.payment_id or "", psu, request_id)
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
    order = BankOrder.get_or_none(BankOrder.batch == batch.id, BankOrder.state.in_(("at_bank", "signed")))
    if order is None or batch.state not in CANCELLABLE or not _may_be_asked(order, batch.state):
        raise NotOpen(batch.state)
    if _is_asking(order):
        raise ScaInProgress
    return order


def _claim(client: Client, user: User, reference: str) -> tuple[BankOrder, str]:
    """From this commit on the bank may have been asked; one person asks at a time."""
    with transaction(client.id):
        order, request_id = _askable(get_batch_locked(client, reference)), uuid()
        _keep(order, request_id, ASKED)
        audit.record_event(client.id, audit.by_user(user), "order.cancelling", f"batch:{reference}", order=order.id)
    return order, request_id


def _keep(order: BankOrder, request_id: str, outcome: str) -> None:
    BankExchange.create(order=order.id, call=CALL, request_id=request_id, outcome=outcome, final=outcome == DONE)


def _cancelled_since(order: BankOrder) -> bool:
    """A no, or no answer, may come after an earlier cancellation that was taken: the bank's status says it."""
    status_polling.poll_now(order)
    return Batch.get_by_id(order.batch_id).state == "cancelled"


def _answered(
    client: Client, user: User, reference: str, order: BankOrder, request_id: str, answer: port.Cancellation
) -> None:
    if answer.done:
        with transaction(client.id):
            get_batch_locked(client, reference)
            _keep(order, request_id, DONE)
            if BankOrder.get_by_id(order.id).state in ("at_bank", "signed"):  # else the status told it already
                status_polling.record_statement(order, audit.by_user(user), "CANC")
        return
    _keep(order, request_id, TO_SIGN)
    if not sca_state.switch_to_cancellation(BankOrder.get_by_id(order.id), answer.links):
        raise ScaInProgress


def withdraw_cancellation(client: Client, user: User, reference: str) -> None:
    """Not cancel after all, while the bank waits for a signature of it: the order stands as it was.

    NotOpen when there is nothing to stop, ScaInProgress while another window speaks to the bank.
    """
    batch = get_batch(client, reference)
    order = BankOrder.get_or_none(BankOrder.batch == batch.id, BankOrder.state.in_(("at_bank", "signed")))
    if order is None or not sca_state.is_cancellation(sca_state.load_sca_document(order)):
        raise NotOpen(batch.state)
    if not sca_state.restore_authorisation(order):
        raise ScaInProgress
    with transaction(client.id):
        audit.record_event(
            client.id, audit.by_user(user), "order.cancelling_stopped", f"batch:{reference}", order=order.id
        )
