"""SCA of an order at its bank: by redirect, decoupled in the bank's app, or embedded with a code.

Berlin Group NextGenPSD2 1.3, "SCA approaches". One caller at a time holds the lease on `sca_session`. No call runs
inside a transaction. What the person types goes to the bank and is stored nowhere. Only the bank's status says whether
an order is signed, never an answer received here.
"""

from datetime import timedelta
from time import sleep

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import (
    BankUnavailable,
    NotFound,
    NotOpen,
    PaymentsHeld,
    ScaInProgress,
    ScaOutcomeUnknown,
    SigningFailed,
    SigningRefused,
    StateConflict,
)
from domain.common.services import services
from domain.orders import sca_state, status_polling
from domain.orders.conclusion import SIGNING_FAILED
from domain.orders.sca_calls import call_bank
from domain.orders.sca_state import Document, ScaStep
from domain.payments import holds
from domain.payments.payment_views import Payment
from domain.payments.queries import get_batch
from models import BankOrder, Batch, Client, User, transaction
from models.states import BatchState, OrderState

PATIENCE, PAUSE_SECONDS = 20, 0.2  # how often a person waits for another call, and how long


def return_state(msg_id: str) -> str:
    """Return the one-use state of the redirect back from the bank. It is derived with a key, so it cannot be guessed
    and need not be stored.
    """
    return blind_index(f"return:{msg_id}")


def return_address(order: BankOrder) -> str:
    """Return the URL to which the bank redirects the person after signing."""
    return f"{services().base_url}/bank/ondertekend/{return_state(order.msg_id)}"


def get_active_order(batch: Batch) -> BankOrder:
    """Return the order of this batch that is not closed.

    Raises:
    - StateConflict: there is none.
    """
    row = BankOrder.get_or_none(BankOrder.batch == batch.id, BankOrder.state != OrderState.CLOSED)
    if row is None:
        raise StateConflict(batch.reference)
    return row


# --- looking --------------------------------------------------------------------------------------
def step_of_order(order_id: int) -> ScaStep:
    """Return what the person has to do now (see `step_for`), by order id."""
    return step_for(BankOrder.get_by_id(order_id))


def step_for(order: BankOrder) -> ScaStep:
    """Return what the person has to do now, from our own records: every browser shows the same."""
    found = sca_state.next_step(sca_state.load_sca_document(order))
    if order.bank_status == "PATC" and not found.cancels:
        return ScaStep("second")
    return ScaStep("soon", message=found.message) if found.how == "begin" and is_not_yet_signable(order) else found


def is_not_yet_signable(order: BankOrder) -> bool:
    """Return whether the order is younger than the time that its bank needs before signing (`signable_after`)."""
    wait = timedelta(seconds=bank_config_for_order(order).signable_after)
    return bool(wait) and order.submitted_at is not None and utcnow() < order.submitted_at + wait


def step_of_payment(payment: Payment) -> ScaStep:
    """Return what the person has to do now, for a payment that was just read.

    Raises:
    - NotOpen: there is nothing to sign.
    """
    if payment.order is None or payment.state not in (BatchState.AT_BANK, BatchState.SIGNED):
        raise NotOpen(payment.state)
    order = payment.order.row
    if order.state == OrderState.CLOSED or (
        payment.state == BatchState.SIGNED and not sca_state.is_cancellation(sca_state.load_sca_document(order))
    ):
        raise NotOpen(payment.state)
    return step_for(order)


def image(client: Client, reference: str) -> tuple[bytes, str]:
    """Return the challenge image and its media type.

    Raises:
    - NotFound: there is none.
    - NotOpen: there is nothing to sign.
    """
    return sca_state.challenge_image(sca_state.load_sca_document(_waiting(client, reference)))


def _waiting(client: Client, reference: str) -> BankOrder:
    batch = get_batch(client, reference)
    if batch.state not in (BatchState.AT_BANK, BatchState.SIGNED):
        raise NotOpen(batch.state)
    order = get_active_order(batch)
    if batch.state == BatchState.SIGNED and not sca_state.is_cancellation(sca_state.load_sca_document(order)):
        raise NotOpen(batch.state)
    return order


