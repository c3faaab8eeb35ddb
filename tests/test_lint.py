"""Our own checks besides ruff, djlint and pyright."""

from pathlib import Path

import pytest

from tools import lint


@pytest.mark.parametrize("name", ["page.html", "mail.txt", "style.css", "script.js"])
def test_a_too_long_line_is_found(tmp_path: Path, name: str):
    (tmp_path / name).write_text(f"{'x' * lint.MAX_LINE}\n<p>\n{'é' * (lint.MAX_LINE + 1)}\n")
    wrong = [f"{tmp_path / name}:3: 121 characters, 120 at most"]
    assert lint.long_lines(tmp_path) == lint.long_lines(tmp_path / name) == wrong


def test_a_picture_in_a_stylesheet_may_be_long(tmp_path: Path):
    (tmp_path / "style.css").write_text(f"""--tick: url("data:image/svg+xml,{'x' * lint.MAX_LINE}");\n""")
    assert lint.long_lines(tmp_path) == []


def test_the_checked_files_pass():
    assert [fault for place in lint.SHORT_LINES for fault in lint.long_lines(lint.ROOT / place)] == []
