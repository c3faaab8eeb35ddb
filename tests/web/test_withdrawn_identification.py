"""Identified with somebody else's card: withdrawn with the password while nothing rests on it, and never after."""

from datetime import timedelta
from typing import Any

import pytest

from core.clock import utcnow
from domain.accounts import passwords
from domain.common import audit
from domain.identity import identification, persons
from domain.identity.signing_authority import decide_authority, latest_decision
from domain.operations import integrity
from domain.team import wrong_identification
from models import (
    AuditEvent,
    Authority,
    Client,
    Device,
    Identification,
    IdentificationAttempt,
    Membership,
    OutgoingMail,
    Pin,
    User,
    transaction,
)
from tests.support.factories import make_client, make_user
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_identification import says, to_broker, told

PASSWORD = "een zin die niemand raadt"


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def membership(site: Site, hashed: str) -> Membership:
    user = make_user()
    User.update(password_hash=hashed).where(User.id == user.id).execute()
    Pin.create(user=user, pin_hash="-", set_at=utcnow() - timedelta(hours=1))
    return make_client(user)


@pytest.fixture
def who(site: Site, membership: Membership) -> WebClient:
    """Somebody who identified with Naomi's card; the company is Wouter's."""
    found = site.person(membership.user)
    told(found, says(to_broker(found), "naomi"))
    assert Authority.get().answer == "not_authorised"
    return found


def path(membership: Membership, tail: str = "") -> str:
    return f"/{membership.client.public_id}/identificatie{tail}"


def withdraw(who: WebClient, membership: Membership, password: str = PASSWORD) -> Page:
    return who.post(path(membership, "/dit-ben-ik-niet"), {"password": password})


def test_the_rightful_person_identifies_afterwards(who: WebClient, membership: Membership):
    assert "van iemand anders dan de vorige keer" in told(who, says(to_broker(who)))
    link = who.open(path(membership)).value("a[href$='/dit-ben-ik-niet']", "href")
    assert "Naam en geboortedatum van de ander worden meteen verwijderd" in who.open(link).text
    assert withdraw(who, membership).location == path(membership)
    assert not Identification.select().exists() and not IdentificationAttempt.select().exists()
    page = who.open(path(membership))
    assert "Waarom identificeren?" in page.text and "dit-ben-ik-niet" not in page.html
    assert "mag voor Demo BV tekenen" in told(who, says(to_broker(who)))
    found = persons.latest_identity(membership.user)
    assert found is not None and found.last_name == "Jong"


def test_it_is_logged_mailed_and_the_books_are_right(who: WebClient, membership: Membership):
    withdraw(who, membership)
    kinds = [one.kind for one in AuditEvent.select().order_by(AuditEvent.number)]
    assert kinds[-2:] == ["authority.asked", "user.identification_withdrawn"]
    assert [one.kind for one in OutgoingMail.select()] == ["identification_withdrawn"]
    assert audit.verify_chain(membership.client_id) == [] and list(integrity.find_inconsistencies()) == []


def test_what_the_register_said_of_the_other_counts_no_longer(who: WebClient, membership: Membership):
    Authority.update(answer="authorised", reason="alone").execute()
    withdraw(who, membership)
    found = latest_decision(membership.client, membership.user)
    assert found is not None and (found.answer, found.reason) == ("not_authorised", "identification_withdrawn")


def test_a_device_that_it_confirmed_is_unconfirmed(who: WebClient, membership: Membership):
    mailed = Device.select().where(Device.confirmed_by == "mail").count()
    Device.create(
        user=membership.user, token_hash="other", user_agent="", confirmed_at=utcnow(), confirmed_by="identification"
    )
    withdraw(who, membership)
    assert not Device.select().where(Device.confirmed_by == "identification").exists()
    assert Device.select().where(Device.confirmed_by == "mail").count() == mailed


@pytest.mark.parametrize("password", ["", "verkeerd"])
def test_it_asks_the_password(who: WebClient, membership: Membership, password: str):
    answer = withdraw(who, membership, password)
    assert answer.location == path(membership, "/dit-ben-ik-niet")
    assert who.open(answer.location).all(".error")
    assert Identification.select().count() == 1


def an_act(membership: Membership) -> None:
    with transaction(membership.client_id):
        audit.record_event(membership.client_id, audit.by_user(membership.user), "some.new_act", "x")


def four_eyes(membership: Membership) -> None:
    Authority.update(answer="authorised", reason="alone").execute()
    Client.update(dual_approval_from_cents=0).execute()


RESTS: dict[str, Any] = {
    "an act": an_act,
    "an operator's decision": lambda one: decide_authority(one.client, one.user, "not_authorised", "seen", "ops"),
    "a decision about who is who": lambda one: persons.decide_distinct(
        one.client, one.user, make_user(), "seen", "ops"
    ),
    "a replaced PIN": lambda one: Pin.update(set_at=utcnow()).execute(),
    "dual approval": four_eyes,
}  # fmt: skip


@pytest.mark.parametrize("what", RESTS)
def test_it_stays_once_something_rests_on_it(who: WebClient, membership: Membership, what: str):
    RESTS[what](membership)
    assert "dit-ben-ik-niet" not in who.open(path(membership)).html
    assert "Dit kan niet meer" in who.open(path(membership, "/dit-ben-ik-niet")).text
    assert "al iets goedgekeurd" in who.open(withdraw(who, membership).location).text
    assert Identification.select().count() == 1


def test_connecting_nmbrs_rests_on_nothing(who: WebClient, membership: Membership):
    with transaction(membership.client_id):
        audit.record_event(membership.client_id, audit.by_user(membership.user), "nmbrs.mapped", "x")
    assert wrong_identification.can_withdraw(membership.user)


def test_what_another_did_is_no_obstacle(who: WebClient, membership: Membership):
    other = make_user()
    with transaction(membership.client_id):
        audit.record_event(membership.client_id, audit.by_user(other), "batch.approved", "x")
    assert wrong_identification.can_withdraw(membership.user)


def test_who_is_not_identified_withdraws_nothing(site: Site, membership: Membership):
    who = site.person(membership.user)
    assert not identification.is_identified(membership.user)
    assert withdraw(who, membership).location == path(membership)
    assert not AuditEvent.select().exists()
