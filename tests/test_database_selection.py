"""The folders and files that run again on servers (tests/conftest.py) exist."""

from pathlib import Path

import pytest

from tests.conftest import OF_A_DATABASE

ROOT = Path(__file__).parents[1]
FILES = [str(file.relative_to(ROOT)) for file in (ROOT / "tests").rglob("test_*.py")]


@pytest.mark.parametrize("part", OF_A_DATABASE)
def test_every_entry_matches_test_files(part: str):
    assert any(part in file for file in FILES)
