"""The lists of payments: waiting, in progress, ended."""

from datetime import UTC, date, datetime

import pytest

from core.clock import utcnow
from domain.payments import amendments
from domain.payments.release import release
from models import Batch, BatchLine, Due
from tests.support.factories import LINES, PSU, Demo
from tests.support.orders import put_at_bank
from tests.support.web_client import Page, WebClient


def put(demo: Demo, *states: str) -> None:
    """Create a payment in each of these states."""
    for number, state in enumerate(states, 1):
        Batch.update(state=state).where(Batch.id == demo.batch(number=number).id).execute()


def page_of(who: WebClient, demo: Demo, tail: str) -> Page:
    return who.open(f"/{demo.client.public_id}/{tail}")


def headings(page: Page) -> list[str]:
    return [node.text_content().strip() for node in page.all(".head h2")]


def rows(page: Page) -> list[str]:
    return [" ".join(node.text_content().split()) for node in page.all("a.task[href*='/betalingen/']")]


def test_an_empty_list_has_advice(owner: WebClient, demo: Demo):
    assert "Draai een salarisrun in Nmbrs" in page_of(owner, demo, "betalingen").text


def test_payments_are_grouped_by_required_action(owner: WebClient, demo: Demo):
    put(demo, "executed", "signed", "open", "discarded", "at_bank", "sending")
    page = page_of(owner, demo, "betalingen")
    assert headings(page) == ["Wacht op jou", "Onderweg", "Afgerond"]
    told = [next(word for word in ("Wacht op ondert", "Goedkeuring", "verstuurd", "Ondertekend", "Niet betaald",
                                   "Uitgevoerd") if word in row) for row in rows(page)]  # fmt: skip
    assert told == ["Wacht op ondert", "Goedkeuring", "verstuurd", "Ondertekend", "Niet betaald", "Uitgevoerd"]
    assert "€ 8.559,16" in rows(page)[0]


def test_two_payments_of_one_name_are_told_apart(owner: WebClient, demo: Demo):
    made = [demo.batch(number=number) for number in (1, 2)]
    Batch.update(created_at=datetime(2026, 1, 5, 7, 30, tzinfo=UTC)).where(Batch.id == made[0].id).execute()
    for tail in ("betalingen", "overzicht"):
        latest, earlier = rows(page_of(owner, demo, tail))
        assert "run 2" in latest and "run 1 · ma 5 jan., 08:30" in earlier.replace("\u00a0", " ")
    Batch.update(description="December").where(Batch.id == made[1].id).execute()
    assert "run " not in " ".join(rows(page_of(owner, demo, "betalingen")))


def test_only_the_clients_payments_are_listed(charlie: WebClient, demo: Demo):
    demo.batch()
    page = charlie.open("/")
    assert rows(page) == []


def test_a_long_list_is_paged(owner: WebClient, demo: Demo):
    for number in range(1, 53):
        demo.batch(LINES[:1], number)
    page = page_of(owner, demo, "betalingen")
    assert len(rows(page)) == 50
    more = page.value("a[href$='toon=100']", "href")
    assert len(rows(owner.open(more))) == 52


@pytest.mark.parametrize("shown", ["x", "-1", "99999999", "1e9"])
def test_invalid_lengths_are_ignored(owner: WebClient, demo: Demo, shown: str):
    demo.batch()
    assert len(rows(page_of(owner, demo, f"betalingen?toon={shown}"))) == 1


def test_the_overview_shows_waiting_payments(owner: WebClient, demo: Demo):
    put(demo, "open", "approved", "executed", "at_bank")
    page = page_of(owner, demo, "overzicht")
    assert "Wouter, er staan 2 betalingen klaar." in page.says(".greeting").replace(",er", ", er")
    assert headings(page) == ["Onderweg", "Laatst betaald"]
    assert len(rows(page)) == 4


def test_every_page_has_the_count_of_waiting_payments(owner: WebClient, demo: Demo):
    put(demo, "open", "approved", "executed")
    for tail in ("overzicht", "saldo", "betalingen", "apps", "instellingen"):
        assert "(1 wacht)" in page_of(owner, demo, tail).says("#tabs")


def test_an_approved_payment_needs_no_action(owner: WebClient, demo: Demo):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert headings(page_of(owner, demo, "betalingen")) == ["Onderweg"]
    assert "wacht)" not in page_of(owner, demo, "saldo").says("#tabs")


def test_a_paid_payment_tells_when_it_was_paid(owner: WebClient, demo: Demo):
    put(demo, "executed", "signed")
    made, paid = datetime(2026, 1, 5, 7, 30, tzinfo=UTC), date(2026, 1, 23)
    Batch.update(created_at=made, execution_date=paid).execute()
    for tail in ("betalingen", "overzicht"):
        said = " ".join(rows(page_of(owner, demo, tail))).replace("\u00a0", " ")
        assert said.count("vr 23 jan.") == 1 and said.count("ma 5 jan.") == 1, tail


def test_a_refused_payment_of_which_nothing_is_owed_is_over(owner: WebClient, demo: Demo):
    batch = demo.batch()
    put_at_bank(batch, "rejected", "unpaid")
    assert headings(page_of(owner, demo, "betalingen")) == ["Wacht op jou"]
    Due.update(owed_cents=0).execute()
    assert headings(page_of(owner, demo, "betalingen")) == ["Afgerond"]
    assert rows(page_of(owner, demo, "overzicht")) == []
    assert "wacht)" not in page_of(owner, demo, "saldo").says("#tabs")


def test_the_listed_total_omits_excluded_lines(owner: WebClient, demo: Demo):
    batch = demo.batch()
    amendments.exclude_line(demo.client, demo.user, batch.reference, demo.view(batch).lines[0].id)
    row = rows(page_of(owner, demo, "betalingen"))[0]
    assert "€ 5.111,08" in row
    assert "2 regels" in row


@pytest.mark.parametrize(
    ("state", "line"),
    [("rejected", "rejected"), ("failed", "rejected"), ("cancelled", "rejected"), ("returned", "returned")],
)
def test_the_total_of_an_order_that_paid_nobody_is_unchanged(owner: WebClient, demo: Demo, state: str, line: str):
    batch = demo.batch()
    BatchLine.update(state=line).where(BatchLine.batch == batch.id).execute()
    Batch.update(state=state, state_changed_at=utcnow()).where(Batch.id == batch.id).execute()
    assert "€ 8.559,16" in rows(page_of(owner, demo, "betalingen"))[0]
    assert "8.559" in page_of(owner, demo, f"betalingen/{batch.reference}").says("#hero")
