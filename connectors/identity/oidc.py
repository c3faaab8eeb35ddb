"""OpenID Connect at a broker: authorization code, PKCE, nonce; issuer and audience exact.

The broker, its scopes, its level and its claim names are settings: iDIN makes way for itsme by 2028.
Authlib's defaults take another audience and an expired token, so every check is asked for here.
"""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.identity.port import Attempt, Cancelled, Expired, Identity, ProviderDown, Refused

ALGORITHMS = ["RS256", "ES256"]
LEEWAY = 10
FRESH_SECONDS = 600
METADATA_SECONDS = 3600
CLAIMS = {
    "initials": "initials", "last_name": "idin_legal_last_name", "prefix": "idin_legal_last_name_prefix",
    "birth_date": "birthdate",
}  # fmt: skip


@dataclass(frozen=True)
class OidcSettings:
    """One broker. `claim_names` maps our four fields to its claims; time-out in seconds."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str = "openid idin-name date-of-birth"
    acr_values: str = "idp:idin"
    claim_names: Mapping[str, str] = field(default_factory=lambda: dict(CLAIMS))
    timeout: float = 8


class OidcProvider:
    """One broker for the whole process; its metadata and keys are kept for an hour."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._known_at = 0.0

    @property
    def host(self) -> str:
        return urlsplit(self._settings.issuer).netloc

    # --- there ---
    def start(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send the person. ProviderDown when the broker's metadata cannot be had."""
        session = self._session(redirect_uri)
        url, _ = session.create_authorization_url(
            self._metadata()["authorization_endpoint"], state=attempt.state, nonce=attempt.nonce,
            code_verifier=attempt.verifier, acr_values=self._settings.acr_values, prompt="login", ui_locales="nl",
        )  # fmt: skip
        return url

    def _session(self, redirect_uri: str) -> OAuth2Session:
        settings = self._settings
        return OAuth2Session(
            settings.client_id, settings.client_secret, scope=settings.scopes, redirect_uri=redirect_uri,
            code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic",
            default_timeout=settings.timeout,
        )  # fmt: skip

    # --- and back ---
    def finish(self, attempt: Attempt, redirect_uri: str, query: dict) -> Identity:
        """Who came back. Every check of the answer is made here; the reason of a refusal is a short code."""
        if query.get("error"):
            raise Cancelled if query["error"] in ("access_denied", "user_cancelled") else Refused("provider_error")
        if query.get("state") != attempt.state or not query.get("code"):
            raise Refused("state")
        metadata = self._metadata()
        if query.get("iss", metadata["issuer"]) != metadata["issuer"]:
            raise Refused("issuer")
        session = self._session(redirect_uri)
        token = self._exchange(session, metadata, str(query["code"]), attempt)
        claims = self._verified(token.get("id_token"), attempt.nonce)
        return self._identity({**self._user_info(session, metadata, claims["sub"]), **claims}, token["id_token"])

    def _exchange(self, session: OAuth2Session, metadata: dict, code: str, attempt: Attempt) -> dict:
        try:
            return session.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=attempt.verifier
            )
        except OAuthError as error:
            raise (Expired if error.error == "invalid_grant" else Refused)(str(error.error)) from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderDown(type(error).__name__) from error

    def _verified(self, id_token: Any, nonce: str) -> dict[str, Any]:
        """The token's claims: signed by the issuer, for us, now, for this walk, at the level asked for."""
        if not isinstance(id_token, str):
            raise Refused("no_id_token")
        try:
            token = jwt.decode(id_token, self._keys(), algorithms=ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise Refused("signature") from error
        claims, now = token.claims, datetime.now(UTC).timestamp()
        audience = claims.get("aud")
        expected = {
            "issuer": claims.get("iss") == self._settings.issuer,
            "audience": audience in (self._settings.client_id, [self._settings.client_id]),
            "party": claims.get("azp", self._settings.client_id) == self._settings.client_id,
            "expired": _number(claims, "exp") > now - LEEWAY,
            "early": _number(claims, "iat") < now + LEEWAY,
            "nonce": claims.get("nonce") == nonce,
            "level": claims.get("acr") == self._settings.acr_values,
            "not_fresh": now - _number(claims, "auth_time") < FRESH_SECONDS,
            "subject": isinstance(claims.get("sub"), str) and bool(claims["sub"]),
        }
        for reason, holds in expected.items():
            if not holds:
                raise Refused(reason)
        return claims

    def _user_info(self, session: OAuth2Session, metadata: dict, subject: str) -> dict[str, Any]:
        try:
            answer = session.get(metadata["userinfo_endpoint"], timeout=self._settings.timeout)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError, OAuthError) as error:
            raise ProviderDown(type(error).__name__) from error
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise Refused("subject")
        return found

    def _identity(self, claims: dict[str, Any], id_token: str) -> Identity:
        def told(name: str) -> str:
            return str(claims.get(self._settings.claim_names[name]) or "").strip()

        if not told("last_name"):
            raise Refused("no_name")
        return Identity(
            provider=self._settings.issuer, subject=claims["sub"], initials=told("initials"),
            last_name=told("last_name"), prefix=told("prefix") or None, birth_date=birth_date(told("birth_date")),
            level=claims.get("acr"), authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC),
            raw_hash=sha256(id_token.encode()).hexdigest(),
        )  # fmt: skip

    # --- what the broker publishes ---
    def _metadata(self) -> dict[str, Any]:
        return self._published()["metadata"]

    def _keys(self) -> KeySet:
        return KeySet.import_key_set(self._published()["keys"])

    def _published(self) -> dict[str, Any]:
        with self._lock:
            if not self._known or monotonic() - self._known_at > METADATA_SECONDS:
                metadata = self._fetch(f"{self._settings.issuer}/.well-known/openid-configuration")
                if metadata.get("issuer") != self._settings.issuer:
                    raise Refused("issuer")
                self._known = {"metadata": metadata, "keys": self._fetch(metadata["jwks_uri"])}
                self._known_at = monotonic()
            return self._known

    def _fetch(self, url: str) -> dict[str, Any]:
        try:
            answer = requests.get(url, timeout=self._settings.timeout, allow_redirects=False)
            answer.raise_for_status()
            return json.loads(answer.text)
        except (requests.RequestException, ValueError) as error:
            raise ProviderDown(type(error).__name__) from error


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) else float("-inf" if name != "iat" else "inf")


def birth_date(text: str) -> date | None:
    """Both spellings (YYYYMMDD, YYYY-MM-DD); None for anything that is no whole date."""
    match = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})", text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
