"""Where an order is, derived from the standing of its lines and from what is still awaited."""

from collections import Counter
from collections.abc import Sequence

from domain.orders.conclusion.terms import (
    IN_PROCESS,
    NAMES,
    PAID_CODES,
    RECEIPTS,
    SIGNING_FAILED,
    UNPAID_CODES,
    Evidence,
    LineConclusion,
    OrderFacts,
    Phase,
    Standing,
)


def order_phase(
    order: OrderFacts, said: Sequence[Evidence], shared: Sequence[Evidence], lines: dict[int, LineConclusion]
) -> Phase | None:
    """Return the phase of an order; None while nothing has reached the bank, or nobody has said whether it has."""
    standings = Counter(one.standing for one in lines.values())
    if not lines or standings[Standing.UNSENT]:
        return None
    if standings[Standing.DISPUTED]:
        return Phase.DISPUTED
    if standings[Standing.POSSIBLE]:
        waiting = [one for one in lines.values() if one.standing == Standing.POSSIBLE]
        return Phase.PENDING_REJECTION if all(one.until for one in waiting) else _in_progress(order, said)
    if len(standings) > 1:
        return Phase.PARTLY_EXECUTED
    if standings[Standing.PAID]:
        return Phase.EXECUTED
    return Phase.RETURNED if standings[Standing.RETURNED] else _unpaid_phase(shared)


def _in_progress(order: OrderFacts, said: Sequence[Evidence]) -> Phase | None:
    codes = [one.code for one in said]
    if not codes:
        return None  # the order was submitted, and nothing is known about it yet
    signed = set(codes) & (IN_PROCESS | PAID_CODES)
    if "PART" in codes and not set(codes) & NAMES:  # with name results, PART only says that some names differ
        signed.add("PART")
    if signed or (set(codes) & RECEIPTS and not order.signs_elsewhere):
        return Phase.SIGNED
    checks = [code for code in codes if code in NAMES or code in ("RCVC", "ACTC", "PATC")]
    return Phase.NAME_CHECK if checks and checks[-1] in NAMES and not order.names_confirmed else Phase.AT_BANK


def _unpaid_phase(shared: Sequence[Evidence]) -> Phase:
    """Return why nothing was paid. A cancelled order stays cancelled, also if single lines were rejected before."""
    about_all = [one.code for one in shared if one.code in UNPAID_CODES]
    if "CANC" in about_all:
        return Phase.CANCELLED
    return Phase.FAILED if about_all and about_all[-1] == SIGNING_FAILED else Phase.REJECTED
