"""OAuth of the Nmbrs REST API: the flow, rotating tokens, and every error of the identity service."""

import logging
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.nmbrs.oauth import NmbrsOAuth, OAuthSettings
from connectors.oauth import OAuthDown, OAuthRefused, Tokens
from tests.support import nmbrs_rest as side
from tests.support.receiver import receiver
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, meddler, saying

VERIFIER = "v" * 64
TOKENS = b'{"access_token": "a", "refresh_token": "b", "token_type": "Bearer", "expires_in": 3600}'


def service(sandbox: Sandbox, **changed: str) -> NmbrsOAuth:
    settings = {"client_id": side.CLIENT, "client_secret": side.SECRET, "scopes": side.SCOPES} | changed
    return NmbrsOAuth(OAuthSettings(side.connect(sandbox, "x").removesuffix("/x"), **settings, timeout=5))


def allowed(sandbox: Sandbox, answer: str = "allow") -> dict[str, str]:
    """Consent on the page that `start` leads to, and return the redirect's query."""
    url = service(sandbox).start("a-state", VERIFIER, side.BACK)
    form = {"user": side.USER, "debtor": [side.DEBTOR], "answer": answer}
    came = requests.post(url, data=form, allow_redirects=False, timeout=10)
    return {name: values[0] for name, values in parse_qs(urlsplit(came.headers["Location"]).query).items()}


def redeemed(sandbox: Sandbox) -> Tokens:
    return service(sandbox).redeem(allowed(sandbox)["code"], VERIFIER, side.BACK)


def test_the_whole_flow(sandbox: Sandbox):
    back = allowed(sandbox)
    assert back["state"] == "a-state"
    found = service(sandbox).redeem(back["code"], VERIFIER, side.BACK)
    assert timedelta(minutes=50) < found.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert side.Rest(sandbox, token=found.access_token).data("/api/debtors")


def test_the_authorization_url_has_pkce_and_scopes(sandbox: Sandbox):
    query = parse_qs(urlsplit(service(sandbox).start("s", VERIFIER, side.BACK)).query)
    assert (query["code_challenge_method"], query["client_id"]) == (["S256"], [side.CLIENT])
    assert "offline_access" in query["scope"][0]
    assert VERIFIER not in str(query)


def test_a_refusal_returns_no_code(sandbox: Sandbox):
    assert allowed(sandbox, "deny").get("error") == "access_denied"


def test_a_code_works_once_with_its_verifier(sandbox: Sandbox):
    code = allowed(sandbox)["code"]
    with pytest.raises(OAuthRefused):
        service(sandbox).redeem(code, "w" * 64, side.BACK)
    code = allowed(sandbox)["code"]
    service(sandbox).redeem(code, VERIFIER, side.BACK)
    with pytest.raises(OAuthRefused):
        service(sandbox).redeem(code, VERIFIER, side.BACK)


def test_a_refresh_token_works_once(sandbox: Sandbox):
    first = redeemed(sandbox)
    second = service(sandbox).refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    with pytest.raises(OAuthRefused) as told:
        service(sandbox).refresh(first.refresh_token)
    assert told.value.code == "invalid_grant"
    assert service(sandbox).refresh(second.refresh_token).access_token != second.access_token


FAULTS = {
    "nmbrs_oauth_invalid_grant": OAuthRefused, "nmbrs_oauth_down": OAuthDown, "nmbrs_oauth_answer_lost": OAuthDown,
}  # fmt: skip


def test_every_fault_is_covered(sandbox: Sandbox):
    assert {name for name in sandbox.control("GET", "faults") if name.startswith("nmbrs_oauth_")} == {*FAULTS}


@pytest.mark.parametrize(("fault", "error"), FAULTS.items())
def test_each_fault(sandbox: Sandbox, fault: str, error: type[Exception]):
    first = redeemed(sandbox)
    sandbox.fault(**{fault: True})
    with pytest.raises(error):
        service(sandbox).refresh(first.refresh_token)


def test_a_lost_answer_uses_the_refresh_token(sandbox: Sandbox):
    first = redeemed(sandbox)
    sandbox.fault(nmbrs_oauth_answer_lost=True)
    with pytest.raises(OAuthDown):
        service(sandbox).refresh(first.refresh_token)
    sandbox.fault(nmbrs_oauth_answer_lost=False)
    with pytest.raises(OAuthRefused):
        service(sandbox).refresh(first.refresh_token)


def test_a_consent_can_be_revoked(sandbox: Sandbox):
    first = redeemed(sandbox)
    service(sandbox).revoke(first.refresh_token)
    with pytest.raises(OAuthRefused):
        service(sandbox).refresh(first.refresh_token)


def test_a_wrong_client_secret_does_not_end_the_consent(sandbox: Sandbox):
    first = redeemed(sandbox)
    with pytest.raises(OAuthDown):
        service(sandbox, client_secret="wrong").refresh(first.refresh_token)
    assert service(sandbox).refresh(first.refresh_token)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"access_token": 1, "refresh_token": "x"}', b'["x"]'])
