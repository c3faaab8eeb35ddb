"""Requirements of OWASP ASVS 5.0.0 that no other test covers (docs/security.md)."""

import base64
import re
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import click
import pytest
from argon2 import PasswordHasher
from flask import Flask
from gunicorn.config import Config as GunicornConfig
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser

import app as application
import commands
import config
from connectors.identity.port import Identity
from core import ids
from core.clock import utcnow
from domain.accounts import accounts, passwords, pins
from domain.common.errors import SignInRefused
from domain.common.services import Services, configure
from models import LoginSession, Membership, OutgoingMail, User
from tests.support.factories import Demo, authorise, make_client
from tests.support.web_client import Site, WebClient

ROOT = Path(__file__).parents[2]
LOWER = "tante kees koopt appels"


def account(password: str) -> User:
    user = User.create(
        email="w@demobv.example", name="Wouter", password_hash=passwords.hash_password(password),
        email_confirmed_at=utcnow(),
    )  # fmt: skip
    make_client(user)
    return user


# --- 6.2 passwords ---
@pytest.mark.parametrize("password", [LOWER, LOWER.upper(), "8765432109182", "x" * 65 + "yz", "letters met é€😀"])
def test_any_long_enough_password_is_accepted(password: str):
    passwords.check_password(password, "w@demobv.example", "Wouter")


def test_a_password_is_verified_exactly_as_typed(site: Site):
    typed = " Tante Kees \tkoopt 2 appels! "
    account(typed)
    for other in (typed.strip(), typed.lower(), typed.replace("\t", " "), typed[:-1]):
        with pytest.raises(SignInRefused):
            accounts.sign_in_with_password("w@demobv.example", other)
    assert accounts.sign_in_with_password("w@demobv.example", typed).name == "Wouter"


def test_a_hash_with_weaker_parameters_is_replaced_when_its_user_signs_in(site: Site):
    user, weaker = account(LOWER), PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(LOWER)
    User.update(password_hash=weaker).where(User.id == user.id).execute()
    with pytest.raises(SignInRefused):
        accounts.sign_in_with_password("w@demobv.example", LOWER.upper())
    assert User.get_by_id(user.id).password_hash == weaker
    accounts.sign_in_with_password("w@demobv.example", LOWER)
    today = User.get_by_id(user.id).password_hash
    assert not passwords.is_outdated(today) and passwords.verify_password(today, LOWER)
    accounts.sign_in_with_password("w@demobv.example", LOWER)
    assert User.get_by_id(user.id).password_hash == today


def test_form_tokens_are_signed_with_sha_256(site: Site):
    *_, signature = site.person().token.split(".")
    assert len(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) == 32


def test_a_password_does_not_expire(site: Site):
    user = account(LOWER)
    User.update(created_at=utcnow() - timedelta(days=2000)).where(User.id == user.id).execute()
    assert accounts.sign_in_with_password("w@demobv.example", LOWER).id == user.id


@pytest.mark.parametrize("path", ["/inloggen", "/registreren"])
def test_password_fields_are_masked_can_be_revealed_and_accept_pasting(site: Site, path: str):
    page = site.person().get(path)
    field = page.one("input[name=password]")
    assert field.get("type") == "password"
    assert page.one("[data-reveal]").get("aria-controls") == field.get("id")
    assert field.get("autocomplete") in ("current-password", "new-password")
    scripts = "".join(one.read_text() for one in (ROOT / "static" / "js").glob("*.js"))
    assert not re.search(r"""["'](paste|beforeinput|keydown)["'].*password|onpaste""", scripts + page.html)


# --- 6.3, 6.4 accounts ---
def test_a_new_installation_has_no_accounts(site: Site):
    assert User.select().count() == 0


@pytest.mark.parametrize("path", ["/inloggen", "/wachtwoord-vergeten"])
def test_signing_in_asks_no_hint_or_secret_question(site: Site, path: str):
    names = {field.get("name") for field in site.person().get(path).all("main input, main select, main textarea")}
    assert names - {"csrf_token", None} <= {"email", "password", "passkey", "answer"}


def test_a_changed_password_or_pin_is_mailed(demo: Demo):
    User.update(password_hash=passwords.hash_password(LOWER)).where(User.id == demo.user.id).execute()
    accounts.change_password(User.get_by_id(demo.user.id), LOWER, "een heel andere zin voor later", None)
    authorise(demo.client, demo.user, ago=timedelta(0))
    pins.set_pin(demo.user, "580274")
    kinds = [row.kind for row in OutgoingMail.select()]
    assert {"password_changed", "pin_changed"} <= set(kinds)


def test_no_command_of_operators_sets_a_password(app: Flask):
    made = Flask("test")
    commands.register(made)

    def walk(command: click.Command) -> list[str]:
        below = getattr(command, "commands", {}).values()
        mine = [command.name or "", *(one.name or "" for one in command.params)]
        return mine + [name for one in below for name in walk(one)]

    names = walk(made.cli)
    assert "rotate-keys" in names
    assert not [name for name in names if re.search(r"pass(word|key|wd)|\bpin\b", name)]


# --- 6.5, 7.2 random values ---
def test_secrets_have_256_bits_and_never_repeat():
    made = {ids.random_token() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(base64.urlsafe_b64decode(one + "=")) for one in made} == {32}


def test_a_code_that_is_copied_by_hand_has_at_least_20_bits():
    assert {len(ids.eight_digits()) for _ in range(100)} == {8}
    assert 10**8 > 2**20


