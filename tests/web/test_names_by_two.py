"""*Toch betalen* asks what the approval asked: the same proof, authority, and as many people as the amount asks."""

import pytest

import models
from domain.accounts import passwords
from domain.common import audit
from domain.operations import integrity
from domain.orders import submission
from domain.payments.release import release
from models import (
    Authority,
    BankCall,
    BatchLine,
    Client,
    Device,
    Membership,
    NameConfirmation,
    OutgoingMail,
    Pin,
    User,
)
from tests.support.factories import PIN, PSU, Demo, authorise, make_user
from tests.support.names import ALL, follow, send
from tests.support.register import register_directors
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_payment_page import at

NAOMI = {"voornamen": "Naomi", "geslachtsnaam": "Naomi", "geboortedatum": "19850203"}


@pytest.fixture(autouse=True)
def checking(demo: Demo, sandbox: Sandbox) -> None:
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    register_directors(sandbox.control, NAOMI)


@pytest.fixture
def naomi(demo: Demo) -> User:
    user = make_user(name="Naomi")
    authorise(demo.client, user)
    Membership.create(user=user, client=demo.client, role="approver")
    return user


def two_from_now() -> None:
    Client.update(dual_approval_from_cents=0).execute()


def press(who: WebClient, demo: Demo, batch, htmx: bool = False) -> Page:
    shown = who.open(at(demo, batch)).value("#payment form[action$='/namen'] [name=shown]")
    return who.post(at(demo, batch, "/namen"), htmx=htmx, shown=shown)


def asked_of_the_bank() -> int:
    return BankCall.select().where(BankCall.operation == "confirm_names").count()


def told(kind: str) -> list[int]:
    return sorted(row.user_id for row in OutgoingMail.select().where(OutgoingMail.kind == kind))


# --- one person -----------------------------------------------------------------------------------
def test_one_person_suffices_below_the_amount(owner: WebClient, demo: Demo):
    batch = send(demo, ALL)
    press(owner, demo, batch)
    assert demo.view(batch).state == "at_bank"
    row = NameConfirmation.get()
    assert (row.user_id, row.authentication_method, row.ip) == (demo.user.id, "session", "127.0.0.1")
    assert audit.verify_chain(demo.client.id) == []


@pytest.mark.parametrize("answer", ["not_authorised", "undetermined"])
def test_who_may_not_sign_confirms_nothing(owner: WebClient, demo: Demo, answer: str):
    batch = send(demo, ALL)
    Authority.create(client=demo.client, user=demo.user, answer=answer, reason="not_in_register")
    press(owner, demo, batch)
    assert (demo.view(batch).state, NameConfirmation.select().count(), asked_of_the_bank()) == ("name_check", 0, 0)


@pytest.mark.parametrize("shown", ["", "names-0", "payment"])
def test_other_names_than_shown_are_not_confirmed(owner: WebClient, demo: Demo, shown: str):
    batch = send(demo, ALL)
    if shown == "payment":
        shown = owner.open(at(demo, batch)).value("#payment > [name=shown]")
    owner.post(at(demo, batch, "/namen"), shown=shown)
    assert (demo.view(batch).state, NameConfirmation.select().count(), asked_of_the_bank()) == ("name_check", 0, 0)


def test_names_that_changed_since_are_not_confirmed(owner: WebClient, demo: Demo):
    batch = send(demo, ALL)
    shown = owner.open(at(demo, batch)).value("#payment form[action$='/namen'] [name=shown]")
    BatchLine.update(vop_name="Iemand Anders").where(BatchLine.vop_result == "CMTC").execute()
    assert "intussen gewijzigd" in owner.post(at(demo, batch, "/namen"), htmx=True, shown=shown).text
    assert asked_of_the_bank() == 0


# --- two people -----------------------------------------------------------------------------------
def test_from_the_amount_on_two_people_confirm(owner: WebClient, site: Site, demo: Demo, naomi: User):
    batch = send(demo, ALL)
    two_from_now()
    press(owner, demo, batch)
    assert (demo.view(batch).state, asked_of_the_bank()) == ("name_check", 0)
    mine = owner.open(at(demo, batch))
    assert "Je hebt bevestigd dat dit betaald mag worden. Er is nog een bevestiging nodig, van Naomi." in mine.text
    assert mine.all("#payment form[action$='/namen']") == []
    assert told("names_asked") == [naomi.id]
    other = site.person(naomi)
    assert "Wouter de Jong heeft bevestigd dat dit betaald mag worden" in other.open(at(demo, batch)).text
    press(other, demo, batch)
    assert demo.view(batch).state == "at_bank"
    assert (asked_of_the_bank(), told("names_asked")) == (2, [naomi.id])  # asked and answered, once
    assert list(integrity.find_inconsistencies()) == []


def test_one_person_twice_counts_once_and_mails_once(owner: WebClient, demo: Demo, naomi: User):
    batch = send(demo, ALL)
    two_from_now()
    shown = owner.open(at(demo, batch)).value("#payment form[action$='/namen'] [name=shown]")
    for _ in range(3):
        owner.post(at(demo, batch, "/namen"), shown=shown)
    assert (demo.view(batch).state, NameConfirmation.select().count()) == ("name_check", 1)
    assert told("names_asked") == [naomi.id]


