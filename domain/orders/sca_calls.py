"""One call to the bank during SCA: made under the lease, recorded, and its outcome stored or raised."""

from collections.abc import Callable
from typing import NoReturn

from connectors.bank import port
from core.ids import uuid
from domain.banking.bank_configs import bank_config_for_order
from domain.common.errors import (
    BankUnavailable,
    InvalidScaCode,
    PaymentsHeld,
    ScaOutcomeUnknown,
    SigningFailed,
    SigningRefused,
)
from domain.common.services import services
from domain.orders import sca_state, status_polling
from domain.orders.sca_state import Document, ScaLease
from domain.payments import holds
from models import BankCall, BankOrder

Call = Callable[[Document, str], port.Authorisation]
WRONG_CODE = frozenset({"PSU_CREDENTIALS_INVALID", "SCA_INVALID"})


def call_bank(
    order: BankOrder, name: str, call: Call, afresh: bool = False, code: bool = False, first: bool = False
) -> None:
    """Make one call under the lease, and store its outcome. `first`: only if nobody else has started SCA since.

    Raises:
    - PaymentsHeld: it would sign a payment; a cancellation may be signed.
    - ScaInProgress, BankUnavailable, InvalidScaCode, SigningRefused, SigningFailed, ScaOutcomeUnknown
    """
    claim, request_id = sca_state.acquire_sca_session(order.id), uuid()
    if not sca_state.is_cancellation(claim.document) and holds.hold_on(order.batch.client_id, order.bank_account.bank):
        sca_state.release_sca_session(claim)
        raise PaymentsHeld
    if first and sca_state.next_step(claim.document).how != "begin":
        sca_state.release_sca_session(claim)
        return
    try:
        answer = call(claim.document, request_id)
    except port.NotDelivered as error:
        _record(order, name, request_id, "not_delivered")
        sca_state.release_sca_session(claim)
        raise BankUnavailable from error
    except port.BankRefused as error:
        _record(order, name, request_id, f"refused:{error.http_status}:{error.code}")
        _refused(claim, error, code)
    except port.BankError as error:
        _record(order, name, request_id, f"unknown:{type(error).__name__}")
        sca_state.release_sca_session(claim, elsewhere=True)
        status_polling.poll_now(order)
        raise ScaOutcomeUnknown from error
    else:
        _record(order, name, request_id, "answered", answer.sca_status)
        sca_state.save_authorisation(claim, answer, afresh)
        if answer.sca_status == "failed":
            status_polling.poll_now(order)
            raise SigningFailed


def _record(order: BankOrder, call: str, request_id: str, outcome: str, sca_status: str | None = None) -> None:
    BankCall.create(order=order.id, operation=call, x_request_id=request_id, outcome=outcome, bank_status=sca_status)


def _refused(claim: ScaLease, error: port.BankRefused, code: bool) -> None:
    """Ask the bank for the scaStatus after a refusal, which may concern this step or end the signing."""
    status = _asked(claim)
    if status is not None:
        sca_state.save_sca_status(claim, status)
    else:
        sca_state.release_sca_session(claim)
    if status in sca_state.DONE:
        status_polling.poll_now(claim.order)  # it is signed; that answer of the bank was lost
        return
    if status == "failed":
        status_polling.poll_now(claim.order)
        raise SigningFailed from error
    _say_no(error, code)


def _say_no(error: port.BankRefused, code: bool) -> NoReturn:
    if code and error.code in WRONG_CODE:
        raise InvalidScaCode(error.text) from error
    raise SigningRefused(error.code) from error


def _asked(claim: ScaLease) -> str | None:
    """Return the scaStatus at the bank; None if the bank does not say."""
    order, begun = claim.order, claim.document["authorisation"] or {}
    if order.bank_payment_id is None or not begun.get("id"):
        return None
    try:
        return services().bank.authorisation(
            bank_config_for_order(order),
            order.bank_payment_id,
            begun["id"],
            uuid(),
            sca_state.is_cancellation(claim.document),
        )
    except port.BankError:
        return None
