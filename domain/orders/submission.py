"""Submit an approved payment to the bank: once, exactly as approved, without guessing.

The bytes of the order are stored encrypted before the first call. A retry sends the same bytes with the same
X-Request-ID, and only to a bank that is idempotent. Without an answer the payment stays in state "sending" until the
bank, or two people, say what happened.
"""

from datetime import timedelta
from typing import Any

from connectors.bank import port
from connectors.bank.order_formats import read_order, representable_in, write_order
from connectors.bank.pain001 import OrderLine, PaymentOrder
from core.clock import today_amsterdam, utcnow
from core.encryption import digest_sha256
from core.sepa_text import to_sepa
from domain.banking import manual_bank
from domain.banking.bank_configs import bank_config_for_order, bank_config_of
from domain.common import audit, leases, marks
from domain.common.encryption import blind_index, decrypt_bytes, encrypt
from domain.common.errors import OrderMismatch, PaymentsHeld, StateConflict
from domain.common.services import services
from domain.orders import evidence, recovery, restore_watch, sca, sca_state, settlement, status_callbacks
from domain.orders.conclusion import NOT_TAKEN, Level, Standing, Trust
from domain.orders.evidence import Statement
from domain.payments import (
    bank_capabilities,
    commitments,
    digest,
    execution_dates,
    holds,
    lost_orders,
    state_machine,
)
from domain.payments.amendments import void_releases
from domain.payments.queries import get_batch, get_batch_locked
from domain.payments.references import message_id, request_id
from domain.payments.totals import lines_of
from models import (
    AuditEvent,
    BankAccount,
    BankCall,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    LostOrder,
    Release,
    transaction,
)
from models.states import AuthenticationMethod, BatchState, LineState, OrderState, RunKind

SEND_LEASE = 180
MAX_RESENDS = 8
HELD_PAUSE = timedelta(minutes=1)


def due_batches() -> list[int]:
    """Return approved batches without an order, and those whose order waits for another attempt.

    An order that a person takes to the bank, or that is held, is included once its execution date has come: it may be
    too late then.
    """
    waits = (BankAccount.bank == manual_bank.MANUAL_BANK_ID) | holds.is_account_held()
    goes = ~waits | (Batch.execution_date <= today_amsterdam())
    approved = Batch.select(Batch.id).join(BankAccount).where(Batch.state == BatchState.APPROVED, goes)
    unmade = approved.where(
        Batch.id.not_in(BankOrder.select(BankOrder.batch).where(BankOrder.state != OrderState.CLOSED))
    )
    waiting = BankOrder.select(BankOrder.batch).where(
        BankOrder.state.in_((OrderState.PREPARED, OrderState.SUBMITTED)), BankOrder.due_at <= utcnow(),
        ~BankOrder.is_manual
    )
    return sorted({row.id for row in unmade} | {row.batch_id for row in waiting})


def submit_order(batch_id: int) -> None:
    """Submit the batch if it is approved, allowed and not held; record the bank's answer."""
    restore_watch.hold_if_restored()
    batch = Batch.get_by_id(batch_id)
    batch = get_batch(Client.get_by_id(batch.client_id), batch.reference)
    order = BankOrder.get_or_none(
        BankOrder.batch == batch.id, BankOrder.state.in_((OrderState.PREPARED, OrderState.SUBMITTED))
    )
    if order is None and batch.state == BatchState.APPROVED:
        if manual_bank.is_manual(batch.bank_account.bank) or holds.hold_on(batch.client_id, batch.bank_account.bank):
            reopen_if_too_late(batch)
            return
        try:
            order = build_order(batch)
        except (StateConflict, PaymentsHeld):
            return  # another worker is building it, or it was held a moment ago
        batch = get_batch(batch.client, batch.reference)
    if order is not None and not order.is_manual:  # the order decides: its account may have been linked since
        _submit_to_bank(batch, order)


def reopen_if_too_late(batch: Batch) -> None:
    """Open an approved payment that waits for a person or a hold again, if its execution date can no longer be met."""
    why_not = _obstacle(batch, Release.get(Release.batch == batch.id, Release.voided_at.is_null()))
    if why_not:
        _open_again(batch, why_not)


