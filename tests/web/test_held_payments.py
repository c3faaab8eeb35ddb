"""While payments are held, their pages say so and why, and people can approve: nothing gets lost."""

import pytest

from core.clock import utcnow
from domain.operations import payment_holds
from domain.orders import restore_watch, submission
from models import Batch
from tests.support.factories import Demo
from tests.support.names import send
from tests.support.sandbox import Sandbox
from tests.support.web_client import WebClient
from tests.web.test_approval import pay
from tests.web.test_payment_page import at


def hold(reason: str = "Onderhoud bij de bank") -> int:
    return payment_holds.hold("olga", None, reason).id


def test_a_held_payment_can_be_approved_and_says_what_becomes_of_it(
    owner: WebClient, demo: Demo, sandbox: Sandbox
):  # fmt: skip
    batch, number = demo.batch(), hold()
    page = owner.open(at(demo, batch))
    assert (
        "Betalingen zijn gepauzeerd"
    ) in page.text and "Onderhoud bij de bank. Je kunt deze betaling al" in page.text
    assert pay(owner, demo, batch).status_code == 303
    submission.submit_order(batch.id)
    page = owner.open(at(demo, batch))
    assert "Je betaling wordt verstuurd zodra de pauze voorbij is." in page.text
    assert "De betaling wordt verstuurd naar" not in page.text, "it does not go anywhere at the moment"
    payment_holds.lift(number, "olga", None, "over")
    assert "Betalingen zijn gepauzeerd" not in owner.open(at(demo, batch)).text
    submission.submit_order(batch.id)
    assert (Batch.get_by_id(batch.id).state, len(sandbox.control("GET", "orders"))) == ("at_bank", 1)


def test_after_a_restore_the_page_says_why(owner: WebClient, demo: Demo):
    batch = demo.batch()
    restore_watch.hold_restored(utcnow())
    page = owner.open(at(demo, batch))
    assert "We hebben een reservekopie teruggezet" in page.text
    assert "restored: the database is of" not in page.text


def test_the_open_page_notices_that_a_hold_begins_and_ends(owner: WebClient, demo: Demo):
    batch = send(demo)
    seen = []
    for act in (lambda: None, hold, lambda: payment_holds.lift(1, "olga", None, "over")):
        act()
        seen.append(owner.open(at(demo, batch)).one("#payment").get("hx-get"))
    assert len(set(seen)) == 2 and seen[0] == seen[2] != seen[1]


def test_signing_a_held_payment_is_refused_in_words(owner: WebClient, demo: Demo):
    batch = send(demo)
    hold()
    answer = owner.post(at(demo, batch, "/ondertekenen"))
    page = owner.open(answer.location) if answer.status_code == 303 else answer
    assert "Betalingen zijn tijdelijk gepauzeerd. Er is niets verstuurd" in page.text


@pytest.mark.parametrize("reason", ["<b>vet</b>", "Klaar om 12:00!"])
def test_the_reason_is_shown_as_it_is(owner: WebClient, demo: Demo, reason: str):
    batch = demo.batch()
    hold(reason)
    text = owner.open(at(demo, batch)).text
    assert reason in text and f"{reason}.." not in text and "12:00!." not in text
