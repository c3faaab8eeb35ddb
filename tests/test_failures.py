"""docs/failures.md: every named test exists, every row names one, and no broken part is missing there."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import figures

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "failures.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
# What must be told: the parts that can break, and the surfaces that take bytes from outside.
ASKED = (
    "queue away", "queue emptied", "locked", "restarted", "database full", "disk full", "a day ahead", "a day behind",
    "summer", "slow", "cut off", "garbage", "yesterday", "another", "mail refused", "410", "429", "migration", "keys",
    "restore", "webhooks", "SOAP", "REST", "forms", "queries", "headers", "callbacks", "push subscriptions",
)  # fmt: skip


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_each_named_test_exists(file: str, name: str):
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_row_names_one_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if "| test" not in row]
    assert len(rows) > 35
    assert [row for row in rows if row.count("::") != 1] == []


@pytest.mark.parametrize("what", ASKED)
def test_no_failure_is_missing(what: str):
    assert what in TEXT


def test_the_figures_of_a_run_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "figures"
    monkeypatch.setenv(figures.FILE, str(file))
    figures.add(kills=2, inputs=3)
    figures.add(kills=1)
    assert figures.summary(file) == (
        "attacked: kills 3, faults 0, steps 0, inputs 3; lost 0, doubled 0, unexplained 5xx 0"
    )
    assert not file.exists()
