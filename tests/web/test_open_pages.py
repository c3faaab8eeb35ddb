"""Pages left open: the cookie lasts as long as the session can, and forms of visitors outlive their session."""

import json
from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.accounts import accounts, sessions
from domain.accounts.passwords import hash_password
from domain.common.encryption import decrypt
from domain.team import invitations
from models import LoginSession, OutgoingMail, User
from tests.support.factories import Demo, make_user
from tests.support.web_client import Page, Site, WebClient

PASSWORD = "Koperen-Veldleeuwerik-58"
HERE = {"Origin": "http://localhost"}


@pytest.fixture
def wouter(site: Site) -> User:
    user = make_user("w@demobv.example")  # belongs to no client yet
    User.update(password_hash=hash_password(PASSWORD)).where(User.id == user.id).execute()
    return user


def age(**by: float) -> None:
    """Move the times of all sessions into the past."""
    back = timedelta(**by)
    for row in LoginSession.select():
        LoginSession.update(
            created_at=row.created_at - back, last_seen_at=row.last_seen_at - back, expires_at=row.expires_at - back
        ).where(LoginSession.token_hash == row.token_hash).execute()


def cookie_age(answer: Page) -> int | None:
    """Return Max-Age of the session's cookie in seconds; None if the cookie ends with the browser."""
    (cookie,) = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith("bz=")]
    found = [part.partition("=")[2] for part in cookie.split("; ") if part.startswith("Max-Age=")]
    return int(found[0]) if found else None


# --- the lifetime of the session ---
def test_the_cookie_survives_a_trip_to_the_app_of_the_bank(site: Site, wouter: User):
    who = site.person()
    assert cookie_age(who.get("/inloggen")) == 2 * 3600
    answer = who.post("/inloggen", {"email": wouter.email, "password": PASSWORD})
    assert (answer.status_code, cookie_age(answer)) == (303, 14 * 24 * 3600)


@pytest.mark.parametrize(("gone", "status"), [({"hours": 7.9}, 200), ({"hours": 8.1}, 303)])
def test_eight_idle_hours_end_a_session_whatever_its_cookie_says(site: Site, wouter: User, gone: dict, status: int):
    who = site.person(wouter)
    age(**gone)
    assert who.get("/overzicht").status_code == status


def test_fourteen_days_end_a_session_that_is_used_every_hour(site: Site, wouter: User):
    secret = sessions.start_session({}, wouter.id)
    for _hour in range(14 * 24 - 1):
        LoginSession.update(
            created_at=LoginSession.get().created_at - timedelta(hours=1), last_seen_at=utcnow() - timedelta(hours=1)
        ).execute()
        assert sessions.load_session(secret) is not None
    age(hours=1.1)
    assert sessions.load_session(secret) is None


# --- forms that stood open ---
def left_open(site: Site, path: str) -> tuple[WebClient, str]:
    """Return a visitor whose page is open since before their session ended, and the token in that page."""
    who = site.person()
    who.get(path)
    token = who.token
    age(hours=3)
    return who, token


def test_signing_in_on_an_old_page_works(site: Site, wouter: User):
    who, token = left_open(site, "/inloggen")
    form = {"csrf_token": token, "email": wouter.email, "password": PASSWORD}
    answer = who.bare_post("/inloggen", form, headers=HERE)
    assert (answer.status_code, LoginSession.select().where(LoginSession.user == wouter.id).count()) == (303, 1)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, HERE])
def test_registering_on_an_old_page_works(site: Site, headers: dict[str, str]):
    who, token = left_open(site, "/registreren")
    answer = who.bare_post("/registreren", {
        "csrf_token": token, "name": "Nieuw Iemand", "email": "nieuw@demobv.example", "password": PASSWORD,
        "company_name": "Nieuw BV", "kvk_number": "12345678",
    }, headers=headers)  # fmt: skip
    assert answer.location == "/registreren/klaar"
    assert User.get(User.email == "nieuw@demobv.example").name == "Nieuw Iemand"


def test_a_browser_that_says_nothing_gets_the_form_back_as_typed(site: Site):
    who, token = left_open(site, "/registreren")
    typed = {"name": "Nieuw Iemand", "email": "nieuw@demobv.example", "company_name": "Nieuw BV",
             "kvk_number": "12345678"}  # fmt: skip
    answer = who.bare_post("/registreren", {"csrf_token": token, "password": PASSWORD, **typed})
    assert answer.status_code == 422
    assert {name: answer.value(f"#{name}") for name in typed} == typed
    assert PASSWORD not in answer.html and "stond lang open" in answer.text
    assert User.select().where(User.email == "nieuw@demobv.example").count() == 0
    again = who.post("/registreren", {"password": PASSWORD, **typed})
    assert again.location == "/registreren/klaar"


def link_in(kind: str) -> str:
    """Return the path in the newest mail of this kind."""
    row = OutgoingMail.select().where(OutgoingMail.kind == kind).order_by(OutgoingMail.id.desc()).get()
    return json.loads(decrypt(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key))["path"]


def test_a_new_password_on_an_old_page(site: Site, wouter: User):
    accounts.request_password_reset(wouter.email)
    who, token = left_open(site, link_in("reset_password"))
    form = {"csrf_token": token, "password": "Zilveren-Kluut-4711"}
    assert who.bare_post(link_in("reset_password"), form, headers=HERE).location == "/inloggen"


def test_an_invitation_on_an_old_page(site: Site, demo: Demo):
    invitations.invite_member(demo.client, demo.user, "alek@demobv.example", "preparer")
    who, token = left_open(site, link_in("invitation"))
    form = {"csrf_token": token, "name": "Alek Nieuw", "password": "Zilveren-Kluut-4711"}
    assert who.bare_post(link_in("invitation"), form, headers=HERE).status_code == 303
    assert User.get(User.email == "alek@demobv.example").name == "Alek Nieuw"


# --- and still nobody is signed in by another site ---
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://["}, 403),
        ({"Origin": "https://localhost"}, 422), ({"Sec-Fetch-Site": "none"}, 422), ({}, 422),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)  # fmt: skip
def test_no_other_site_signs_anybody_in(site: Site, wouter: User, headers: dict[str, str], status: int):
    who, token = left_open(site, "/inloggen")
    form = {"csrf_token": token, "email": wouter.email, "password": PASSWORD}
    answer = who.bare_post("/inloggen", form, headers=headers)
    assert (answer.status_code, LoginSession.select().where(LoginSession.user == wouter.id).count()) == (status, 0)


def test_a_form_without_any_token_is_never_accepted(site: Site, wouter: User):
    form = {"email": wouter.email, "password": PASSWORD}
    assert site.person().bare_post("/inloggen", form, headers=HERE).status_code == 400


def test_who_is_signed_in_still_needs_the_token(site: Site, demo: Demo):
    stale = site.person().token
    answer = site.person(demo.user).bare_post("/uitloggen", {"csrf_token": stale}, headers=HERE)
    assert answer.status_code == 400
