"""The table of docs/exactly-once.md names tests that are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROWS = [
    line for line in (ROOT / "docs" / "exactly-once.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| when")
]  # fmt: skip


def test_each_row_names_a_test_that_is_there():
    assert len(ROWS) > 20
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for path, name in named:
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            functions = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
            assert any(one.startswith("test_") for one in functions)
            assert not name or name in functions, f"{path} has no {name}"
