"""Reference data that is not in the repository: contracts, schemas and code lists of the standards, and samples.

It is read from the folder that BIZCUIT_SPECS names, or from shared/specs beside the checkout; samples come from
the folder `samples` beside that one. A test takes every such path from `path` or `sample`, and is left out where the
file is missing. The run says once how many were left out; with BIZCUIT_REQUIRE_SPECS=1 it fails when any was.
"""

import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("BIZCUIT_SPECS") or ROOT.parent / "shared" / "specs").resolve()
REQUIRED = os.environ.get("BIZCUIT_REQUIRE_SPECS", "") not in ("", "0")
LEFT_OUT = "reference data is missing"
BANK_CONTRACT = "bank/psd2-api-contract.json"


def is_here(name: str) -> bool:
    """Tell whether this file (`bank/codes.json`) is there to read."""
    return (FOLDER / name).is_file()


def path(name: str) -> Path:
    """Return the file or folder with this name below the folder of reference data; leave the test out without it."""
    return _found(FOLDER / name)


def sample(name: str) -> Path:
    """Return a sample (`bank/report.xml`); leave the test out without it."""
    return _found(FOLDER.parent / "samples" / name)


def _found(wanted: Path) -> Path:
    if not wanted.exists():
        pytest.skip(LEFT_OUT)
    return wanted


def left_out(stats: dict[str, list[Any]]) -> int:
    """Count the tests that were left out, from the outcomes that the terminal reporter keeps."""
    return sum(LEFT_OUT in str(report.longrepr) for report in stats.get("skipped", ()))


def summary(count: int) -> str:
    """Say what this run did not check for want of reference data; empty when nothing was left out."""
    session = "" if is_here(BANK_CONTRACT) else ", exchanges with banks not held against their contract"
    if not (count or session):
        return ""
    return f"reference data: {count} tests left out{session}; set BIZCUIT_SPECS to the folder of specifications"