def build_order(batch: Batch) -> BankOrder | None:
    """Build the order of the valid release and store its bytes encrypted. No call is made.

    Return None if it may not be submitted; the payment is then open again, with the reason.

    Raises:
    - StateConflict: another worker built it.
    - OrderMismatch: the order is not what was released.
    - PaymentsHeld
    """
    release = Release.get(Release.batch == batch.id, Release.voided_at.is_null())
    why_not = _obstacle(batch, release)
    if why_not:
        _open_again(batch, why_not)
        return None
    config = bank_config_of(batch.bank_account.bank)
    order, body = written_order(batch, release, _released_lines(batch, release), config)
    with transaction(batch.client_id):
        return _store(batch, release, config, order, body)


def written_order(
    batch: Batch, release: Release, lines: list[BatchLine], config: port.BankConfig
) -> tuple[PaymentOrder, bytes]:
    """The next order of the payment and its bytes, read back and compared. OrderMismatch; OrderUnwritable."""
    order = _order_of(batch, release, lines)
    body = write_order(config, order)
    if digest.comparable_order(read_order(config, body)) != digest.comparable_order(representable_in(config, order)):
        raise OrderMismatch(batch.reference)
    return order, body


def _released_lines(batch: Batch, release: Release) -> list[BatchLine]:
    """Return the lines that were released.

    Raises:
    - OrderMismatch
    - StateConflict: another worker has made an order of them.
    """
    lines = [line for line in lines_of(batch) if line.state == LineState.OPEN]
    if not _is_released(batch, release, lines):
        state = Batch.get_by_id(batch.id).state
        raise (
            OrderMismatch(batch.reference)
            if state == BatchState.APPROVED
            else StateConflict(f"{batch.reference} is {state}")
        )
    return lines


def _is_released(batch: Batch, release: Release, lines: list[BatchLine]) -> bool:
    wishes = digest.wishes_of(release)
    return digest.is_digest_of(
        release.digest, release.debtor_iban, release.execution_date, lines, batch.kind, wishes
    )  # fmt: skip


def _obstacle(batch: Batch, release: Release) -> str | None:
    if lost_orders.is_its_next_order(batch):
        return None  # it was sent before the database was restored: its record is made, whatever changed since
    config = bank_config_of(batch.bank_account.bank)
    lines = lines_of(batch)
    going = [line for line in lines if line.state in (LineState.OPEN, LineState.SENT)]
    if unfit := bank_capabilities.unsupported_reason(config, going, batch.kind):
        return unfit
    if (config.signing == "delegated") != (release.authentication_method != AuthenticationMethod.SESSION):
        return "proof_changed"
    if wish := _changed_wish(release, batch.client):
        return wish
    if commitments.exceeding_dues(batch, lines):
        return "run_again"
    return execution_dates.unavailable_reason(release.execution_date, config.cut_off)


def _changed_wish(release: Release, client: Client) -> str | None:
    return digest.wish_that_changed(digest.wishes_of(release), digest.wishes_of(client))


def _open_again(batch: Batch, reason: str) -> None:
    """Open the payment for a new approval. Its execution date is never moved without the person."""
    with transaction(batch.client_id):
        _open_again_locked(batch, reason)


def _open_again_locked(batch: Batch, reason: str) -> None:
    if batch.state == BatchState.SENDING:  # stored, and certainly not at the bank
        state_machine.transition(batch, "bank_did_not_take", audit.WORKER, reason)
    void_releases(batch, reason)
    Batch.update(execution_date=None).where(Batch.id == batch.id).execute()
    state_machine.transition(batch, "change", audit.WORKER, reason)


def _order_of(batch: Batch, release: Release, lines: list[BatchLine]) -> PaymentOrder:
    return PaymentOrder(
        msg_id=message_id(batch.reference, batch.order_count + 1), created_at=release.released_at,
        initiating_party=_debtor_name(batch), debtor_name=_debtor_name(batch), debtor_iban=release.debtor_iban,
        execution_date=release.execution_date, batch_booking=release.batch_booking,
        wage_tax=batch.kind == RunKind.WAGE_TAX,
        lines=[
            OrderLine(
                row.end_to_end_id, row.amount_cents, row.creditor_name_sepa, row.creditor_iban, row.remittance_sepa,
                row.reference_type or "", row.reference_issuer or "",
            )
            for row in lines
        ],
    )  # fmt: skip


def _debtor_name(batch: Batch) -> str:
    return to_sepa(batch.bank_account.holder_name or batch.company.name, 70)


