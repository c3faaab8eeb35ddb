"""An independent OpenID provider replaces the sandbox's, with settings only."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

import app as application
import config
from connectors.identity.oidc import OidcProvider
from connectors.identity.port import AuthRequest, Expired, ProviderDown, Refused
from core.ids import random_token
from tests.support.third_party_oidc import CLIENT, LEVEL, SECRET, Broker, strangers_broker

BACK = "http://localhost:8000/identificatie/terug"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with strangers_broker(BACK) as running:
        yield running


def provider(broker: Broker, home: Path, **changes: str) -> OidcProvider:
    """Create the provider from settings as an operator would write them."""
    given = {
        "HOME": str(home), "OIDC_ISSUER": broker.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_PROFILE": "itsme", "OIDC_SCOPES": "openid profile", "OIDC_ACR": LEVEL,
    }  # fmt: skip
    told = {f"BIZCUIT_{name}": value for name, value in (given | changes).items()}
    return application._identity(config.load(told))


def attempt() -> AuthRequest:
    return AuthRequest(random_token(), random_token(), random_token())


def walk(made: OidcProvider, walker: AuthRequest) -> dict[str, str]:
    """Start, authenticate through the provider's own pages, and return the redirect's query."""
    there = requests.post(made.start(walker, BACK), data={"user": "wouter"}, allow_redirects=False, timeout=10)
    assert there.status_code == 302, there.text
    assert there.headers["Location"].startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(there.headers["Location"]).query))


def test_the_whole_flow(broker: Broker, tmp_path: Path):
    made, walker = provider(broker, tmp_path), attempt()
    query = walk(made, walker)
    found = made.finish(walker, BACK, query)
    assert (found.initials, found.last_name, found.birth_date) == ("WJ", "de Jong", date(1980, 4, 12))
    assert (found.provider, found.level) == (broker.url, LEVEL)
    assert datetime.now(UTC) - found.authenticated_at < timedelta(minutes=1)
    assert query["iss"] == broker.url  # the broker sent `iss` (RFC 9207), which was compared with the setting


def test_the_subject_is_pairwise_and_stable(broker: Broker, tmp_path: Path):
    made = provider(broker, tmp_path)
    walks = [attempt(), attempt()]
    first, second = (made.finish(walker, BACK, walk(made, walker)).subject for walker in walks)
    assert first == second


def test_a_code_works_once_with_its_verifier(broker: Broker, tmp_path: Path):
    made, walker = provider(broker, tmp_path), attempt()
    query = walk(made, walker)
    other = AuthRequest(walker.state, walker.nonce, random_token())
    with pytest.raises((Expired, Refused)):
        made.finish(other, BACK, query)
    query = walk(made, walker)
    made.finish(walker, BACK, query)
    with pytest.raises((Expired, Refused)):
        made.finish(walker, BACK, query)


def test_another_nonce_is_refused(broker: Broker, tmp_path: Path):
    made, walker = provider(broker, tmp_path), attempt()
    query = walk(made, walker)
    with pytest.raises(Refused, match="nonce"):
        made.finish(AuthRequest(walker.state, random_token(), walker.verifier), BACK, query)


def test_an_unsupported_level_is_refused(broker: Broker, tmp_path: Path):
    made, walker = provider(broker, tmp_path, OIDC_ACCEPTED="acr=urn:stranger:high"), attempt()
    query = walk(made, walker)
    with pytest.raises(Refused, match="level"):
        made.finish(walker, BACK, query)


def test_a_wrong_client_secret_does_not_blame_the_person(broker: Broker, tmp_path: Path):
    made, walker = provider(broker, tmp_path, OIDC_CLIENT_SECRET="another"), attempt()
    query = walk(made, walker)
    with pytest.raises(ProviderDown):
        made.finish(walker, BACK, query)
