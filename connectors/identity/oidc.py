"""OpenID Connect at an identity broker: authorization code with PKCE and nonce; issuer and audience must match exactly.

The broker, its scopes, its level of assurance and its claim names are settings, because itsme replaces iDIN by 2028.
Authlib's defaults accept another audience and an expired token, so every check is explicit here (OWASP ASVS 5.0: 6.8.2,
6.8.4, 10.2.2, 10.5.1 to 10.5.4).
"""

import hmac
import logging
import math
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from time import monotonic
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from connectors import calls
from connectors.authlib_errors import UNREADABLE
from connectors.identity.port import AuthRequest, Cancelled, Expired, Identity, ProviderDown, Refused
from connectors.identity.profiles import DEFAULT, PROFILES, Profile
from core.clock import utcnow
from core.hidden_characters import storable

ALGORITHMS = ["RS256", "ES256"]
METADATA_SECONDS = 3600
KEYS_SECONDS = 30  # minimum age before an unknown key id makes us fetch the keys again
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
_STOPPED = ("access_denied", "user_cancelled")
_AWAY = ("server_error", "temporarily_unavailable", "invalid_client", "unauthorized_client")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{4})-([0-9]{2})-([0-9]{2})")

log = logging.getLogger(__name__)
Value = TypeVar("Value")


@dataclass(frozen=True)
class OidcSettings:
    """A broker and the profile of what is requested from it (see `profiles`).

    `scopes`, `acr_values` and `accepted` each replace the profile's value if given; `claim_names` does so per claim. A
    person who authenticated more than `fresh_seconds` ago must do so again. `timeout` is in seconds.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    profile: Profile = PROFILES[DEFAULT]
    scopes: str = ""
    acr_values: str | None = None
    claim_names: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, tuple[str, ...]] | None = None
    fresh_seconds: int = 600
    leeway_seconds: int = 10
    timeout: float = 8

    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return the accepted values of each id token claim that proves the level of assurance; all must match."""
        if self.accepted is not None:
            return self.accepted
        if self.acr_values is not None and self.acr_values != self.profile.acr_values:
            return {"acr": tuple(self.acr_values.split())} if self.acr_values else {}
        return self.profile.accepted

    def asked_level(self) -> str:
        return self.profile.acr_values if self.acr_values is None else self.acr_values

    def claims(self) -> dict[str, str]:
        """Return the name of the claim for each of our fields; a field without one is not read."""
        return {name: claim for name, claim in {**self.profile.claims, **self.claim_names}.items() if claim}


