"""What statuses say about a line: those of the bank, and statements of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.bank_days import next_bank_day
from core.clock import amsterdam
from domain.orders.conclusion.terms import (
    CAME_BACK,
    DUPLICATE_REASONS,
    IN_PROCESS,
    NO_MONEY,
    NO_REASON,
    OUTCOMES,
    PAID_CODES,
    REJECTED,
    SAID_PAID,
    SAID_UNPAID,
    UNPAID_CODES,
    Evidence,
    Level,
    OrderFacts,
    Standing,
    Trust,
)

# Some banks still execute an order that they rejected for one of these reasons, once the account has money.
_RETRIED_REASONS = (None, NO_MONEY, NO_REASON)


@dataclass(frozen=True)
class Outcome:
    """What the statuses say about a line. `at`: when two operators settled it."""

    standing: Standing
    reason: str | None = None
    until: date | None = None
    at: datetime | None = None


def may_execute_until(order: OrderFacts, refused_at: datetime) -> date:
    """Return the last bank day on which the bank may still execute what it rejected at `refused_at` (UTC)."""
    day = max(amsterdam(refused_at).date(), order.execution_date or date.min)
    for _ in range(order.retry_days):
        day = next_bank_day(day)
    return day


def is_operators_word(one: Evidence) -> bool:
    """Return whether operators say here what became of a line, or of a whole order."""
    return one.trust == Trust.OPERATOR and one.code in (SAID_PAID, SAID_UNPAID)


def settle_by_word(word: Evidence, before: Standing) -> Outcome | None:
    """Return what two operators settled by this word about a line that stood so before it; it stands until a later
    booking. Return None if nothing was to be settled: a word about a whole order leaves alone what is proved of a line.

    Money that came back is proved, and so is money that moved: that nothing was paid contradicts it.
    """
    standing = Standing.PAID if word.code == SAID_PAID else Standing.UNPAID
    if before == Standing.RETURNED or (before == Standing.PAID and word.line is None):
        return None
    if before == Standing.PAID and standing == Standing.UNPAID:
        standing = Standing.DISPUTED
    return Outcome(standing, word.reason, None, word.said_at)


def status_outcome(order: OrderFacts, own: Sequence[Evidence], shared: Sequence[Evidence], today: date) -> Outcome:
    """Return the outcome at the finest level that has one; a coarser level counts only if it is later than all finer.

    A statement that it was paid, which does not count for that, still contradicts one that it was not.
    """
    finer: list[Evidence] = []
    was_paid = False
    for level in (Level.LINE, Level.BATCH, Level.GROUP):
        mine = own if level == Level.LINE else [one for one in shared if one.level == level and one.whole]
        after = max((one.said_at for one in finer), default=None)
        told = [one for one in mine if one.code in OUTCOMES and (after is None or one.said_at > after)]
        was_paid = was_paid or any(one.code in PAID_CODES for one in mine if one not in told)
        if told:
            found = _outcome(order, told, [one for one in (*mine, *finer) if one.code in IN_PROCESS], today)
            if was_paid and found.standing == Standing.UNPAID:
                return Outcome(Standing.DISPUTED, found.reason)
            return Outcome(Standing.RETURNED, found.reason) if _was_paid_before(told, shared) else found
        finer += [one for one in mine if one.code in IN_PROCESS]
    return Outcome(Standing.POSSIBLE)


def _was_paid_before(told: Sequence[Evidence], shared: Sequence[Evidence]) -> bool:
    """Return whether the whole batch was executed before this line was rejected: then the line was paid with it."""
    if any(one.code in PAID_CODES for one in told) or told[0].line is None:
        return False
    return any(one.code in PAID_CODES and one.whole and one.said_at < told[0].said_at for one in shared)


def _outcome(
    order: OrderFacts, told: Sequence[Evidence], in_process: Sequence[Evidence], today: date
) -> Outcome:
    """Return the outcome of statements at one level, in time order.

    A line goes from possible to paid to returned, or from possible to unpaid. Any other sequence is disputed.
    """
    back = [one for one in told if one.code == CAME_BACK]
    paid = [one for one in told if one.code in PAID_CODES]
    unpaid = [one for one in told if one.code in UNPAID_CODES]
    if back:
        return Outcome(Standing.RETURNED, back[-1].reason)
    if not unpaid:
        return Outcome(Standing.PAID)
    last, reason = unpaid[-1], _last_reason(unpaid)
    if any(one.reason in DUPLICATE_REASONS for one in unpaid):
        return Outcome(Standing.DISPUTED, reason)  # the bank has an equal payment, which may be this one
    final = [one for one in unpaid if not _may_still_execute(one)]
    if paid:
        if any(one.code in (SAID_PAID, SAID_UNPAID) for one in (*paid, *unpaid)):
            return Outcome(Standing.DISPUTED, reason)
        if all(one.said_at > paid[-1].said_at for one in unpaid):
            return Outcome(Standing.RETURNED, reason)
        executed_after_all = not final and all(one.said_at < paid[0].said_at for one in unpaid)
        return Outcome(Standing.PAID) if executed_after_all else Outcome(Standing.DISPUTED, reason)
    if final:
        went_on = any(one.said_at > final[-1].said_at for one in in_process)
        return Outcome(Standing.DISPUTED if went_on else Standing.UNPAID, reason)
    if any(one.said_at > last.said_at for one in in_process):
        return Outcome(Standing.POSSIBLE)  # the bank processes it again
    until = may_execute_until(order, _first_of_last_rejection(unpaid, in_process).said_at)
    # A bank that we can ask must have said so again after its last day; for a manual order there is nobody to ask.
    is_over = amsterdam(last.said_at).date() > until or (order.manual and today > until)
    return Outcome(Standing.UNPAID, reason) if is_over else Outcome(Standing.POSSIBLE, reason, until)


def _first_of_last_rejection(unpaid: Sequence[Evidence], in_process: Sequence[Evidence]) -> Evidence:
    """Return the first rejection since the bank last processed the line: repetitions do not prolong the wait."""
    resumed = max((one.said_at for one in in_process), default=None)
    return next(one for one in unpaid if resumed is None or one.said_at >= resumed)


def _may_still_execute(one: Evidence) -> bool:
    return one.code == REJECTED and one.reason in _RETRIED_REASONS


def _last_reason(unpaid: Sequence[Evidence]) -> str | None:
    return next((one.reason for one in reversed(unpaid) if one.reason), None)
