"""Made-up histories of clients: two years of payments with ordinary changes, and planted fraud and mistakes.

    for payment in payments_of(seed=1, clients=200): ...

Each payment tells what was executed before it, what it pays, and the truth about it: which lines are ordinary because
the same account was executed for the same person before, and what was planted. The truth is kept by person, never by
name or number, so that it does not depend on how the product tells people apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from random import Random

from core.names import normalise_name
from domain.payments.payee_findings import PaidAccount, Payee, PlannedLine
from tests.support.large_batches import FIRST, LAST, iban

MONTHS = 24
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
    """One payment, what was executed before it, and the truth. `planted`: kind and line."""

    executed: list[PaidAccount]
    planned: list[PlannedLine]
    ordinary: set[int] = field(default_factory=set)
    planted: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_ordinary(self) -> bool:
        return not self.planted and len(self.ordinary) == len(self.planned)


def payments_of(seed: int, clients: int) -> Iterator[MadePayment]:
    """Yield the payments of so many clients, two years each."""
    for number in range(clients):
        yield from _Client(Random(f"{seed}-{number}")).payments()


class _Client:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.numbered = random.random() < 0.6  # the rest of the files has no employee numbers
        self._ids, self._accounts = iter(range(1, 10**6)), iter(range(random.randrange(10**6), 10**9))
        self.people = [self._joins() for _ in range(random.choice((3, 8, 8, 20, 45, 80)))]
        self.left: list[Person] = []
        self.paid: dict[tuple[int, str], list[tuple[str, date]]] = {}  # by person: names and days
        self.back: dict[tuple[int, str], tuple[Person, date]] = {}
        self._employee: dict[int, str | None] = {}
        self._planted_at: list[int] = []
        if len(self.people) > 3 and random.random() < 0.3:  # a couple has one account
            self.people[1].accounts = list(self.people[0].accounts)

    def _joins(self) -> Person:
        number = next(self._ids)
        name = f"{self.random.choice(LAST)}, {self.random.choice(FIRST)} {_letters(number)}"
        accounts = [iban(next(self._accounts)) for _ in range(2 if self.random.random() < 0.05 else 1)]
        return Person(number, name, str(1000 + number) if self.numbered else None, accounts)

    def payments(self) -> Iterator[MadePayment]:
        for month in range(MONTHS):
            day = date(2024 + month // 12, month % 12 + 1, 25)
            if month:
                self._month_passes()
            yield self._payment(day, plant=month > 2 and self.random.random() < 0.12)

    def _month_passes(self) -> None:
        """What is ordinary: people join and leave, marry, and change banks."""
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
        lines = [
            PlannedLine(number, Payee("9969", normalise_name(name), person.employee), account, name)
            for number, (person, account, name) in enumerate(pays, 1)
        ]
        made = MadePayment(executed, lines)
        made.ordinary = {at for at, (person, account, _) in enumerate(pays, 1) if (person.id, account) in self.paid}
        if kind is not None:
            made.planted = [(kind, at) for at in self._planted_at]
        if kind is None and self.random.random() > 0.02:  # a bank refuses a whole payment now and then
            for person, account, name in pays:
                self.paid.setdefault((person.id, account), []).append((name, day))
                self._employee[person.id] = person.employee
        return made

    def _spelt(self, name: str) -> str:
        """The same name, as another version of the payroll program writes it."""
        how = self.random.random()
        if how < 0.9:
            return name
        last, _, first = name.partition(", ")
        return self.random.choice((name.upper(), f"{first} {last}", name.replace(",", " ,"), name.replace("ü", "u")))

    def _executed(self) -> list[PaidAccount]:
        rows = []
        for (person, account), times in self.paid.items():
            for name in sorted({name for name, _ in times}):
                days = [day for each, day in times if each == name]
                payee = Payee("9969", normalise_name(name), self._employee.get(person))
                rows.append(PaidAccount(payee, account, min(days), max(days), None, name))
        for (_, account), (person, day) in self.back.items():
            payee = Payee("9969", normalise_name(person.name), person.employee)
            rows.append(PaidAccount(payee, account, None, None, day, person.name))
        return rows

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
