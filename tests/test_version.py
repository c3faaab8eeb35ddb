"""The version is defined once, and is the first entry of the changelog."""

import re
from pathlib import Path

from click.testing import CliRunner

from commands import program
from core.version import VERSION

CHANGELOG = (Path(__file__).parent.parent / "CHANGELOG.md").read_text("utf-8")


def test_the_changelog_starts_with_this_version():
    assert re.findall(r"^## \[([^]]+)\]", CHANGELOG, re.MULTILINE)[0] == VERSION


def test_each_version_has_a_date_or_is_unreleased():
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d{2}-\d{2}|Unreleased)", heading) for heading in headings)


def test_the_command_line_prints_it():
    assert CliRunner().invoke(program.version).output == f"{VERSION}\n"