# --- 7.4, 7.6 sessions ---
def test_the_sessions_of_a_removed_account_end(site: Site):
    user = account(LOWER)
    who = site.person(user)
    assert LoginSession.select().where(LoginSession.user == user.id).exists()
    Membership.delete().where(Membership.user == user.id).execute()
    User.delete().where(User.id == user.id).execute()
    assert who.get("/overzicht").headers["Location"].startswith("/inloggen")
    assert not LoginSession.select().where(LoginSession.user == user.id).exists()


def test_logging_out_takes_one_button_in_the_settings(owner: WebClient, demo: Demo):
    home = f"/{demo.client.public_id}"
    assert owner.open(f"{home}/overzicht").all(f'a[href="{home}/instellingen"]')
    assert owner.open(f"{home}/instellingen").all('form[action="/uitloggen"] button')


@pytest.mark.parametrize("path", ["/", "/inloggen", "/registreren", "/overzicht", "/wachtwoord-vergeten"])
def test_opening_a_page_signs_nobody_in(site: Site, path: str):
    site.person().get(path)
    assert not LoginSession.select().where(LoginSession.user.is_null(False)).exists()


# --- 10.1 OAuth ---
def test_no_token_of_the_broker_leaves_its_connector():
    assert not [one.name for one in fields(Identity) if "token" in one.name]


# --- 15.2 what production does not do ---
def test_production_makes_no_demo_customer(app: Flask, world: Services):
    configure(replace(world, operators_sign_in=True))
    refused = app.test_cli_runner().invoke(args=["seed-demo"])
    assert refused.exit_code == 1 and "production has no demo customer" in refused.output


# --- 4.1, 13.4 the server ---
@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/inloggen", "/healthz", "/static/css/bizcuit.css"])
def test_methods_that_no_page_uses_are_refused(site: Site, method: str, path: str):
    assert site.app.test_client().open(path, method=method).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/js/", "/static/../app.py", "/static/%2e%2e/app.py", "/.git/config", "/.env",
     "/var/bizcuit.db", "/static/.hidden"],
)  # fmt: skip
def test_nothing_but_static_files_is_served_and_no_folder_is_listed(site: Site, path: str):
    assert site.app.test_client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/sw.js", "/offline", "/static/css/bizcuit.css", "/static/js/bizcuit.js"])
def test_texts_say_their_encoding(site: Site, path: str):
    assert site.app.test_client().get(path).mimetype_params["charset"].lower() == "utf-8"


def test_metrics_are_shown_to_nobody_without_the_token(site: Site):
    assert site.app.test_client().get("/metrics").status_code == 404
    assert site.app.test_client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404


# --- 1.3, 3.2, 3.5, 14.3, 15.3 what code never does ---
@pytest.mark.parametrize(
    "never",
    [r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", r"\beval\(|new Function|setTimeout\(\s*[\"'`]",
     r"localStorage|sessionStorage|indexedDB|document\.cookie", r"addEventListener\(\s*[\"']message[\"']|onmessage",
     r"__proto__|Object\.assign|\.prototype\b", r"jsonp|importScripts"],
)  # fmt: skip
def test_scripts_make_no_html_or_code_of_texts_and_keep_nothing(never: str):
    scripts = [*(ROOT / "static" / "js").glob("*.js"), ROOT / "static" / "sw.js"]
    assert len(scripts) > 8
    assert [one.name for one in scripts if re.search(never, one.read_text())] == []


def test_no_python_makes_code_or_a_template_of_a_text():
    folders = ("blueprints", "commands", "config", "connectors", "core", "domain", "jobs", "models")
    files = [path for name in folders for path in (ROOT / name).rglob("*.py")]
    never = re.compile(
        r"\b(eval|exec)\(|\b(import|from) (pickle|yaml|marshal|shelve)|"
        r"render_template_string|from_string\(|os\.system|shell=True"
    )
    found = [path.name for path in files if never.search(path.read_text())]
    assert found == [] and len(files) > 200


def test_templates_escape_everything():
    raw, pages = re.compile(r"\|\s*safe\b|autoescape false"), [*(ROOT / "templates").rglob("*.html")]
    assert [path.name for path in pages if raw.search(path.read_text())] == [] and len(pages) > 100


def test_a_debugger_is_never_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert application.bare_app(config.load({"BIZCUIT_HOME": str(tmp_path)})).debug is False


# --- 15.3 fields that no form has ---
def test_fields_that_a_form_does_not_have_change_nothing(site: Site):
    filled = {
        "email": "new@demobv.example", "name": "New", "company_name": "New BV", "kvk_number": "68750110",
        "password": LOWER, "email_confirmed_at": "2026-01-01", "role": "owner", "removed_at": "2026-01-01",
        "id": "77", "password_hash": "x", "state": "closed", "dual_approval_from_cents": "1",
    }  # fmt: skip
    assert site.person().post("/registreren", filled).status_code == 303
    user = User.get(User.email == "new@demobv.example")
    client = Membership.get(Membership.user == user.id).client
    assert (user.email_confirmed_at, user.removed_at, user.id) != ("2026-01-01", "2026-01-01", 77)
    assert user.email_confirmed_at is None and user.password_hash != "x"
    assert (client.state, client.dual_approval_from_cents) == ("open", None)


# --- 4.2 where a request ends ---
@pytest.mark.parametrize(
    "header",
    ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: +5",
     "Transfer-Encoding : chunked", "Transfer-Encoding: x", "X-A: b\rc", "X-A: b\0c"],
)  # fmt: skip
def test_a_request_without_one_clear_end_is_refused_by_the_web_server(header: str):
    head = f"POST / HTTP/1.1\r\nHost: app.example\r\n{header}\r\n\r\n"
    raw = f"{head}0\r\n\r\nGET /x HTTP/1.1\r\n\r\n".encode("latin-1")
    with pytest.raises(ParseException):
        next(RequestParser(GunicornConfig(), iter([raw]), ("127.0.0.1", 1)))
