"""✗ leaves a line out to be paid later, and the line itself offers the other reason."""

from collections.abc import Iterator

import pytest
from lxml.html import HtmlElement

from domain.common.errors import BatchChanged
from domain.payments import amendments
from models import AuditEvent, BatchLine, LineVerdict
from tests.support.books import require_right_books
from tests.support.factories import LINES, Demo
from tests.support.large_batches import many
from tests.support.web_client import Page, WebClient
from tests.web.test_payment_page import at, line_ids, strike


@pytest.fixture(autouse=True)
def no_inconsistencies(demo: Demo, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    require_right_books(request)


def reasons(page: Page) -> list[str]:
    """What the lines of a page say of why they are left out, each with the other reason that it offers."""
    return [said(node) for node in page.all(".line.off .say, .why > *")]


def said(node: HtmlElement) -> str:
    return " ".join(node.text_content().split())


def test_a_line_that_is_paid_offers_no_reason(owner: WebClient, demo: Demo):
    assert reasons(owner.open(at(demo, demo.batch()))) == []


def test_a_cross_without_a_reason_is_paid_later(owner: WebClient, demo: Demo):
    batch = demo.batch()
    strike(owner, demo, batch, 0)
    assert reasons(owner.open(at(demo, batch))) == ["Later betalen", "Helemaal niet betalen", "Fout in de run"]
    assert demo.view(batch).lines[0].verdict == "later"


def test_the_other_reason_is_one_tap_at_the_line(owner: WebClient, demo: Demo):
    batch = demo.batch()
    strike(owner, demo, batch, 0)
    before = demo.view(batch).digest
    button = owner.open(at(demo, batch)).one(".why button")
    assert owner.post(button.get("formaction") or "").status_code == 303
    assert reasons(owner.open(at(demo, batch))) == ["Niet betalen", "Toch later betalen", "Fout in de run"]
    assert (demo.view(batch).lines[0].verdict, demo.view(batch).digest) == ("never", before)
    assert [row.verdict for row in LineVerdict.select().order_by(LineVerdict.id)] == ["later", "never"]


def test_a_second_cross_keeps_the_reason_and_a_tick_ends_it(owner: WebClient, demo: Demo):
    batch = demo.batch()
    line = line_ids(demo, batch)[0]
    for verdict in ("never", "refuse"):
        owner.post(at(demo, batch, f"/regels/{line}?verdict={verdict}"))
    assert demo.view(batch).lines[0].verdict == "never"
    owner.post(at(demo, batch, f"/regels/{line}?verdict=accept"))
    assert (demo.view(batch).lines[0].verdict, reasons(owner.open(at(demo, batch)))) == (None, [])
    owner.post(at(demo, batch, f"/regels/{line}?verdict=refuse"))
    assert demo.view(batch).lines[0].verdict == "later"


def test_a_reason_that_there_is_not_is_refused(owner: WebClient, demo: Demo):
    batch = demo.batch()
    assert owner.post(at(demo, batch, f"/regels/{line_ids(demo, batch)[0]}?verdict=soon")).status_code == 400
    assert LineVerdict.select().count() == 0


def test_the_log_says_who_left_a_line_out_and_why(owner: WebClient, demo: Demo):
    batch = demo.batch()
    strike(owner, demo, batch, 0)
    (told,) = AuditEvent.select().where(AuditEvent.kind == "line.refused")
    row = LineVerdict.get()
    assert (told.actor, told.details) == (
        f"user:{demo.user.id}", {"line": row.line_id, "verdict": "later", "row": row.id}
    )  # fmt: skip


SPLIT = [*LINES, (LINES[0][0], "NL57ABNA7134384551", 5000)]


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        ("refuse", "Ook de andere regel van Jong, Wouter de later betalen (€ 50,00)"),
        ("never", "Ook de andere regel van Jong, Wouter de niet betalen (€ 50,00)"),
    ],
)
def test_a_cross_asks_about_what_else_the_person_is_paid(owner: WebClient, demo: Demo, verdict: str, label: str):
    batch = demo.batch(SPLIT)
    first, *others = demo.view(batch).lines
    answer = owner.post(at(demo, batch, f"/regels/{first.id}?verdict={verdict}"))
    button = next(one for one in owner.open(at(demo, batch)).all(".why button") if said(one) == label)
    owner.post(button.get("formaction") or "")
    kept = "later" if verdict == "refuse" else "never"
    assert answer.status_code == 303
    assert [row.verdict for row in demo.view(batch).lines] == [kept, kept, None, None]
    assert label not in reasons(owner.open(at(demo, batch)))
    assert others[0].person == first.person


def test_the_answer_to_a_cross_asks_it_at_once(owner: WebClient, demo: Demo):
    batch = demo.batch(SPLIT)
    first, second = demo.view(batch).lines[:2]
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    answer = owner.post(at(demo, batch, f"/regels/{first.id}?verdict=refuse"), htmx=True, shown=shown)
    assert "Ook de andere regel van Jong, Wouter de later betalen" in answer.text
    shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    whole = owner.post(at(demo, batch, f"/regels/{first.id}?verdict=person"), htmx=True, shown=shown)
    assert whole.one(f"#regel-{second.id}") is not None
    assert "Ook de andere regel" not in whole.text


def test_it_asks_about_lines_that_a_search_left_out(owner: WebClient, demo: Demo):
    """Of a payment read whole, and of one of which only a page is read."""
    for count in (40, 220):
        bailiff, wages = many(count)[0], many(count)[1:]
        batch = demo.batch([bailiff, *wages, (bailiff[0], "NL57ABNA7134384551", 5000)], number=count)
        owner.post(at(demo, batch, f"/regels/{demo.view(batch).lines[0].id}?verdict=refuse"))
        found = owner.open(at(demo, batch, "?zoek=NL57")).text + owner.open(at(demo, batch, f"?zoek={bailiff[1]}")).text
        assert f"Ook de andere regel van {bailiff[0]} later betalen (€ 50,00)" in " ".join(found.split())


def test_it_leaves_nothing_out_of_somebody_who_is_paid(owner: WebClient, demo: Demo):
    """A page that was open while the line was included again elsewhere."""
    batch = demo.batch(SPLIT)
    first = demo.view(batch).lines[0]
    path = at(demo, batch, f"/regels/{first.id}?verdict=person")
    with pytest.raises(BatchChanged):
        amendments.exclude_rest_of_person(demo.client, demo.user, batch.reference, first.id)
    owner.post(path)
    assert [row.verdict for row in demo.view(batch).lines] == [None] * 4


def test_lines_of_before_have_no_person_in_common(demo: Demo):
    batch = demo.batch(SPLIT)
    BatchLine.update(person_group=None).execute()
    first = demo.view(batch).lines[0]
    amendments.exclude_line(demo.client, demo.user, batch.reference, first.id)
    amendments.exclude_rest_of_person(demo.client, demo.user, batch.reference, first.id)
    assert [row.verdict for row in demo.view(batch).lines] == ["later", None, None, None]


def test_it_asks_nothing_where_a_person_has_one_line(owner: WebClient, demo: Demo):
    batch = demo.batch()
    strike(owner, demo, batch, 0)
    assert "Ook de andere" not in owner.open(at(demo, batch)).text
