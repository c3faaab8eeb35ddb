"""What bookings prove: which lines were debited, and which came back."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from domain.orders.conclusion.terms import (
    BOOKED,
    BOOKED_REVERSAL,
    UNPAID_CODES,
    Evidence,
    LineConclusion,
    OrderLineFacts,
    Standing,
)

# A bank on the way may keep a fee of what it returns. A credit that lacks more is no return: whoever knows the
# end-to-end id could send one.
MOST_FEE_CENTS = 5000

Booked = tuple[Standing, datetime]  # what bookings prove about a line, and the time of the last of them


def booked_lines(
    lines: Sequence[OrderLineFacts], by_line: Mapping[int | None, Sequence[Evidence]], shared: Sequence[Evidence]
) -> dict[int, Booked]:
    """Return what the bookings prove about each line that they concern.

    `by_line`: evidence about single lines, by line id; `shared`: evidence about the batch or group.
    """
    found: dict[int, Booked] = {}
    own = {line.id: [one for one in by_line[line.id] if is_booking(one)] for line in lines}
    # A batch booking does not cover a line with a debit of its own.
    rest = [line for line in lines if not any((one.cents or 0) < 0 for one in own[line.id])]
    batch_bookings = [one for one in shared if is_booking(one)]
    if batch_bookings:
        refused = {line.id for line in lines if any(one.code in UNPAID_CODES for one in by_line[line.id])}
        last = max(one.said_at for one in batch_bookings)
        for line_id, standing in _from_batch_bookings(rest or lines, batch_bookings, refused).items():
            found[line_id] = (standing, last)
    for line in lines:
        if own[line.id]:
            found[line.id] = _from_own_bookings(line, own[line.id], found.get(line.id))
    return found


def is_booking(one: Evidence) -> bool:
    return one.code in (BOOKED, BOOKED_REVERSAL) and bool(one.cents)


def _from_own_bookings(line: OrderLineFacts, mine: Sequence[Evidence], in_batch: Booked | None) -> Booked:
    """Return what the line's own debits and credits prove. A return may be less than the debit: banks charge a fee."""
    last = max(one.said_at for one in mine)
    out = [-(one.cents or 0) for one in mine if (one.cents or 0) < 0]
    back = [one.cents or 0 for one in mine if (one.cents or 0) > 0]
    times_out = len(out) + (in_batch is not None and in_batch[0] in (Standing.PAID, Standing.RETURNED))
    wrong_amount = any(cents != line.cents for cents in out) or not all(_is_return_of(line, cents) for cents in back)
    contradicts = any(one.code == BOOKED_REVERSAL for one in mine) or times_out > len(back) + 1
    if wrong_amount or contradicts or (in_batch is not None and in_batch[0] == Standing.DISPUTED):
        return Standing.DISPUTED, last
    if len(back) >= max(times_out, 1):  # a return proves the debit before it, also if we have not seen that one
        return (Standing.RETURNED if len(back) == max(times_out, 1) else Standing.DISPUTED), last
    return Standing.PAID, last


def _is_return_of(line: OrderLineFacts, cents: int) -> bool:
    return 0 <= line.cents - cents <= min(MOST_FEE_CENTS, line.cents // 2)


def dispute_unexplained_debits(
    lines: Sequence[OrderLineFacts], by_line: Mapping[int | None, Sequence[Evidence]], shared: Sequence[Evidence],
    concluded: dict[int, LineConclusion], settled: Set[int],
) -> dict[int, LineConclusion]:  # fmt: skip
    """Make unpaid lines disputed if batch bookings took more money than the other lines can explain.

    `settled`: the lines that operators settled after the last of those bookings.
    """
    moved = -sum(one.cents or 0 for one in shared if is_booking(one))
    rest = [line for line in lines if not any((one.cents or 0) < 0 for one in by_line[line.id])]
    explained = sum(line.cents for line in rest if line.id in settled or concluded[line.id].standing != Standing.UNPAID)
    if moved <= explained:
        return concluded
    return {
        line_id: replace(one, standing=Standing.DISPUTED)
        if one.standing == Standing.UNPAID and line_id not in settled else one
        for line_id, one in concluded.items()
    }


def _from_batch_bookings(
    lines: Sequence[OrderLineFacts], bookings: Sequence[Evidence], refused: set[int]
) -> dict[int, Standing]:
    """Return the standing of the lines whose sum the batch bookings make up, on one day or several.

    A bank may book the sum without the lines that it refused.
    """
    if any(one.code == BOOKED_REVERSAL for one in bookings):
        return {line.id: Standing.DISPUTED for line in lines}
    out = -sum(one.cents or 0 for one in bookings if (one.cents or 0) < 0)
    back = sum(one.cents or 0 for one in bookings if (one.cents or 0) > 0)
    total, accepted = sum(line.cents for line in lines), [line for line in lines if line.id not in refused]
    for covered, cents in ((lines, total), (accepted, sum(line.cents for line in accepted))):
        if not covered:
            continue
        if out - back == cents:
            return {line.id: Standing.PAID for line in covered}
        if back and out == back and out % cents == 0:
            return {line.id: Standing.RETURNED for line in covered}
    if back and not out and back in (total, sum(line.cents for line in accepted)):
        return {line.id: Standing.RETURNED for line in (lines if back == total else accepted)}
    if back or out > total:  # a part came back, or more was booked than ordered
        return {line.id: Standing.DISPUTED for line in lines}
    return {}
