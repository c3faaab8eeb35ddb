"""What has become of each line of an order: a pure function of all evidence about it, and of nothing else.

Laws, held by property tests: silence about a line proves nothing. A finer statement outweighs a coarser one. A mere
receipt outweighs no outcome, and accepted is not executed. Money that moved outweighs what was said. What contradicts
itself is disputed and goes to a person; the last speaker never settles it. Order of arrival and repetition change
nothing: only the time that a statement itself bears counts.

Codes are those of ISO 20022 (ExternalPaymentTransactionStatus1Code) and a few of ours, named below.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum, StrEnum

from core.bank_days import next_bank_day
from core.clock import amsterdam


class Standing(StrEnum):
    """What may have become of the money of one order line."""

    UNSENT = "unsent"  # surely nothing has reached the bank
    POSSIBLE = "possible"  # the bank has it, may have it, or may still execute it
    PAID = "paid"
    RETURNED = "returned"  # paid, and came back
    UNPAID = "unpaid"  # proved: will not be executed
    DISPUTED = "disputed"  # two proofs contradict each other


class Phase(StrEnum):
    """Where an order is, as far as its lines leave that open. The names are those of the batch's states."""

    NAME_CHECK = "name_check"
    AT_BANK = "at_bank"
    SIGNED = "signed"
    PENDING_REJECTION = "pending_rejection"  # refused, and the bank may still execute it for some days
    EXECUTED = "executed"
    PARTLY_EXECUTED = "partly_executed"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DISPUTED = "disputed"


class Level(IntEnum):
    """What a statement speaks of; a higher number is finer."""

    GROUP = 0
    BATCH = 1
    LINE = 2


class Trust(StrEnum):
    """Whose word it is. A hint proves nothing: it makes the program ask the bank."""

    BANK = "bank"
    PERSON = "person"
    OPERATOR = "operator"
    HINT = "hint"


# Codes of ours beside those of ISO 20022.
BOOKED = "BOOK"  # money moved; the amount has its sign: negative left our account
BOOKED_REVERSAL = "RVSL"  # a debit that the bank calls a reversal: it contradicts itself
NOT_TAKEN = "NTKN"  # the bank did not take the order: nothing of it will be executed
SIGNING_FAILED = "SCAF"  # the signing failed, and without it nothing is executed
TAKEN = "TAKN"  # operators: the bank has it
SAID_PAID, SAID_UNPAID = "PAID", "NPAI"  # a person's word, or an operator's
CAME_BACK = "RTRN"

