"""Verification of payee: what a person can do when the bank knows a payee by another name, before the order is signed.

While the bank is checking, nothing happens here. When names differ, a person decides: accept the bank's name for next
time, exclude a line (which cancels the order), or confirm the order despite the mismatch.
"""

from dataclasses import dataclass
from datetime import timedelta

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit
from domain.common.errors import BankUnavailable, NotFound, NotOpen
from domain.common.services import services
from domain.orders import line_statuses, sca_state, settlement, status_polling
from domain.orders.sca import get_active_order, is_not_yet_signable, start_sca_in_background
from domain.payments import creditor_names, holds, state_machine
from domain.payments.amendments import renew_end_to_end_ids, void_releases
from domain.payments.payment_views import Payment
from domain.payments.queries import get_batch_locked
from models import BankCall, BankOrder, Batch, BatchLine, Client, User, transaction
from models.states import BatchState, LineState, OrderState

# Longer than a call to a bank may last. After it the caller has crashed.
ASKING_LASTS = timedelta(minutes=3)
CONFIRM, CANCEL = "confirm_names", "cancel"
_DID_NOTHING = ("not_delivered", "refused")


@dataclass(frozen=True)
class NameMismatch:
    """A line whose payee the bank knows by another name.

    `match`: NMTC (no match), CMTC (close match, perhaps with `vop_name`) or NOAP (not available).
    """

    id: int
    name: str
    iban: str
    amount_cents: int
    match: str
    vop_name: str | None
    taken_over: bool


@dataclass(frozen=True)
class VerificationStatus:
    """`running`: the bank is still checking. Otherwise `lines` holds the mismatches; it is empty if the bank names
    none.
    """

    running: bool
    lines: tuple[NameMismatch, ...] = ()


def verification_status(payment: Payment) -> VerificationStatus | None:
    """Return how payee verification stands; None if there is none at the moment."""
    if payment.state != BatchState.NAME_CHECK:
        return None
    if payment.order is None or payment.order.bank_status != "RVCM":
        return VerificationStatus(running=True)
    rows = list(
        BatchLine.select().where(BatchLine.batch == payment.id, BatchLine.vop_result.is_null(False))
        .order_by(BatchLine.position)
    )  # fmt: skip
    names = creditor_names.load_creditor_names(payment.order.row.batch.client_id, rows)
    return VerificationStatus(False, tuple(_difference(row, names) for row in rows))


def _difference(row: BatchLine, names: creditor_names.CreditorNames) -> NameMismatch:
    taken = names.override_for(row.creditor_iban, row.creditor_name)
    return NameMismatch(
        row.id, row.creditor_name, row.creditor_iban, row.amount_cents, str(row.vop_result), row.vop_name,
        taken is not None and taken == row.vop_name,
    )  # fmt: skip


# --- what a person can do ---
def accept_bank_name(client: Client, user: User, reference: str, line_id: int) -> None:
    """Use the bank's name in the next order and in later runs. The order that is already released keeps its name.

    Raises:
    - NotOpen: there is nothing to decide now.
    - NotFound: the bank gave no name for this line.
    """
    with transaction(client.id):
        batch, _ = waiting_order(client, reference)
        line = _line(batch, line_id)
        creditor_names.save_accepted_name(client.id, user.id, line)
        audit.record_event(client.id, audit.by_user(user), "name.accepted", f"batch:{reference}", line=line.id)


def exclude_line_and_cancel(client: Client, user: User, reference: str, line_id: int, psu: port.Psu) -> None:
    """Exclude a line: cancel the order at the bank, and open the payment for a new approval.

    Raises:
    - NotOpen: it is too late.
    - NotFound: this line has no mismatch.
    - BankUnavailable: nothing has changed.
    """
    with transaction(client.id):
        batch, order = waiting_order(client, reference)
        if _may_be_confirmed(order):
            raise NotOpen(batch.state)
        line_id = _line(batch, line_id).id
        request_id = _ask(order, CANCEL)
        audit.record_event(
            client.id, audit.by_user(user), "name.striking", f"batch:{reference}", line=line_id, order=order.id
        )
    _take_back(order, request_id, psu)
    with transaction(client.id):
        _end(get_batch_locked(client, reference), order, user, line_id)


