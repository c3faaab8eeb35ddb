"""Registration, e-mail confirmation, login and logout: messages, secrecy, and request forgery."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import html5lib
import pytest

from core.clock import utcnow
from domain.accounts import passwords
from domain.outbox import mail as mails
from jobs import mail_rendering
from models import Client, EmailToken, LoginSession, Membership, OutgoingMail, User
from tests.support.factories import Demo, make_client
from tests.support.web_client import Page, Site, WebClient

PASSWORD = "een zin die niemand raadt"
TYPED = {
    "name": 'Wouter "W" de Jong', "email": "wouter@demobv.example", "password": PASSWORD,
    "company_name": "Demo <& Zonen> BV", "kvk_number": "68750110",
}  # fmt: skip
ELSEWHERE = [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/x\r\nSet-Cookie: a=b",
    "javascript:1", "http:evil.example", " https://evil.example", "/\t/evil.example", "///evil.example",
]  # fmt: skip


@pytest.fixture(scope="module")
def hashed() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def wouter(site: Site, hashed: str) -> User:
    """A confirmed user with a company and the password above."""
    user = User.create(email="w@demobv.example", name="Wouter", password_hash=hashed, email_confirmed_at=utcnow())
    make_client(user)
    return user


def values(page: str) -> dict[str, str]:
    """Return the values of the fields on a page."""
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    return {field.get("name"): field.get("value", "") for field in root.iter("input")}


def text_of(page: str) -> str:
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    return re.sub(r"\s+", " ", "".join(root.getroot().itertext()))


def sign_in(
    who: WebClient, email: str = "w@demobv.example", password: str = PASSWORD, onward: str | None = None
) -> Page:
    path = f"/inloggen?{urlencode({'verder': onward})}" if onward else "/inloggen"
    return who.post(path, {"email": email, "password": password})


def link_of(site: Site) -> str:
    """Send queued mails; return the link in the newest one."""
    for mail_id in mails.due_mails():
        mails.deliver_mail(mail_id, mail_rendering.write)
    (newest, *_) = site.sandbox.control("GET", "inbox")
    (link,) = {link for link in newest["links"] if "/bevestigen/" in link}
    return link.removeprefix("http://localhost:8000")


# --- registration ---
@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "Vul je naam in."),
        ("name", "   ", "Vul je naam in."),
        ("name", "x" * 101, "Maximaal 100 tekens."),
        ("email", "", "Vul je e-mailadres in."),
        ("email", "wouter", "Vul een geldig e-mailadres in"),
        ("email", "wouter@demobv", "Vul een geldig e-mailadres in"),
        ("email", f"w@{'x' * 250}.example", "Dit e-mailadres is te lang."),
        ("company_name", " ", "Vul de naam van je bedrijf in."),
        ("kvk_number", "6875011", "Een KvK-nummer heeft acht cijfers."),
        ("kvk_number", "687501100", "Een KvK-nummer heeft acht cijfers."),
        ("kvk_number", "6875011x", "Een KvK-nummer heeft acht cijfers."),
    ],
)
def test_errors_are_shown_and_values_kept(site: Site, field: str, typed: str, said: str):
    answer = site.person().post("/registreren", TYPED | {field: typed})
    page = answer.html
    assert (answer.status_code, said in text_of(page)) == (422, True)
    kept = values(page)
    wanted = {name: value.strip() for name, value in (TYPED | {field: typed}).items() if name != "password"}
    assert {name: kept[name] for name in wanted} == wanted
    assert PASSWORD not in page
    assert User.select().count() == 0


@pytest.mark.parametrize("password", ["", "kort", "Password", "wouter@demobv.example", "x" * 257])
def test_a_weak_password_is_refused_and_not_returned(site: Site, password: str):
    answer = site.person().post("/registreren", TYPED | {"password": password})
    kept = values(answer.html)
    assert (answer.status_code, kept["password"], kept["company_name"]) == (422, "", TYPED["company_name"])
    assert User.select().count() == 0


def test_registration_creates_user_client_and_mail(site: Site):
    answer = site.person().post("/registreren", TYPED | {"email": " Wouter@DemoBV.example ", "kvk_number": "6875 0110"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/registreren/klaar")
    user, client = User.get(), Client.get()
    assert (user.email, user.email_confirmed_at, client.kvk_number) == ("wouter@demobv.example", None, "68750110")
    assert Membership.get().role == "owner"
    assert client.hide_lines_from_preparers, "a preparer sees salaries once the owner allows it"
    assert PASSWORD not in user.password_hash
    assert link_of(site).startswith("/bevestigen/")


def test_registration_does_not_reveal_known_addresses(site: Site, wouter: User):
    pages = []
    for email in ("w@demobv.example", "x@demobv.example"):
        who = site.person()
        answer = who.post("/registreren", TYPED | {"email": email})
        after = who.get("/registreren/klaar").html
        pages.append((answer.status_code, answer.headers["Location"], text_of(after.replace(email, "@"))))
    assert pages[0] == pages[1]
    assert sorted(mail.kind for mail in OutgoingMail.select()) == ["already_registered", "confirm_email"]
    assert User.select().count() == 2


def test_requesting_a_new_link_does_not_reveal_known_addresses(site: Site, wouter: User):
    said = []
    for email in ("w@demobv.example", "nobody@demobv.example"):
        who = site.person()
        who.post("/registreren/klaar", {"email": email})
        said.append(text_of(who.get("/registreren/klaar").html.replace(email, "@")))
    assert said[0] == said[1]
    assert OutgoingMail.select().count() == 0


# --- confirmation ---
def test_only_pressing_the_button_confirms(site: Site):
    who = site.person()
    who.post("/registreren", TYPED)
    path = link_of(site)
    for _ in range(2):
        assert who.get(path).status_code == 200
        assert User.get().email_confirmed_at is None
    assert who.client.head(path).status_code == 200
    assert User.get().email_confirmed_at is None
    answer = who.post(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inloggen")
    confirmed = User.get().email_confirmed_at
    assert confirmed is not None
    again = who.post(path)
    assert (again.status_code, "Deze link werkt niet meer" in text_of(again.html)) == (410, True)
    assert User.get().email_confirmed_at == confirmed


def test_an_expired_or_unknown_link_confirms_nothing(site: Site):
    who = site.person()
    who.post("/registreren", TYPED)
    EmailToken.update(expires_at=utcnow() - timedelta(seconds=1)).execute()
    for path in (link_of(site), "/bevestigen/no-such-link"):
        assert "Deze link werkt niet meer" in text_of(who.get(path).html)
        assert who.post(path).status_code == 410
    assert User.get().email_confirmed_at is None


def test_login_before_confirmation_sends_a_new_link(site: Site):
    who = site.person()
    who.post("/registreren", TYPED)
    first = link_of(site)
    answer = sign_in(who, TYPED["email"])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/registreren/klaar")
    assert link_of(site) != first
    assert who.get("/overzicht").headers["Location"].startswith("/inloggen")


# --- login and logout ---
def test_wrong_password_and_unknown_address_get_the_same_answer(site: Site, wouter: User):
    pages = []
    for email, password in (("w@demobv.example", "verkeerd"), ("x@demobv.example", PASSWORD)):
        answer = sign_in(site.person(), email, password)
        page = answer.html
        assert values(page)["email"] == email
        assert values(page)["password"] == ""
        assert password not in page
        pages.append((answer.status_code, text_of(page)))
    assert pages[0] == pages[1]
    assert pages[0][0] == 422


def test_login_replaces_the_session_token(site: Site, wouter: User):
    who = site.person()
    who.get("/inloggen")
    before = who.cookie
    assert sign_in(who).status_code == 303
    assert before
    assert who.cookie not in (None, before)
    assert who.get("/overzicht").headers["Location"].endswith("/overzicht")
    thief = site.person()
    thief.client.set_cookie("bz", before)
    assert thief.get("/overzicht").headers["Location"].startswith("/inloggen")


def test_the_session_cookie_is_http_only(site: Site, wouter: User):
    answer = sign_in(site.person())
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("bz=")]
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= parts
    assert not any(part.startswith("Domain") for part in parts)
    secret = cookie.split(";")[0].removeprefix("bz=")
    assert secret not in {row.token_hash for row in LoginSession.select()}


def test_logout_deletes_the_session(site: Site, wouter: User):
    who = site.person()
    sign_in(who)
    old = who.cookie
    assert old
    answer = who.post("/uitloggen")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inloggen")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    thief = site.person()
    thief.client.set_cookie("bz", old)
    assert thief.get("/overzicht").headers["Location"].startswith("/inloggen")
    assert LoginSession.select().where(LoginSession.user == wouter.id).count() == 0


def test_logging_out_other_sessions_keeps_this_one(site: Site, wouter: User):
    here, there = site.person(wouter), site.person(wouter)
    client = Membership.get(Membership.user == wouter.id).client.public_id
    assert here.post(f"/{client}/instellingen/elders-uitloggen").status_code == 303
    assert here.get(f"/{client}/instellingen").status_code == 200
    assert there.get(f"/{client}/instellingen").headers["Location"].startswith("/inloggen")


def test_a_session_expires(site: Site, wouter: User):
    who = site.person(wouter)
    LoginSession.update(expires_at=utcnow() - timedelta(seconds=1)).execute()
    assert who.get("/overzicht").headers["Location"].startswith("/inloggen")


@pytest.mark.parametrize("onward", ELSEWHERE)
def test_login_redirects_to_local_paths_only(site: Site, wouter: User, onward: str):
    client = Membership.get().client.public_id
    assert sign_in(site.person(), onward=onward).headers["Location"] == f"/{client}/welkom"
    signed_in = site.person(wouter)
    assert signed_in.get("/inloggen", query_string={"verder": onward}).headers["Location"] == f"/{client}/welkom"


def test_login_returns_to_the_requested_page(site: Site, wouter: User):
    who = site.person()
    asked = who.get("/betalingen?toon=40").headers["Location"]
    answer = who.post(asked, {"email": "w@demobv.example", "password": PASSWORD})
    assert answer.headers["Location"] == "/betalingen?toon=40"


# --- request forgery ---
def test_a_form_without_csrf_token_is_refused(site: Site, wouter: User, demo: Demo):
    for who, path in (
        (site.person(), "/inloggen"),
        (site.person(wouter), "/uitloggen"),
        (site.person(demo.user), f"/{demo.client.public_id}/saldo/vernieuwen"),
    ):
        answer = who.bare_post(path, {"email": "w@demobv.example", "password": PASSWORD})
        page = answer.html
        assert (answer.status_code, "Bevestig dat jij het bent" in text_of(page)) == (400, True)
        assert PASSWORD not in page
    assert LoginSession.select().where(LoginSession.user == wouter.id).count() == 1


def test_a_csrf_token_of_another_session_is_refused(site: Site, wouter: User):
    stolen = site.person().token
    assert site.person(wouter).bare_post("/uitloggen", {"csrf_token": stolen}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "rubbish"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://localhost"}, 303),
    ],
)
def test_a_cross_site_request_is_refused_even_with_the_token(
    site: Site, wouter: User, headers: dict[str, str], status: int
):
    who = site.person(wouter)
    assert who.post("/uitloggen", headers=headers).status_code == status
    left = LoginSession.select().where(LoginSession.user == wouter.id).count()
    assert left == (1 if status == 403 else 0)


def test_a_link_from_another_site_is_accepted(site: Site):
    assert site.person().get("/inloggen", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "purposes"),
    [
        ("/registreren", {"name": "name", "email": "username", "company_name": "organization"}),
        ("/registreren", {"password": "new-password"}),
        ("/inloggen", {"email": "username webauthn", "password": "current-password"}),
        ("/wachtwoord-vergeten", {"email": "username"}),
    ],
)
def test_personal_fields_have_autocomplete(site: Site, path: str, purposes: dict[str, str]):
    """So that browsers and password managers can fill them in (WCAG 1.3.5)."""
    page = html5lib.parse(
        site.person().get(path).html, treebuilder="lxml", namespaceHTMLElements=False
    ).getroot()
    told = {field.get("name"): field.get("autocomplete") for field in page.iter("input")}
    assert told.items() >= purposes.items()
