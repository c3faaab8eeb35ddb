"""Figures that tests add up over a whole run, in any number of processes; shown at its end."""

import json
import os
import tempfile
from collections import Counter
from pathlib import Path

FILE = "BIZCUIT_TEST_FIGURES"  # where the workers of this run write theirs
SHOWN = ("kills", "faults", "steps", "inputs")
WRONG = ("lost", "doubled", "unexplained 5xx")  # a run without failures has none


def begin() -> Path:
    """Make the file for this run, which every process of it inherits."""
    handle, name = tempfile.mkstemp(prefix="figures-")
    os.close(handle)
    os.environ[FILE] = name
    return Path(name)


def add(**counts: int) -> None:
    """Add these figures to those of the run."""
    if name := os.environ.get(FILE):
        with open(name, "a") as file:
            file.write(json.dumps(counts) + "\n")


def summary(file: Path) -> str:
    """Return the sum of all figures of the run in a line, empty if there are none; remove their file."""
    found: Counter[str] = Counter()
    for line in file.read_text().splitlines():
        found.update(json.loads(line))
    file.unlink()
    os.environ.pop(FILE, None)
    if not found:
        return ""
    told, wrong = (", ".join(f"{name} {found[name]}" for name in names) for names in (SHOWN, WRONG))
    return f"attacked: {told}; {wrong}"
