"""The terms of a conclusion: evidence, facts of an order, standings, phases and status codes.

Codes are those of ISO 20022 (ExternalPaymentTransactionStatus1Code) and a few of our own.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum


class Standing(StrEnum):
    """What is known about the money of one order line."""

    UNSENT = "unsent"  # certainly not at the bank
    POSSIBLE = "possible"  # the bank has it, may have it, or may still execute it
    PAID = "paid"
    RETURNED = "returned"  # paid, and came back
    UNPAID = "unpaid"  # proved: will not be executed
    DISPUTED = "disputed"  # two proofs contradict each other


class Phase(StrEnum):
    """Where an order is. The names are those of the batch's states."""

    NAME_CHECK = "name_check"
    AT_BANK = "at_bank"
    SIGNED = "signed"
    PENDING_REJECTION = "pending_rejection"  # rejected, but the bank may still execute it for some days
    EXECUTED = "executed"
    PARTLY_EXECUTED = "partly_executed"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"
    DISPUTED = "disputed"


class Level(IntEnum):
    """What a statement is about. A higher number is finer, and outweighs a lower one."""

    GROUP = 0
    BATCH = 1
    LINE = 2


class Trust(StrEnum):
    """Who made a statement. A hint proves nothing: it makes the program ask the bank."""

    BANK = "bank"
    PERSON = "person"
    MEMBER = "member"  # a member who confirmed a bank's file about an order whose linked bank cannot be asked
    OPERATOR = "operator"
    HINT = "hint"


REJECTED = "RJCT"
# Our own codes.
BOOKED = "BOOK"  # a booking; the amount is negative for a debit of our account
BOOKED_REVERSAL = "RVSL"  # a debit that the bank marks as a reversal, which contradicts itself
NOT_TAKEN = "NTKN"  # the bank did not accept the order, so nothing of it will be executed
SIGNING_FAILED = "SCAF"  # SCA failed, so nothing will be executed
TAKEN = "TAKN"  # said by operators: the bank has the order
SAID_PAID, SAID_UNPAID = "PAID", "NPAI"  # said by a person or an operator
CAME_BACK = "RTRN"

PAID_CODES = frozenset({"ACSC", "ACCC", SAID_PAID})
UNPAID_CODES = frozenset({REJECTED, "CANC", NOT_TAKEN, SIGNING_FAILED, SAID_UNPAID})
OUTCOMES = PAID_CODES | UNPAID_CODES | {CAME_BACK}
IN_PROCESS = frozenset({"PDNG", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP"})
NAMES = frozenset({"RVNC", "RVCM", "RVMC", "RVNM", "RVNA"})  # results of payee verification, in JSON and pain.002
RECEIPTS = frozenset({"RCVD", "RCVC", "ACTC", "PATC"})
NO_MONEY = "AM04"
# The bank rejects what it has already: ISO 20022 ExternalStatusReason1Code.
DUPLICATE_REASONS = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL"})
NO_REASON = "NARR"  # ISO 20022: the reason is in the bank's own words


@dataclass(frozen=True)
class Evidence:
    """One statement about an order or one of its lines.

    `line`: id of the order line; None if the statement is about the group or batch.
    `cents`: amount of a booking, negative for a debit of our account.
    `said_at`: the bank's own time (UTC).
    `who`: distinguishes persons and operators.
    `whole`: a statement about the group or batch covers all its lines, because its counts hold.
    `key`: distinguishes equal bookings of one day.
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
    """What we know about an order ourselves, without evidence.

    `called`: the bank may have the order.
    `manual`: a person took the order to the bank.
    `people`: number of different persons whose equal statements count as proof, for a manual order.
    `retry_days`: bank days during which this bank may still execute a rejected order.
    `signs_elsewhere`: the bank asks for SCA after it received the order.
    `names_confirmed`: the payer confirmed the payment despite differing names.
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
    """`until`: last day on which the bank may still execute a rejected line; its standing is POSSIBLE until then."""

    standing: Standing
    reason: str | None = None
    until: date | None = None


@dataclass(frozen=True)
class Conclusion:
    """`phase` is None while nothing has reached the bank, or nobody has said whether it has."""

    lines: dict[int, LineConclusion]
    phase: Phase | None
    reason: str | None = None
    until: date | None = None


def in_time(one: Evidence) -> tuple:
    """Return the sort key of evidence: its own time first, then its contents, so that the order is always the same."""
    return one.said_at, one.level, one.code, one.line or 0, one.cents or 0, one.reason or "", one.who or "", one.key
