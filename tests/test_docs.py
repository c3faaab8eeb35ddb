"""What the documents name is there: files, commands, settings."""

import re
from pathlib import Path

import click
import pytest

import commands

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("blueprints", "bench", "connectors", "core", "docs", "domain", "jobs", "models", "sandbox", "static",
         "templates", "tests", "tools")  # fmt: skip
_PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*|[a-z_]+\.(?:py|md|txt))(?:::\w+)?`")
_COMMAND = re.compile(r"`flask --app app ([a-z-]+)(?: ([a-z-]+))?")
_SETTING = re.compile(r"BIZCUIT_[A-Z_]+[A-Z]")
ids = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.fixture(scope="module")
def known() -> dict[str, click.Command]:
    """Every command of ours by its name."""
    found: dict[str, click.Command] = {}

    class Line:
        add_command = staticmethod(lambda command: found.setdefault(command.name, command))

    commands.register(type("App", (), {"cli": Line})())  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_files_that_are_named_are_there(page: Path):
    named = {match[1] for match in _PATH.finditer(page.read_text("utf-8"))}
    missing = [name for name in named if not _is_there(name)]
    assert missing == []


def _is_there(name: str) -> bool:
    """As it is written, or without its `.py`, as one speaks of it."""
    return (ROOT / name).exists() or (ROOT / f"{name}.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_that_are_named_can_be_given(page: Path, known: dict[str, click.Command]):
    for name, below in _COMMAND.findall(page.read_text("utf-8")):
        assert name in known
        group = known[name]
        if below and isinstance(group, click.Group):
            assert below in group.commands, f"{name} {below}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_settings_that_are_named_exist(page: Path):
    listed = set(_SETTING.findall((ROOT / ".env.example").read_text("utf-8")))
    assert set(_SETTING.findall(page.read_text("utf-8"))) - {"BIZCUIT_TEST_LONG", "BIZCUIT_SCREENSHOTS"} <= listed


def test_every_command_is_told_to_who_operates_it(known: dict[str, click.Command]):
    """Each group or command stands in the page for operators."""
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    told = {name for name, _ in _COMMAND.findall(text)}
    assert set(known) - told == {"seed-demo"}
