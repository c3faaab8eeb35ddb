"""The OpenID Connect adapter against the sandbox's broker, with id tokens that a test can change and sign again."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from connectors.identity.oidc import OidcProvider, OidcSettings
from connectors.identity.port import AuthRequest, Identity, Refused
from core.ids import random_token
from tests.support.tampering_proxy import Meddler

BACK = "http://localhost:8000/identificatie/terug"
SECRET = "sandbox-secret"
OURS = RSAKey.generate_key(2048, {"kid": "ours", "use": "sig"})


def settings(url: str, **changes: Any) -> OidcSettings:
    return replace(OidcSettings(f"{url}/broker", "bizcuit", SECRET), **changes)


def attempt() -> AuthRequest:
    return AuthRequest(random_token(), random_token(), random_token())


def walk(provider: OidcProvider, walker: AuthRequest, person: str = "wouter") -> dict[str, str]:
    """Go to the broker, authenticate, and return the redirect's query."""
    answer = requests.post(provider.start(walker, BACK), data={"person": person}, allow_redirects=False, timeout=10)
    return came_back(answer)


def came_back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def identify(provider: OidcProvider, person: str = "wouter") -> Identity:
    walker = attempt()
    return provider.finish(walker, BACK, walk(provider, walker, person))


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return str(caught.value)


@dataclass
class Forger:
    """Changes id tokens on the way, and signs them with a key that the broker seems to publish."""

    between: Meddler
    key: RSAKey | ECKey | bytes = field(default_factory=lambda: OURS)
    algorithm: str = "RS256"
    header: dict[str, str] | None = None

    def claims(self, **changes: Any) -> None:
        """Change claims; None removes one."""
        self.between.changes["/broker/token"] = lambda body: self._forged(body, changes)

    def _forged(self, body: bytes, changes: dict[str, Any]) -> bytes:
        answer = json.loads(body)
        payload = answer["id_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        claims = {"iss": f"{self.between.url}/broker"} | {k: v for k, v in claims.items() if k != "iss"} | changes
        now = int(time.time())
        claims = {name: now + value.seconds if isinstance(value, In) else value for name, value in claims.items()}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = self.header or {"alg": self.algorithm, "kid": "ours"}
        answer["id_token"] = self._signed(header, claims)
        return json.dumps(answer).encode()

    def _signed(self, header: dict[str, str], claims: dict[str, Any]) -> str:
        if not isinstance(self.key, bytes) and header["alg"] != "none":
            return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])
        signed = b".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))
        secret = self.key if isinstance(self.key, bytes) else None
        return b".".join((signed, unpadded(hmac.digest(secret, signed, "sha256")) if secret else b"")).decode()


def unpadded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def publish(between: Meddler, *keys: RSAKey | ECKey) -> None:
    published = json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()
    between.changes["/broker/jwks"] = lambda _: published


def through(forger: Forger, **changes: Any) -> OidcProvider:
    return OidcProvider(settings(forger.between.url, **changes))


@dataclass(frozen=True)
class In:
    """A number of seconds after signing."""

    seconds: int


def user_info(forger: Forger, **changes: Any) -> None:
    def change(body: bytes) -> bytes:
        told = json.loads(body) | changes
        return json.dumps({name: value for name, value in told.items() if value is not None}).encode()

    forger.between.changes["/broker/userinfo"] = change
