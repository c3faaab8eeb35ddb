"""Decision records: one numbering, a title, a date, a status, and an index of all."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
HEAD = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>[A-Z].+)\n"
    r"- Date: (?P<date>\d{4}-\d{2}-\d{2})\n"
    r"- Status: (?P<status>proposed|accepted|rejected|superseded by (?P<by>\d{4}))\n\n"
)


def test_numbers_are_consecutive():
    assert [record.name[:4] for record in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_number_title_date_and_status(record: Path):
    head = HEAD.match(record.read_text("utf-8"))
    assert head, "see docs/decisions/README.md for the form"
    assert record.name.startswith(head["number"] + "-")
    assert not head["by"] or list(FOLDER.glob(f"{head['by']}-*.md"))


def test_the_index_lists_each_record():
    heads = [(record.name, HEAD.match(record.read_text("utf-8"))) for record in RECORDS]
    rows = [f"| [{head['number']}]({name}) | {head['title']} | {head['date']} | {head['status']} |"
            for name, head in heads if head]  # fmt: skip
    index = (FOLDER / "README.md").read_text("utf-8")
    assert [line for line in index.splitlines() if line.startswith("| [")] == rows
