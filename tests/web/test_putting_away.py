"""*Niet betalen*: a whole payment is put away with a reason, leaves the worklist, and can be prepared again."""

import pytest

from domain.operations import integrity
from domain.overview.worklist import pending_count
from domain.payments import amendments
from domain.payments.putting_away import PutAway
from domain.payments.release import release
from models import Approval, AuditEvent, Batch, BatchLine, Client, Release
from models.verdicts import NEVER
from tests.support.factories import PSU, Demo
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, WebClient
from tests.web.test_payment_page import at
from tests.web.test_team import joined
from tests.web.test_unpaid import lines, run, tapped, work  # noqa: F401  (`run` is a fixture)

SAID = {
    PutAway.DOUBLE: "een dubbele betaling", PutAway.PAID_ELSEWHERE: "op een andere manier is betaald",
    PutAway.WRONG_RUN: "een fout in de salarisrun", PutAway.OTHER: "Je hebt besloten",
}


def put_away(who: WebClient, demo: Demo, batch: Batch, reason: str = PutAway.DOUBLE) -> Page:
    return who.post(at(demo, batch, "/niet-betalen"), {"reason": reason})


def state(batch: Batch) -> tuple[str, str | None]:
    found = Batch.get_by_id(batch.id)
    return found.state, found.state_reason


def test_it_is_offered_and_asks_why(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = owner.open(owner.open(at(demo, batch)).value("a[href$='/niet-betalen']", "href"))
    assert [one.get("value") for one in page.all("[name=reason]")] == list(PutAway)
    assert "Er wordt niets betaald" in page.text
    answer = put_away(owner, demo, batch, "")
    assert "Kies een reden" in owner.open(answer.location).text
    assert state(batch)[0] == "open"


@pytest.mark.parametrize("reason", list(PutAway))
def test_it_leaves_the_worklist_and_says_why(owner: WebClient, demo: Demo, reason: PutAway):
    batch = demo.batch()
    assert pending_count(demo.user) == 1
    page = owner.open(put_away(owner, demo, batch, reason).location)
    assert (state(batch), pending_count(demo.user)) == (("discarded", reason), 0)
    assert page.says("#hero .badge") == "Niet betaald" and "niet-betalen" not in page.html
    assert SAID[reason] in page.text
    assert {line.state for line in BatchLine.select()} == {"excluded"}
    event = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    assert (event.kind, event.details["reason"], event.details["lines"]) == ("batch.discard", reason, 3)
    assert list(integrity.find_inconsistencies()) == []


def test_nobody_of_it_is_to_be_paid_later(owner: WebClient, demo: Demo):
    """Of a double, who was struck in it would be a reminder to pay twice."""
    batch = demo.batch()
    amendments.exclude_line(demo.client, demo.user, batch.reference, demo.view(batch).lines[0].id)
    put_away(owner, demo, batch)
    assert [line.verdict for line in demo.view(batch).lines] == [NEVER] * 3
    assert "later te betalen" not in owner.open(f"/{demo.client.public_id}/overzicht").text


def test_it_can_be_prepared_again(owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict):  # noqa: F811
    (batch,) = work(demo)
    put_away(owner, demo, batch)
    new = tapped(owner, demo, batch, "excluded")
    assert {what for *_rest, what in lines(new)} == {"open"} and len(lines(new)) == 3


def test_what_was_approved_is_void(owner: WebClient, demo: Demo):
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    put_away(owner, demo, batch)
    assert state(batch)[0] == "discarded" and not Release.select().where(Release.voided_at.is_null()).exists()


def test_a_first_approval_is_void(owner: WebClient, demo: Demo):
    joined(demo, "Naomi Meijer", "approver")
    Client.update(dual_approval_from_cents=0).execute()
    batch = demo.batch()
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    put_away(owner, demo, batch)
    assert state(batch)[0] == "discarded" and not Approval.select().where(Approval.voided_at.is_null()).exists()


@pytest.mark.parametrize("where", ["sending", "at_bank", "signed", "executed"])
def test_what_a_bank_may_have_stays(owner: WebClient, demo: Demo, where: str):
    batch = demo.batch()
    put_at_bank(batch, where, "paid" if where == "executed" else "possible")
    assert "niet-betalen" not in owner.open(at(demo, batch)).html
    put_away(owner, demo, batch)
    assert state(batch)[0] == where


def test_twice_is_once(owner: WebClient, demo: Demo):
    batch = demo.batch()
    put_away(owner, demo, batch)
    put_away(owner, demo, batch, PutAway.OTHER)
    assert state(batch) == ("discarded", PutAway.DOUBLE)


@pytest.mark.parametrize("where", ["rejected", "failed", "cancelled"])
def test_what_a_bank_did_not_execute_is_put_away(owner: WebClient, demo: Demo, where: str):
    """Settled outside, it waits for nobody; on the page of what is not paid it is a decision, not a refusal."""
    batch = demo.batch()
    put_at_bank(batch, where, "unpaid")
    assert pending_count(demo.user) == 1
    page = owner.open(owner.open(at(demo, batch)).value("a[href$='/niet-betalen']", "href"))
    assert "Er wordt niets betaald" in page.text
    page = owner.open(put_away(owner, demo, batch, PutAway.PAID_ELSEWHERE).location)
    assert (state(batch), pending_count(demo.user)) == (("discarded", PutAway.PAID_ELSEWHERE), 0)
    assert page.says("#hero .badge") == "Niet betaald" and SAID[PutAway.PAID_ELSEWHERE] in page.text
    there = owner.open(f"/{demo.client.public_id}/betalingen/niet-betaald")
    assert [node.text_content().strip() for node in there.all(".head h2")] == ["Niet te betalen"]
    assert owner.open(f"/{demo.client.public_id}/overzicht").all("#nu a.task") == []
