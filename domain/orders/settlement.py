"""Settle an order: draw the conclusion from its evidence, and update lines, order and payment accordingly.

Nothing else moves a payment that a bank may have. A person's acts (change, reopen, replace) start only when nothing is
at a bank any more.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from core.clock import today_amsterdam, utcnow
from domain.banking.bank_configs import bank_config_for_order
from domain.common import leases
from domain.orders import conclusion, evidence
from domain.orders.conclusion import Conclusion, LineConclusion, OrderFacts, OrderLineFacts, Phase, Standing
from domain.payments import four_eyes, state_machine
from models import (
    COMMITTED,
    BankAccount,
    BankCall,
    BankOrder,
    Batch,
    BatchLine,
    OrderLine,
    Release,
    require_client_lock,
)
from models.states import LineState, OrderState

AT_ONCE = 500
# Returns take up to three bank days, recalls up to ten (EPC SCT rulebook, R-transactions).
RETURNS_FOR = timedelta(days=21)
LOOK_BACK_EVERY = timedelta(days=1)
EVENT = {
    Phase.NAME_CHECK: "bank_checks_names",
    Phase.AT_BANK: "bank_has_it",
    Phase.SIGNED: "bank_signed",
    Phase.PENDING_REJECTION: "bank_may_still_execute",
    Phase.EXECUTED: "bank_executed",
    Phase.PARTLY_EXECUTED: "bank_executed_partly",
    Phase.RETURNED: "bank_returned_all",
    Phase.REJECTED: "bank_rejected",
    Phase.CANCELLED: "bank_cancelled",
    Phase.FAILED: "signing_failed",
    Phase.DISPUTED: "bank_contradicts",
}
_ORDER_STATE = {
    Phase.NAME_CHECK: OrderState.AT_BANK,
    Phase.AT_BANK: OrderState.AT_BANK,
    Phase.SIGNED: OrderState.SIGNED,
    Phase.PENDING_REJECTION: OrderState.SIGNED,
    Phase.DISPUTED: OrderState.SIGNED,
    Phase.EXECUTED: OrderState.EXECUTED,
    Phase.PARTLY_EXECUTED: OrderState.EXECUTED,
    Phase.RETURNED: OrderState.EXECUTED,
    Phase.REJECTED: OrderState.CLOSED,
    Phase.CANCELLED: OrderState.CLOSED,
    Phase.FAILED: OrderState.CLOSED,
}
_AFTER_SENDING = [LineState.SENT, LineState.EXECUTED, LineState.REJECTED, LineState.RETURNED, LineState.DISPUTED]
_LINE_STATE = {
    Standing.UNSENT: LineState.SENT,
    Standing.POSSIBLE: LineState.SENT,
    Standing.PAID: LineState.EXECUTED,
    Standing.RETURNED: LineState.RETURNED,
    Standing.UNPAID: LineState.REJECTED,
    Standing.DISPUTED: LineState.DISPUTED,
}


def settle(order: BankOrder, actor: str, reason: str | None = None, **details: Any) -> bool:
    """Update lines, order and payment to the conclusion, in the caller's transaction. Return whether anything changed.

    `reason` is used in log and screen if the bank gave none.
    """
    batch = Batch.get_by_id(order.batch_id)
    require_client_lock(batch.client_id)
    row = BankOrder.get_by_id(order.id)
    found, newest = conclude_order(row), _is_newest(row)
    moved = _settle_lines(row, found, newest)
    if found.phase is None or not newest:
        return moved
    _settle_order(row, found.phase, found)
    return _settle_batch(batch, row, found, actor, reason, details) or moved


def conclude_order(order: BankOrder, day: date | None = None) -> Conclusion:
    """Return the conclusion about this order as of today, or as of this day in Amsterdam."""
    return conclusion.conclude(facts_of(order), evidence.evidence_of(order), day or today_amsterdam())


def facts_of(order: BankOrder) -> OrderFacts:
    """Return what we know about the order ourselves, without evidence.

    What its bank does is what the configuration said when the order was made: a later change frees no line of it early.
    """
    retry_days, signing = order.retry_days, order.signing
    if retry_days is None or signing is None:
        config = bank_config_for_order(order)
        retry_days, signing = config.retry_days, config.signing
    lines: Any = OrderLine.select(OrderLine.id, OrderLine.amount_cents).where(OrderLine.order == order.id).tuples()
    confirmed = BankCall.select().where(
        BankCall.order == order.id, BankCall.operation == "confirm_names", BankCall.outcome == "confirmed"
    )
    return OrderFacts(
        tuple(OrderLineFacts(line_id, cents) for line_id, cents in lines), called=order.submitted_at is not None,
        manual=order.is_manual, people=min(2, four_eyes.people_behind(order.release)),
        execution_date=order.execution_date, retry_days=retry_days,
        signs_elsewhere=order.is_manual or signing != "delegated", names_confirmed=confirmed.exists(),
    )  # fmt: skip


def create_order_lines(order: BankOrder, lines: list[BatchLine]) -> None:
    """Store the lines of a new order, which has not reached the bank."""
    rows = [
        {
            "order": order.id,
            "batch_line": row.id,
            "end_to_end_id": row.end_to_end_id,
            "creditor_iban": row.creditor_iban,
            "amount_cents": row.amount_cents,
        }
        for row in lines
    ]
    for start in range(0, len(rows), AT_ONCE):
        OrderLine.insert_many(rows[start : start + AT_ONCE]).execute()


def set_standing(order: BankOrder, standing: Standing) -> None:
    """Set the standing of all lines of this order: it is about to reach the bank, or certainly has not."""
    OrderLine.update(standing=standing).where(OrderLine.order == order.id).execute()


# --- lines ----------------------------------------------------------------------------------------
def _settle_lines(order: BankOrder, found: Conclusion, newest: bool) -> bool:
    rows = {row.id: row for row in OrderLine.select().where(OrderLine.order == order.id)}
    changed: dict[LineConclusion, list[int]] = defaultdict(list)
    for line_id, said in found.lines.items():
        row = rows[line_id]
        if (row.standing, row.reason, row.may_execute_until) != (said.standing, said.reason, said.until):
            changed[said].append(line_id)
    for said, ids in changed.items():
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            OrderLine.update(standing=said.standing, reason=said.reason, may_execute_until=said.until).where(
                OrderLine.id.in_(part)
            ).execute()
            if newest:
                _show(said, [rows[line_id] for line_id in part])
    return bool(changed)


def _show(said: LineConclusion, rows: list[OrderLine]) -> None:
    """Set state and reason of the payment lines accordingly."""
    if said.standing == Standing.UNSENT:
        return
    state, code = shown_state(said.standing, said.reason)
    mine = BatchLine.id.in_([row.batch_line_id for row in rows])
    # money that may have moved is told, whatever people decided about the line since
    shown = mine if said.standing in COMMITTED else mine & BatchLine.state.in_(_AFTER_SENDING)
    BatchLine.update(state=state, bank_reason_code=code).where(shown).execute()


def shown_state(standing: Standing, reason: str | None) -> tuple[str, str | None]:
    """Return state and reason of the payment line whose order line stands so."""
    unpaid = standing in (Standing.UNPAID, Standing.RETURNED, Standing.DISPUTED)
    return _LINE_STATE[standing], (reason or conclusion.NO_REASON).removeprefix("bank:") if unpaid else None


# --- the order and the payment --------------------------------------------------------------------
def _is_newest(order: BankOrder) -> bool:
    """Return whether this is the last order of its payment, which alone determines the payment's state."""
    return not BankOrder.select().where(BankOrder.batch == order.batch_id, BankOrder.id > order.id).exists()


