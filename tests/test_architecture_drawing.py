"""docs/architecture.md draws the packages of the domain and their imports as tests/test_walls.py allows them."""

import re
from pathlib import Path

import pytest

from tests import test_walls

DRAWING = re.search(
    r"```mermaid\n(.*?)```", (Path(__file__).parent.parent / "docs" / "architecture.md").read_text("utf-8"), re.DOTALL
)
ALLOWED: dict[str, set[str]] | None = getattr(test_walls, "PACKAGE_MAY_KNOW", None)


def drawn_floors() -> dict[str, int]:
    """Each package of the drawing with its floor."""
    assert DRAWING
    boxes = re.findall(r"subgraph floor(\d) .*?\n(.*?)    end", DRAWING[1], re.DOTALL)
    return {package: int(floor) for floor, packages in boxes for package in packages.split()}


def drawn_arrows() -> set[tuple[str, str]]:
    """Each arrow of the drawing: the package that imports, and the one that is imported."""
    assert DRAWING
    return set(re.findall(r"^ +(\w+) --> (\w+)$", DRAWING[1], re.MULTILINE))


def test_arrows_go_down_only():
    floors = drawn_floors()
    assert [(upper, lower) for upper, lower in drawn_arrows() if floors[upper] <= floors[lower]] == []


@pytest.mark.skipif(ALLOWED is None, reason="the domain is one package still")
def test_the_drawing_is_the_table_of_the_walls():
    """Imports of `common` are allowed to all and are not drawn."""
    assert ALLOWED is not None
    allowed = {(upper, lower) for upper, known in ALLOWED.items() for lower in known if lower != "common"}
    assert drawn_arrows() == allowed
    assert set(drawn_floors()) == set(ALLOWED)
