"""Names that the bank knows otherwise (Verification of Payee): what a person can do before an order is signed.

While the bank checks, nothing happens here. When names differ, nothing moves without a person: the bank's
name is taken over for the next time, a line is struck (the order ends), or the order goes on as it is.
"""

from dataclasses import dataclass
from datetime import timedelta

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking.linking import bank_config_for_order
from domain.common import audit
from domain.common.errors import BankUnavailable, NotFound, NotOpen
from domain.common.services import services
from domain.orders import line_statuses, sca_state, settlement, status_polling
from domain.orders.sca import get_active_order, is_not_yet_signable, start_sca_in_background
from domain.payments import creditor_names, state_machine
from domain.payments.amendments import renew_end_to_end_ids, void_releases
from domain.payments.queries import Payment, get_batch_locked
from models import BankExchange, BankOrder, Batch, BatchLine, Client, User, transaction

# Longer than a call to a bank may last: after it, whoever asked has died.
ASKING_LASTS = timedelta(minutes=3)
CONFIRM, CANCEL = "confirm_names", "cancel"
_DID_NOTHING = ("not_delivered", "refused")


@dataclass(frozen=True)
class NameMismatch:
    """One line whose name the bank knows otherwise. `match`: NMTC, CMTC (then `name_at_bank` may be there), NOAP."""

    id: int
    name: str
    iban: str
    amount_cents: int
    match: str
    name_at_bank: str | None
    taken_over: bool


@dataclass(frozen=True)
class VerificationStatus:
    """`running`: the bank is still at it. Otherwise `lines` differ; none when the bank did not say which."""

    running: bool
    lines: tuple[NameMismatch, ...] = ()


def verification_status(payment: Payment) -> VerificationStatus | None:
    """How the name check stands; None when there is none now."""
    if payment.state != "name_check":
        return None
    if payment.order is None or payment.order.raw_status != "RVCM":
        return VerificationStatus(running=True)
    rows = list(
        BatchLine.select().where(BatchLine.batch == payment.id, BatchLine.name_match.is_null(False))
        .order_by(BatchLine.position)
    )  # fmt: skip
    names = creditor_names.load_creditor_names(payment.order.row.batch.client_id, rows)
    return VerificationStatus(False, tuple(_difference(row, names) for row in rows))


def _difference(row: BatchLine, names: creditor_names.CreditorNames) -> NameMismatch:
    taken = names.override_for(row.iban, row.name_shown)
    return NameMismatch(
        row.id, row.name_shown, row.iban, row.amount_cents, str(row.name_match), row.name_at_bank,
        taken is not None and taken == row.name_at_bank,
    )  # fmt: skip


# --- what a person can do ---
def accept_bank_name(client: Client, user: User, reference: str, line_id: int) -> None:
    """Take the bank's name over: for the next order and the next runs, never into one that was released.

    NotOpen when names are not to be judged now, NotFound when the bank gave no name for this line.
    """
    with transaction(client.id):
        batch, _ = _waiting(client, reference)
        line = _line(batch, line_id)
        creditor_names.save_accepted_name(client.id, user.id, line)
        audit.record_event(client.id, audit.by_user(user), "name.accepted", f"batch:{reference}", line=line.id)


def exclude_line_and_cancel(client: Client, user: User, reference: str, line_id: int, psu: port.Psu) -> None:
    """Do not pay this line: the order is taken back at the bank and ends, the payment has to be approved anew.

    NotOpen when that is too late, NotFound for another line, BankUnavailable: nothing has changed then.
    """
    with transaction(client.id):
        batch, order = _waiting(client, reference)
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
    """Pay although names differ: the bank is told so, and the order waits for its signature.

    NotOpen when there is nothing to confirm, BankUnavailable when the bank did not take it.
    """
    with transaction(client.id):
        batch, order = _waiting(client, reference)
        differing = BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.name_match.is_null(False)).count()
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


def _waiting(client: Client, reference: str) -> tuple[Batch, BankOrder]:
    """The payment whose names wait for a person, held, with its order. NotOpen when none does."""
    batch = get_batch_locked(client, reference)
    if batch.state != "name_check":
        raise NotOpen(batch.state)
    order = get_active_order(batch)
    if order.raw_status != "RVCM" or order.payment_id is None or _is_asking(order):
        raise NotOpen(batch.state)
    return batch, order


def _line(batch: Batch, line_id: int) -> BatchLine:
    line = BatchLine.get_or_none(
        BatchLine.id == line_id, BatchLine.batch == batch.id, BatchLine.name_match.is_null(False)
    )
    if line is None:
        raise NotFound
    return line