def _store(batch: Batch, release: Release, config: port.BankConfig, order: PaymentOrder, body: bytes) -> BankOrder:
    """Check the release and digest against the database, store the order and move the batch to sending, in one
    transaction.

    Raises:
    - StateConflict: another worker built the order, or the release is void.
    - OrderMismatch
    - PaymentsHeld
    """
    batch = get_batch_locked(batch.client, batch.reference)
    holds.require_no_hold(batch.client_id, batch.bank_account.bank)
    stands = Release.select().where(Release.id == release.id, Release.voided_at.is_null()).exists()
    if batch.state != BatchState.APPROVED or not stands:
        raise StateConflict(f"{batch.reference} is {batch.state}")
    lines = [line for line in lines_of(batch) if line.state == LineState.OPEN]
    if not _is_released(batch, release, lines):
        raise OrderMismatch(batch.reference)
    row = BankOrder.create(
        batch=batch, release=release, bank_account=batch.bank_account_id, msg_id=order.msg_id,
        x_request_id=request_id(order.msg_id), body_encrypted=encrypt(body, "bank_order", order.msg_id),
        body_sha256=digest_sha256(body), total_cents=release.total_cents, line_count=release.line_count,
        execution_date=release.execution_date, redirect_state_hash=blind_index(sca.return_state(order.msg_id)),
        message_format=config.format, is_manual=manual_bank.is_manual(config.id),
        callback_state_hash=blind_index(status_callbacks.callback_state(order.msg_id)) if config.notifies else None,
    )  # fmt: skip
    Batch.update(order_count=Batch.order_count + 1).where(Batch.id == batch.id).execute()
    lost = lost_orders.lost_order_of(batch, order.msg_id)
    if lost is not None:  # from here on its own lines count
        LostOrder.update(order=row.id).where(LostOrder.id == lost.id).execute()
    settlement.create_order_lines(row, lines)
    BatchLine.update(state=LineState.SENT, bank_reason_code=None).where(
        BatchLine.batch == batch.id, BatchLine.state == LineState.OPEN
    ).execute()
    state_machine.transition(
        batch, "send", audit.WORKER, order=row.id, sha256=row.body_sha256, request=row.x_request_id
    )
    if lost is not None:
        recovery.take_as_sent(row, lost.sent_at)
    return row


def order_bytes(order: BankOrder) -> bytes:
    """Return the exact bytes of the order.

    Raises:
    - OrderMismatch: they are not those that were stored.
    """
    body = decrypt_bytes(order.body_encrypted, "bank_order", order.msg_id)
    if digest_sha256(body) != order.body_sha256:
        raise OrderMismatch(order.msg_id)
    return body


def _submit_to_bank(batch: Batch, order: BankOrder) -> None:
    """Call the bank with the order's bytes, when that is safe, and record the outcome."""
    config = bank_config_for_order(order)
    claimed = leases.claim_lease(
        BankOrder, order.id, SEND_LEASE, BankOrder.state.in_((OrderState.PREPARED, OrderState.SUBMITTED))
    )
    if claimed is None:
        return
    batch = get_batch(batch.client, batch.reference)  # another worker may have built the order since
    again = claimed.submitted_at is not None  # as found by the claim: another worker may have called since
    if again and (not config.honours_request_id or config.signing == "delegated" or claimed.attempts >= MAX_RESENDS):
        leases.release_lease(claimed, due_at=None)
        return
    if not again and (why_not := _obstacle(batch, claimed.release)):
        leases.release_lease(claimed, due_at=None)
        _open_again(batch, why_not)
        return
    event = _mark_called(batch, claimed)
    if event is None:
        return
    try:
        marks.keep_mark(event, claimed.msg_id)
    except marks.NoMarkKept:  # an order that only the database knows of is never sent
        _not_delivered(batch, claimed, again)
        return
    psu, back = port.Psu(claimed.release.ip, None), sca.return_address(claimed)
    try:
        placed = services().bank.place_order(
            config,
            order_bytes(claimed),
            claimed.x_request_id,
            psu,
            back,
            f"{back}?geweigerd=1",
            _placement_options(claimed),
        )
    except port.NotDelivered:
        _not_delivered(batch, claimed, again)
    except port.BankRefused as error:
        # a refused retry says nothing about the first call, which the bank may have accepted
        _unanswered(claimed, f"refused:{error.code}") if again else _refused(batch, claimed, error)
    except port.BankError as error:
        _unanswered(claimed, type(error).__name__)
    else:
        _placed(batch, claimed, config, placed)


def _placement_options(order: BankOrder) -> port.PlacementOptions:
    """Return the options as approved. An order of one line is always verified, as only bundles may opt out (Regulation
    (EU) 260/2012 art. 5c(6)).
    """
    return port.PlacementOptions(
        check_names=order.release.vop_enabled or order.line_count == 1, notify_uri=status_callbacks.callback_url(order)
    )


