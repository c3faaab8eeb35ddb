"""A new e-mail address: asked with the password, confirmed by its user from the new mailbox, stopped from the old."""

import json
from datetime import timedelta

import pytest
import time_machine

from core.clock import utcnow
from domain.accounts import accounts, passwords
from domain.common.encryption import decrypt
from domain.operations import integrity
from domain.outbox import mail as mails
from domain.privacy import retention
from domain.privacy.own_data import own_data
from jobs import mail_rendering
from models import AuditEvent, EmailChange, EmailToken, LoginSession, Membership, OutgoingMail, User
from tests.support.factories import Demo, make_client, make_user
from tests.support.web_client import Page, Site, WebClient

PASSWORD, NEW = "een zin die niemand raadt", "wouter@nieuw.example"


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def user(demo: Demo, hashed: str) -> User:
    User.update(password_hash=hashed).where(User.id == demo.user.id).execute()
    return User.get_by_id(demo.user.id)


@pytest.fixture
def who(site: Site, user: User) -> WebClient:
    return site.person(user)


def page_of(demo: Demo) -> str:
    return f"/{demo.client.public_id}/instellingen/e-mailadres"


def ask(who: WebClient, demo: Demo, email: str = NEW, password: str = PASSWORD) -> Page:
    return who.post(page_of(demo), email=email, password=password)


def content(kind: str) -> dict:
    row = OutgoingMail.select().where(OutgoingMail.kind == kind).order_by(OutgoingMail.id.desc()).get()
    return json.loads(decrypt(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key))


def kinds() -> list[str]:
    found = [row.kind for row in OutgoingMail.select().order_by(OutgoingMail.id)]
    return [kind for kind in found if kind.startswith(("email", "confirm"))]


def address_of(user: User) -> str:
    return User.get_by_id(user.id).email


def logged() -> list[str]:
    rows = AuditEvent.select().where(AuditEvent.kind.startswith("user.email")).order_by(AuditEvent.number)
    assert not any(NEW in str(row.details) or "demobv" in str(row.details) for row in rows)
    return [row.kind.removeprefix("user.email_change_") for row in rows]


# --- the way of it ---
def test_it_is_asked_confirmed_and_told(site: Site, who: WebClient, demo: Demo, user: User):
    there, old = site.person(user), user.email
    assert ask(who, demo, f" {NEW.upper()} ").location == page_of(demo)
    page = who.open(page_of(demo))
    assert f"Open de mail op {NEW}" in page.text and f"Tot dan log je in met {old}" in page.text
    assert f"{NEW} wacht op bevestiging" in who.open(page_of(demo).rpartition("/")[0]).text
    assert address_of(user) == old
    link = content("confirm_new_email")["path"]
    assert (content("confirm_new_email")["facts"]["to"], content("email_change_asked")["facts"]["to"]) == (NEW, old)
    assert "Daarna log je in met dit adres" in who.open(link).text and address_of(user) == old
    who.post(link)
    assert address_of(user) == NEW and not EmailChange.select().exists()
    assert "Je e-mailadres is gewijzigd." in who.open("/overzicht").text
    assert there.get("/overzicht").location.startswith("/inloggen")
    assert content("email_changed")["facts"]["to"] == old and logged() == ["asked", "confirmed"]
    assert list(integrity.find_inconsistencies()) == []