PAID_CODES = frozenset({"ACSC", "ACCC", SAID_PAID})
UNPAID_CODES = frozenset({"RJCT", "CANC", NOT_TAKEN, SIGNING_FAILED, SAID_UNPAID})
IN_PROCESS = frozenset({"PDNG", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP"})
NAMES = frozenset({"RVNC", "RVCM", "RVMC", "RVNM", "RVNA"})  # of the API, and of reports
NO_MONEY = "AM04"
NO_REASON = "NARR"  # ISO 20022: see the bank's words; it gave no code
_OUTCOMES = PAID_CODES | UNPAID_CODES | {CAME_BACK}
_MAY_YET = (None, NO_MONEY, NO_REASON)


@dataclass(frozen=True)
class Evidence:
    """One statement of an outside about an order, or about one line of it.

    `line` is the id of an order line, or None for the whole. `cents`: of a booking, negative when it left our
    account. `said_at`: the bank's own time (UTC). `who` tells persons and operators apart. `whole`: what is said of
    the whole is really about all of it (its counts hold). `key` tells equal bookings of one day apart.
    """

    level: Level
    code: str
    said_at: datetime
    trust: Trust = Trust.BANK
    line: int | None = None
    reason: str | None = None
    cents: int | None = None
    who: str | None = None
    whole: bool = True
    key: str = ""


@dataclass(frozen=True)
class OrderLineFacts:
    id: int
    cents: int


@dataclass(frozen=True)
class OrderFacts:
    """What is known of an order without anybody's word.

    `called`: the bank may have it. `manual`: a person took it to the bank. `people`: how many persons must say the
    same for a person's word to count. `retry_days`: bank days in which this bank may still execute what it refused.
    `signs_elsewhere`: the bank wants a signature of its
    own after it has the order. `names_confirmed`: the payer told the bank to pay in spite of differing names.
    """

    lines: tuple[OrderLineFacts, ...]
    called: bool = True
    manual: bool = False
    people: int = 1
    execution_date: date | None = None
    retry_days: int = 3
    signs_elsewhere: bool = True
    names_confirmed: bool = False


@dataclass(frozen=True)
class LineConclusion:
    """`until`: the last day on which the bank may still execute what it refused; the standing is then POSSIBLE."""

    standing: Standing
    reason: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Conclusion:
    lines: dict[int, LineConclusion]
    phase: Phase | None  # None while nothing has reached the bank, or nobody has said whether it did
    reason: str | None = None
    until: date | None = None


def conclude(order: OrderFacts, evidence: Iterable[Evidence], today: date) -> Conclusion:
    """Return the standing of every line, and where the order is. `today` is a day in Amsterdam."""
    said = _admissible(order, evidence)
    by_line: dict[int | None, list[Evidence]] = defaultdict(list)
    for one in said:
        by_line[one.line].append(one)
    shared = by_line.pop(None, [])
    money = _money(order.lines, by_line, shared)
    lines = {line.id: _line(order, by_line[line.id], shared, money.get(line.id), today) for line in order.lines}
    phase = _phase(order, said, shared, lines)
    return Conclusion(lines, phase, _shared_reason(shared, lines), _latest(lines))


def may_execute_until(order: OrderFacts, refused_at: datetime) -> date:
    """Return the last bank day on which this bank may execute what it refused then."""
    day = max(amsterdam(refused_at).date(), order.execution_date or date.min)
    for _ in range(order.retry_days):
        day = next_bank_day(day)
    return day


_Moved = tuple[Standing, datetime]  # what bookings prove, and the day of the last of them


# --- what counts ----------------------------------------------------------------------------------
def _admissible(order: OrderFacts, evidence: Iterable[Evidence]) -> list[Evidence]:
    """Without hints, and without a word that too few people have given."""
    every = set(evidence)
    counted = {one for one in every if one.trust == Trust.BANK} | _agreed(every, Trust.OPERATOR, 2)
    if order.manual:
        counted |= _agreed(every, Trust.PERSON, order.people)
    return sorted({_as_one_booking(one) for one in counted}, key=_in_time)


def _as_one_booking(one: Evidence) -> Evidence:
    """A booking is the same whoever told it: the interface, or two files."""
    return replace(one, trust=Trust.BANK, who=None) if one.code in (BOOKED, BOOKED_REVERSAL) else one


def _agreed(every: set[Evidence], trust: Trust, people: int) -> set[Evidence]:
    """Statements that enough different people have made: each counts from when the last of them was needed."""
    mine = [one for one in every if one.trust == trust]
    found = set()
    for key in {_statement(one) for one in mine}:
        same = sorted((one for one in mine if _statement(one) == key), key=_in_time)
        if len({one.who for one in same}) >= people:
            found.add(_first_complete(same, people))
    return found


def _first_complete(same: Sequence[Evidence], people: int) -> Evidence:
    seen: set[str | None] = set()
    for one in same:
        seen.add(one.who)
        if len(seen) >= people:
            return one
    return same[-1]


def _statement(one: Evidence) -> tuple:
    return one.level, one.code, one.line, one.reason, one.cents, one.whole, one.key


def _in_time(one: Evidence) -> tuple:
    return one.said_at, one.level, one.code, one.line or 0, one.cents or 0, one.reason or "", one.who or "", one.key


# --- money that moved -----------------------------------------------------------------------------
def _money(
    lines: Sequence[OrderLineFacts], by_line: Mapping[int | None, Sequence[Evidence]], shared: Sequence[Evidence]
) -> dict[int, _Moved]:
    """Return what the bookings prove of each line, and when the last of them was booked."""
    found: dict[int, _Moved] = {}
    own = {line.id: [one for one in by_line[line.id] if _is_booking(one)] for line in lines}
    # no lump is of a line that was debited by itself
    rest = [line for line in lines if not any((one.cents or 0) < 0 for one in own[line.id])]
    lumps = [one for one in shared if _is_booking(one)]
    if lumps:
        refused = {line.id for line in lines if any(one.code in UNPAID_CODES for one in by_line[line.id])}
        last = max(one.said_at for one in lumps)
        for line_id, standing in _of_lumps(rest or lines, lumps, refused).items():
            found[line_id] = (standing, last)
    for line in lines:
        if own[line.id]:
            found[line.id] = _of_line(line, own[line.id], found.get(line.id))
    return found


def _is_booking(one: Evidence) -> bool:
    return one.code in (BOOKED, BOOKED_REVERSAL) and bool(one.cents)


def _of_line(line: OrderLineFacts, mine: Sequence[Evidence], lump: _Moved | None) -> _Moved:
    """One line's own debits and credits. A return may be less than what went out: a bank takes its fee."""
    last = max(one.said_at for one in mine)
    out = [-(one.cents or 0) for one in mine if (one.cents or 0) < 0]
    back = [one.cents or 0 for one in mine if (one.cents or 0) > 0]
    times_out = len(out) + (lump is not None and lump[0] in (Standing.PAID, Standing.RETURNED))
    strange = any(cents != line.cents for cents in out) or any(cents > line.cents for cents in back)
    if strange or any(one.code == BOOKED_REVERSAL for one in mine) or times_out > len(back) + 1:
        return Standing.DISPUTED, last
    if len(back) >= max(times_out, 1):  # a line that came back had gone out, whether we saw that or not
        return (Standing.RETURNED if len(back) == max(times_out, 1) else Standing.DISPUTED), last
    return Standing.PAID, last


def _of_lumps(
    lines: Sequence[OrderLineFacts], lumps: Sequence[Evidence], refused: set[int]
) -> dict[int, Standing]:
    """Several lumps may together be the whole, on any days; a bank may book the whole net of what it refused."""
    if any(one.code == BOOKED_REVERSAL for one in lumps):
        return {line.id: Standing.DISPUTED for line in lines}
    out = -sum(one.cents or 0 for one in lumps if (one.cents or 0) < 0)
    back = sum(one.cents or 0 for one in lumps if (one.cents or 0) > 0)
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
    if back or out > total:  # a part of a lump came back, or more was booked than we asked
        return {line.id: Standing.DISPUTED for line in lines}
    return {}


# --- what was said --------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Outcome:
    standing: Standing
    reason: str | None = None
    until: date | None = None
    at: datetime | None = None


def _line(
    order: OrderFacts, own: Sequence[Evidence], shared: Sequence[Evidence], moved: _Moved | None, today: date
) -> LineConclusion:
    verdict = _operators_verdict([*shared, *own])
    told = verdict or _status(order, own, shared, today)
    if moved is None:
        if not order.called and told.standing == Standing.POSSIBLE:
            return LineConclusion(Standing.UNSENT)
        return LineConclusion(told.standing, told.reason, told.until)
    standing, at = moved
    if verdict and verdict.at and at <= verdict.at:
        return LineConclusion(verdict.standing, verdict.reason)
    if standing == Standing.PAID:
        if told.standing in (Standing.UNPAID, Standing.DISPUTED):  # a definite no, and yet the money moved
            return LineConclusion(Standing.DISPUTED, told.reason)
        if told.standing == Standing.RETURNED:
            return LineConclusion(Standing.RETURNED, told.reason)
    reason = _return_reason([*shared, *own]) if standing == Standing.RETURNED else None
    return LineConclusion(standing, reason)


def _return_reason(said: Sequence[Evidence]) -> str | None:
    mine = [one.reason for one in said if one.reason and (one.cents or 0) > 0]
    return mine[-1] if mine else None


def _operators_verdict(said: Sequence[Evidence]) -> _Outcome | None:
    """Two operators have settled it: their last word stands, until money moves after it."""
    words = [one for one in said if one.trust == Trust.OPERATOR and one.code in (SAID_PAID, SAID_UNPAID)]
    if not words:
        return None
    last = max(words, key=_in_time)
    return _Outcome(Standing.PAID if last.code == SAID_PAID else Standing.UNPAID, last.reason, None, last.said_at)


def _status(order: OrderFacts, own: Sequence[Evidence], shared: Sequence[Evidence], today: date) -> _Outcome:
    """The finest level that tells an outcome; a coarser one only when it was said after all that is finer."""
    finer: list[Evidence] = []
    for level in (Level.LINE, Level.BATCH, Level.GROUP):
        mine = own if level == Level.LINE else [one for one in shared if one.level == level and one.whole]
        after = max((one.said_at for one in finer), default=None)
        told = [one for one in mine if one.code in _OUTCOMES and (after is None or one.said_at > after)]
        if told:
            found = _outcome(order, told, [one for one in (*mine, *finer) if one.code in IN_PROCESS], today)
            return _Outcome(Standing.RETURNED, found.reason) if _was_paid_before(told, shared) else found
        finer += [one for one in mine if one.code in IN_PROCESS]
    return _Outcome(Standing.POSSIBLE)


def _was_paid_before(told: Sequence[Evidence], shared: Sequence[Evidence]) -> bool:
    """A line that is refused later than the whole was executed had been paid with it."""
    if any(one.code in PAID_CODES for one in told) or told[0].line is None:
        return False
    return any(one.code in PAID_CODES and one.whole and one.said_at < told[0].said_at for one in shared)


def _outcome(
    order: OrderFacts, told: Sequence[Evidence], in_process: Sequence[Evidence], today: date
) -> _Outcome:
    """Forwards only: possible, paid, returned; or possible, unpaid. Anything else contradicts itself."""
    back = [one for one in told if one.code == CAME_BACK]
    paid = [one for one in told if one.code in PAID_CODES]
    unpaid = [one for one in told if one.code in UNPAID_CODES]
    if back:
        return _Outcome(Standing.RETURNED, back[-1].reason)
    if not unpaid:
        return _Outcome(Standing.PAID)
    last, reason = unpaid[-1], _first_reason(unpaid)
    final = [one for one in unpaid if not _may_still_execute(one)]
    if paid:
        if any(one.code in (SAID_PAID, SAID_UNPAID) for one in (*paid, *unpaid)):
            return _Outcome(Standing.DISPUTED, reason)
        if all(one.said_at > paid[-1].said_at for one in unpaid):
            return _Outcome(Standing.RETURNED, reason)
        soft_before = not final and all(one.said_at < paid[0].said_at for one in unpaid)
        return _Outcome(Standing.PAID) if soft_before else _Outcome(Standing.DISPUTED, reason)
    if final:
        went_on = any(one.said_at > final[-1].said_at for one in in_process)
        return _Outcome(Standing.DISPUTED if went_on else Standing.UNPAID, reason)
    if any(one.said_at > last.said_at for one in in_process):
        return _Outcome(Standing.POSSIBLE)  # the bank took it up again
    until = may_execute_until(order, last.said_at)
    return _Outcome(Standing.POSSIBLE, reason, until) if today <= until else _Outcome(Standing.UNPAID, reason)


def _may_still_execute(one: Evidence) -> bool:
    """Refused for lack of money, or without a reason: some banks execute it once there is money."""
    return one.code == "RJCT" and one.reason in _MAY_YET


def _first_reason(unpaid: Sequence[Evidence]) -> str | None:
    return next((one.reason for one in reversed(unpaid) if one.reason), None)


# --- the order ------------------------------------------------------------------------------------
def _phase(
    order: OrderFacts, said: Sequence[Evidence], shared: Sequence[Evidence], lines: dict[int, LineConclusion]
) -> Phase | None:
    standings = Counter(one.standing for one in lines.values())
    if not lines or standings[Standing.UNSENT]:
        return None
    if standings[Standing.DISPUTED]:
        return Phase.DISPUTED
    if standings[Standing.POSSIBLE]:
        waiting = [one for one in lines.values() if one.standing == Standing.POSSIBLE]
        return Phase.PENDING_REJECTION if all(one.until for one in waiting) else _on_its_way(order, said)
    if len(standings) > 1:
        return Phase.PARTLY_EXECUTED
    if standings[Standing.PAID]:
        return Phase.EXECUTED
    return Phase.RETURNED if standings[Standing.RETURNED] else _ended(shared)


def _on_its_way(order: OrderFacts, said: Sequence[Evidence]) -> Phase | None:
    codes = [one.code for one in said]
    if not codes:
        return None  # called, and nobody has said anything: only an answer ends that
    signed = set(codes) & (IN_PROCESS | PAID_CODES)
    if "PART" in codes and not set(codes) & NAMES:
        signed.add("PART")  # accepted in part; of names it only says that they differ
    received = set(codes) & {"ACTC", "PATC", "RCVC", "RCVD"}
    if signed or (received and not order.signs_elsewhere):
        return Phase.SIGNED
    checks = [code for code in codes if code in NAMES or code in ("RCVC", "ACTC", "PATC")]
    return Phase.NAME_CHECK if checks and checks[-1] in NAMES and not order.names_confirmed else Phase.AT_BANK


def _ended(shared: Sequence[Evidence]) -> Phase:
    """Why nothing of it was paid. What was taken back stays cancelled, also when single lines were refused before."""
    about_all = [one.code for one in shared if one.code in UNPAID_CODES]
    if "CANC" in about_all:
        return Phase.CANCELLED
    return Phase.FAILED if about_all and about_all[-1] == SIGNING_FAILED else Phase.REJECTED


def _shared_reason(shared: Sequence[Evidence], lines: dict[int, LineConclusion]) -> str | None:
    """The reason of the whole; else the one of the first line that has one."""
    whole = [one.reason for one in shared if one.reason]
    return whole[-1] if whole else next((one.reason for one in lines.values() if one.reason), None)


def _latest(lines: dict[int, LineConclusion]) -> date | None:
    return max((one.until for one in lines.values() if one.until), default=None)
