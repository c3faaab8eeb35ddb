"""Made-up histories of clients: two years of payments with ordinary changes, and planted fraud and mistakes.

    for payment in payments_of(seed=1, clients=200): ...

Each payment tells what was executed before it, what it pays, and the truth about it: which lines are ordinary because
the same account was executed for the same person before, who is new or gone since the last payment, and what was
planted: in accounts, or in pay (`pay_planted`). The truth is kept by person, never by name or number, so that it does
not depend on how the product tells people apart.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random

from core.names import normalise_name
from domain.payments.pay_changes import RECENT
from domain.payments.payee_findings import PaidAccount, Payee, Period, PlannedLine
from tests.support.large_batches import FIRST, LAST, iban
from tests.support.pay_histories import Pay, mistyped

MONTHS = 24
PAY_KINDS = ("doubled", "typo", "leaver still paid", "missing", "ghost employee")
BELGIUM, EMIRATES = "BE68539007547034", "AE070331234567890123456"


@dataclass
class Person:
    """Somebody on the payroll. `accounts`: usually one; some have their pay split."""

    id: int
    name: str
    employee: str | None
    accounts: list[str]


@dataclass
class MadePayment:
    """One payment, what was executed before it, and the truth. `planted`: kind and line.

    `new`: the first lines of people who were not paid in the last payment. `gone`: how many were paid, and are not now.
    `pay_planted`: kind, and the first line of the person (0: none). `is_comparable`: an allowance is not the first.
    """

    executed: list[PaidAccount]
    planned: list[PlannedLine]
    period: Period
    ordinary: set[int] = field(default_factory=set)
    planted: list[tuple[str, int]] = field(default_factory=list)
    new: set[int] = field(default_factory=set)
    gone: int = 0
    pay_planted: list[tuple[str, int]] = field(default_factory=list)
    is_comparable: bool = True

    @property
    def is_ordinary(self) -> bool:
        return not self.planted and len(self.ordinary) == len(self.planned)

    @property
    def is_ordinary_pay(self) -> bool:
        return self.is_comparable and not (self.planted or self.pay_planted or self.new or self.gone)


def payments_of(seed: int, clients: int) -> Iterator[MadePayment]:
    """Yield the payments of so many clients, two years each."""
    for number in range(clients):
        yield from _Client(Random(f"{seed}-{number}")).payments()


class _Client:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.numbered = random.random() < 0.6  # the rest of the files has no employee numbers
        self.month = 0
        self.pay = Pay(Random(f"pay-{random.random()}"))
        self._ids, self._accounts = iter(range(1, 10**6)), iter(range(random.randrange(10**6), 10**9))
        self.people = [self._joins() for _ in range(random.choice((3, 8, 8, 20, 45, 80)))]
        self.left: list[Person] = []
        self.paid: dict[tuple[int, str], list[tuple[str, date, int, Period]]] = {}  # by person: names, days and cents
        self._months: list[Period] = []  # that were executed
        self.latest: set[int] = set()  # who was paid in the last payment that was executed
        self.back: dict[tuple[int, str], tuple[Person, date]] = {}
        self._employee: dict[int, str | None] = {}
        self._planted_at: list[int] = []
        self._pay_planted = 0
        if len(self.people) > 3 and random.random() < 0.3:  # a couple has one account
            self.people[1].accounts = list(self.people[0].accounts)

    def _joins(self) -> Person:
        number = next(self._ids)
        name = f"{self.random.choice(LAST)}, {self.random.choice(FIRST)} {_letters(number)}"
        accounts = [iban(next(self._accounts)) for _ in range(2 if self.random.random() < 0.05 else 1)]
        self.pay.joins(number, self.month)
        return Person(number, name, str(1000 + number) if self.numbered else None, accounts)

    def payments(self) -> Iterator[MadePayment]:
        for month in range(MONTHS):
            day = date(2024 + month // 12, month % 12 + 1, 25)
            self.month = month
            if month:
                self._month_passes()
            yield self._payment(day, plant=month > 2 and self.random.random() < 0.12)

    def _month_passes(self) -> None:
        """What is ordinary: people join and leave, marry, and change banks."""
        self.pay.passes(self.month)
        for person in list(self.people):
            chance = self.random.random()
            if chance < 0.008 and len(self.people) > 2:
                self.people.remove(person)
                self.left.append(person)
            elif chance < 0.011:
                person.accounts[0] = iban(next(self._accounts))
            elif chance < 0.0125 and self.numbered:
                person.name = f"{self.random.choice(LAST)}-{person.name}"
        if self.random.random() < 0.008 * len(self.people):
            self.people.append(self._joins())

    def _payment(self, day: date, plant: bool) -> MadePayment:
        pays = [(person, account, self._spelt(person.name)) for person in self.people for account in person.accounts]
        executed = self._executed()
        kind = self._plant(pays, day) if plant else None
        if kind is not None:
            executed = self._executed()  # a planted return is history
        pay_kind = self._plant_pay(pays) if kind is None and self.pay.random.random() < 0.15 else None
        cents = self._cents(pays, pay_kind)
        lines = [
            PlannedLine(number, Payee("9969", normalise_name(name), person.employee), account, name, cents[number - 1])
            for number, (person, account, name) in enumerate(pays, 1)
        ]
        made = MadePayment(executed, lines, Period(day.year, day.month, day.month))
        self._tell_truth(made, pays, pay_kind)
        if kind is not None:
            made.planted = [(kind, at) for at in self._planted_at]
        if kind is None and pay_kind is None and self.random.random() > 0.02:  # a bank refuses a whole payment at times
            self._execute(pays, cents, day, made.period)
        return made

    def _execute(self, pays: list[tuple[Person, str, str]], cents: list[int], day: date, period: Period) -> None:
        for (person, account, name), paid in zip(pays, cents, strict=True):
            self.paid.setdefault((person.id, account), []).append((name, day, paid, period))
            self._employee[person.id] = person.employee
        self._months.append(period)
        self.latest = {person.id for person, *_ in pays}

    def _tell_truth(self, made: MadePayment, pays: list[tuple[Person, str, str]], pay_kind: str | None) -> None:
        first = {person.id: at for at, (person, *_) in reversed(list(enumerate(pays, 1)))}
        made.ordinary = {at for at, (person, account, _) in enumerate(pays, 1) if (person.id, account) in self.paid}
        made.new = {at for person, at in first.items() if person not in self.latest}
        made.gone = len(self.latest - first.keys())
        made.is_comparable = bool(self.latest) and self._has_year_before(made)
        if pay_kind is not None:
            made.pay_planted = [(pay_kind, first.get(self._pay_planted, 0))]

    def _has_year_before(self, made: MadePayment) -> bool:
        year_before = Period(made.period.year - 1, made.period.first, made.period.last)
        return not self.pay.is_special(self.month) or any(one.period == year_before for one in made.executed)

    def _cents(self, pays: list[tuple[Person, str, str]], pay_kind: str | None) -> list[int]:
        """What each line is: the pay of a person, the same part of it each month on a second account."""
        whole = {person.id: self.pay.cents(person.id, self.month) for person, *_ in pays}
        if pay_kind in ("doubled", "typo"):
            usual = whole[self._pay_planted]
            whole[self._pay_planted] = usual * 2 if pay_kind == "doubled" else mistyped(usual, self.pay.random)
        parts = {person.id: len(person.accounts) for person, *_ in pays}
        return [max(1, whole[person.id] // parts[person.id]) for person, *_ in pays]

    def _plant_pay(self, pays: list[tuple[Person, str, str]]) -> str | None:
        """Choose a mistake in the pay of somebody who was paid last time, or in who is paid; change who is."""
        there = [one for one in self.people if one.id in self.latest]
        once = {person for person, _ in self.paid} - self.latest
        left = [one for one in self.left if one.id in once]
        if len(there) < 3:
            return None
        who, kind = self.pay.random.choice(there), self.pay.random.choice(PAY_KINDS)
        if kind == "leaver still paid":
            if not left:
                return None
            who = self.pay.random.choice(left)
            pays.append((who, who.accounts[0], who.name))
        elif kind == "ghost employee":
            who = self._joins()
            pays.append((who, who.accounts[0], who.name))
        elif kind == "missing":
            pays[:] = [one for one in pays if one[0] is not who]
        self._pay_planted = who.id
        return kind

    def _spelt(self, name: str) -> str:
        """The same name, as another version of the payroll program writes it."""
        how = self.random.random()
        if how < 0.9:
            return name
        last, _, first = name.partition(", ")
        return self.random.choice((name.upper(), f"{first} {last}", name.replace(",", " ,"), name.replace("ü", "u")))

    def _executed(self) -> list[PaidAccount]:
        rows, apart = [], self._periods_apart()
        for (person, account), times in self.paid.items():
            groups: dict[tuple[str, Period | None], list[tuple[date, int]]] = defaultdict(list)
            for name, day, cents, period in times:
                groups[name, apart.get(id(period))].append((day, cents))
            for (name, period), paid in groups.items():
                payee, days = Payee("9969", normalise_name(name), self._employee.get(person)), [day for day, _ in paid]
                cents = sum(one for _, one in paid) if period else 0
                rows.append(PaidAccount(payee, account, min(days), max(days), None, name, period, cents))
        for (_, account), (person, day) in self.back.items():
            payee = Payee("9969", normalise_name(person.name), person.employee)
            rows.append(PaidAccount(payee, account, None, None, day, person.name))
        return rows

    def _periods_apart(self) -> dict[int, Period]:
        """The periods that a payment of this month is held against, by what they are known by here."""
        year_before = (2023 + self.month // 12, self.month % 12 + 1)
        held = [one for one in self._months if one in self._months[-RECENT:] or (one.year, one.first) == year_before]
        return {id(one): one for one in held}

    # --- what is planted --------------------------------------------------------------------------
    def _plant(self, pays: list[tuple[Person, str, str]], day: date) -> str | None:
        """Change a line, or add one, as a thief or a mistake would; note where (`_planted_at`)."""
        known = [at for at, (person, account, _) in enumerate(pays) if (person.id, account) in self.paid]
        if len(known) < 2:
            return None
        at, other = self.random.sample(known, 2)
        kinds = ["changed", "to a colleague", "abroad", "beyond SEPA", "ghost", "two on one", "closed"]
        gone = [one for one in self.left if (one.id, one.accounts[0]) in self.paid]
        kind = self.random.choice([*kinds, "ghost of a leaver"] if gone else kinds)
        self._planted_at = [at + 1]
        target = {"changed": iban(next(self._accounts)), "abroad": BELGIUM, "beyond SEPA": EMIRATES,
                  "to a colleague": pays[other][1]}.get(kind)  # fmt: skip
        if kind == "to a colleague" and (pays[at][0] is pays[other][0] or (pays[at][0].id, target) in self.paid):
            return None  # their own second account, or that of a couple, also one that this person used before
        if target:
            pays[at] = (pays[at][0], target, pays[at][2])
        elif kind == "closed":
            person, account, _ = pays[at]
            self.back[person.id, account] = (person, day)
        else:
            self._add_ghosts(kind, pays, gone)
        return kind

    def _add_ghosts(self, kind: str, pays: list[tuple[Person, str, str]], gone: list[Person]) -> None:
        account = gone[0].accounts[0] if kind == "ghost of a leaver" else iban(next(self._accounts))
        ghosts = [self._joins() for _ in range(2 if kind == "two on one" else 1)]
        self._planted_at = [len(pays) + 1 + number for number in range(len(ghosts))]
        pays += [(ghost, account, ghost.name) for ghost in ghosts]


def _letters(number: int) -> str:
    """A middle name that no two people share."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number)).capitalize()
