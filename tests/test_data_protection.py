"""docs/data-protection.md puts every table in one level, and every table with a sealed column in the first two."""

import re
from pathlib import Path

from models import TABLES
from models.base import EncryptedField

TEXT = (Path(__file__).parent.parent / "docs" / "data-protection.md").read_text()
LEVELS = [re.findall(r"`([A-Z]\w+)`", row) for row in re.findall(r"^\| [1-4] .*$", TEXT, re.MULTILINE)]


def test_each_table_is_in_one_level():
    assert len(LEVELS) == 4
    assert sorted(name for level in LEVELS for name in level) == sorted(table.__name__ for table in TABLES)


def test_what_is_sealed_is_secret_or_personal():
    sealed = {t.__name__ for t in TABLES if any(isinstance(one, EncryptedField) for one in t._meta.sorted_fields)}
    assert sealed and sealed <= {*LEVELS[0], *LEVELS[1]}
