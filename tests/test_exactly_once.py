"""docs/exactly-once.md: every named test exists, and no case is missing."""

import ast
import re
from pathlib import Path

import pytest

from models import STANDINGS

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "exactly-once.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)
ASKED = (
    "time-out before", "time-out after", "killed before", "after `submitted_at`", "after the answer", "two tabs",
    "two people", "double tap", "walked twice", "another user", "clock jumps forward or back", "cut-off",
    "webhook twice", "queue emptied", "DUPL",
)  # fmt: skip


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_each_named_test_exists(file: str, name: str):
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_case_names_a_test():
    cases = TABLE.partition("\n## What is owed\n")[2].splitlines()
    rows = [line for line in cases if line.startswith("| ") and not line.startswith("| event |")]
    assert len(rows) == len(NAMED) > 50, "a row without a test, or with two"
    assert all(len(re.findall(r"::", row)) == 1 for row in rows)


def test_each_path_of_the_story_exists():
    paths = re.findall(r"`((?:domain|models)/[\w/]+(?:\.py|/))`", TABLE)
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_story_has_every_standing():
    assert set(re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE)) == set(STANDINGS)


@pytest.mark.parametrize("what", ASKED)
def test_no_case_is_missing(what: str):
    assert what in TABLE
