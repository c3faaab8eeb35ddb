"""Payments from accounts without a bank link: a person downloads the order file and submits it at the bank.

From the first download on the bank may have the order. It is never replaced or rebuilt after that, and only a file from
the bank (`bank_reports`) or a person's word with a PIN ends it. Until then no page says that it was paid.
"""

from dataclasses import dataclass
from datetime import datetime

from peewee import IntegrityError

from core.clock import utcnow
from core.iban import normalise
from core.ids import random_token, uuid
from domain.banking import manual_bank
from domain.common import audit, marks
from domain.common.encryption import blind_index
from domain.common.errors import (
    AccountExists,
    HolderNameMissing,
    IbanInvalid,
    InsufficientRole,
    NotOpen,
    OrderMismatch,
    PaymentsHeld,
    StateConflict,
)
from domain.common.services import services
from domain.identity import identification
from domain.orders import attestations, evidence, order_building, restore_watch, settlement
from domain.orders.conclusion import SAID_PAID, SAID_UNPAID, Level, Standing
from domain.orders.evidence import Statement
from domain.payments import holds, state_machine
from domain.payments.payment_views import Payment
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.release import MAY_RELEASE, require_person_with_pin
from models import (
    BankAccount,
    BankCall,
    BankConsent,
    BankOrder,
    Batch,
    Client,
    Device,
    Membership,
    OrderDownload,
    User,
    transaction,
)
from models.states import BatchState, ConsentStatus, OrderState

LONGEST_NAME = 70  # of a debtor in a payment file
PAID, REFUSED = "paid", "refused"
_CODE = {PAID: SAID_PAID, REFUSED: SAID_UNPAID}


@dataclass(frozen=True)
class Download:
    """One download of the file. `at` is in UTC."""

    at: datetime
    by: str


@dataclass(frozen=True)
class ManualSubmission:
    """`may_take`: the file can be downloaded. `taken`: who downloaded it, newest first. `may_say`: a person may report
    its outcome.
    """

    msg_id: str
    may_take: bool
    taken: tuple[Download, ...]
    may_say: bool


# --- the account ----------------------------------------------------------------------------------
def add_account(client: Client, user: User, iban: str, name: str) -> BankAccount:
    """Add an account without a bank link. The user must be identified and authorised, as for a link.

    Raises:
    - IbanInvalid, HolderNameMissing, AccountExists
    - NotIdentified, AuthorityPending, AuthorityRefused
    """
    identification.require_fresh_authority(client, user)
    plain, holder = _iban(iban), " ".join(name.split())[:LONGEST_NAME]
    if not holder:
        raise HolderNameMissing
    try:
        with transaction(client.id):
            return _add(client, user, plain, holder)
    except IntegrityError as error:
        raise AccountExists from error


def _iban(text: str) -> str:
    try:
        return normalise(text)
    except ValueError as error:
        raise IbanInvalid from error


def _add(client: Client, user: User, iban: str, holder: str) -> BankAccount:
    link = BankConsent.create(
        client=client, user=user, bank=manual_bank.MANUAL_BANK_ID, bank_name=manual_bank.MANUAL_BANK.name,
        status=ConsentStatus.VALID, state_hash=blind_index(random_token()),
        holder_name=holder, holder_confirmed_at=utcnow(), returned_at=utcnow(),
    )  # fmt: skip
    row = BankAccount.create(
        client=client, consent=link, bank=manual_bank.MANUAL_BANK_ID, iban=iban, name=holder, holder_name=holder,
        resource_id="", limit_payment_cents=services().limit_payment_cents, limit_day_cents=services().limit_day_cents,
    )  # fmt: skip
    audit.record_event(client.id, audit.by_user(user), "account.added_by_hand", f"account:{row.id}")
    return row


# --- how it stands --------------------------------------------------------------------------------
def submission_view(payment: Payment) -> ManualSubmission | None:
    """Return how a manual submission stands; None for a payment over a bank link, or before approval."""
    if not payment.is_manual or payment.state == BatchState.OPEN:
        return None
    msg_id = payment.order.msg_id if payment.order else payment.reference
    taken = _taken(payment.order.id) if payment.order else ()
    waits = payment.order is not None and payment.order.state in (OrderState.PREPARED, OrderState.SUBMITTED)
    may_take = payment.state == BatchState.APPROVED or (payment.state == BatchState.SENDING and waits)
    said = payment.state in state_machine.AT_THE_BANK
    return ManualSubmission(msg_id, may_take, taken, bool(taken) and said)


