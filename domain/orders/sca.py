"""Signing an order at its bank, in each of the ways of the standard: its page, its app, a reader with a code.

Berlin Group NextGenPSD2 1.3, "SCA approaches". Claim and commit, call, record: a claim is a lease
of the table `sca_session`, no call runs in a transaction, and what the person types goes to the
bank and nowhere else. Whether the order is signed is the bank's status to say, never an answer here.
"""

from collections.abc import Callable
from datetime import timedelta
from time import sleep
from typing import NoReturn

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.linking import bank_config_for_order
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import (
    BankUnavailable,
    InvalidScaCode,
    NotFound,
    NotOpen,
    ScaInProgress,
    ScaOutcomeUnknown,
    SigningFailed,
    SigningRefused,
    StateConflict,
)
from domain.common.services import services
from domain.orders import sca_state, status_polling
from domain.orders.conclusion import SIGNING_FAILED
from domain.orders.sca_state import Document, ScaLease, ScaStep
from domain.payments.queries import Payment, get_batch
from models import BankExchange, BankOrder, Batch, Client, User, transaction

Call = Callable[[Document, str], port.Authorisation]
PATIENCE, PAUSE_SECONDS = 20, 0.2  # how often, and how long each time, a person waits for another's call
WRONG_CODE = frozenset({"PSU_CREDENTIALS_INVALID", "SCA_INVALID"})


def return_state(msg_id: str) -> str:
    """The one-use state of the way back from the bank: cannot be guessed, need not be kept."""
    return blind_index(f"return:{msg_id}")


def return_address(order: BankOrder) -> str:
    return f"{services().base_url}/bank/ondertekend/{return_state(order.msg_id)}"


def get_active_order(batch: Batch) -> BankOrder:
    """StateConflict when the batch has none."""
    row = BankOrder.get_or_none(BankOrder.batch == batch.id, BankOrder.state != "ended")
    if row is None:
        raise StateConflict(batch.reference)
    return row


# --- looking --------------------------------------------------------------------------------------
def step_of_order(order_id: int) -> ScaStep:
    """The same as `step_for`, of an order that was not read yet."""
    return step_for(BankOrder.get_by_id(order_id))


def step_for(order: BankOrder) -> ScaStep:
    """Return what the person has to do, from our own records alone: any browser shows the same."""
    found = sca_state.next_step(sca_state.load_sca_document(order))
    if order.raw_status == "PATC" and not found.cancels:
        return ScaStep("second")
    return ScaStep("soon", message=found.message) if found.how == "begin" and is_not_yet_signable(order) else found


def is_not_yet_signable(order: BankOrder) -> bool:
    """The bank has said that it may need this long before its orders can be signed (its line: signable_after)."""
    wait = timedelta(seconds=bank_config_for_order(order).signable_after)
    return bool(wait) and order.called_at is not None and utcnow() < order.called_at + wait


def step_of_payment(payment: Payment) -> ScaStep:
    """Return the same of a payment that was just read. NotOpen when there is nothing to sign."""
    if payment.order is None or payment.state not in ("at_bank", "signed"):
        raise NotOpen(payment.state)
    order = payment.order.row
    if order.state == "ended" or (
        payment.state == "signed" and not sca_state.is_cancellation(sca_state.load_sca_document(order))
    ):
        raise NotOpen(payment.state)
    return step_for(order)


def image(client: Client, reference: str) -> tuple[bytes, str]:
    """The challenge as a picture and its kind. NotFound when there is none, NotOpen."""
    return sca_state.challenge_image(sca_state.load_sca_document(_waiting(client, reference)))


def _waiting(client: Client, reference: str) -> BankOrder:
    batch = get_batch(client, reference)
    if batch.state not in ("at_bank", "signed"):
        raise NotOpen(batch.state)
    order = get_active_order(batch)
    if batch.state == "signed" and not sca_state.is_cancellation(sca_state.load_sca_document(order)):
        raise NotOpen(batch.state)
    return order


