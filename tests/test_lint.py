"""Our own checks besides ruff, djlint and pyright."""

from pathlib import Path

from tools import lint


def test_a_too_long_template_line_is_found(tmp_path: Path):
    (tmp_path / "page.html").write_text(f"{'x' * lint.MAX_LINE}\n<p>\n{'é' * (lint.MAX_LINE + 1)}\n")
    assert lint.long_lines(tmp_path) == [f"{tmp_path / 'page.html'}:3: 121 characters, 120 at most"]


def test_the_checked_templates_pass():
    assert [fault for folder in lint.SHORT_LINES for fault in lint.long_lines(lint.ROOT / folder)] == []
