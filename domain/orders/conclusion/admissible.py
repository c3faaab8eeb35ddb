"""Which evidence counts for an order: that of the bank, and statements that enough different people made."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from domain.orders.conclusion.terms import BOOKED, BOOKED_REVERSAL, Evidence, OrderFacts, Trust, in_time

MEMBERS_NEEDED = 2  # who confirm the same file of a linked bank, whatever the client's own rule of four eyes


def admissible(order: OrderFacts, evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the evidence that counts, without hints and repetitions, sorted by its own time."""
    every = set(evidence)
    counted = {one for one in every if one.trust == Trust.BANK} | _agreed(every, Trust.OPERATOR, 2)
    if order.manual:
        counted |= _agreed(every, Trust.PERSON, order.people)
    else:
        counted |= {replace(one, trust=Trust.BANK, who=None) for one in _agreed(every, Trust.MEMBER, MEMBERS_NEEDED)}
    return sorted({_as_one_booking(one) for one in counted}, key=in_time)


def _as_one_booking(one: Evidence) -> Evidence:
    """Make equal bookings from different sources one: the interface and files report the same booking."""
    return replace(one, trust=Trust.BANK, who=None) if one.code in (BOOKED, BOOKED_REVERSAL) else one


def _agreed(every: set[Evidence], trust: Trust, people: int) -> set[Evidence]:
    """Return the statements that `people` different people made, each as made by the person who completed the number.

    Once that many made it, it takes as many to make it again: what they say later may be about something new.
    """
    of: dict[tuple, list[Evidence]] = defaultdict(list)
    for one in sorted((one for one in every if one.trust == trust), key=in_time):
        of[_statement(one)].append(one)
    return {one for same in of.values() for one in _completing(same, people)}


def _completing(same: Iterable[Evidence], people: int) -> Iterator[Evidence]:
    seen: set[str | None] = set()
    for one in same:
        seen.add(one.who)
        if len(seen) >= people:
            yield one
            seen.clear()


def _statement(one: Evidence) -> tuple:
    return one.level, one.code, one.line, one.reason, one.cents, one.whole, one.key
