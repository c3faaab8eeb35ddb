"""Submit an approved payment to the bank: once, exactly as approved, without guessing.

The bytes of the order are stored encrypted before the first call. A retry sends the same bytes with the same
X-Request-ID, and only to a bank that is idempotent. Without an answer the payment stays in state "sending" until the
bank, or two people, say what happened.
"""

import logging
from datetime import timedelta
from typing import Any

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from domain.banking import manual_bank
from domain.banking.bank_configs import bank_config_for_order
from domain.common import audit, leases, marks
from domain.common.errors import PaymentsHeld, StateConflict
from domain.common.services import services
from domain.orders import evidence, restore_watch, sca, sca_state, settlement, status_callbacks
from domain.orders.conclusion import NOT_TAKEN, Level, Standing, Trust
from domain.orders.evidence import Statement
from domain.orders.obstacles import changed_wish, obstacle, open_again, open_again_locked, reopen_if_too_late
from domain.orders.order_building import build_order, order_bytes
from domain.payments import commitments, holds, line_doubts, payee_checks, state_machine
from domain.payments.amendments import void_releases
from domain.payments.queries import get_batch
from domain.payments.totals import lines_of
from models import AuditEvent, BankAccount, BankCall, BankOrder, Batch, Client, transaction
from models.states import BatchState, OrderState

log = logging.getLogger(__name__)
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
        log.error("order %s has no answer and is not sent again: ask the bank", claimed.id)
        leases.release_lease(claimed, due_at=None)
        return
    if not again and (why_not := obstacle(batch, claimed.release)):
        leases.release_lease(claimed, due_at=None)
        open_again(batch, why_not)
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
        if order.submitted_at is None and (wish := changed_wish(order.release, Client.get_by_id(batch.client_id))):
            open_again_locked(batch, wish)
            return None
        if order.submitted_at is None and payee_checks.has_open_questions(batch):
            open_again_locked(batch, "payees_changed")
            return None
        if order.submitted_at is None and line_doubts.stands(batch.id):
            open_again_locked(batch, "doubted")
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