def confirm_despite_mismatch(client: Client, user: User, reference: str, psu: port.Psu) -> None:
    """Confirm to the bank that the order is to be paid despite the mismatch. It then waits for its signature.

    The caller has checked what that asks (domain.orders.name_confirmation).

    Raises:
    - NotOpen: there is nothing to confirm.
    - PaymentsHeld
    - BankUnavailable: the bank did not accept the confirmation.
    """
    with transaction(client.id):
        batch, order = waiting_order(client, reference)
        holds.require_no_hold(client.id, order.bank_account.bank)
        differing = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.vop_result.is_null(False)).count()
        request_id = _ask(order, CONFIRM)
        audit.record_event(
            client.id, audit.by_user(user), "names.confirmed", f"batch:{reference}", order=order.id, count=differing
        )
    links = _confirm(order, request_id, psu)
    with transaction(client.id):
        get_batch_locked(client, reference)
        _answered(order, CONFIRM, request_id, "confirmed", links)
        settlement.settle(order, audit.by_user(user), status="RCVC")
    start_sca_after_verification(order.id)


def waiting_order(client: Client, reference: str) -> tuple[Batch, BankOrder]:
    """Return the locked batch whose name mismatches wait for a person, and its order.

    Raises:
    - NotOpen
    """
    batch = get_batch_locked(client, reference)
    if batch.state != BatchState.NAME_CHECK:
        raise NotOpen(batch.state)
    order = get_active_order(batch)
    if order.bank_status != "RVCM" or order.bank_payment_id is None or _is_asking(order):
        raise NotOpen(batch.state)
    return batch, order


def _line(batch: Batch, line_id: int) -> BatchLine:
    line = BatchLine.get_or_none(
        BatchLine.id == line_id, BatchLine.batch == batch.id, BatchLine.vop_result.is_null(False)
    )
    if line is None:
        raise NotFound
    return line


# --- what was asked of the bank, written before it is asked ---
def _ask(order: BankOrder, call: str) -> str:
    """Record the call before it is made. Until it is answered, no other person can exclude a line or confirm."""
    request_id = uuid()
    BankCall.create(order=order.id, operation=call, x_request_id=request_id, outcome="asked")
    return request_id


def _said(order: BankOrder, *calls: str) -> dict[str, list[BankCall]]:
    """Return the records of these calls, by request id."""
    found: dict[str, list[BankCall]] = {}
    query = BankCall.select().where(BankCall.order == order.id, BankCall.operation.in_(calls))
    for row in query.order_by(BankCall.id):
        found.setdefault(row.x_request_id, []).append(row)
    return found


def _is_asking(order: BankOrder) -> bool:
    return any(
        len(rows) == 1 and rows[0].created_at > utcnow() - ASKING_LASTS
        for rows in _said(order, CONFIRM, CANCEL).values()
    )


def _may_be_confirmed(order: BankOrder) -> bool:
    """Return whether the bank may have received a confirmation: an order that it may execute is never rebuilt."""
    return any(not rows[-1].outcome.startswith(_DID_NOTHING) for rows in _said(order, CONFIRM).values())


def _answered(order: BankOrder, call: str, request_id: str, outcome: str, links: dict[str, str] | None = None) -> None:
    BankCall.create(order=order.id, operation=call, x_request_id=request_id, outcome=outcome)
    BankOrder.update(due_at=utcnow()).where(BankOrder.id == order.id).execute()
    if links:
        line_statuses.merge_links(order, links)