def _taken(order_id: int) -> tuple[Download, ...]:
    query = OrderDownload.select(OrderDownload, User).join(User).where(OrderDownload.order == order_id)
    return tuple(Download(row.created_at, row.user.name) for row in query.order_by(OrderDownload.id.desc()).limit(20))


# --- the file -------------------------------------------------------------------------------------
def download_order_file(membership: Membership, reference: str) -> tuple[str, bytes]:
    """Record the download, and return the message id and exact bytes of the approved order: the bank may have it now.

    Raises:
    - InsufficientRole
    - NotOpen: not approved, already over, or too late for its date (then it is open again).
    - PaymentsHeld
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    client, batch = membership.client, get_batch(membership.client, reference)
    restore_watch.hold_if_restored()
    holds.require_no_hold(client.id, batch.bank_account.bank)
    order = _order_to_take(batch)
    body = order_building.order_bytes(order)
    with transaction(client.id):
        held = get_batch_locked(client, reference)
        holds.require_no_hold(client.id, held.bank_account.bank)
        fresh = BankOrder.get_by_id(order.id)
        if held.state != BatchState.SENDING or fresh.state not in (OrderState.PREPARED, OrderState.SUBMITTED):
            raise NotOpen(held.state)
        now = utcnow()
        values = {"state": OrderState.SUBMITTED, "due_at": None, "submitted_at": fresh.submitted_at or now}
        BankOrder.update(**values).where(BankOrder.id == order.id).execute()
        settlement.set_standing(fresh, Standing.POSSIBLE)
        OrderDownload.create(order=order.id, user=membership.user_id, created_at=now)
        event = audit.record_event(
            client.id, audit.by_user(membership.user), "order.downloaded", f"batch:{reference}", order=order.id,
            sha256=order.body_sha256, again=fresh.submitted_at is not None,
        )  # fmt: skip
    try:
        marks.keep_mark(event, order.msg_id)
    except marks.NoMarkKept as error:  # a file that only the database knows of is not handed out
        raise PaymentsHeld from error
    return order.msg_id, body


def _order_to_take(batch: Batch) -> BankOrder:
    """Return the live order, or build it from the release. Two simultaneous requests get the same order."""
    order = _live(batch)
    if order is None and batch.state == BatchState.APPROVED and manual_bank.is_manual(batch.bank_account.bank):
        try:
            order = order_building.build_order(batch)
        except (IntegrityError, OrderMismatch, StateConflict):
            order = _live(batch)
            if order is None:
                raise
    if order is None or not order.is_manual:
        raise NotOpen(Batch.get_by_id(batch.id).state)
    return order


def _live(batch: Batch) -> BankOrder | None:
    return BankOrder.get_or_none(BankOrder.batch == batch.id, BankOrder.state != OrderState.CLOSED)


# --- a person's word ------------------------------------------------------------------------------
def report_manual_outcome(
    membership: Membership, reference: str, verdict: str, pin: str, device: Device | None
) -> None:
    """Record what a person saw at the bank: PAID, or REFUSED (nothing was paid; the payment can be approved again).

    Raises:
    - InsufficientRole
    - NotOpen: never downloaded, or over.
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed
    - NotIdentified, SamePerson: under four eyes
    """
    if membership.role not in MAY_RELEASE:
        raise InsufficientRole
    client, user = membership.client, membership.user
    _require_taken(get_batch(client, reference))
    require_person_with_pin(membership, pin, device)
    with transaction(client.id):
        batch = get_batch_locked(client, reference)
        order = _require_taken(batch)
        BankCall.create(
            order=order.id, operation="person", x_request_id=uuid(), outcome=f"said_{verdict}", is_final=True
        )
        said = [Statement(Level.GROUP, _CODE[verdict], utcnow())]
        attestations.add(membership, order, evidence.PERSON, said)
        audit.record_event(
            client.id, audit.by_user(user), f"order.said_{verdict}", f"batch:{reference}", order=order.id
        )
        settlement.settle(order, audit.by_user(user), f"said_{verdict}")


def _require_taken(batch: Batch) -> BankOrder:
    order = _live(batch)
    known = batch.state in state_machine.AT_THE_BANK
    if order is None or not order.is_manual or order.submitted_at is None or not known:
        raise NotOpen(batch.state)
    return order