# --- beginning ------------------------------------------------------------------------------------
def start_sca_in_background(order: BankOrder, psu: port.Psu) -> None:
    """Start SCA of an order that was just placed, if that needs no input from the person.

    If the bank does not answer or is not ready, it is asked again when the person presses the button.
    """
    found = sca_state.next_step(sca_state.load_sca_document(order))
    if found.how != "begin" or found.cancels:
        return
    try:
        _start(order, psu)
    except (BankUnavailable, NotOpen, PaymentsHeld, ScaInProgress, SigningFailed, SigningRefused, ScaOutcomeUnknown):
        return  # recorded as an exchange; the person sees the error when they press the button


def start_sca(client: Client, user: User, reference: str, psu: port.Psu, again: bool = False) -> ScaStep:
    """Return how this payment is signed, and start SCA if that was not done. `again`: for another method or a new code.

    Raises:
    - NotOpen: there is nothing to sign.
    - PaymentsHeld, BankUnavailable, ScaInProgress, SigningRefused, ScaOutcomeUnknown
    """
    order = _waiting(client, reference)
    found = step_of_order(order.id)
    if not found.cancels:
        holds.require_no_hold(client.id, order.bank_account.bank)
    if found.how == "begin":
        _start_or_join(order, psu)
    elif again and found.may_begin_again:
        _start(order, psu)
    _note(client, user, "order.signing_begun", reference)
    return step_of_order(order.id)


def _start_or_join(order: BankOrder, psu: port.Psu) -> None:
    """Start SCA, or wait briefly for another caller that is starting it: the worker does so as soon as the bank has the
    order.

    Raises:
    - ScaInProgress: the other caller takes too long.
    """
    for _ in range(PATIENCE):
        try:
            return _start(order, psu, first=True)
        except ScaInProgress:
            sleep(PAUSE_SECONDS)
    raise ScaInProgress


def _start(
    order: BankOrder,
    psu: port.Psu,
    link_name: str = "startAuthorisation",
    data: dict | None = None,
    first: bool = False,
) -> None:
    line, back = bank_config_for_order(order), return_address(order)

    def call(document: Document, request_id: str) -> port.Authorisation:
        links = document["links"]
        link = links.get(link_name) or next(links[name] for name in links if name.startswith("startAuthorisation"))
        return services().bank.start_authorisation(
            line, order.bank_payment_id or "", link, psu, back, f"{back}?geweigerd=1", request_id, data
        )

    call_bank(order, "authorise", call, afresh=True, first=first)


# --- going on -------------------------------------------------------------------------------------
def submit_credentials(client: Client, user: User, reference: str, psu: port.Psu, password: str | None) -> ScaStep:
    """Send the person's credentials to a bank that asks for them; `psu.bank_user_id` is their user name there.

    Raises:
    - InvalidScaCode: the bank does not accept them.
    - NotOpen: the bank does not ask for credentials now.
    - the errors of `start_sca`
    """
    order = _waiting(client, reference)
    asked = sca_state.credentials_link(sca_state.load_sca_document(order))
    if asked is None or step_of_order(order.id).how != "login":
        raise NotOpen(BatchState.AT_BANK)
    name, link = asked
    data = {"psuData": {"password": password or ""}} if name.endswith("PsuAuthentication") else {}
    if name.startswith("startAuthorisation"):
        _start(order, psu, name, data)
    else:
        _continue(order, psu, link, data)
    _note(client, user, "order.signing_logged_in", reference)
    return step_of_order(order.id)


def choose_method(client: Client, user: User, reference: str, psu: port.Psu, method_id: str) -> ScaStep:
    """Choose the SCA method.

    Raises:
    - NotFound: the bank did not offer this method.
    - the errors of `start_sca`
    """
    order = _waiting(client, reference)
    begun = sca_state.load_sca_document(order)["authorisation"] or {}
    link = begun.get("links", {}).get("selectAuthenticationMethod")
    if link is None:  # already chosen in another window
        return step_of_order(order.id)
    if method_id not in {one.get("authenticationMethodId") for one in begun.get("methods", ())}:
        raise NotFound
    _continue(order, psu, link, {"authenticationMethodId": method_id})
    _note(client, user, "order.signing_method", reference)
    return step_of_order(order.id)