def _failed(order: BankOrder, call: str, request_id: str, error: port.BankError) -> None:
    """Record that the bank refused, was not reached, or gave no clear answer, and poll its status soon."""
    kind = "unknown"
    if isinstance(error, port.NotDelivered):
        kind = "not_delivered"
    if isinstance(error, port.BankRefused):
        kind = f"refused:{error.code}"
    with transaction(order.batch.client_id):
        _answered(order, call, request_id, kind)


def _confirm(order: BankOrder, request_id: str, psu: port.Psu) -> dict[str, str]:
    """Call the bank's confirmation link. A bank without such a link needs no confirmation: signing suffices there."""
    line, link = (
        bank_config_for_order(order),
        sca_state.load_sca_document(order)["links"].get("creditorNameConfirmation"),
    )
    if link is None:
        return {}
    try:
        return services().bank.confirm_names(line, link, psu, request_id)
    except port.BankError as error:
        _failed(order, CONFIRM, request_id, error)
        raise BankUnavailable from error


def _take_back(order: BankOrder, request_id: str, psu: port.Psu) -> None:
    """Cancel the order at the bank.

    If the bank does not cancel, the order is safe only while the bank still waits for the confirmation, without which
    it never executes (Berlin Group 1.3.16, creditorNameConfirmation).

    Raises:
    - NotOpen: the bank may execute the order.
    - BankUnavailable
    """
    line, payment_id = bank_config_for_order(order), order.bank_payment_id or ""
    try:
        gone = _cancelled(line, payment_id, psu, request_id) or _waits(line, payment_id)
    except port.BankError as error:
        _failed(order, CANCEL, request_id, error)
        raise BankUnavailable from error
    if not gone:
        with transaction(order.batch.client_id):
            _answered(order, CANCEL, request_id, "refused")
        raise NotOpen(BatchState.NAME_CHECK)


def _cancelled(config: port.BankConfig, payment_id: str, psu: port.Psu, request_id: str) -> bool:
    """Return whether the bank cancelled the order; False also if it refuses to."""
    try:
        return services().bank.cancel_order(config, payment_id, psu, request_id).done
    except port.BankRefused:
        return False


def _waits(config: port.BankConfig, payment_id: str) -> bool:
    report = services().bank.order_status(config, payment_id, uuid())
    return report.transaction_status == "RVCM" and "creditorNameConfirmation" in report.links


def _end(batch: Batch, order: BankOrder, user: User, line_id: int) -> None:
    """Record the cancellation, exclude the line and open the payment with new ids, in the caller's transaction.

    Polling may have recorded the cancellation already.
    """
    BankCall.create(order=order.id, operation=CANCEL, x_request_id=uuid(), outcome="ended", is_final=True)
    status_polling.record_statement(order, audit.by_user(user), "CANC")
    batch = Batch.get_by_id(batch.id)
    if batch.state != BatchState.CANCELLED:
        raise NotOpen(batch.state)
    BatchLine.update(state=LineState.EXCLUDED).where(BatchLine.id == line_id).execute()
    void_releases(batch, "changed")
    Batch.update(last_edited_by=user.id).where(Batch.id == batch.id).execute()
    renew_end_to_end_ids(batch)
    state_machine.transition(batch, "reopen", audit.by_user(user), "changed", order=order.id, line=line_id)


# --- after the check ---
def start_sca_after_verification(order_id: int) -> None:
    """Start SCA of an order that can be signed now: its payees are verified, or its bank has become ready for it."""
    order = BankOrder.get_by_id(order_id)
    batch = Batch.get_by_id(order.batch_id)
    config = bank_config_for_order(order)
    if (
        batch.state != BatchState.AT_BANK
        or order.state != OrderState.AT_BANK
        or order.authorisation_id
        or config.signing == "delegated"
    ):
        return
    if order.bank_status in ("RCVC", "RVCM") or is_not_yet_signable(order):
        start_sca_in_background(order, port.Psu(order.release.ip, None))