def _mark_called(batch: Batch, order: BankOrder) -> AuditEvent | None:
    """Record that the bank may have the order from this commit on. Return None if it may not be submitted now."""
    with transaction(batch.client_id):
        if order.submitted_at is None and (wish := _changed_wish(order.release, Client.get_by_id(batch.client_id))):
            _open_again_locked(batch, wish)
            return None
        if holds.hold_on(batch.client_id, order.bank_account.bank):
            leases.release_lease(order, due_at=utcnow() + HELD_PAUSE)
            return None
        if batch.state == BatchState.APPROVED and commitments.exceeding_dues(batch, lines_of(batch)):
            void_releases(batch, "run_again")
            state_machine.transition(batch, "change", audit.WORKER, "run_again")
            return None
        if batch.state == BatchState.APPROVED:
            state_machine.transition(batch, "send", audit.WORKER, order=order.id, sha256=order.body_sha256)
        elif batch.state != BatchState.SENDING:
            return None
        BankOrder.update(submitted_at=utcnow(), state=OrderState.SUBMITTED).where(BankOrder.id == order.id).execute()
        settlement.set_standing(order, Standing.POSSIBLE)
        return audit.record_event(batch.client_id, audit.WORKER, restore_watch.CALLED, f"order:{order.msg_id}")


def _exchange(order: BankOrder, call: str, outcome: str, raw: str | None = None, final: bool = False) -> None:
    BankCall.create(
        order=order.id, operation=call, x_request_id=order.x_request_id, outcome=outcome, bank_status=raw,
        is_final=final
    )


def _not_delivered(batch: Batch, order: BankOrder, again: bool) -> None:
    """Record that the order did not reach the bank. Unless an earlier call may have, the batch is approved again."""
    with transaction(batch.client_id):
        _exchange(order, "place", "not_delivered")
        due = leases.backoff(order.attempts)
        changes: dict[str, Any] = {"attempts": order.attempts + 1, "due_at": due, "lease_until": None}
        if not again:
            changes |= {"submitted_at": None, "state": OrderState.PREPARED}
            settlement.set_standing(order, Standing.UNSENT)
            state_machine.transition(batch, "bank_did_not_take", audit.WORKER, "bank_unreachable")
        BankOrder.update(**changes).where(BankOrder.id == order.id).execute()


def _unanswered(order: BankOrder, what: str) -> None:
    """Record that the bank may have the order. It is sent again only to an idempotent bank; otherwise a person asks."""
    with transaction(order.batch.client_id):
        _exchange(order, "place", f"unknown:{what}")
        BankOrder.update(
            attempts=order.attempts + 1, due_at=leases.backoff(order.attempts), lease_until=None
        ).where(BankOrder.id == order.id).execute()


def _refused(batch: Batch, order: BankOrder, error: port.BankRefused) -> None:
    """Record that the bank refused the order before accepting it: the order ends, and a new one can be made."""
    with transaction(batch.client_id):
        _exchange(order, "place", f"refused:{error.http_status}:{error.code}", final=True)
        BankOrder.update(lease_until=None).where(BankOrder.id == order.id).execute()
        said = Statement(Level.GROUP, NOT_TAKEN, utcnow(), None, f"bank:{error.code}")
        evidence.add_evidence(order, evidence.STATUS, Trust.BANK, [said])
        settlement.settle(order, audit.WORKER)


def _placed(batch: Batch, order: BankOrder, config: port.BankConfig, placed: port.OrderPlaced) -> None:
    said = Statement(Level.GROUP, placed.transaction_status, utcnow())
    with transaction(batch.client_id):
        _exchange(order, "place", "placed", placed.transaction_status)
        BankOrder.update(
            bank_payment_id=placed.payment_id, bank_status=placed.transaction_status, attempts=0, due_at=utcnow(),
            lease_until=None, state=OrderState.AT_BANK,
        ).where(BankOrder.id == order.id).execute()  # fmt: skip
        sca_state.save_placed_order(order, placed)
        evidence.add_evidence(order, evidence.STATUS, Trust.BANK, [said])
        settlement.settle(order, audit.WORKER, status=placed.transaction_status, payment=placed.payment_id)
    if Batch.get_by_id(batch.id).state == BatchState.AT_BANK:
        sca.start_sca_in_background(BankOrder.get_by_id(order.id), port.Psu(order.release.ip, None))
