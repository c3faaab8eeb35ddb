"""Reference data that is not in the repository: contracts, schemas and code lists of the standards, and samples.

It is read from the folder in BIZCUIT_SPECS, or from shared/specs beside the checkout; samples are in the folder
`samples` beside that one. A test gets each path from `path` or `sample`, and is skipped if the file is missing. The run
reports once how many were skipped; with BIZCUIT_REQUIRE_SPECS=1 it fails if any was.
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
    """Return whether this file (`bank/codes.json`) exists."""
    return (FOLDER / name).is_file()


def path(name: str) -> Path:
    """Return the file or folder with this name in the reference data; skip the test if it is missing."""
    return _found(FOLDER / name)


def sample(name: str) -> Path:
    """Return a sample (`bank/report.xml`); skip the test if it is missing."""
    return _found(FOLDER.parent / "samples" / name)


def case(name: str) -> Path:
    """Return a file of a bank or payroll (`p2_two_rejects.xml`); skip the test if it is absent."""
    return _found(FOLDER.parent / "cases" / name)


def _found(wanted: Path) -> Path:
    if not wanted.exists():
        pytest.skip(LEFT_OUT)
    return wanted


def left_out(stats: dict[str, list[Any]]) -> int:
    """Count the tests that were skipped for missing reference data."""
    return sum(LEFT_OUT in str(report.longrepr) for report in stats.get("skipped", ()))


def summary(count: int) -> str:
    """Return a sentence on what this run did not check for lack of reference data; empty if nothing was skipped."""
    session = "" if is_here(BANK_CONTRACT) else ", exchanges with banks not held against their contract"
    if not (count or session):
        return ""
    return f"reference data: {count} tests left out{session}; set BIZCUIT_SPECS to the folder of specifications"
