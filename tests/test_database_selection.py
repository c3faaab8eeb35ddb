"""What a run on servers repeats is listed by folder and file (tests/conftest.py): every entry names some."""

from pathlib import Path

import pytest

from tests.conftest import OF_A_DATABASE

ROOT = Path(__file__).parents[1]
FILES = [str(file.relative_to(ROOT)) for file in (ROOT / "tests").rglob("test_*.py")]


@pytest.mark.parametrize("part", OF_A_DATABASE)
def test_every_entry_names_test_files(part: str):
    assert any(part in file for file in FILES)