def submit_otp(client: Client, user: User, reference: str, psu: port.Psu, code: str) -> ScaStep:
    """Send the code to the bank, without spaces. It is not stored. A code for a challenge that is over is not sent.

    Raises:
    - InvalidScaCode: with the bank's message.
    - SigningFailed: the bank ended the signing.
    - ScaOutcomeUnknown: the bank did not answer.
    - the errors of `start_sca`
    """
    order = _waiting(client, reference)
    link = ((sca_state.load_sca_document(order)["authorisation"] or {}).get("links", {})).get("authoriseTransaction")
    if link is None or step_of_order(order.id).how != "code":
        return step_of_order(order.id)
    _continue(order, psu, link, {"scaAuthenticationData": "".join(code.split())})
    _note(client, user, "order.signing_code_given", reference)
    status_polling.poll_now(order)
    return step_of_order(order.id)


def _continue(order: BankOrder, psu: port.Psu, link: str, data: dict) -> None:
    config = bank_config_for_order(order)
    call_bank(
        order, "authorise", lambda document, request_id: services().bank.continue_authorisation(
            config, link, data, psu, request_id
        ), code="scaAuthenticationData" in data or "psuData" in data,
    )  # fmt: skip


def _note(client: Client, user: User, event: str, reference: str) -> None:
    with transaction(client.id):
        audit.record_event(client.id, audit.by_user(user), event, f"batch:{reference}")


# --- the end --------------------------------------------------------------------------------------
def abandon_signing(client: Client, user: User, reference: str) -> None:
    """Stop signing: the order ends unsigned, and the payment can be set up again as a new order.

    Allowed only where the code is typed in this app, so that nobody can sign elsewhere, and only if the bank says that
    the order is not signed.

    Raises:
    - NotOpen
    - ScaInProgress
    - BankUnavailable
    """
    order = _waiting(client, reference)
    if not step_of_order(order.id).may_give_up:
        raise NotOpen(BatchState.AT_BANK)
    claim = sca_state.acquire_sca_session(order.id)  # nobody can send a code for this order any more
    try:
        report = services().bank.order_status(bank_config_for_order(order), order.bank_payment_id or "", uuid())
    except port.BankError as error:
        sca_state.release_sca_session(claim)
        raise BankUnavailable from error
    if claim.document["elsewhere"] or report.transaction_status not in ("RCVD", "ACTC"):
        sca_state.release_sca_session(claim)
        status_polling.poll_now(order)
        raise NotOpen(BatchState.AT_BANK)
    with transaction(client.id):
        status_polling.record_statement(
            order, audit.by_user(user), SIGNING_FAILED, "given_up", report.transaction_status
        )
        if Batch.get_by_id(order.batch_id).state != BatchState.FAILED:  # the bank ended it meanwhile
            raise NotOpen(BatchState.AT_BANK)


def handle_redirect_return(state: str, user: User) -> tuple[Client, str]:
    """Handle the redirect back from the bank. It proves nothing: the bank is asked for the status.

    Raises:
    - NotFound: the state belongs to no payment of this user's clients.
    """
    order = BankOrder.get_or_none(BankOrder.redirect_state_hash == blind_index(state))
    if order is None:
        raise NotFound
    batch = Batch.get_by_id(order.batch_id)
    client = Client.get_by_id(batch.client_id)
    if not client.memberships.where(client.memberships.model.user == user.id).exists():
        raise NotFound
    BankOrder.update(psu_returned_at=utcnow()).where(
        BankOrder.id == order.id, BankOrder.state.in_((OrderState.AT_BANK, OrderState.SIGNED))
    ).execute()
    status_polling.poll_now(order)
    return client, batch.reference
