"""The application as people reach it: over https, behind a proxy that tells where a request came from."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from flask import Flask

import app as application
import config
import jobs
from core.clock import utcnow
from domain.accounts import passwords
from domain.common import security_log, services
from domain.common.services import Services
from jobs import mail_rendering
from models import User
from tests.support.factories import make_client
from tests.support.migrated import with_tables
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site

ADDRESS, PASSWORD = "w@demobv.example", "een zin die niemand raadt"
PROXIED = {"X-Forwarded-Proto": "https", "Host": "app.example"}


@pytest.fixture(scope="module")
def served(running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return application.create_app(with_tables(config.load({
        "BIZCUIT_HOME": str(tmp_path_factory.mktemp("home")), "BIZCUIT_SANDBOX_URL": running_sandbox.url,
        "BIZCUIT_SMTP_PORT": str(running_sandbox.smtp_port), "BIZCUIT_REDIS_URL": "redis://127.0.0.1:1/0",
        "BIZCUIT_BASE_URL": "https://app.example", "BIZCUIT_PROXIES": "1", "BIZCUIT_ENV": "development",
    })))  # fmt: skip


@pytest.fixture
def https(served: Flask, world: Services, settings: config.Config, app: Flask) -> Iterator[Flask]:
    services.configure(replace(world, base_url="https://app.example"))
    user = User.create(
        email=ADDRESS, name="Wouter", password_hash=passwords.hash_password(PASSWORD), email_confirmed_at=utcnow()
    )
    make_client(user)
    yield served
    mail_rendering.set_app(app)
    jobs.connect(settings.redis_url)


def test_cookies_belong_to_this_host_over_https_only(https: Flask):
    visitor = https.test_client()
    page = visitor.get("/inloggen", headers=PROXIED, base_url="https://app.example")
    token = page.get_data(as_text=True).split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    answer = visitor.post(
        "/inloggen", data={"email": ADDRESS, "password": PASSWORD, "csrf_token": token},
        headers=PROXIED | {"Origin": "https://app.example", "Referer": "https://app.example/inloggen"},
        base_url="https://app.example",
    )  # fmt: skip
    assert answer.status_code == 303
    given = [SimpleCookie(one) for one in answer.headers.getlist("Set-Cookie")]
    cookies = {name: morsel for one in given for name, morsel in one.items()}
    assert cookies.keys() == {"__Host-bz", "__Host-bzd"}
    for name, morsel in cookies.items():
        assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Lax"), name
        assert (morsel["path"], morsel["domain"]) == ("/", ""), name
        assert len(name) + len(morsel.value) < 4096


@pytest.mark.parametrize("path", ["/inloggen", "/healthz", "/no-such-page", "/static/css/bizcuit.css", "/sw.js"])
def test_every_response_asks_for_https_from_now_on(https: Flask, path: str):
    answer = https.test_client().get(path, headers=PROXIED, base_url="https://app.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


def test_the_address_that_the_proxy_saw_counts_and_not_what_the_visitor_says(
    https: Flask, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, security_log.__name__)
    told = PROXIED | {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Real-IP": "7.7.7.7", "Forwarded": "for=8.8.8.8"}
    https.test_client().post("/inloggen", headers=told, base_url="https://app.example")
    assert '"address": "203.0.113.9"' in caplog.text and "6.6.6.6" not in caplog.text


def test_without_a_proxy_no_header_is_believed(site: Site, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, security_log.__name__)
    site.app.test_client().post("/inloggen", headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "7.7.7.7"})
    assert '"address": "127.0.0.1"' in caplog.text and "203.0.113.9" not in caplog.text


def test_pages_never_lead_from_http_to_https_by_themselves(https: Flask):
    """The proxy does, for pages only: a machine that speaks http must notice it (ASVS 4.1.2)."""
    answer = https.test_client().post("/client/no-such-key/webhooks/paymentsbatch", base_url="http://app.example")
    assert answer.status_code == 404

