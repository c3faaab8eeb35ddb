"""One figure: what was measured, the floor beside it, and the goal."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


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


def added_mb(act: Callable[[], object]) -> float:
    """The most memory that `act` adds to this process while it runs, in MB (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status_mb("VmRSS")
    act()
    return max(0.0, _status_mb("VmHWM") - before)


def _status_mb(name: str) -> float:
    """One line of what the kernel tells of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))
