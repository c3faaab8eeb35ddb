"""Banks that live in this process and know the truth: what really happened to the money of every line.

They answer late, partly, doubly and in every voice that a standard allows, and are told when to contradict themselves.
What they say of themselves is true at that moment; `lied_about` names the lines of which it was not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connectors.bank import port
from connectors.bank.pain001 import parse_own_pain001
from connectors.bank.payment_order import PaymentOrder
from core.bank_days import next_bank_day
from core.clock import today_amsterdam
from core.ids import uuid

RETRY_DAYS = 3
STEADY, PLAIN = "steady", "plain"  # the first repeats nothing when it is asked twice, the second does
# What a bank may do with an order that is handed to it.
TAKES, UNREACHABLE, LOST_BEFORE, LOST_AFTER, REFUSES = "takes", "unreachable", "lost before", "lost after", "refuses"
ANSWERS = (TAKES, UNREACHABLE, LOST_BEFORE, LOST_AFTER, REFUSES)
# How a bank tells how an order stands.
VOICES = ("group", "levels", "lines", "receipt", "silent", "late")
SOFT = (None, "AM04")  # reasons after which a bank may execute yet


class Directory:
    """The banks' configurations."""

    def configs(self) -> dict[str, port.BankConfig]:
        return {
            one: port.BankConfig(one, one, "https://bank.example", redirect_hosts=("bank.example",),
                                 honours_request_id=one == STEADY, retry_days=RETRY_DAYS)
            for one in (STEADY, PLAIN)
        }  # fmt: skip


@dataclass
class HeldLine:
    """One line at its bank. `fate`: held, executed, refused or cancelled; `back`: it was returned."""

    end_to_end_id: str
    cents: int
    fate: str = "held"
    reason: str | None = None
    refused_on: date | None = None
    back: bool = False

    @property
    def moved_cents(self) -> int:
        return self.cents if self.fate == "executed" and not self.back else 0


@dataclass
class HeldOrder:
    """An order as its bank has it."""

    payment_id: str
    order: PaymentOrder
    lines: dict[str, HeldLine]
    signed: bool = False

    @property
    def msg_id(self) -> str:
        return self.order.msg_id

    def with_fate(self, fate: str) -> list[HeldLine]:
        return [line for line in self.lines.values() if line.fate == fate and not line.back]


@dataclass(frozen=True)
class Booking:
    """Money that moved on an account. `end_to_end_id` is empty for a lump."""

    iban: str
    day: date
    cents: int
    msg_id: str
    end_to_end_id: str = ""
    reason: str | None = None


