"""docs/architecture.md shows the packages of the domain and their imports as tests/test_walls.py allows them."""

import re
from pathlib import Path

import pytest

from tests import test_walls

DRAWING = re.search(
    r"```mermaid\n(.*?)```", (Path(__file__).parent.parent / "docs" / "architecture.md").read_text("utf-8"), re.DOTALL
)
ALLOWED: dict[str, set[str]] | None = getattr(test_walls, "PACKAGE_MAY_KNOW", None)


def drawn_floors() -> dict[str, int]:
    """Return each package of the drawing with its layer."""
    assert DRAWING
    boxes = re.findall(r"subgraph floor(\d) .*?\n(.*?)    end", DRAWING[1], re.DOTALL)
    return {package: int(floor) for floor, packages in boxes for package in packages.split()}


def drawn_arrows() -> set[tuple[str, str]]:
    """Return each arrow of the drawing: the importing package and the imported one."""
    assert DRAWING
    return set(re.findall(r"^ +(\w+) --> (\w+)$", DRAWING[1], re.MULTILINE))


def test_arrows_point_down():
    floors = drawn_floors()
    assert [(upper, lower) for upper, lower in drawn_arrows() if floors[upper] <= floors[lower]] == []


@pytest.mark.skipif(ALLOWED is None, reason="the domain is one package still")
def test_the_drawing_matches_the_table_of_imports():
    """Imports of `common` are always allowed and not drawn."""
    assert ALLOWED is not None
    allowed = {(upper, lower) for upper, known in ALLOWED.items() for lower in known if lower != "common"}
    assert drawn_arrows() == allowed
    assert set(drawn_floors()) == set(ALLOWED)