# --- what was asked of the bank, written before it is asked ---
def _ask(order: BankOrder, call: str) -> str:
    """From here on one person is at it: a line cannot be struck while another lets the order go on."""
    request_id = uuid()
    BankExchange.create(order=order.id, call=call, request_id=request_id, outcome="asked")
    return request_id


def _said(order: BankOrder, *calls: str) -> dict[str, list[BankExchange]]:
    """What came of each call, by its request id."""
    found: dict[str, list[BankExchange]] = {}
    query = BankExchange.select().where(BankExchange.order == order.id, BankExchange.call.in_(calls))
    for row in query.order_by(BankExchange.id):
        found.setdefault(row.request_id, []).append(row)
    return found


def _is_asking(order: BankOrder) -> bool:
    return any(
        len(rows) == 1 and rows[0].at > utcnow() - ASKING_LASTS for rows in _said(order, CONFIRM, CANCEL).values()
    )


def _may_be_confirmed(order: BankOrder) -> bool:
    """A confirmation went out that was not surely lost: what the bank may execute is never built anew."""
    return any(not rows[-1].outcome.startswith(_DID_NOTHING) for rows in _said(order, CONFIRM).values())


def _answered(order: BankOrder, call: str, request_id: str, outcome: str, links: dict[str, str] | None = None) -> None:
    BankExchange.create(order=order.id, call=call, request_id=request_id, outcome=outcome)
    BankOrder.update(due_at=utcnow()).where(BankOrder.id == order.id).execute()
    if links:
        line_statuses.merge_links(order, links)


def _failed(order: BankOrder, call: str, request_id: str, error: port.BankError) -> None:
    """No, lost, or unknown: the bank is asked soon how the order stands."""
    kind = "unknown"
    if isinstance(error, port.NotDelivered):
        kind = "not_delivered"
    if isinstance(error, port.BankRefused):
        kind = f"refused:{error.code}"
    with transaction(order.batch.client_id):
        _answered(order, call, request_id, kind)


def _confirm(order: BankOrder, request_id: str, psu: port.Psu) -> dict[str, str]:
    """A bank that gives no link for it wants no confirmation: its signing is what lets the order go on."""
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
    """Cancel the order at the bank. One that does not cancel says whether it still waits for the confirmation:
    without that it never executes it (BG 1.3.16, creditorNameConfirmation)."""
    line, payment_id = bank_config_for_order(order), order.payment_id or ""
    try:
        gone = _cancelled(line, payment_id, psu, request_id) or _waits(line, payment_id)
    except port.BankError as error:
        _failed(order, CANCEL, request_id, error)
        raise BankUnavailable from error
    if not gone:
        with transaction(order.batch.client_id):
            _answered(order, CANCEL, request_id, "refused")
        raise NotOpen("name_check")


def _cancelled(config: port.BankConfig, payment_id: str, psu: port.Psu, request_id: str) -> bool:
    """False as well when the bank says that it does not cancel this order."""
    try:
        return services().bank.cancel_order(config, payment_id, psu, request_id).done
    except port.BankRefused:
        return False


def _waits(config: port.BankConfig, payment_id: str) -> bool:
    report = services().bank.order_status(config, payment_id, uuid())
    return report.transaction_status == "RVCM" and "creditorNameConfirmation" in report.links


def _end(batch: Batch, order: BankOrder, user: User, line_id: int) -> None:
    """The order ends, the line is refused, the rest is open with new ids; in the caller's transaction.

    Whoever follows the order may have seen already that it is cancelled.
    """
    BankExchange.create(order=order.id, call=CANCEL, request_id=uuid(), outcome="ended", final=True)
    status_polling.record_statement(order, audit.by_user(user), "CANC")
    batch = Batch.get_by_id(batch.id)
    if batch.state != "cancelled":
        raise NotOpen(batch.state)
    BatchLine.update(state="refused").where(BatchLine.id == line_id).execute()
    void_releases(batch, "changed")
    Batch.update(changed_by=user.id).where(Batch.id == batch.id).execute()
    renew_end_to_end_ids(batch)
    state_machine.transition(batch, "reopen", audit.by_user(user), "changed", order=order.id, line=line_id)


# --- after the check ---
def start_sca_after_verification(order_id: int) -> None:
    """An order that may be signed from now on: its authorisation is begun, as one without a name check has it.

    So is that of a bank that was not ready for it yet.
    """
    order = BankOrder.get_by_id(order_id)
    batch = Batch.get_by_id(order.batch_id)
    config = bank_config_for_order(order)
    if batch.state != "at_bank" or order.state != "at_bank" or order.authorisation_id or config.signing == "delegated":
        return
    if order.raw_status in ("RCVC", "RVCM") or is_not_yet_signable(order):
        start_sca_in_background(order, port.Psu(order.release.ip, None))
