"""Identification over OpenID Connect: the flow, the person's actions, failures of the broker, metadata and profiles."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey

from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.identity.port import Cancelled, Expired, Identity, ProviderDown, Refused
from connectors.identity.profiles import FIELDS, PROFILES, Profile
from tests.support.oidc_forger import (
    BACK,
    OURS,
    SECRET,
    Forger,
    attempt,
    came_back,
    identify,
    publish,
    refusal,
    settings,
    through,
    unpadded,
    user_info,
    walk,
)
from tests.support.sandbox import Sandbox
from tests.support.tampering_proxy import Meddler, closed_port, saying


# --- the flow ---
def test_an_identity_has_name_and_birth_date(sandbox: Sandbox):
    before = datetime.now(UTC).replace(microsecond=0)
    found = identify(OidcProvider(settings(sandbox.url)))
    assert (found.initials, found.prefix, found.last_name) == ("W", "de", "Jong")
    assert found.birth_date == date(1980, 4, 12)
    assert (found.provider, found.level) == (f"{sandbox.url}/broker", "idp:idin")
    assert before <= found.authenticated_at <= datetime.now(UTC)
    assert len(found.subject) >= 16


def test_the_same_person_has_the_same_subject(sandbox: Sandbox):
    provider = OidcProvider(settings(sandbox.url))
    assert identify(provider).subject == identify(provider).subject != identify(provider, "naomi").subject


def test_a_missing_prefix(sandbox: Sandbox):
    assert identify(OidcProvider(settings(sandbox.url)), "naomi").prefix is None


def test_the_authorization_url_has_all_parameters(sandbox: Sandbox):
    walker = attempt()
    address = urlsplit(OidcProvider(settings(sandbox.url)).start(walker, BACK))
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    challenge = unpadded(sha256(walker.verifier.encode()).digest()).decode()
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{sandbox.url}/broker/authorize"
    assert asked == {
        "response_type": "code", "client_id": "bizcuit", "redirect_uri": BACK,
        "scope": "openid idin-name date-of-birth", "state": walker.state, "nonce": walker.nonce,
        "code_challenge": challenge, "code_challenge_method": "S256",
        "acr_values": "idp:idin", "prompt": "login", "max_age": "600", "ui_locales": "nl",
    }  # fmt: skip
    assert walker.verifier not in address.query


def test_the_host_needs_no_request():
    assert OidcProvider(settings("https://broker.example")).host == "broker.example"


def test_secrets_are_in_no_repr(sandbox: Sandbox):
    walker = attempt()
    shown = repr(settings(sandbox.url)) + repr(walker)
    assert not any(secret in shown for secret in (SECRET, walker.state, walker.nonce, walker.verifier))


# --- actions of the person ---
def test_a_person_may_cancel(sandbox: Sandbox):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    answer = requests.post(provider.start(walker, BACK), data={"cancel": "1"}, allow_redirects=False, timeout=10)
    with pytest.raises(Cancelled):
        provider.finish(walker, BACK, came_back(answer))


def test_a_code_works_once(sandbox: Sandbox):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    query = walk(provider, walker)
    provider.finish(walker, BACK, query)
    with pytest.raises(Expired):
        provider.finish(walker, BACK, query)


def test_a_code_of_another_request_is_refused(sandbox: Sandbox):
    """The verifier of this session does not match a code issued to another."""
    provider, mine, theirs = OidcProvider(settings(sandbox.url)), attempt(), attempt()
    query = walk(provider, theirs) | {"state": mine.state}
    with pytest.raises(Expired):
        provider.finish(mine, BACK, query)


def test_a_code_of_another_redirect_uri_is_refused(sandbox: Sandbox):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    query = walk(provider, walker)
    with pytest.raises(Expired):
        provider.finish(walker, "http://localhost:8000/elders", query)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "other"}, "state"),
        ({"state": "é"}, "state"),
        ({"state": None}, "state"),
        ({"error": "access_denied", "state": "other"}, "state"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"iss": ""}, "issuer"),
        ({"code": None}, "code"),
        ({"error": "login_required"}, "provider_error"),
        ({"error": "<script>"}, "provider_error"),
    ],
)
def test_a_changed_answer_is_refused(sandbox: Sandbox, change: dict[str, str | None], reason: str):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    query = {name: value for name, value in (walk(provider, walker) | change).items() if value is not None}
    assert refusal(lambda: provider.finish(walker, BACK, query)) == reason


def test_an_error_of_the_broker(sandbox: Sandbox):
    walker = attempt()
    with pytest.raises(ProviderDown):
        OidcProvider(settings(sandbox.url)).finish(
            walker, BACK, {"state": walker.state, "error": "temporarily_unavailable"}
        )


def test_the_right_issuer_in_the_answer_is_accepted(sandbox: Sandbox):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    query = walk(provider, walker) | {"iss": f"{sandbox.url}/broker"}
    assert provider.finish(walker, BACK, query).last_name == "Jong"


# --- faults of the sandbox ---
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("broker_wrong_nonce", "nonce"),
        ("broker_wrong_audience", "audience"),
        ("broker_expired_token", "expired"),
        ("broker_wrong_issuer", "issuer"),
        ("broker_old_auth_time", "not_fresh"),
    ],
)
def test_an_invalid_token_is_refused(sandbox: Sandbox, fault: str, reason: str):
    sandbox.fault(**{fault: True})
    assert refusal(lambda: identify(OidcProvider(settings(sandbox.url)))) == reason


def test_a_broker_that_is_down_at_the_start(sandbox: Sandbox):
    sandbox.fault(broker_down=True)
    provider = OidcProvider(settings(sandbox.url))
    with pytest.raises(ProviderDown):
        provider.start(attempt(), BACK)
    sandbox.fault(broker_down=False)
    assert identify(provider).last_name == "Jong"


def test_a_broker_that_goes_down_during_the_flow(sandbox: Sandbox):
    provider, walker = OidcProvider(settings(sandbox.url)), attempt()
    query = walk(provider, walker)
    sandbox.fault(broker_down=True)
    with pytest.raises(ProviderDown):
        provider.finish(walker, BACK, query)


def test_a_wrong_client_secret_does_not_blame_the_person(sandbox: Sandbox):
    with pytest.raises(ProviderDown):
        identify(OidcProvider(settings(sandbox.url, client_secret="other")))


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"HTTP/1.1 302 Found\r\n\r\n", None]
)
def test_an_unusable_answer_of_the_broker(answer: bytes | None):
    with saying(answer) as port, pytest.raises(ProviderDown):
        OidcProvider(settings(f"http://127.0.0.1:{port}", timeout=0.3)).start(attempt(), BACK)


def test_an_unreachable_broker():
    with pytest.raises(ProviderDown):
        OidcProvider(settings(f"http://127.0.0.1:{closed_port()}")).start(attempt(), BACK)


# --- metadata and keys ---
def test_metadata_and_keys_are_cached(forger: Forger):
    provider = through(forger)
    for _ in range(3):
        identify(provider)
    assert (forger.between.count("/openid-configuration"), forger.between.count("/jwks")) == (1, 1)


def test_a_rotated_key_is_found(forger: Forger, monkeypatch: pytest.MonkeyPatch):
    provider = through(forger)
    identify(provider)
    forger.key = RSAKey.generate_key(2048, {"kid": "next", "use": "sig"})
    forger.header = {"alg": "RS256", "kid": "next"}
    publish(forger.between, OURS, forger.key)
    assert refusal(lambda: identify(provider)) == "signature"
    monkeypatch.setattr("connectors.identity.oidc.KEYS_SECONDS", 0)
    assert identify(provider).last_name == "Jong"
    assert forger.between.count("/jwks") == 2


def changed_metadata(between: Meddler, **changes: Any) -> None:
    def change(body: bytes) -> bytes:
        told = json.loads(body) | changes
        return json.dumps({name: value for name, value in told.items() if value is not None}).encode()

    between.changes["/openid-configuration"] = change


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://broker.example"},
        {"issuer": None},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"userinfo_endpoint": "file:///etc/passwd"},
    ],
)
def test_metadata_of_another_issuer_is_refused(between: Meddler, changes: dict[str, Any]):
    changed_metadata(between, **changes)
    with pytest.raises(ProviderDown):
        OidcProvider(settings(between.url)).start(attempt(), BACK)


def test_the_issuer_is_compared_exactly(sandbox: Sandbox):
    with pytest.raises(ProviderDown):
        OidcProvider(OidcSettings(f"{sandbox.url}/broker/", "bizcuit", SECRET)).start(attempt(), BACK)


@pytest.mark.parametrize("keys", [b"{}", b'{"keys": [{"kty": "x"}]}', b'{"keys": 7}', b"[]", b"no"])
def test_malformed_keys_are_refused(between: Meddler, keys: bytes):
    Forger(between).claims()
    between.changes["/broker/jwks"] = lambda _: keys
    with pytest.raises((ProviderDown, Refused)):
        identify(OidcProvider(settings(between.url)))


def test_a_token_answer_that_the_library_cannot_read(between: Meddler):
    between.changes["/broker/token"] = lambda _: b'{"access_token": "a", "token_type": "Bearer", "expires_in": [{}]}'
    with pytest.raises(ProviderDown):
        identify(OidcProvider(settings(between.url)))


# --- profiles ---
def as_told_by(forger: Forger, profile: str, claims: dict[str, Any], told: dict[str, Any], **changes: Any) -> Identity:
    """Return an answer in the format of this profile's broker."""
    user_info(forger, initials=None, idin_legal_last_name=None, idin_legal_last_name_prefix=None, **told)
    forger.claims(**claims)
    return identify(through(forger, profile=PROFILES[profile], **changes))


