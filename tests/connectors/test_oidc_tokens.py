"""What the adapter refuses in an id token and in UserInfo, with the broker's own tokens changed and signed again."""

import json
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from connectors.identity.oidc import OidcProvider, birth_date
from connectors.identity.port import ProviderDown, Refused
from tests.support.oidc_forger import (
    BACK,
    OURS,
    SECRET,
    Forger,
    In,
    attempt,
    identify,
    publish,
    refusal,
    settings,
    through,
    user_info,
)
from tests.support.tampering_proxy import Meddler


# --- forged tokens: the broker's own, changed and signed again ---
def test_an_unchanged_forged_token_is_accepted(forger: Forger):
    assert identify(through(forger)).last_name == "Jong"


def test_the_raw_hash_is_that_of_the_token(forger: Forger):
    tokens = []

    def keep(body: bytes) -> bytes:
        tokens.append(json.loads(forger._forged(body, {}))["id_token"])
        return json.dumps(json.loads(body) | {"id_token": tokens[0]}).encode()

    forger.between.changes["/broker/token"] = keep
    assert identify(through(forger)).raw_hash == sha256(tokens[0].encode()).hexdigest()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "other", "azp": "bizcuit"}, "audience"),
        ({"aud": ["bizcuit", "other"]}, "audience"),
        ({"aud": ["bizcuit", "other"], "azp": "bizcuit"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"azp": "other"}, "audience"),
        ({"iss": "https://broker.example"}, "issuer"),
        ({"exp": In(-60)}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "2099"}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": In(3600)}, "early"),
        ({"iat": None}, "early"),
        ({"nbf": In(3600)}, "early"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "é"}, "nonce"),
        ({"acr": "idp:other"}, "level"),
        ({"acr": None}, "level"),
        ({"acr": ["idp:idin"]}, "level"),
        ({"auth_time": In(-700)}, "not_fresh"),
        ({"auth_time": In(700)}, "not_fresh"),
        ({"auth_time": None}, "not_fresh"),
        ({"auth_time": 10**12}, "not_fresh"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": "somebody else"}, "subject"),
    ],
)
def test_an_invalid_claim_is_refused(forger: Forger, claims: dict[str, Any], reason: str):
    forger.claims(**claims)
    assert refusal(lambda: identify(through(forger))) == reason


@pytest.mark.parametrize("claims", [{"aud": ["bizcuit"]}, {"azp": "bizcuit"}, {"nbf": In(0)}])
def test_valid_variants_of_claims(forger: Forger, claims: dict[str, Any]):
    forger.claims(**claims)
    assert identify(through(forger)).last_name == "Jong"


def test_clock_skew_up_to_the_leeway_is_accepted(forger: Forger):
    forger.claims(exp=In(-4), iat=In(5), auth_time=In(5))
    assert identify(through(forger, leeway_seconds=60)).last_name == "Jong"
    assert refusal(lambda: identify(through(forger, leeway_seconds=0))) == "expired"


def test_an_unsigned_token_is_refused(forger: Forger):
    forger.header = {"alg": "none"}
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_the_public_key_is_not_accepted_as_hmac_secret(forger: Forger):
    """The classic algorithm confusion: HS256 with the public key as the secret."""
    forger.key, forger.algorithm = OURS.as_pem(private=False), "HS256"
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_the_client_secret_is_not_accepted_as_hmac_secret(forger: Forger):
    forger.key, forger.algorithm = SECRET.encode(), "HS256"
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_another_algorithm_is_refused(forger: Forger):
    forger.algorithm = "RS512"
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_another_key_with_the_same_kid_is_refused(forger: Forger):
    forger.key = RSAKey.generate_key(2048, {"kid": "ours"})
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_an_unpublished_key_is_refused(forger: Forger):
    forger.header = {"alg": "RS256", "kid": "unknown"}
    assert refusal(lambda: identify(through(forger))) == "signature"


def test_es256_is_accepted(forger: Forger):
    forger.key, forger.algorithm = ECKey.generate_key("P-256", {"kid": "ours", "use": "sig"}), "ES256"
    publish(forger.between, forger.key)
    assert identify(through(forger)).last_name == "Jong"


