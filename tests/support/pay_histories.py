"""Made-up pay: what people earn each month, and mistakes in it, for `payee_histories`.

Net amounts in cents. Most people have a salary, some are paid by the hour; once a year it is raised. Holiday allowance
comes in May or June, a thirteenth month in December at some clients, both for the months that somebody was there.
"""

from dataclasses import dataclass, field
from random import Random

OVERTIME = (102, 108)  # percent of a salary, now and then


@dataclass
class Contract:
    """What one person earns: `base` cents a month, since `joined` (counted from 0; negative: long before)."""

    base: int
    joined: int
    by_hour: bool


@dataclass
class Pay:
    """What one client pays: in which month of the year what is special, and everybody's contract."""

    random: Random
    contracts: dict[int, Contract] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holiday = self.random.choice((5, 5, 5, 6))
        self.thirteenth = self.random.random() < 0.3
        self.raised_in = self.random.choice((1, 1, 7))

    def joins(self, person: int, month: int) -> None:
        """Somebody joins in this month; in the first one they were there long before."""
        joined = month if month else month - self.random.randrange(40)
        base = self.random.randrange(90_000, 480_000)
        self.contracts[person] = Contract(base, joined, self.random.random() < 0.2)

    def passes(self, month: int) -> None:
        """A month passes: salaries may be raised."""
        if month and month % 12 + 1 == self.raised_in:
            percent = self.random.choice((100, 102, 103, 105))
            for one in self.contracts.values():
                one.base = one.base * percent // 100

    def cents(self, person: int, month: int) -> int:
        """Return the net pay of this month."""
        one, usual = self.contracts[person], 100
        if one.by_hour:
            usual = round(self.random.gauss(100, 4))
        elif self.random.random() < 0.05:
            usual = self.random.randint(*OVERTIME)
        there = min(12, month - one.joined + 1)
        extra = {self.holiday: 65, 12 if self.thirteenth else 0: 55}.get(month % 12 + 1, 0) * there // 12
        return one.base * (usual + extra) // 100 + self.random.randrange(100)

    def is_special(self, month: int) -> bool:
        return month % 12 + 1 in (self.holiday, 12 if self.thirteenth else 0)


def mistyped(cents: int, random: Random) -> int:
    """Return the amount with one wrong digit of those before the comma, that changes it by a fifth at least."""
    digits = str(cents)
    while True:
        at, way = random.randrange(len(digits) - 2), random.choice(("other", "left out", "twice"))
        digit = random.choice("0123456789")
        text = digits[:at] + {"other": digit, "left out": "", "twice": digits[at] * 2}[way] + digits[at + 1 :]
        if text.strip("0") and abs(int(text) - cents) * 5 >= cents:
            return int(text)
