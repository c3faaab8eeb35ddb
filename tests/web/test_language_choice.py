"""Language: the user's choice, else the browser's, else Dutch; mails in the recipient's language."""

import re
from typing import Any

import pytest

from domain.outbox import mail
from domain.team import invitations
from jobs import mail_rendering
from models import OutgoingMail, User
from tests.support.factories import Demo
from tests.support.web_client import Site, WebClient

ENGLISH, DUTCH = {"Accept-Language": "en-GB,en;q=0.9"}, {"Accept-Language": "nl-NL,nl;q=0.9,en;q=0.8"}


def heading(answer: Any) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", answer.html, re.DOTALL)
    assert found
    return found[1].strip()


def choose(who: WebClient, demo: Demo, language: str) -> Any:
    return who.post(f"/{demo.client.public_id}/instellingen/taal", {"language": language})


@pytest.mark.parametrize(
    ("asks", "language", "said"),
    [
        ("en-GB,en;q=0.9", "en", "Sign in"), ("nl-NL,nl;q=0.9,en;q=0.8", "nl", "Inloggen"),
        ("fr-FR,en;q=0.5", "en", "Sign in"), ("de-DE", "nl", "Inloggen"), ("", "nl", "Inloggen"),
        ("*", "nl", "Inloggen"), ("en;q=0", "nl", "Inloggen"), ("nl;q=0.4,en;q=0.6", "en", "Sign in"),
    ],
)  # fmt: skip
def test_anonymous_pages_follow_the_browser(site: Site, asks: str, language: str, said: str):
    answer = site.person().get("/inloggen", headers={"Accept-Language": asks} if asks else {})
    assert heading(answer) == said
    assert f'<html lang="{language}"' in answer.html
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.vary


def test_the_users_choice_overrides_the_browser(site: Site, demo: Demo):
    who, path = site.person(demo.user), f"/{demo.client.public_id}/instellingen"
    assert heading(who.get(path, headers=ENGLISH)) == "Settings", "nothing was chosen yet"
    assert heading(who.get(path, headers=DUTCH)) == "Instellingen"
    told = choose(who, demo, "en")
    assert told.status_code == 303
    shown = who.get(path, headers=DUTCH)
    assert heading(shown) == "Settings"
    assert "Saved. Pages and emails are in English from now on." in shown.html
    assert "Accept-Language" not in shown.vary
    choose(who, demo, "nl")
    assert heading(who.get(path, headers=ENGLISH)) == "Instellingen"


@pytest.mark.parametrize("language", ["de", "", "../en", "EN"])
def test_no_other_language_can_be_chosen(site: Site, demo: Demo, language: str):
    choose(site.person(demo.user), demo, language)
    assert User.get_by_id(demo.user.id).locale is None


def test_errors_are_in_the_language_of_the_page(site: Site, demo: Demo):
    who = site.person(demo.user)
    assert heading(who.get("/bestaat-niet", headers=ENGLISH)) != heading(who.get("/bestaat-niet", headers=DUTCH))
    answer = who.post("/inloggen", {"email": "x", "password": ""}, headers=ENGLISH)
    assert "Vul " not in answer.html


def test_cached_pages_follow_the_browser(site: Site, demo: Demo):
    """The offline page and the manifest follow the browser, whoever is logged in."""
    who = site.person(demo.user)
    choose(who, demo, "en")
    for path, dutch, english in (
        ("/offline", "Je hebt geen verbinding", "You have no connection"),
        ("/manifest.webmanifest", '"lang": "nl"', '"lang": "en"'),
    ):
        assert dutch in who.client.get(path, headers=DUTCH).get_data(as_text=True)
        assert english in who.client.get(path, headers=ENGLISH).get_data(as_text=True)


def test_registration_in_english_sends_english_mail(site: Site):
    who = site.person()
    typed = {
        "name": "Ann", "email": "ann@demobv.example", "password": "a sentence nobody guesses",
        "company_name": "Demo BV", "kvk_number": "68750110",
    }  # fmt: skip
    who.post("/registreren", typed, headers=ENGLISH)
    assert User.get().locale == "en"
    assert "confirm" in letter(site)["subject"].lower()


def letter(site: Site) -> Any:
    """Send queued mails; return the newest."""
    for mail_id in mail.due_mails():
        assert mail.deliver_mail(mail_id, mail_rendering.write)
    (newest, *_others) = site.sandbox.control("GET", "inbox")
    return newest


def test_the_language_of_an_invitation(site: Site, demo: Demo):
    """The language of the recipient's account, else of the person who invites."""
    User.update(locale="en").execute()
    invitations.invite_member(demo.client, User.get(), "alek@demobv.example", "preparer")
    assert letter(site)["subject"] == "Invitation to Demo BV"
    known = User.create(email="piet@demobv.example", name="Piet", password_hash="-", locale="nl")
    invitations.invite_member(demo.client, User.get(), known.email, "preparer")
    assert letter(site)["subject"] == "Uitnodiging voor Demo BV"
    assert OutgoingMail.select().where(OutgoingMail.sent_at.is_null()).count() == 0
