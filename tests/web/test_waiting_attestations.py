"""When one of two people has reported the outcome of an order, the payment says who said what, and who still must."""

import pytest

from models import Approval, Authority, Batch, OutgoingMail, PushNotification, Release
from tests.support.factories import PIN, Demo
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient
from tests.web.test_bank_file_proof import at, by_hand, colleague, demo, file_of, offered, state, upload

__all__ = ["by_hand", "demo"]


@pytest.fixture
def by_two(demo: Demo, by_hand: Batch) -> Batch:
    """Two people approved it: Wouter, and Naomi Peters."""
    release = Release.get(Release.batch == by_hand.id)
    for user in (demo.user, colleague(demo, "Naomi Peters")):
        Approval.create(
            batch=by_hand.id, user=user, digest=release.digest, total_cents=by_hand.total_cents,
            authentication_method="pin",
            ip="127.0.0.1",
        )  # fmt: skip
    return by_hand


def browser_of(site: Site, name: str) -> WebClient:
    approval = next(one for one in Approval.select() if one.user.name == name)
    return site.person(approval.user)


def test_who_said_what_and_who_must_still_say_it(site: Site, owner: WebClient, demo: Demo, by_two: Batch):
    location = at(demo, by_two, "/gemeld/geweigerd")
    owner.post(location, pin=PIN)
    assert state(by_two) == "sending"
    mine = owner.open(at(demo, by_two)).text
    assert "Je hebt doorgegeven dat de bank heeft geweigerd." in mine
    assert "Naomi Peters moet dit ook bevestigen. Tot dan verandert er niets." in mine
    naomi = browser_of(site, "Naomi Peters")
    theirs = naomi.open(at(demo, by_two))
    assert "Wouter de Jong heeft doorgegeven dat de bank heeft geweigerd." in theirs.text
    assert location in offered(theirs)
    naomi.post(location, pin=PIN)
    assert state(by_two) == "rejected"


def test_two_people_who_say_the_opposite_are_told(site: Site, owner: WebClient, demo: Demo, by_two: Batch):
    colleague(demo, "Sam Bakker")
    owner.post(at(demo, by_two, "/gemeld/geweigerd"), pin=PIN)
    browser_of(site, "Naomi Peters").post(at(demo, by_two, "/gemeld/betaald"), pin=PIN)
    assert state(by_two) == "sending"
    told = owner.open(at(demo, by_two)).text
    assert told.count("Er is ook het tegenovergestelde doorgegeven") == 2
    assert "Naomi Peters heeft doorgegeven dat de bank heeft betaald." in told
    assert "Nog een bevestiging nodig van: Naomi Peters of Sam Bakker." in told


# --- the second person is told --------------------------------------------------------------------
@pytest.mark.parametrize("path", ["file", "word"])
def test_the_second_person_is_told_once(
    site: Site, owner: WebClient, demo: Demo, by_two: Batch, sandbox: Sandbox, path: str
):
    naomi = browser_of(site, "Naomi Peters")
    naomi.post(f"/{demo.client.public_id}/instellingen/meldingen/aan", subscription=Receiver(sandbox).written)
    location = at(demo, by_two, "/gemeld/geweigerd")
    if path == "file":
        location = upload(owner, demo, by_two, file_of(by_two)).location
    assert told() == []
    for _ in range(2):
        owner.post(location, pin=PIN)
    assert told() == ["Naomi Peters"]
    assert [row.event for row in PushNotification.select()] == ["attest_asked"]
    naomi.post(location, pin=PIN)
    assert (state(by_two), told()) == ("rejected", ["Naomi Peters"])


def test_one_person_who_suffices_asks_nobody(owner: WebClient, demo: Demo, by_hand: Batch):
    colleague(demo, "Naomi Peters")
    owner.post(at(demo, by_hand, "/gemeld/geweigerd"), pin=PIN)
    assert (state(by_hand), told()) == ("rejected", [])


def test_who_may_not_sign_is_neither_asked_nor_counted(site: Site, owner: WebClient, demo: Demo, by_two: Batch):
    """An invited accomplice whom the register refuses."""
    accomplice = colleague(demo, "Sam Bakker")
    Authority.create(client=demo.client, user=accomplice, answer="not_authorised", reason="not_in_register")
    location = at(demo, by_two, "/gemeld/geweigerd")
    owner.post(location, pin=PIN)
    assert told() == ["Naomi Peters"]
    site.person(accomplice).post(location, pin=PIN)
    assert state(by_two) == "sending"


def told() -> list[str]:
    return sorted(row.user.name for row in OutgoingMail.select().where(OutgoingMail.kind == "attest_asked"))
