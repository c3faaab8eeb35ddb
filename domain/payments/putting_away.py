"""Put a payment away without paying it, in one act: a double, or one that was paid in another way."""

from enum import StrEnum

from domain.common import audit
from domain.payments import excess_allowances, line_doubts, line_verdicts, state_machine
from domain.payments.amendments import reopen_held, reopened_for_change
from domain.payments.awaiting import NOT_EXECUTED
from domain.payments.queries import get_batch_locked, require_details
from models import Batch, BatchLine, Client, User, transaction
from models.states import LineState
from models.verdicts import NEVER


class PutAway(StrEnum):
    """Why a payment is not paid; stored as the reason of its state."""

    DOUBLE = "put_away_double"
    PAID_ELSEWHERE = "put_away_paid_elsewhere"
    WRONG_RUN = "put_away_wrong_run"
    OTHER = "put_away_other"


def put_away(client: Client, user: User, reference: str, why: PutAway) -> None:
    """Exclude every line of a payment that is open, approved and not sent yet, or not executed by its bank, and end it
    unpaid.

    Approvals become void. What it would have paid stays owed, as with any excluded line (decision 0030).

    Raises:
    - NotOpen: a bank has it or paid it, or it was put away already.
    - DetailsRemoved: whom it would have paid was removed after the years that are kept.
    - DoubtStands: prepared again, it would go on without an answer.
    """
    with transaction(client.id):
        batch = _opened(client, user, reference)
        line_doubts.require_settled(batch)
        left_out = _leave_out(batch, user)
        excess_allowances.end_of_payment(batch, "discarded", user)
        state_machine.transition(batch, "discard", audit.by_user(user), why.value, lines=left_out)


def _opened(client: Client, user: User, reference: str) -> Batch:
    """Return the payment, open: one that its bank did not execute is opened again first, which voids its approvals."""
    batch = get_batch_locked(client, reference)
    if batch.state not in NOT_EXECUTED:
        return reopened_for_change(client, user, reference)
    require_details(batch.run)
    reopen_held(batch, user)
    return batch


def _leave_out(batch: Batch, user: User) -> int:
    """Exclude the lines, never to be paid unless somebody takes that back; return how many were not so before.

    Who was to be paid later in this payment is not paid either: of a double that would be a reminder to pay twice.
    """
    mine = line_verdicts.lines_with_verdicts().where(BatchLine.batch == batch.id)
    lines = [
        line for line in mine.order_by(BatchLine.id)
        if line.state == LineState.OPEN or (line.state == LineState.EXCLUDED and line.verdict != NEVER)
    ]  # fmt: skip
    for line in lines:
        BatchLine.update(state=LineState.EXCLUDED).where(BatchLine.id == line.id).execute()
        line_verdicts.record_verdict(batch, user, line.id, NEVER)
    return len(lines)