@dataclass
class ModelBank:
    """Every bank of the model, behind the port of the connectors."""

    answer: str = TAKES
    voice: str = "levels"
    orders: list[HeldOrder] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    lied_about: set[str] = field(default_factory=set)  # end-to-end ids
    _of_request: dict[str, HeldOrder] = field(default_factory=dict)

    # --- the port ---------------------------------------------------------------------------------
    def place_order(
        self, config: port.BankConfig, body: bytes, request_id: str, *given: Any, **named: Any
    ) -> port.OrderPlaced:
        answer, self.answer = self.answer, TAKES
        if answer == UNREACHABLE:
            raise port.NotDelivered
        if answer == LOST_BEFORE:
            raise port.OutcomeUnknown
        held = self._of_request.get(request_id) if config.honours_request_id else None
        if held is None and answer == REFUSES:
            raise port.BankRefused(400, "FORMAT_ERROR", "")
        if held is None:
            held = self._of_request[request_id] = self.take(body)
        if answer == LOST_AFTER:
            raise port.OutcomeUnknown
        return port.OrderPlaced(held.payment_id, "RCVD", {"scaRedirect": "https://bank.example/sign"})

    def order_status(self, config: port.BankConfig, payment_id: str, request_id: str) -> port.StatusReport:
        if self.voice == "late":
            raise port.OutcomeUnknown
        held = next(one for one in self.orders if one.payment_id == payment_id)
        statements = tuple(self.statements(held))
        group = next((one for one in statements if one.level == "group"), None)
        return port.StatusReport((group and group.code) or "", statements=statements)

    def cancel_order(self, config: port.BankConfig, payment_id: str, *given: Any) -> port.Cancellation:
        held = next(one for one in self.orders if one.payment_id == payment_id)
        if held.with_fate("executed"):
            raise port.BankRefused(409, "CANCELLATION_INVALID", "")
        for line in held.lines.values():
            line.fate = "cancelled"
        answer, self.answer = self.answer, TAKES
        if answer == LOST_AFTER:
            raise port.OutcomeUnknown
        return port.Cancellation(done=True)

    def authorisation(self, *given: Any, **named: Any) -> str:
        return "received"

    def transactions(
        self, config: port.BankConfig, consent_id: str, resource_id: str, *given: Any, iban: str = ""
    ) -> list[port.Transaction]:
        mine = [one for one in self.bookings if one.iban == resource_id]
        return [
            port.Transaction(
                True, one.day, one.day, one.cents, transaction_id=f"T{number}", end_to_end_id=one.end_to_end_id,
                text="" if one.end_to_end_id else f"/PREF/{one.msg_id}", is_batch=not one.end_to_end_id,
            )
            for number, one in enumerate(mine)
        ][::-1]  # fmt: skip

    # --- what happens there -----------------------------------------------------------------------
    def take(self, body: bytes) -> HeldOrder:
        """Take an order, from the interface or from a person who brings the file."""
        order = parse_own_pain001(body)
        lines = {line.end_to_end_id: HeldLine(line.end_to_end_id, line.amount_cents) for line in order.lines}
        self.orders.append(HeldOrder(uuid(), order, lines))
        return self.orders[-1]

    def execute(self, held: HeldOrder, lines: Iterable[HeldLine], as_lump: bool) -> None:
        """Pay these lines, in one booking or in one each."""
        paid = [line for line in lines if line.fate != "executed"]
        for line in paid:
            line.fate, line.reason = "executed", None
        if as_lump and paid:
            self._book(held, -sum(line.cents for line in paid))
        else:
            for line in paid:
                self._book(held, -line.cents, line.end_to_end_id)

    def refuse(self, held: HeldOrder, lines: Iterable[HeldLine], reason: str | None) -> None:
        for line in lines:
            line.fate, line.reason, line.refused_on = "refused", reason, today_amsterdam()

    def give_back(self, held: HeldOrder, lines: Iterable[HeldLine], as_lump: bool) -> None:
        """What was paid comes back: line by line, or the whole order's sum in one booking."""
        back = [line for line in lines if line.fate == "executed" and not line.back]
        for line in back:
            line.back = True
        if as_lump and len(back) == len(held.lines):
            self._book(held, sum(line.cents for line in back))
        else:
            for line in back:
                self._book(held, line.cents, line.end_to_end_id, "AC04")

    def may_execute_yet(self, line: HeldLine, held: HeldOrder) -> bool:
        """Whether a bank may honestly pay this line now: held, or refused for a while."""
        if line.fate == "held":
            return True
        if line.fate != "refused" or line.reason not in SOFT or line.refused_on is None:
            return False
        day = max(line.refused_on, held.order.execution_date)
        for _ in range(RETRY_DAYS):
            day = next_bank_day(day)
        return today_amsterdam() <= day

    def _book(self, held: HeldOrder, cents: int, end_to_end_id: str = "", reason: str | None = None) -> None:
        iban = held.order.debtor_iban
        self.bookings.append(Booking(iban, today_amsterdam(), cents, held.msg_id, end_to_end_id, reason))

    # --- what it says -----------------------------------------------------------------------------
    def statements(self, held: HeldOrder) -> Iterable[port.StatusStatement]:
        """What this bank says now of an order, in its voice of the moment."""
        code, reason = self._of_whole(held)
        why = (reason,) if reason else ()
        if self.voice == "silent":
            yield port.StatusStatement("group", "PDNG" if held.signed else "RCVD")
            return
        if self.voice == "group":
            yield port.StatusStatement("group", code, why)
        if self.voice == "receipt":
            yield port.StatusStatement("group", "ACTC")
            yield port.StatusStatement("batch", code, why)
        if self.voice == "levels":
            yield port.StatusStatement("group", code, why)
        if self.voice in ("levels", "lines"):
            for line in held.lines.values():
                if said := self._of_line(line):
                    why = (line.reason,) if line.reason else ()
                    yield port.StatusStatement("line", said, why, end_to_end_id=line.end_to_end_id)

    def _of_whole(self, held: HeldOrder) -> tuple[str, str | None]:
        fates = {line.fate for line in held.lines.values()}
        if fates == {"executed"}:
            return "ACSC", None
        if fates == {"cancelled"}:
            return "CANC", None
        if fates == {"refused"}:
            # the whole is refused for a while if any line is
            reasons = [line.reason for line in held.lines.values()]
            return "RJCT", next((one for one in reasons if one in SOFT), reasons[0])
        if fates == {"held"}:
            return ("ACSP" if held.signed else "ACTC"), None
        return "PART", None

    def _of_line(self, line: HeldLine) -> str | None:
        if line.fate == "executed":
            return "ACSC" if self.voice == "levels" else None
        return {"refused": "RJCT", "cancelled": "CANC"}.get(line.fate)
