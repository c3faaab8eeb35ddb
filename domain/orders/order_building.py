"""Build the order of an approved payment, and store its exact bytes before any call.

The bytes are encrypted, read back and compared with what was released. References are derived from the payment and
the number of the attempt, so that the same attempt made again is the same order.
"""

from connectors.bank import port
from connectors.bank.order_formats import read_order, representable_in, write_order
from connectors.bank.payment_order import OrderLine, PaymentOrder
from core.encryption import digest_sha256
from core.sepa_text import to_sepa
from domain.banking import manual_bank
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.encryption import blind_index, decrypt_bytes, encrypt
from domain.common.errors import OrderMismatch, StateConflict
from domain.orders import recovery, sca, settlement, status_callbacks
from domain.orders.obstacles import obstacle, open_again
from domain.payments import digest, holds, lost_orders, payee_checks, state_machine
from domain.payments.queries import get_batch_locked
from domain.payments.references import message_id, request_id
from domain.payments.totals import lines_of
from models import BankOrder, Batch, BatchLine, LostOrder, Release, transaction
from models.states import BatchState, LineState, RunKind


def build_order(batch: Batch) -> BankOrder | None:
    """Build the order of the valid release and store its bytes encrypted. No call is made.

    Return None if it may not be submitted; the payment is then open again, with the reason.

    Raises:
    - StateConflict: another worker built it.
    - OrderMismatch: the order is not what was released.
    - PaymentsHeld
    """
    release = Release.get(Release.batch == batch.id, Release.voided_at.is_null())
    why_not = obstacle(batch, release)
    if why_not:
        open_again(batch, why_not)
        return None
    config = bank_config_of(batch.bank_account.bank)
    order, body = written_order(batch, release, _released_lines(batch, release), config)
    with transaction(batch.client_id):
        return _store(batch, release, config, order, body)


def written_order(
    batch: Batch, release: Release, lines: list[BatchLine], config: port.BankConfig
) -> tuple[PaymentOrder, bytes]:
    """Return the next order of the payment, and its bytes after reading them back.

    Raises:
    - OrderMismatch: the bytes do not give the same order.
    - OrderUnwritable
    """
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
        release.digest, release.debtor_iban, release.execution_date, lines, batch.kind, wishes,
        payee_checks.answer_marks(batch.id),
    )  # fmt: skip


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
    """Check release and digest again, store the order and move the batch to sending, in the caller's transaction.

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
        retry_days=config.retry_days, signing=config.signing,
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
        batch, "send", audit.WORKER, order=row.id, sha256=row.body_sha256, request=row.x_request_id,
        retry_days=row.retry_days, signing=row.signing,
    )  # fmt: skip
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
