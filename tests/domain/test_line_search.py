"""Searching lines: a search finds what the user means, and never changes the payment."""

import pytest

from domain.payments import queries
from domain.payments.line_search import PAGE, REFUSED, REMARKED, LinePage, LineQuery, build_line_query
from models import Batch, BatchLine
from tests.support.factories import Demo
from tests.support.large_batches import iban, many

PEOPLE = [
    ("Vries, Jan de", iban(12), 100_00), ("Jansen, Özge", iban(34), 200_00), ("Inga 100%_x", iban(56), 300_00),
    ("O'Brien & Zn", iban(78), 400_00),
]  # fmt: skip


@pytest.fixture
def batch(demo: Demo) -> Batch:
    return demo.batch(PEOPLE)


def look(demo: Demo, batch: Batch, wanted: LineQuery) -> LinePage:
    found = queries.get_payment(demo.client, batch.reference, wanted).found
    assert found is not None
    return found


def names(demo: Demo, batch: Batch, text: str, only: str = "") -> list[str]:
    return [row.creditor_name.split()[0].strip(",") for row in look(demo, batch, build_line_query(text, only)).rows]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("jan", ["Vries", "Jansen"]), ("jan vries", ["Vries"]), ("de  JAN", ["Vries"]), ("özge", ["Jansen"]),
        ("Özge", ["Jansen"]), ("ozge", ["Jansen"]), ("ing", ["Inga"]), ("%", ["Inga"]), ("_", ["Inga"]),
        ("o'brien &", ["O'Brien"]), ("april", ["Vries", "Jansen", "Inga", "O'Brien"]), ("april ozge", ["Jansen"]),
        (iban(34), ["Jansen"]), (iban(34).lower(), ["Jansen"]), ("0000 0000 56", ["Inga"]), ("nobody", []),
        ("\\", []), ("'; drop table", []), ("…", []), ("", ["Vries", "Jansen", "Inga", "O'Brien"]),
    ],
)  # fmt: skip
def test_the_search_finds_what_is_meant(demo: Demo, batch: Batch, typed: str, found: list[str]):
    assert names(demo, batch, typed) == found


def test_filters_for_excluded_lines_and_remarks(demo: Demo, batch: Batch):
    BatchLine.update(state="excluded").where(BatchLine.position == 1).execute()
    BatchLine.update(vop_result="CMTC").where(BatchLine.position == 1).execute()
    assert names(demo, batch, "", REFUSED) == ["Vries"]
    assert names(demo, batch, "", REMARKED) == ["Vries", "Jansen", "Inga", "O'Brien"]
    BatchLine.update(vop_result=None).where(BatchLine.position == 1).execute()
    assert names(demo, batch, "jan", REMARKED) == ["Jansen"]  # has an Ö, which is converted for SEPA


@pytest.mark.parametrize(
    ("typed", "only", "page", "look"),
    [
        ("  a   b ", "", 1, LineQuery("a b")), ("x" * 500, "", 1, LineQuery("x" * 70)), ("", "anders", 1, LineQuery()),
        ("", REFUSED, 0, LineQuery(only=REFUSED)), ("", "", -3, LineQuery()), ("", "", 7, LineQuery(page=7)),
    ],
)  # fmt: skip
def test_invalid_queries_are_normalised(typed: str, only: str, page: int, look: LineQuery):
    assert build_line_query(typed, only, page) == look


def test_pages_contain_every_line_once_in_order(demo: Demo):
    batch = demo.batch(many(2 * PAGE + 20))
    pages = [look(demo, batch, LineQuery(page=number)) for number in (1, 2, 3)]
    assert [(one.first, one.last, one.count, one.pages) for one in pages] == [
        (1, 100, 220, 3), (101, 200, 220, 3), (201, 220, 220, 3),
    ]  # fmt: skip
    assert [row.position for one in pages for row in one.rows] == list(range(1, 221))


@pytest.mark.parametrize("page", [4, 2**40])
def test_a_page_beyond_the_end_is_the_last(demo: Demo, page: int):
    batch = demo.batch(many(2 * PAGE + 20))
    assert look(demo, batch, LineQuery(page=page)).look.page == 3


def test_results_have_their_own_pages(demo: Demo):
    batch = demo.batch(many(1_100))
    found = look(demo, batch, build_line_query("jansen", "", 2))  # every tenth line
    assert (found.count, found.pages, len(found.rows)) == (110, 2, 10)


def test_only_one_page_is_read(demo: Demo):
    batch = demo.batch(many(2 * PAGE + 20))
    assert len(queries.get_payment(demo.client, batch.reference, LineQuery(page=2)).lines) == PAGE


@pytest.mark.parametrize(
    "wanted",
    [LineQuery(page=2), build_line_query("jansen"), build_line_query("", REFUSED), build_line_query("nobody")],
)
@pytest.mark.parametrize("count", [20, 120])
def test_a_search_does_not_change_the_payment(demo: Demo, wanted: LineQuery, count: int):
    batch = demo.batch(many(count))
    whole, some = (queries.get_payment(demo.client, batch.reference, one) for one in (None, wanted))
    assert (some.digest, some.total_cents, some.lines_all, some.lines_payable) == (
        whole.digest, whole.total_cents, whole.lines_all, whole.lines_payable,
    )  # fmt: skip


@pytest.mark.parametrize("count", [20, 120])
def test_excluded_lines_come_last_after_execution(demo: Demo, count: int):
    batch = demo.batch(many(count))
    BatchLine.update(state="executed").where(BatchLine.batch == batch.id).execute()
    BatchLine.update(state="excluded").where(BatchLine.batch == batch.id, BatchLine.position == 2).execute()
    Batch.update(state="executed").where(Batch.id == batch.id).execute()
    last = look(demo, batch, LineQuery(page=2))
    assert (last.rows[-1].position, last.count) == (2, count)
