"""One figure: what was measured, the floor beside it, and the goal."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """`value` and `floor` are in `unit`; `goal` is in words, `good` whether it is met (None: no goal is set)."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_name: str = ""
    goal: str = ""
    good: bool | None = None
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def median_seconds(act: Callable[[], object], times: int = 5) -> float:
    """The median time of `act`, after one run that warms it up."""
    act()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def peak_mb() -> float:
    """The most memory that this process has had, in MB (Linux counts in KB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