@pytest.mark.parametrize("token_text", ["", "a.b.c", "a", 7, None, {"a": 1}])
def test_a_malformed_token_is_refused(forger: Forger, token_text: Any):
    forger.between.changes["/broker/token"] = lambda body: json.dumps(
        json.loads(body) | {"id_token": token_text}
    ).encode()
    assert refusal(lambda: identify(through(forger))) in ("no_id_token", "signature")


NO_DOCUMENT = [b"", b"[]", b"null", b"7", b"<html>", b"\xff\xfe", b"[" * 100_000]


@pytest.mark.parametrize("told", NO_DOCUMENT, ids=["empty", "list", "null", "number", "page", "bytes", "deep"])
@pytest.mark.parametrize("path", ["/broker/token", "/openid-configuration"])
def test_a_malformed_token_answer_means_provider_down(between: Meddler, path: str, told: bytes):
    between.changes[path] = lambda _: told
    provider, walker = OidcProvider(settings(between.url)), attempt()
    with pytest.raises(ProviderDown):
        provider.finish(walker, BACK, {"state": walker.state, "code": "x"})


# --- UserInfo ---
@pytest.mark.parametrize("subject", ["somebody else", "", None])
def test_user_info_of_another_person_is_refused(forger: Forger, subject: str | None):
    user_info(forger, sub=subject)
    assert refusal(lambda: identify(through(forger))) == "subject"


@pytest.mark.parametrize("told", NO_DOCUMENT, ids=["empty", "list", "null", "number", "page", "bytes", "deep"])
def test_malformed_user_info_is_refused(forger: Forger, told: bytes):
    forger.between.changes["/broker/userinfo"] = lambda _: told
    with pytest.raises((ProviderDown, Refused)):
        identify(through(forger))


@pytest.mark.parametrize("name", [None, "", "  ", 7, ["Jong"]])
def test_without_a_name_there_is_no_identity(forger: Forger, name: Any):
    user_info(forger, idin_legal_last_name=name)
    assert refusal(lambda: identify(through(forger))) == "no_name"


def test_user_info_overrides_the_token(forger: Forger):
    forger.claims(idin_legal_last_name="Anders", birthdate="19990101")
    found = identify(through(forger))
    assert (found.last_name, found.birth_date) == ("Jong", date(1980, 4, 12))


def test_user_info_cannot_change_level_or_time(forger: Forger):
    user_info(forger, acr="other", auth_time=1)
    found = identify(through(forger))
    assert found.level == "idp:idin"
    assert found.authenticated_at.year > 2000


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("19800412", date(1980, 4, 12)),
        ("1980-04-12", date(1980, 4, 12)),
        ("19800400", None),
        ("1980-00-00", None),
        ("0000-00-00", None),
        ("1980", None),
        ("1980-0412", None),
        ("12-04-1980", None),
        ("19800230", None),
        ("\u0661\u0669800412", None),
        ("", None),
    ],
)
def test_both_birth_date_formats(written: str, read: date | None):
    assert birth_date(written) == read


def test_an_invalid_birth_date_is_left_out(forger: Forger):
    user_info(forger, birthdate="19800000")
    assert identify(through(forger)).birth_date is None


def test_another_brokers_claims_and_levels(forger: Forger):
    """Nested claims, dots in names and a level in another claim work with settings only."""
    verified = {"legallastname": "Berg", "initials": "AB", "dateofbirth": "1971-12-31"}
    user_info(forger, verified_claims=verified, **{"consumer.prefix": "van den"})
    forger.claims(acr=None, idp_issuer="idin")
    names = {
        "initials": "verified_claims.initials", "last_name": "verified_claims.legallastname",
        "prefix": "consumer.prefix", "birth_date": "verified_claims.dateofbirth",
    }  # fmt: skip
    provider = through(forger, claim_names=names, accepted={"idp_issuer": ("idin", "itsme")})
    found = identify(provider)
    assert (found.initials, found.prefix, found.last_name) == ("AB", "van den", "Berg")
    assert (found.birth_date, found.level) == (date(1971, 12, 31), "idin")
    forger.claims(acr=None, idp_issuer="other")
    assert refusal(lambda: identify(provider)) == "level"
