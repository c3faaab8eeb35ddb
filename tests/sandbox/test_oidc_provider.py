"""The broker that plays iDIN, used by Authlib's client: a valid login, and what is refused."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.support.sandbox import Sandbox
from tools.http_browser import HttpBrowser

BACK = "http://127.0.0.1:9/identificatie/terug"
SCOPE = "openid idin-name date-of-birth"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"


class Client:
    """One login at the broker, as the app would do it."""

    def __init__(self, sandbox: Sandbox, scope: str = SCOPE, secret: str = "sandbox-secret"):
        self.issuer = f"{sandbox.url}/broker"
        self.known = requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=10).json()
        self.session = OAuth2Session(
            "bizcuit", secret, scope=scope, redirect_uri=BACK, code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip

    def address(self, **more: str) -> str:
        wanted = {"nonce": "n-1", "code_verifier": VERIFIER} | more
        url, self.state = self.session.create_authorization_url(self.known["authorization_endpoint"], **wanted)
        return url

    def press(self, button: str, **more: str) -> str:
        """Press a button on the page; return the redirect."""
        form = HttpBrowser().open(self.address(**more)).form(button)
        choice = next(node for node in form.node.iter("button") if button in "".join(node.itertext()))
        sent = [*form.values] + [(choice.get("name"), choice.get("value") or "")]
        target = urljoin(form.page.url, form.node.get("action") or "")
        answer = requests.post(target, data=sent, timeout=10, allow_redirects=False)
        assert answer.status_code in (302, 303), answer.text
        return answer.headers["Location"]

    def exchange(self, back: str, verifier: str = VERIFIER) -> dict:
        return self.session.fetch_token(
            self.known["token_endpoint"], authorization_response=back, code_verifier=verifier, state=self.state
        )

    def claims(self, token: dict) -> dict:
        keys = KeySet.import_key_set(requests.get(self.known["jwks_uri"], timeout=10).json())
        return jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims

    def user_info(self, token: dict) -> dict:
        header = {"Authorization": f"Bearer {token['access_token']}"}
        return requests.get(self.known["userinfo_endpoint"], headers=header, timeout=10).json()


def test_the_metadata_names_its_issuer(sandbox: Sandbox):
    known = Client(sandbox).known
    assert known["issuer"] == f"{sandbox.url}/broker"
    assert known["code_challenge_methods_supported"] == ["S256"]
    assert known["id_token_signing_alg_values_supported"] == ["RS256"]


def test_user_info_has_name_and_birth_date(sandbox: Sandbox):
    client = Client(sandbox)
    token = client.exchange(client.press("W. de Jong"))
    claims = client.claims(token)
    assert (claims["iss"], claims["nonce"], claims["acr"]) == (client.issuer, "n-1", "idp:idin")
    assert claims["aud"] in ("bizcuit", ["bizcuit"])
    age = datetime.now(UTC) - datetime.fromtimestamp(claims["auth_time"], UTC)
    assert timedelta(0) <= age < timedelta(minutes=1)
    told = client.user_info(token)
    assert told.pop("sub") == claims["sub"]
    assert told == {
        "initials": "W", "idin_legal_last_name": "Jong", "idin_legal_last_name_prefix": "de", "birthdate": "19800412",
    }  # fmt: skip


def test_only_claims_in_scope_are_returned(sandbox: Sandbox):
    client = Client(sandbox, scope="openid date-of-birth")
    assert set(client.user_info(client.exchange(client.press("W. de Jong")))) == {"sub", "birthdate"}


def test_cancelling_returns_an_error(sandbox: Sandbox):
    client = Client(sandbox)
    query = parse_qs(urlsplit(client.press("Annuleren")).query)
    assert (query["error"], query["state"]) == (["access_denied"], [client.state])
    assert "code" not in query


def test_a_code_works_once(sandbox: Sandbox):
    client = Client(sandbox)
    back = client.press("W. de Jong")
    client.exchange(back)
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.exchange(back)


def test_a_code_is_bound_to_its_client(sandbox: Sandbox):
    client = Client(sandbox)
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.exchange(client.press("W. de Jong"), verifier="another-verifier-of-at-least-forty-three-signs")
    stranger = Client(sandbox, secret="not-the-secret")
    with pytest.raises(OAuthError, match="invalid_client"):
        stranger.exchange(stranger.press("W. de Jong"))


@pytest.mark.parametrize("left_out", ["nonce", "code_challenge"])
def test_nonce_and_pkce_are_required(sandbox: Sandbox, left_out: str):
    url = urlsplit(Client(sandbox).address())
    query = "&".join(pair for pair in url.query.split("&") if not pair.startswith(f"{left_out}="))
    answer = requests.get(url._replace(query=query).geturl(), timeout=10, allow_redirects=False)
    assert answer.status_code in (302, 303, 400)
    assert "code=" not in answer.headers.get("Location", "")


def test_a_person_can_be_added(sandbox: Sandbox):
    person = {"initials": "A.B.", "last_name": "Berg", "prefix": "van den", "birth_date": "1991-02-03"}
    sandbox.control("PUT", "persons/anna", person)
    client = Client(sandbox)
    told = client.user_info(client.exchange(client.press("van den Berg")))
    assert (told["idin_legal_last_name_prefix"], told["birthdate"]) == ("van den", "19910203")


@pytest.mark.parametrize(
    ("switch", "claim", "right"),
    [
        ("broker_wrong_nonce", "nonce", "n-1"),
        ("broker_wrong_audience", "aud", "bizcuit"),
        ("broker_azp_ours", "aud", "bizcuit"),
        ("broker_wrong_issuer", "iss", None),
        ("broker_wrong_level", "acr", "idp:idin"),
    ],
)
def test_each_fault_changes_its_claim(sandbox: Sandbox, switch: str, claim: str, right: str | None):
    sandbox.fault(**{switch: True})
    client = Client(sandbox)
    told = client.claims(client.exchange(client.press("W. de Jong")))[claim]
    assert told not in (right or client.issuer, [right])


def test_a_token_for_another_audience_may_have_our_azp(sandbox: Sandbox):
    sandbox.fault(broker_azp_ours=True)
    client = Client(sandbox)
    assert client.claims(client.exchange(client.press("W. de Jong")))["azp"] == "bizcuit"


@pytest.mark.parametrize("switch", ["broker_expired_token", "broker_old_auth_time"])
def test_a_token_may_be_expired(sandbox: Sandbox, switch: str):
    sandbox.fault(**{switch: True})
    client, now = Client(sandbox), datetime.now(UTC).timestamp()
    told = client.claims(client.exchange(client.press("W. de Jong")))
    assert (told["exp"] < now - 30, told["auth_time"] < now - 600) in ((True, False), (False, True))


@pytest.mark.parametrize("switch", ["broker_wrong_signature", "broker_unsigned"])
def test_a_token_may_have_a_wrong_signature(sandbox: Sandbox, switch: str):
    sandbox.fault(**{switch: True})
    client = Client(sandbox)
    with pytest.raises(JoseError):
        client.claims(client.exchange(client.press("W. de Jong")))


def test_the_redirect_may_have_another_issuer(sandbox: Sandbox):
    client = Client(sandbox)
    assert "iss" not in parse_qs(urlsplit(client.press("W. de Jong")).query)
    sandbox.fault(broker_mix_up=True)
    assert parse_qs(urlsplit(client.press("W. de Jong")).query)["iss"] != [client.issuer]


def test_user_info_may_have_another_subject(sandbox: Sandbox):
    client = Client(sandbox)
    token = client.exchange(client.press("W. de Jong"))
    subject = client.claims(token)["sub"]
    assert client.user_info(token)["sub"] == subject
    sandbox.fault(broker_other_subject=True)
    assert client.user_info(token)["sub"] != subject


def test_an_unknown_redirect_uri_is_refused(sandbox: Sandbox):
    client = Client(sandbox)
    for address in ("https://elsewhere.example/terug", "javascript://localhost/terug"):
        client.session.redirect_uri = address
        assert requests.get(client.address(), timeout=10, allow_redirects=False).status_code == 400


@pytest.mark.parametrize("person", [{}, {"last_name": 1}, {"last_name": "Berg", "age": "40"}], ids=str)
def test_control_refuses_an_invalid_person(sandbox: Sandbox, person: dict):
    before = sandbox.control("GET", "persons")
    assert requests.put(f"{sandbox.url}/control/persons/wouter", json=person, timeout=10).status_code == 400
    assert sandbox.control("GET", "persons") == before


def test_the_broker_can_be_down(sandbox: Sandbox):
    sandbox.fault(broker_down=True)
    assert sandbox.get("/broker/.well-known/openid-configuration").status_code == 503


def test_a_reset_keeps_the_signing_key(sandbox: Sandbox):
    before = sandbox.get("/broker/jwks").json()
    sandbox.reset()
    assert sandbox.get("/broker/jwks").json() == before