def expected_states(found: Conclusion) -> tuple[str, str] | None:
    """Return the state of an order and of its payment that follow from this conclusion; None if it leaves them open."""
    if found.phase is None:
        return None
    return _ORDER_STATE[found.phase], state_machine.CONCLUDED[EVENT[found.phase]]


def _settle_order(order: BankOrder, phase: Phase, found: Conclusion) -> None:
    state = _ORDER_STATE[phase]
    if state == order.state:
        return
    BankOrder.update(state=state, due_at=next_poll_at(order, 0, state, found)).where(BankOrder.id == order.id).execute()
    if state == OrderState.EXECUTED:  # so that its booking is fetched at once
        BankAccount.update(transactions_requested_at=None).where(BankAccount.id == order.bank_account_id).execute()


def _settle_batch(
    batch: Batch, order: BankOrder, found: Conclusion, actor: str, reason: str | None, details: dict[str, Any]
) -> bool:
    event = EVENT[found.phase] if found.phase else ""
    target = state_machine.TRANSITIONS.get((batch.state, event))
    if target is None or target == batch.state:
        return False
    if batch.state in state_machine.BEFORE_THE_BANK:
        Release.update(voided_at=utcnow(), void_reason="bank").where(
            Release.batch == batch.id, Release.voided_at.is_null(), Release.id != order.release_id
        ).execute()
    if batch.state in state_machine.BEFORE_THE_BANK | state_machine.GIVEN_UP:
        details = details | _follow_order(batch, order)
    why = _reason_of_state(found) or reason
    state_machine.transition(batch, event, actor, why, order=order.id, **details)
    return True


def _follow_order(batch: Batch, order: BankOrder) -> dict[str, Any]:
    """Give a payment that was opened again account, day and ids of its earlier order, which moved money after all.
    Return what the log has to say of it.
    """
    Batch.update(bank_account=order.bank_account_id, execution_date=order.execution_date).where(
        Batch.id == batch.id
    ).execute()
    for row in OrderLine.select().where(OrderLine.order == order.id):
        mine = (BatchLine.id == row.batch_line_id) & (BatchLine.end_to_end_id != row.end_to_end_id)
        BatchLine.update(end_to_end_id=row.end_to_end_id).where(mine).execute()
    return {"account": order.bank_account_id} if batch.bank_account_id != order.bank_account_id else {}


def _reason_of_state(found: Conclusion) -> str | None:
    """Return the bank's reason, for the states that show one."""
    needs = (Phase.REJECTED, Phase.PARTLY_EXECUTED, Phase.PENDING_REJECTION, Phase.RETURNED, Phase.DISPUTED)
    if found.phase not in needs or not found.reason:
        return None
    return found.reason if ":" in found.reason else f"bank:{found.reason}"


# --- when to ask again ----------------------------------------------------------------------------
def next_poll_at(
    order: BankOrder, attempts: int, state: str | None = None, found: Conclusion | None = None
) -> datetime | None:
    """Return when to poll this order next; None: never. `state`: its new state.

    An executed order is polled daily for three weeks, because it may come back.
    """
    if order.is_manual and not (found and found.until):
        return None
    now_is = state or order.state
    if now_is == OrderState.CLOSED:
        return None
    if now_is != OrderState.EXECUTED:
        return leases.backoff(attempts)
    return utcnow() + LOOK_BACK_EVERY if today_amsterdam() <= order.execution_date + RETURNS_FOR else None
