"""The table in docs/security.md: every requirement once, and every file and test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.\w+)(?:::(\w+))?`")
# ASVS 5.0.0: how many requirements each section has.
SECTIONS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip


def rows() -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs/security.md").read_text())


def test_every_requirement_has_one_row():
    wanted = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert [number for number, _ in rows()] == wanted


@pytest.mark.parametrize(("number", "met_by"), rows(), ids=[number for number, _ in rows()])
def test_what_meets_it_exists(number: str, met_by: str):
    named = NAMED.findall(met_by)
    assert named or met_by.startswith(("not applicable: ", "not met: ")), met_by
    for path, test in named:
        assert (ROOT / path).is_file(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(), test
