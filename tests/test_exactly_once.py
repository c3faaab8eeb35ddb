"""docs/exactly-once.md: every named test exists, and no case is missing."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "exactly-once.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)
ASKED = (
    "time-out before", "time-out after", "killed before", "after `called_at`", "after the answer", "two tabs",
    "two people", "double tap", "walked twice", "another user", "clock jumps forward or back", "cut-off",
    "webhook twice", "queue emptied", "DUPL",
)  # fmt: skip


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_each_named_test_exists(file: str, name: str):
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_row_names_a_test():
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(NAMED) > 20, "a row without a test, or with two"


@pytest.mark.parametrize("what", ASKED)
def test_no_case_is_missing(what: str):
    assert what in TABLE