def test_it_is_said_when_nobody_else_may_sign(owner: WebClient, demo: Demo):
    batch = send(demo, ALL)
    two_from_now()
    press(owner, demo, batch)
    assert "nodig, van iemand anders die mag tekenen (nodig iemand uit)." in owner.open(at(demo, batch)).text


def test_another_account_of_the_same_person_is_not_a_second(owner: WebClient, site: Site, demo: Demo):
    batch, twin = send(demo, ALL), make_user(name="Wouter de Jong")
    authorise(demo.client, twin)
    Membership.create(user=twin, client=demo.client, role="approver")
    two_from_now()
    press(owner, demo, batch)
    answer = press(site.person(twin), demo, batch, htmx=True)
    assert answer.status_code == 422
    assert (demo.view(batch).state, asked_of_the_bank()) == ("name_check", 0)


def test_who_lost_the_right_since_does_not_count(owner: WebClient, site: Site, demo: Demo, naomi: User):
    batch = send(demo, ALL)
    two_from_now()
    press(owner, demo, batch)
    Authority.create(client=demo.client, user=demo.user, answer="not_authorised", reason="not_in_register")
    press(site.person(naomi), demo, batch)
    assert (demo.view(batch).state, asked_of_the_bank()) == ("name_check", 0)


def test_a_payment_that_two_released_takes_two_though_the_amount_was_raised(
    owner: WebClient, demo: Demo, naomi: User
):
    two_from_now()
    batch = demo.batch(ALL)
    for user in (demo.user, naomi):
        mine = Membership.get(Membership.user == user)
        release(mine, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    follow(batch)
    Client.update(dual_approval_from_cents=None).execute()
    press(owner, demo, batch)
    assert (demo.view(batch).state, asked_of_the_bank()) == ("name_check", 0)


@pytest.mark.parametrize("change", [
    "set user_id = 2", "set digest = 'names-0'", "set authentication_method = 'pin'", None,
])  # fmt: skip
def test_the_books_find_a_confirmation_changed_behind_our_back(
    owner: WebClient, demo: Demo, naomi: User, change: str | None
):
    press(owner, demo, send(demo, ALL))
    assert list(integrity.find_inconsistencies()) == []
    with models.database.atomic() as planted:
        said = f"update name_confirmation {change}" if change else "delete from name_confirmation"
        models.database.execute_sql(said)
        assert any("confirmation" in one for one in integrity.find_inconsistencies())
        planted.rollback()


# --- where our proof is the signature -------------------------------------------------------------
@pytest.fixture
def by_pin(demo: Demo, sandbox: Sandbox):
    """A payment whose names differ, at a bank that takes our proof as the signature."""
    batch = send(demo, ALL)
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    Pin.update(pin_hash=passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    assert demo.view(batch).state == "name_check"
    return batch


def test_a_session_alone_confirms_nothing_there(owner: WebClient, demo: Demo, by_pin):
    assert press(owner, demo, by_pin).location == at(demo, by_pin, "/namen/pincode")
    assert (demo.view(by_pin).state, NameConfirmation.select().count()) == ("name_check", 0)


@pytest.mark.parametrize(("pin", "state"), [("135790", "name_check"), (PIN, "at_bank")])
def test_the_pin_is_asked_for_the_names_shown(owner: WebClient, demo: Demo, by_pin, pin: str, state: str):
    here = at(demo, by_pin, "/namen/pincode")
    page = owner.open(here)
    assert "Piet Onbekend" in page.text
    owner.post(here, shown=page.value("#pin-form [name=shown]"), pin=pin)
    assert demo.view(by_pin).state == state
    assert NameConfirmation.select().count() == (1 if pin == PIN else 0)


def test_the_pin_on_an_unconfirmed_device_confirms_nothing(owner: WebClient, demo: Demo, by_pin):
    here = at(demo, by_pin, "/namen/pincode")
    shown = owner.open(here).value("#pin-form [name=shown]")
    Device.update(confirmed_at=None, confirmed_by=None).execute()
    assert owner.post(here, shown=shown, pin=PIN).location.startswith("/apparaat")
    assert (NameConfirmation.select().count(), asked_of_the_bank()) == (0, 0)


def test_a_passkey_signs_these_names_only(owner: WebClient, demo: Demo, by_pin):
    page = owner.open(at(demo, by_pin, "/namen/pincode"))
    shown = page.value("#pin-form [name=shown]")
    ask = at(demo, by_pin, "/namen/passkey/vraag")
    assert owner.post(ask, shown=shown).status_code == 200
    assert owner.post(ask, shown="names-0").status_code == 409
    owner.post(at(demo, by_pin, "/namen/passkey"), shown=shown, answer="{}")
    assert (NameConfirmation.select().count(), asked_of_the_bank()) == (0, 0)