def test_mails_reach_both_addresses_with_their_own_button(site: Site, who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    for number in mails.due_mails():
        mails.deliver_mail(number, mail_rendering.write)
    inbox = {mail["to"]: mail for mail in site.sandbox.control("GET", "inbox")}
    (confirm,) = [link for link in inbox[NEW]["links"] if "/e-mailadres/" in link]
    (stop,) = [link for link in inbox[user.email]["links"] if "/e-mailadres/" in link]
    assert "/stoppen/" in stop and "/stoppen/" not in confirm and NEW not in inbox[user.email]["text"]


# --- the door ---
def test_a_wrong_password_asks_nothing_and_keeps_what_was_typed(who: WebClient, demo: Demo):
    answer = ask(who, demo, password="iets anders")
    assert (answer.status_code, answer.value("#email")) == (422, NEW) and "Dit wachtwoord klopt niet" in answer.text
    assert kinds() == [] and not EmailChange.select().exists() and logged() == []


def test_guessing_the_password_is_slowed(who: WebClient, demo: Demo):
    for number in range(6):
        answer = ask(who, demo, f"w{number}@nieuw.example", "iets anders")
    assert answer.status_code == 429


def test_the_own_address_is_no_change(who: WebClient, demo: Demo, user: User):
    ask(who, demo, user.email.upper())
    assert "Dit is al je e-mailadres." in who.open(page_of(demo)).text and kinds() == []


# --- an address of somebody else ---
def test_an_address_in_use_looks_the_same_and_has_no_link(who: WebClient, demo: Demo, user: User):
    other = make_user(name="Charlie")
    ask(who, demo)
    free = who.open(page_of(demo)).text
    EmailChange.delete().execute()
    ask(who, demo, other.email)
    taken = who.open(page_of(demo)).text
    assert taken.replace(other.email, NEW) == free
    assert kinds() == ["confirm_new_email", "email_change_asked", "email_taken", "email_change_asked"]
    told = OutgoingMail.get(OutgoingMail.kind == "email_taken")
    assert (told.user_id, content("email_taken")["path"]) == (other.id, None)


def test_an_address_that_became_somebodys_meanwhile_is_not_taken(who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    User.create(email=NEW, name="Snel", password_hash="-")
    assert who.post(content("confirm_new_email")["path"]).status_code == 410
    assert address_of(user) == user.email


# --- the link to the new address ---
def test_a_stranger_who_gets_the_link_has_nothing(site: Site, who: WebClient, demo: Demo, user: User):
    """Because of a typing error: the mailbox of the new address proves nothing without the login."""
    ask(who, demo)
    link = content("confirm_new_email")["path"]
    assert site.person().post(link).location.startswith("/inloggen?verder=/e-mailadres/")
    stranger = site.person(make_client(make_user(name="Charlie")).user)
    assert "Deze link werkt niet meer" in stranger.open(link).text and stranger.post(link).status_code == 410
    assert address_of(user) == user.email and EmailChange.select().exists()


def test_it_works_once_and_for_a_day(who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    link = content("confirm_new_email")["path"]
    with time_machine.travel(utcnow() + timedelta(hours=24, seconds=1), tick=False):
        LoginSession.update(last_seen_at=utcnow(), expires_at=utcnow() + timedelta(days=1)).execute()
        assert who.post(link).status_code == 410
        retention.remove_expired()
    assert not EmailChange.select().exists() and address_of(user) == user.email
    ask(who, demo)
    link = content("confirm_new_email")["path"]
    assert (who.post(link).status_code, who.post(link).status_code) == (303, 410)


def test_a_new_request_ends_the_one_before(who: WebClient, demo: Demo, user: User):
    ask(who, demo, "eerst@nieuw.example")
    first = content("confirm_new_email")["path"]
    ask(who, demo)
    assert who.post(first).status_code == 410
    who.post(content("confirm_new_email")["path"])
    assert address_of(user) == NEW


def test_links_mailed_to_the_old_address_end_with_it(who: WebClient, demo: Demo, user: User):
    accounts.request_password_reset(user.email)
    ask(who, demo)
    who.post(content("confirm_new_email")["path"])
    assert not EmailToken.select().where(EmailToken.used_at.is_null()).exists()
    assert who.post(content("reset_password")["path"], password="Zilveren-Kluut-4711").status_code == 410


# --- the link to the old address ---
def test_the_old_mailbox_stops_it_and_ends_every_session(site: Site, who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    confirm, stop = content("confirm_new_email")["path"], content("email_change_asked")["path"]
    victim = site.person()
    assert "je wordt overal uitgelogd" in victim.open(stop).text and EmailChange.select().exists()
    assert victim.post(stop).location == "/inloggen"
    assert not EmailChange.select().exists() and address_of(user) == user.email
    assert not LoginSession.select().where(LoginSession.user == user.id).exists()
    assert who.get(confirm).location.startswith("/inloggen") and logged() == ["asked", "stopped"]
    assert OutgoingMail.select().where(OutgoingMail.kind == "reset_password").count() == 1
    assert victim.post(stop).status_code == 410 and "gestopt of verlopen" in victim.open(stop).text


def test_the_link_that_stops_comes_too_late_after_the_confirmation(site: Site, who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    stop = content("email_change_asked")["path"]
    who.post(content("confirm_new_email")["path"])
    assert site.person().post(stop).status_code == 410
    assert address_of(user) == NEW and LoginSession.select().where(LoginSession.user == user.id).exists()


# --- what ends it ---
def test_the_user_withdraws_it(who: WebClient, demo: Demo, user: User):
    ask(who, demo)
    who.post(f"{page_of(demo)}/annuleren")
    assert "De wijziging is geannuleerd." in who.open(page_of(demo)).text
    assert who.post(content("confirm_new_email")["path"]).status_code == 410 and logged() == ["asked", "withdrawn"]


@pytest.mark.parametrize("how", ["changed", "reset"])
def test_a_new_password_ends_it(who: WebClient, demo: Demo, user: User, how: str):
    ask(who, demo)
    if how == "changed":
        accounts.change_password(user, PASSWORD, "Zilveren-Kluut-4711", None)
    else:
        accounts.request_password_reset(user.email)
        accounts.reset_password(content("reset_password")["path"].rpartition("/")[2], "Zilveren-Kluut-4711")
    assert not EmailChange.select().exists()


def test_the_copy_of_own_data_holds_the_address_that_waits(who: WebClient, demo: Demo, user: User):
    assert own_data(user)["account"]["new_email"] is None
    ask(who, demo)
    assert own_data(user)["account"]["new_email"] == NEW


def test_each_company_of_the_user_logs_it(site: Site, who: WebClient, demo: Demo, user: User):
    Membership.create(user=user, client=make_client(make_user(name="Charlie")).client, role="preparer")
    ask(who, demo)
    who.post(content("confirm_new_email")["path"])
    assert AuditEvent.select().where(AuditEvent.kind == "user.email_change_confirmed").count() == 2
