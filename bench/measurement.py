"""A benchmark figure: the value, its baseline and its goal."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """`value` and `floor` are in `unit`; `goal` is text; `good` is whether it is met (None without a goal)."""

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
    """Return the median time of `act` in seconds, after one run to warm up."""
    act()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def added_mb(act: Callable[[], object]) -> float:
    """Return the peak memory that `act` adds to this process, in MB (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status_mb("VmRSS")
    act()
    return max(0.0, _status_mb("VmHWM") - before)


def _status_mb(name: str) -> float:
    """Return a value from /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))
