"""How often what was planted is found, and how often an ordinary payment tells something."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass
class Detection:
    """Planted and found, by kind; ordinary payments, and those that told something."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    ordinary: int = 0
    false_alarms: int = 0

    def add(self, other: "Detection") -> None:
        self.planted += other.planted
        self.found += other.found
        self.ordinary += other.ordinary
        self.false_alarms += other.false_alarms

    def rate(self, kind: str) -> float:
        return self.found[kind] / self.planted[kind]

    def require_good(self, kinds: Collection[str]) -> None:
        """Of each kind at least 99 of 100 are found; of twenty ordinary payments at most one tells something."""
        assert set(self.planted) == set(kinds)
        assert min(self.planted.values()) >= 10, self
        assert self.ordinary >= 500, self
        for kind in self.planted:
            assert self.rate(kind) >= 0.99, (kind, self)
        assert self.false_alarms * 20 <= self.ordinary, self
