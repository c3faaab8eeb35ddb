"""Known payees: what is unusual about whom a payment pays, judged from what was executed before.

An account becomes known for a person when a payment to it was executed. What was only prepared, approved or sent tells
nothing. Pure functions over plain values; amounts play no part here (`pay_changes` judges those).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from core.iban import in_sepa


class Concern(StrEnum):
    """What a finding is about, most serious first."""

    CHANGED = "changed"  # a person who was paid before, on another account
    NEW = "new"  # a person to whom no payment was executed yet
    CAME_BACK = "came_back"  # a known account, from which the last payment came back


# Concerns that a person must answer before the payment can be approved.
ASKED = frozenset({Concern.CHANGED, Concern.NEW})


@dataclass(frozen=True)
class Payee:
    """A person as payroll names them. `name` is normalised (`core.names`), `employee` unique within the company."""

    company: str
    name: str
    employee: str | None = None


@dataclass(frozen=True, order=True)
class Period:
    """The periods of a year that a run is about, by their numbers in it: 2026, 10, 10 is October where pay is monthly.
    """

    year: int
    first: int
    last: int


@dataclass(frozen=True)
class PaidAccount:
    """What was executed to one account of one person, from the first day to the last; no days: nothing was.

    `came_back`: the last day of a payment that came back, or that the bank refused because of the account.
    `written`: the person's name as it is written. `period`: if this is what one of the periods paid that a payment is
    held against, `cents` in all; `source`: the newest line of it.
    """

    payee: Payee
    iban: str
    first: date | None = None
    last: date | None = None
    came_back: date | None = None
    written: str = ""
    period: Period | None = None
    cents: int = 0
    source: int = 0


@dataclass(frozen=True)
class PlannedLine:
    """A line that is to be paid now."""

    line: int
    payee: Payee
    iban: str
    written: str = ""
    cents: int = 0


@dataclass(frozen=True)
class Finding:
    """What is unusual about one line.

    `before`: the accounts on which the person was paid, the last one first. `others`: names of other people who are
    paid on this account, or were. `came_back`: when the last payment to it came back. `abroad`: the country of an
    account in another country than that of the payer; `beyond_sepa`: no SEPA payment reaches it.
    """

    line: int
    concern: Concern
    payee: Payee
    iban: str
    before: tuple[PaidAccount, ...] = ()
    others: tuple[str, ...] = ()
    came_back: date | None = None
    abroad: str = ""
    beyond_sepa: bool = False

    @property
    def must_be_answered(self) -> bool:
        return self.concern in ASKED

    @property
    def facts(self) -> tuple[object, ...]:
        """Return what an answer is about. Other facts are another question, which needs an answer of its own."""
        return (
            str(self.concern), self.payee.company, self.payee.name, self.payee.employee or "", self.iban,
            tuple(sorted(one.iban for one in self.before)), self.others, self.abroad,
        )  # fmt: skip


def find_unusual(planned: Sequence[PlannedLine], executed: Sequence[PaidAccount], country: str) -> list[Finding]:
    """Return what is unusual about these lines, at most one finding each, in their order.

    `country`: of the account that pays.
    """
    history, holders = ByPerson(executed), _holders(planned, executed)
    found = (_finding(line, history, holders[line.iban], country) for line in planned)
    return [one for one in found if one is not None]


def is_same(one: Payee, other: Payee) -> bool:
    """Return whether these are one person: by employee number where both have one, else by name."""
    if one.company == other.company and one.employee and other.employee:
        return one.employee == other.employee
    return one.name == other.name


class _OfPayee(Protocol):
    @property
    def payee(self) -> Payee: ...


Row = TypeVar("Row", bound=_OfPayee)


class ByPerson(Generic[Row]):
    """Lines or payments, by the person whom they pay."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for one in rows:
            for key in _keys(one.payee):
                self._by[key].append(one)

    def of(self, payee: Payee) -> list[Row]:
        """Return the rows of this person, in every company of the client, each once."""
        same = {id(one): one for key in _keys(payee) for one in self._by[key] if is_same(one.payee, payee)}
        return list(same.values())


def _keys(payee: Payee) -> Iterator[tuple[str, ...]]:
    yield ("name", payee.name)
    if payee.employee:
        yield ("employee", payee.company, payee.employee)


def _holders(
    planned: Iterable[PlannedLine], executed: Iterable[PaidAccount]
) -> dict[str, list[PlannedLine | PaidAccount]]:
    """Return who is paid on each account, or was."""
    found: dict[str, list[PlannedLine | PaidAccount]] = defaultdict(list)
    for one in (*planned, *(paid for paid in executed if paid.last)):
        found[one.iban].append(one)
    return found


def _finding(
    line: PlannedLine, history: ByPerson[PaidAccount], holders: Sequence[PlannedLine | PaidAccount], country: str
) -> Finding | None:  # fmt: skip
    mine = history.of(line.payee)
    here = [one for one in mine if one.iban == line.iban]
    came_back = _came_back(here)
    if any(one.last for one in here):
        return Finding(line.line, Concern.CAME_BACK, line.payee, line.iban, came_back=came_back) if came_back else None
    before = _before(one for one in mine if one.payee.company == line.payee.company and one.last)
    names = {one.written or one.payee.name for one in holders if not is_same(one.payee, line.payee)}
    return Finding(
        line.line, Concern.CHANGED if before else Concern.NEW, line.payee, line.iban, before, tuple(sorted(names)),
        came_back, line.iban[:2] if line.iban[:2] != country else "", not in_sepa(line.iban),
    )  # fmt: skip


def _came_back(here: Iterable[PaidAccount]) -> date | None:
    """Return when a payment to the account came back last, unless one was executed after it."""
    here = list(here)
    back = max((one.came_back for one in here if one.came_back), default=None)
    paid = max((one.last for one in here if one.last), default=None)
    return back if back and (paid is None or back >= paid) else None


def _before(paid: Iterable[PaidAccount]) -> tuple[PaidAccount, ...]:
    """Return one row for each account, the last one first: the name may have been written in several ways."""
    found: dict[str, PaidAccount] = {}
    for one in paid:
        earlier = found.get(one.iban)
        found[one.iban] = one if earlier is None else PaidAccount(
            one.payee, one.iban, _least(earlier.first, one.first), _most(earlier.last, one.last), None, one.written
        )  # fmt: skip
    return tuple(sorted(found.values(), key=lambda one: (one.last or date.min, one.iban), reverse=True))


def _least(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day), default=None)


def _most(one: date | None, other: date | None) -> date | None:
    return max((day for day in (one, other) if day), default=None)
