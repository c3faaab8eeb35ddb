"""The requirement tables in docs: one row per requirement, and every named file and test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w./-]+\.\w+)(?:::(\w+))?`")
# ASVS 5.0.0: the number of requirements per section.
ASVS = {
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
# WCAG 2.2, levels A and AA: the success criteria per guideline.
WCAG = {
    "1.1": [1], "1.2": [1, 2, 3, 4, 5], "1.3": [1, 2, 3, 4, 5], "1.4": [1, 2, 3, 4, 5, 10, 11, 12, 13],
    "2.1": [1, 2, 4], "2.2": [1, 2], "2.3": [1], "2.4": [1, 2, 3, 4, 5, 6, 7, 11], "2.5": [1, 2, 3, 4, 7, 8],
    "3.1": [1, 2], "3.2": [1, 2, 3, 4, 6], "3.3": [1, 2, 3, 4, 7, 8],
    "4.1": [2, 3],
}  # fmt: skip
TABLES = {
    "docs/security.md": [f"{section}.{number}" for section, count in ASVS.items() for number in range(1, count + 1)],
    "docs/accessibility.md": [f"{section}.{number}" for section, numbers in WCAG.items() for number in numbers],
}


def rows(table: str) -> list[tuple[str, str]]:
    return ROW.findall((ROOT / table).read_text())


@pytest.mark.parametrize("table", TABLES)
def test_every_requirement_has_one_row(table: str):
    assert [number for number, _ in rows(table)] == TABLES[table]


@pytest.mark.parametrize(
    ("number", "met_by"), [pytest.param(*row, id=f"{table} {row[0]}") for table in TABLES for row in rows(table)]
)
def test_named_files_and_tests_exist(number: str, met_by: str):
    named = NAMED.findall(met_by)
    assert named or met_by.startswith(("not applicable: ", "not met: ")), met_by
    for path, test in named:
        assert (ROOT / path).is_file(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(), test


@pytest.mark.parametrize(("number", "met_by"), rows("docs/security.md"))
def test_each_security_requirement_that_is_met_names_a_test(number: str, met_by: str):
    """A documentation requirement (ASVS x.1.y) may name the document that it asks for."""
    if met_by.startswith(("not applicable: ", "not met: ")):
        return
    tests = [test for _, test in NAMED.findall(met_by) if test]
    documents = re.findall(r"`docs/[\w/.-]+\.md`", met_by)
    assert tests or (documents and re.fullmatch(r"\d+\.1\.\d+", number)), f"{number} names no test"