# --- beginning ------------------------------------------------------------------------------------
def start_sca_in_background(order: BankOrder, psu: port.Psu) -> None:
    """Begin the authorisation of an order that the bank has just taken, when it can be begun without the person.

    A bank that does not answer or does not want to yet is asked again when the person presses the button.
    """
    found = sca_state.next_step(sca_state.load_sca_document(order))
    if found.how != "begin" or found.cancels:
        return
    try:
        _start(order, psu)
    except (BankUnavailable, NotOpen, ScaInProgress, SigningFailed, SigningRefused, ScaOutcomeUnknown):
        return  # kept as an exchange; the person's own press says what is wrong


def start_sca(client: Client, user: User, reference: str, psu: port.Psu, again: bool = False) -> ScaStep:
    """How this payment is signed; begins when that was not done yet, and `again` for another method or a new code.

    NotOpen when there is nothing to sign, BankUnavailable, ScaInProgress, SigningRefused, ScaOutcomeUnknown.
    """
    order = _waiting(client, reference)
    found = step_of_order(order.id)
    if found.how == "begin":
        _start_or_join(order, psu)
    elif again and found.may_begin_again:
        _start(order, psu)
    _note(client, user, "order.signing_begun", reference)
    return step_of_order(order.id)


def _start_or_join(order: BankOrder, psu: port.Psu) -> None:
    """Begin, or be content with what another has just begun: the worker does so once the bank has the order, and
    a quick thumb is there before the bank has answered it. ScaInProgress when that one takes too long."""
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
            line, order.payment_id or "", link, psu, back, f"{back}?geweigerd=1", request_id, data
        )

    _call_bank(order, "authorise", call, afresh=True, first=first)


# --- going on -------------------------------------------------------------------------------------
def submit_credentials(client: Client, user: User, reference: str, psu: port.Psu, password: str | None) -> ScaStep:
    """Say to the bank who is there, for one that asks it; `psu.bank_user_id` is the name at the bank.

    InvalidScaCode when the bank does not know the two together; and the errors of `start_sca`.
    """
    order = _waiting(client, reference)
    asked = sca_state.credentials_link(sca_state.load_sca_document(order))
    if asked is None or step_of_order(order.id).how != "login":
        raise NotOpen("at_bank")
    name, link = asked
    data = {"psuData": {"password": password or ""}} if name.endswith("PsuAuthentication") else {}
    if name.startswith("startAuthorisation"):
        _start(order, psu, name, data)
    else:
        _continue(order, psu, link, data)
    _note(client, user, "order.signing_logged_in", reference)
    return step_of_order(order.id)


def choose_method(client: Client, user: User, reference: str, psu: port.Psu, method_id: str) -> ScaStep:
    """Sign with this method. NotFound for one that the bank did not offer; and the errors of `start_sca`."""
    order = _waiting(client, reference)
    begun = sca_state.load_sca_document(order)["authorisation"] or {}
    link = begun.get("links", {}).get("selectAuthenticationMethod")
    if link is None:  # chosen already, in another window: how it stands is the answer
        return step_of_order(order.id)
    if method_id not in {one.get("authenticationMethodId") for one in begun.get("methods", ())}:
        raise NotFound
    _continue(order, psu, link, {"authenticationMethodId": method_id})
    _note(client, user, "order.signing_method", reference)
    return step_of_order(order.id)


