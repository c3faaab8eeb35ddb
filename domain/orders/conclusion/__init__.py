"""Conclude from all evidence about an order, and from nothing else, what became of each of its lines.

`conclude` is a pure function. Property tests hold its laws (`tests/domain/test_conclusion.py`):

- A report says nothing about the lines that it leaves out.
- A statement about a line outweighs one about its batch, which outweighs one about its group.
- A receipt never outweighs an outcome, and an accepted line is not an executed one.
- Bookings outweigh statuses.
- Contradicting proofs make a line disputed. People settle that, never the latest statement; two operators settle only
  what is disputed or not known.
- The order in which evidence arrives, and repetition, change nothing: only its own time (`said_at`) counts.

`terms` holds the types and codes, `admissible` which evidence counts, `bookings` and `statuses` what they prove about
a line, `phases` where the order is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby

from core.clock import amsterdam
from domain.orders.conclusion.admissible import MEMBERS_NEEDED, admissible
from domain.orders.conclusion.bookings import Booked, booked_lines, dispute_unexplained_debits, is_booking
from domain.orders.conclusion.phases import order_phase
from domain.orders.conclusion.statuses import (
    Outcome,
    is_operators_word,
    may_execute_until,
    settle_by_word,
    status_outcome,
)
from domain.orders.conclusion.terms import (
    BOOKED,
    BOOKED_REVERSAL,
    CAME_BACK,
    IN_PROCESS,
    NAMES,
    NO_MONEY,
    NO_REASON,
    NOT_TAKEN,
    PAID_CODES,
    REJECTED,
    SAID_PAID,
    SAID_UNPAID,
    SIGNING_FAILED,
    TAKEN,
    UNPAID_CODES,
    Conclusion,
    Evidence,
    Level,
    LineConclusion,
    OrderFacts,
    OrderLineFacts,
    Phase,
    Standing,
    Trust,
)

__all__ = [
    "BOOKED", "BOOKED_REVERSAL", "CAME_BACK", "IN_PROCESS", "MEMBERS_NEEDED", "NAMES", "NOT_TAKEN", "NO_MONEY",
    "NO_REASON", "PAID_CODES", "REJECTED", "SAID_PAID", "SAID_UNPAID", "SIGNING_FAILED", "TAKEN", "UNPAID_CODES",
    "Conclusion", "Evidence", "Level", "LineConclusion", "OrderFacts", "OrderLineFacts", "Phase", "Standing", "Trust",
    "conclude", "may_execute_until",
]  # fmt: skip


def conclude(order: OrderFacts, evidence: Iterable[Evidence], today: date) -> Conclusion:
    """Return the standing of every line, and the phase of the order. `today` is a date in Amsterdam."""
    said = admissible(order, evidence)
    shared = [one for one in said if one.line is None]
    if any(is_booking(one) for one in said):
        order = replace(order, called=True)  # a booking under our ids proves that we sent it
    words = [one for one in said if is_operators_word(one)]
    others = [one for one in said if not is_operators_word(one)]
    lines = _conclude_lines(order, others, _settled(order, others, words), today)
    phase = order_phase(order, said, shared, lines)
    return Conclusion(lines, phase, _order_reason(shared, lines), _latest(lines))


def _settled(order: OrderFacts, others: Sequence[Evidence], words: Sequence[Evidence]) -> dict[int, Outcome]:
    """Return which lines operators settled, each word weighed against what was proved until it. `words`: in time order.
    """
    found: dict[int, Outcome] = {}
    for at, told in groupby(words, key=lambda one: one.said_at):
        known = [one for one in others if one.said_at <= at]
        before = _conclude_lines(order, known, found, amsterdam(at).date())
        for word in told:
            about = before if word.line is None else {word.line}
            fresh = {line: settle_by_word(word, before[line].standing) for line in about if line in before}
            found.update((line, one) for line, one in fresh.items() if one is not None)
    return found


def _conclude_lines(
    order: OrderFacts, said: Sequence[Evidence], settled: Mapping[int, Outcome], today: date
) -> dict[int, LineConclusion]:
    by_line: dict[int | None, list[Evidence]] = defaultdict(list)
    for one in said:
        by_line[one.line].append(one)
    shared = by_line.pop(None, [])
    booked = booked_lines(order.lines, by_line, shared)
    lines = {
        line.id: _conclude_line(order, by_line[line.id], shared, booked.get(line.id), settled.get(line.id), today)
        for line in order.lines
    }
    last = max((one.said_at for one in shared if is_booking(one)), default=None)
    explained = {line for line, one in settled.items() if last is None or (one.at and one.at >= last)}
    return dispute_unexplained_debits(order.lines, by_line, shared, lines, explained)


def _conclude_line(
    order: OrderFacts, own: Sequence[Evidence], shared: Sequence[Evidence], booked: Booked | None,
    verdict: Outcome | None, today: date,
) -> LineConclusion:  # fmt: skip
    """Weigh bookings against statuses: a booking wins, unless two operators settled the line after it."""
    told = verdict or status_outcome(order, own, shared, today)
    if booked is None:
        if not order.called and told.standing == Standing.POSSIBLE:
            return LineConclusion(Standing.UNSENT)
        return LineConclusion(told.standing, told.reason, told.until)
    standing, at = booked
    if verdict and verdict.at and at <= verdict.at:
        return LineConclusion(verdict.standing, verdict.reason)
    if standing == Standing.PAID:
        if told.standing in (Standing.UNPAID, Standing.DISPUTED):  # a final rejection, and a debit
            return LineConclusion(Standing.DISPUTED, told.reason)
        if told.standing == Standing.RETURNED:
            return LineConclusion(Standing.RETURNED, told.reason)
    reason = _return_reason([*shared, *own]) if standing == Standing.RETURNED else None
    return LineConclusion(standing, reason)


def _return_reason(said: Sequence[Evidence]) -> str | None:
    mine = [one.reason for one in said if one.reason and (one.cents or 0) > 0]
    return mine[-1] if mine else None


def _order_reason(shared: Sequence[Evidence], lines: dict[int, LineConclusion]) -> str | None:
    """Return the last reason given for the whole order, else that of its first line that has one."""
    whole = [one.reason for one in shared if one.reason]
    return whole[-1] if whole else next((one.reason for one in lines.values() if one.reason), None)


def _latest(lines: dict[int, LineConclusion]) -> date | None:
    return max((one.until for one in lines.values() if one.until), default=None)