def test_iDIN_at_idura(forger: Forger):
    verified = {"initials": "WJ", "legallastname": "Jong", "legallastnameprefix": "de"}
    claims = {"acr": None, "authenticationtype": "urn:grn:authn:nl:idin"}
    found = as_told_by(forger, "idura-idin", claims, {"verified_claims": verified, "birthdate": "1980-04-12"})
    assert (found.initials, found.prefix, found.last_name) == ("WJ", "de", "Jong")
    assert (found.birth_date, found.level) == (date(1980, 4, 12), "urn:grn:authn:nl:idin")


def test_itsme_gives_first_names(forger: Forger):
    told = {"given_name": "Wouter Jan-Piet", "family_name": "de Jong", "birthdate": "1980-04-12"}
    found = as_told_by(forger, "itsme", {"acr": "idp:itsme"}, told)
    assert (found.initials, found.prefix, found.last_name) == ("WJP", None, "de Jong")


def test_iDIN_is_refused_if_itsme_was_requested(forger: Forger):
    told = {"given_name": "Wouter", "family_name": "de Jong"}
    assert refusal(lambda: as_told_by(forger, "itsme", {"acr": "idp:idin"}, told)) == "level"


def test_a_claim_name_of_a_profile_can_be_overridden(forger: Forger):
    told = {"idin_legal_last_name": "Jong", "initials": "W", "birthdate": "x", "born": "1980-04-12"}
    user_info(forger, **told)
    found = identify(through(forger, claim_names={"birth_date": "born", "prefix": ""}))
    assert (found.birth_date, found.prefix, found.last_name) == (date(1980, 4, 12), None, "Jong")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_profile_requests_and_checks_a_level(profile: Profile):
    """A profile without a check of its level would accept any level."""
    made = OidcSettings("https://broker.example", "us", SECRET, profile=profile)
    assert made.asked_level()
    assert made.levels()
    assert {"last_name", "birth_date"} <= set(made.claims()) <= set(FIELDS)
    assert profile.scopes.split()[0] == "openid"


def test_an_announced_iss_parameter_is_required(between: Meddler):
    """RFC 9207: if the broker announces the parameter, an answer without it comes from elsewhere."""
    changed_metadata(between, authorization_response_iss_parameter_supported=True)
    provider, walker = OidcProvider(settings(between.url)), attempt()
    assert refusal(lambda: provider.finish(walker, BACK, {"state": walker.state, "code": "x"})) == "issuer"


def test_client_secret_post_is_used_if_basic_is_unsupported(between: Meddler, forger: Forger):
    changed_metadata(between, token_endpoint_auth_methods_supported=["client_secret_post"])
    with pytest.raises(ProviderDown):  # the sandbox reads only the header and answers invalid_client
        identify(through(forger))
    (asked,) = [body for path, _, body in between.seen if path.endswith("/token")]
    assert b"client_secret=sandbox-secret" in asked