class OidcProvider:
    """One broker for the whole process. Its metadata and keys are cached for an hour."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._metadata = _Kept(self._fetch_metadata)
        self._keys = _Kept(self._fetch_keys)

    @property
    def host(self) -> str:
        """Return the issuer's host, without a request, for the form-action of the CSP."""
        return urlsplit(self._settings.issuer).netloc

    @property
    def name(self) -> str:
        """Return the name by which people know this method, such as iDIN or itsme."""
        return self._settings.profile.name

    # --- start ---
    def start(self, attempt: AuthRequest, redirect_uri: str) -> str:
        """Return the authorization URL for the person.

        Raises:
        - ProviderDown: the broker's metadata is unavailable or names another issuer.
        """
        level = self._settings.asked_level()
        extra = {"acr_values": level} if level else {}
        url, _ = self._session(redirect_uri).create_authorization_url(
            self._metadata.get()["authorization_endpoint"], state=attempt.state, nonce=attempt.nonce,
            code_verifier=attempt.verifier, prompt="login", max_age=self._settings.fresh_seconds, ui_locales="nl",
            **extra,
        )  # fmt: skip
        return url

    def _session(self, redirect_uri: str) -> Any:  # Authlib is not typed
        settings = self._settings
        return OAuth2Session(
            settings.client_id, settings.client_secret, scope=settings.scopes or settings.profile.scopes,
            redirect_uri=redirect_uri, code_challenge_method="S256",
            token_endpoint_auth_method=_proof_of_client(self._metadata.get()),
            default_timeout=settings.timeout,
        )  # fmt: skip

    # --- finish ---
    def finish(self, attempt: AuthRequest, redirect_uri: str, query: dict) -> Identity:
        """Return the identity from the broker's answer, after all checks. A refusal has a short code as its reason.

        Raises:
        - Cancelled
        - Expired: the code is no longer valid.
        - Refused
        - ProviderDown
        """
        if not hmac.compare_digest(str(query.get("state", "")).encode(), attempt.state.encode()):
            raise Refused("state")
        self._require_this_broker(query)
        if query.get("error"):
            raise _told_error(str(query["error"]))
        if not query.get("code"):
            raise Refused("code")
        with self._session(redirect_uri) as session:
            token = self._exchange(session, str(query["code"]), attempt)
            claims = self._verified(token.get("id_token"), attempt.nonce)
            told = self._user_info(session, claims["sub"])
        return self._identity({**claims, **told}, claims, token["id_token"])

    def _require_this_broker(self, query: dict) -> None:
        """Prevent mix-up attacks (RFC 9207): `iss` must be this broker's if present, and present if the broker supports
        it.
        """
        named = query.get("iss")
        must = self._metadata.get().get("authorization_response_iss_parameter_supported") is True
        if named != self._settings.issuer and (must or named is not None):
            raise Refused("issuer")

    def _exchange(self, session: Any, code: str, attempt: AuthRequest) -> dict:
        endpoint = self._metadata.get()["token_endpoint"]
        with _reported("token"):
            try:
                return session.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=attempt.verifier,
                    allow_redirects=False,
                )  # fmt: skip
            except OAuthError as error:
                raise _told_error(str(error.error)) from None
            except UNREADABLE as error:
                raise ProviderDown(type(error).__name__) from None

    def _verified(self, id_token: Any, nonce: str) -> dict[str, Any]:
        """Return the claims of the id token after checking signature, issuer, audience, time, nonce and level."""
        if not isinstance(id_token, str):
            raise Refused("no_id_token")
        try:
            claims = storable(self._decoded(id_token))
        except (JoseError, ValueError) as error:
            raise Refused("signature") from error
        reason = _fault_in(claims, self._settings, nonce, utcnow().timestamp())
        if reason:
            raise Refused(reason)
        return claims

    def _decoded(self, id_token: str) -> dict[str, Any]:
        try:
            return jwt.decode(id_token, self._keys.get(), algorithms=ALGORITHMS).claims
        except (InvalidKeyIdError, BadSignatureError):  # the broker may have rotated its keys
            return jwt.decode(id_token, self._keys.get(KEYS_SECONDS), algorithms=ALGORITHMS).claims

    def _user_info(self, session: Any, subject: str) -> dict[str, Any]:
        """Return the userinfo claims, which must be of the same subject."""
        endpoint = self._metadata.get()["userinfo_endpoint"]
        with _reported("user_info"):
            try:
                answer = session.get(endpoint, allow_redirects=False)
                answer.raise_for_status()
                found = storable(answer.json())
            except OAuthError:
                raise Refused("user_info") from None
            except (requests.RequestException, ValueError, RecursionError) as error:
                raise ProviderDown(type(error).__name__) from None
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise Refused("subject")
        return found

    def _identity(self, told: dict[str, Any], claims: dict[str, Any], id_token: str) -> Identity:
        names = {name: _claim(told, path) for name, path in self._settings.claims().items()}
        if not names.get("last_name"):
            raise Refused("no_name")
        initials = names.get("initials") or _first_letters(names.get("first_names", ""))
        levels = (claims.get(name) for name in (*self._settings.levels(), "acr"))
        return Identity(
            provider=self._settings.issuer, subject=claims["sub"], initials=initials,
            last_name=names["last_name"], prefix=names.get("prefix") or None,
            birth_date=birth_date(names.get("birth_date", "")), level=next(filter(None, levels), None),
            authenticated_at=datetime.fromtimestamp(claims["auth_time"], UTC),
            raw_hash=sha256(id_token.encode()).hexdigest(),
        )  # fmt: skip

    # --- broker metadata and keys ---
    def _fetch_metadata(self) -> dict[str, Any]:
        issuer = self._settings.issuer
        found = self._fetch("metadata", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        scheme = urlsplit(issuer).scheme
        if found.get("issuer") != issuer:
            log.error("the broker's metadata names another issuer than the one that is set")
            raise ProviderDown("issuer")
        if not all(isinstance(found.get(name), str) and urlsplit(found[name]).scheme == scheme for name in _ENDPOINTS):
            log.error("the broker's metadata lacks an address, or one that is %s", scheme)
            raise ProviderDown("metadata")
        return found

    def _fetch_keys(self) -> KeySet:
        try:
            return KeySet.import_key_set(self._fetch("keys", self._metadata.get()["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderDown("keys") from error

    def _fetch(self, operation: str, url: str) -> dict[str, Any]:
        with _reported(operation):
            try:
                answer = requests.get(url, timeout=self._settings.timeout, allow_redirects=False)
                answer.raise_for_status()
                found = storable(answer.json()) if answer.status_code == 200 else None
            except (requests.RequestException, ValueError, RecursionError) as error:
                raise ProviderDown(type(error).__name__) from error
            if not isinstance(found, dict):
                raise ProviderDown("not readable")
            return found


def _reported(operation: str) -> AbstractContextManager[calls.Reason]:
    return calls.reported("identity", operation, refusals=(Cancelled, Expired, Refused))


class _Kept(Generic[Value]):
    """A fetched value, cached for an hour. Concurrent threads may each fetch it; none waits for another."""

    def __init__(self, fetch: Callable[[], Value]) -> None:
        self._fetch = fetch
        self._found: tuple[float, Value] | None = None

    def get(self, seconds: float = METADATA_SECONDS) -> Value:
        """Return the value, at most this many seconds old."""
        if self._found is None or monotonic() - self._found[0] > seconds:
            self._found = (monotonic(), self._fetch())
        return self._found[1]


def _proof_of_client(metadata: dict[str, Any]) -> str:
    """Return the client authentication method: Basic, as the standard prefers, unless the broker accepts only the form.
    """
    known = metadata.get("token_endpoint_auth_methods_supported")
    only_form = isinstance(known, list) and "client_secret_basic" not in known and "client_secret_post" in known
    return "client_secret_post" if only_form else "client_secret_basic"


def _told_error(code: str) -> Exception:
    """Map the broker's error code (RFC 6749, OpenID Connect Core 3.1.2.6) to an exception."""
    if code in _STOPPED:
        return Cancelled()
    if code == "invalid_grant":
        return Expired()
    if code in _AWAY:
        log.error("the broker answers %s", code)
        return ProviderDown(code)
    return Refused("provider_error")


def _fault_in(claims: dict[str, Any], settings: OidcSettings, nonce: str, now: float) -> str | None:
    """Return the reason to refuse an id token whose signature is valid, or None."""
    us, leeway = settings.client_id, settings.leeway_seconds
    expires, issued, begins = (_moment(claims.get(name)) for name in ("exp", "iat", "nbf"))
    rules = {
        "issuer": claims.get("iss") == settings.issuer,
        "audience": claims.get("aud") in (us, [us]) and claims.get("azp", us) == us,
        "expired": expires is not None and expires > now - leeway,
        "early": issued is not None and max(issued, begins or 0) < now + leeway,
        "nonce": isinstance(claims.get("nonce"), str) and hmac.compare_digest(claims["nonce"].encode(), nonce.encode()),
        "level": all(claims.get(name) in values for name, values in settings.levels().items()),
        "not_fresh": _is_fresh(claims, settings, now),
        "subject": isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,
    }
    return next((reason for reason, holds in rules.items() if not holds), None)


def _is_fresh(claims: dict[str, Any], settings: OidcSettings, now: float) -> bool:
    proved = _moment(claims.get("auth_time"))
    return proved is not None and -settings.leeway_seconds <= now - proved <= settings.fresh_seconds


def _moment(value: Any) -> float | None:
    """Return seconds since 1970 within the range of dates, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value < 1e11 else None


def _claim(claims: Any, path: str) -> str:
    """Return a claim as text. A broker may use dots in a name, or nest claims."""
    if path in claims:
        found = claims[path]
    else:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    return found.strip() if isinstance(found, str) else ""


def _first_letters(names: str) -> str:
    """Return the initials of first names."""
    return "".join(name[0] for name in re.split(r"[\s\-]+", names) if name).upper()


def birth_date(text: str) -> date | None:
    """Parse YYYYMMDD or YYYY-MM-DD; None for an incomplete or invalid date."""
    match = _DATE.fullmatch(text)
    try:
        return date(*(int(part) for part in match.groups() if part)) if match else None
    except ValueError:
        return None