def test_an_answer_without_tokens_is_refused(body: bytes):
    with receiver(status=200, body=body) as other:
        asked = NmbrsOAuth(OAuthSettings(other.url, "c", "s", "scope"))
        with pytest.raises(OAuthDown):
            asked.refresh("r")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("ask", ["refresh", "redeem", "revoke"])
def test_a_redirect_gets_no_secret(status: int, ask: str):
    asks = {
        "refresh": lambda asked: asked.refresh("r"),
        "redeem": lambda asked: asked.redeem("c", VERIFIER, side.BACK),
        "revoke": lambda asked: asked.revoke("r"),
    }
    with receiver(status=200, body=TOKENS) as thief, led_to(f"{thief.url}/token", status) as url:
        with pytest.raises(OAuthDown):
            asks[ask](NmbrsOAuth(OAuthSettings(url, "c", "s", "scope")))
        assert thief.requests == []


@contextmanager
def led_to(place: str, status: int) -> Iterator[str]:
    """A service that redirects."""
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with saying(head.encode()) as number:
        yield f"http://127.0.0.1:{number}"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, b'{"error": "slow_down"}', OAuthDown),
        (503, b'{"error": "invalid_grant"}', OAuthDown),
        (302, TOKENS, OAuthDown),
        (200, b"[" * 100_000, OAuthDown),
        (200, TOKENS.replace(b"3600", b'{"": null}'), OAuthDown),
        (200, TOKENS.replace(b"3600", b"1e999"), OAuthDown),
        (400, b"[" * 100_000, OAuthDown),
        (400, b"<html>", OAuthDown),
        (400, b'{"error": "invalid_client"}', OAuthDown),
        (400, b'{"error": ["invalid_grant"]}', OAuthDown),
        (400, b'{"error": "r is a-refresh-token"}', OAuthDown),
        (400, b'{"error": "invalid_grant"}', OAuthRefused),
        (400, b'{"error": "access_denied"}', OAuthRefused),
    ],
)
def test_only_the_services_own_error_ends_a_consent(status: int, body: bytes, error: type[Exception]):
    with receiver(status=status, body=body) as other, pytest.raises(error) as told:
        NmbrsOAuth(OAuthSettings(other.url, "c", "s", "scope")).refresh("a-refresh-token")
    assert type(told.value) is error
    assert "a-refresh-token" not in f"{told.value!r} {told.value.__context__!r}"


@pytest.mark.parametrize(("status", "error"), [(400, OAuthRefused), (429, OAuthDown), (500, OAuthDown)])
def test_a_failed_revocation(status: int, error: type[Exception]):
    with receiver(status=status) as other, pytest.raises(error):
        NmbrsOAuth(OAuthSettings(other.url, "c", "s", "scope")).revoke("r")


@pytest.mark.parametrize("answer", [None, b"", b"\x00\r\n\r\n"])
def test_an_unreachable_service(answer: bytes | None):
    with saying(answer) as number, pytest.raises(OAuthDown):
        NmbrsOAuth(OAuthSettings(f"http://127.0.0.1:{number}", "c", "s", "scope", timeout=0.3)).refresh("r")


def test_client_id_and_secret_are_percent_encoded(between: Meddler):
    asked = NmbrsOAuth(OAuthSettings(f"{between.url}/nmbrs-identity/connect", "a b:c", "s/+:&", "scope"))
    with pytest.raises(OAuthDown):  # the service knows no such client
        asked.refresh("r")
    ((_, headers, _),) = between.seen
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"a%20b%3Ac:s%2F%2B%3A%26"


@pytest.mark.parametrize("seconds", [b"null", b'"60"', b"0", b"-5", b"99999999999"])
def test_a_token_without_valid_expiry_lasts_an_hour(seconds: bytes):
    with receiver(status=200, body=TOKENS.replace(b"3600", seconds)) as other:
        found = NmbrsOAuth(OAuthSettings(other.url, "c", "s", "scope")).refresh("r")
    assert timedelta(minutes=50) < found.expires_at - datetime.now(UTC) <= timedelta(hours=1)


@pytest.fixture
def between(sandbox: Sandbox) -> Iterator[Meddler]:
    with meddler(sandbox.url) as found:
        yield found


def test_no_secret_is_in_a_repr(sandbox: Sandbox, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    found = redeemed(sandbox)
    sandbox.fault(nmbrs_oauth_invalid_grant=True)
    with pytest.raises(OAuthRefused) as told:
        service(sandbox).refresh(found.refresh_token)
    shown = [repr(found), repr(told.value), repr(OAuthSettings("a", "c", side.SECRET, "s")), caplog.text]
    for secret in (found.access_token, found.refresh_token, side.SECRET):
        assert not any(secret in text for text in shown)