def submit_otp(client: Client, user: User, reference: str, psu: port.Psu, code: str) -> ScaStep:
    """Give the bank the code that the person read; blanks in it are a person's. It is not kept.

    InvalidScaCode with the bank's words; SigningFailed when the bank gives up; ScaOutcomeUnknown without an
    answer; and the errors of `start_sca`. A code for a challenge that is over is not sent.
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
    _call_bank(
        order, "authorise", lambda document, request_id: services().bank.continue_authorisation(
            config, link, data, psu, request_id
        ), code="scaAuthenticationData" in data or "psuData" in data,
    )  # fmt: skip


# --- one call, and what becomes of it -------------------------------------------------------------
def _call_bank(
    order: BankOrder, name: str, call: Call, afresh: bool = False, code: bool = False, first: bool = False
) -> None:
    """`first`: only when no other has begun meanwhile."""
    claim, request_id = sca_state.acquire_sca_session(order.id), uuid()
    if first and sca_state.next_step(claim.document).how != "begin":
        sca_state.release_sca_session(claim)
        return
    try:
        answer = call(claim.document, request_id)
    except port.NotDelivered as error:
        _kept(order, name, request_id, "not_delivered")
        sca_state.release_sca_session(claim)
        raise BankUnavailable from error
    except port.BankRefused as error:
        _kept(order, name, request_id, f"refused:{error.http_status}:{error.code}")
        _refused(claim, error, code)
    except port.BankError as error:
        _kept(order, name, request_id, f"unknown:{type(error).__name__}")
        sca_state.release_sca_session(claim, elsewhere=True)
        status_polling.poll_now(order)
        raise ScaOutcomeUnknown from error
    else:
        _kept(order, name, request_id, "answered", answer.sca_status)
        sca_state.save_authorisation(claim, answer, afresh)
        if answer.sca_status == "failed":
            status_polling.poll_now(order)
            raise SigningFailed


def _kept(order: BankOrder, call: str, request_id: str, outcome: str, sca_status: str | None = None) -> None:
    BankExchange.create(order=order.id, call=call, request_id=request_id, outcome=outcome, raw_status=sca_status)


def _refused(claim: ScaLease, error: port.BankRefused, code: bool) -> None:
    """A refusal is one of this step or the end of the signing: the bank's scaStatus says which."""
    status = _asked(claim)
    if status is not None:
        sca_state.save_sca_status(claim, status)
    else:
        sca_state.release_sca_session(claim)
    if status in sca_state.DONE:
        status_polling.poll_now(claim.order)  # an earlier answer of the bank's was lost: it is signed
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
    """The scaStatus now; None when the bank does not say."""
    order, begun = claim.order, claim.document["authorisation"] or {}
    if order.payment_id is None or not begun.get("id"):
        return None
    try:
        return services().bank.authorisation(
            bank_config_for_order(order),
            order.payment_id,
            begun["id"],
            uuid(),
            sca_state.is_cancellation(claim.document),
        )
    except port.BankError:
        return None


def _note(client: Client, user: User, event: str, reference: str) -> None:
    with transaction(client.id):
        audit.record_event(client.id, audit.by_user(user), event, f"batch:{reference}")


# --- the end --------------------------------------------------------------------------------------
def abandon_signing(client: Client, user: User, reference: str) -> None:
    """Stop signing: the order ends unsigned and the payment can be set up again, as a new order.

    Only where nobody but this app could still have it signed (a code that is typed here), and only
    when the bank says that it is not signed. NotOpen otherwise; ScaInProgress, BankUnavailable.
    """
    order = _waiting(client, reference)
    if not step_of_order(order.id).may_give_up:
        raise NotOpen("at_bank")
    claim = sca_state.acquire_sca_session(order.id)  # from here on no code goes out for this order
    try:
        report = services().bank.order_status(bank_config_for_order(order), order.payment_id or "", uuid())
    except port.BankError as error:
        sca_state.release_sca_session(claim)
        raise BankUnavailable from error
    if claim.document["elsewhere"] or report.transaction_status not in ("RCVD", "ACTC"):
        sca_state.release_sca_session(claim)
        status_polling.poll_now(order)
        raise NotOpen("at_bank")
    with transaction(client.id):
        status_polling.record_statement(
            order, audit.by_user(user), SIGNING_FAILED, "given_up", report.transaction_status
        )
        if Batch.get_by_id(order.batch_id).state != "failed":  # the bank ended it meanwhile
            raise NotOpen("at_bank")


def handle_redirect_return(state: str, user: User) -> tuple[Client, str]:
    """The way back from the bank: proves nothing. The bank is asked; the page shows what it says.

    NotFound when the state is not of a payment of a client of this user's.
    """
    order = BankOrder.get_or_none(BankOrder.return_hash == blind_index(state))
    if order is None:
        raise NotFound
    batch = Batch.get_by_id(order.batch_id)
    client = Client.get_by_id(batch.client_id)
    if not client.memberships.where(client.memberships.model.user == user.id).exists():
        raise NotFound
    BankOrder.update(returned_at=utcnow()).where(
        BankOrder.id == order.id, BankOrder.state.in_(("at_bank", "signed"))
    ).execute()
    status_polling.poll_now(order)
    return client, batch.reference
