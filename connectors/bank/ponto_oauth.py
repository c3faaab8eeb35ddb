"""Authorise us at Ponto: OAuth 2 authorization code with PKCE (RFC 6749, RFC 7636) and rotating refresh tokens.

GET {authority}/oauth2/auth with the scopes below; POST {api}/oauth2/token and /oauth2/revoke with Basic client
authentication (Ibanity Postman collection, 2.1.2 to 2.1.5 and 2.5.3). One redirect URI is registered with Ponto for all
customers, so `state` identifies the request. Errors contain no secret.
"""

from base64 import b64encode
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from connectors import calls
from connectors.bank.ponto_transport import PontoSettings, PontoWire
from connectors.bank.port import BankError
from connectors.bank.transport import Answer
from connectors.oauth import OAuthDown, OAuthRefused, Tokens, error_from_code, parse_tokens
from core.hidden_characters import load_json

# offline_access gives a refresh token; ai is account information, pi is payment initiation.
SCOPES = "offline_access ai pi"
_FORM = "application/x-www-form-urlencoded"


class PontoOAuth:
    """OAuth calls at Ponto; without state. `api` is the base URL of the API, which also issues the tokens."""

    def __init__(self, settings: PontoSettings, api: str, wire: PontoWire | None = None) -> None:
        self._settings, self._api, self._wire = settings, api.rstrip("/"), wire or PontoWire(settings)

    @property
    def host(self) -> str:
        """Return the host of the authorization endpoint, for the form-action of the CSP."""
        return urlsplit(self._settings.authority).netloc

    def start(self, state: str, verifier: str, redirect_uri: str) -> str:
        """Return the authorization URL for the customer."""
        challenge = sha256(verifier.encode()).digest()
        asked = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": redirect_uri,
            "scope": SCOPES, "state": state, "code_challenge": _url_safe(challenge), "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{self._settings.authority.rstrip('/')}/oauth2/auth?{urlencode(asked)}"

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Exchange the code for the first tokens.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        given = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return self._tokens("redeem", given | {"redirect_uri": redirect_uri})

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange the refresh token for new tokens.

        Raises:
        - OAuthRefused
        - OAuthDown: the old refresh token may no longer be valid.
        """
        return self._tokens("refresh", {"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, refresh_token: str) -> None:
        """Revoke the consent.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        with _reported("revoke"):
            self._post("revoke", {"token": refresh_token})

    def _tokens(self, operation: str, given: dict[str, str]) -> Tokens:
        with _reported(operation):
            return parse_tokens(self._post("token", given))

    def _post(self, what: str, given: dict[str, str]) -> dict[str, Any]:
        settings = self._settings
        halves = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"
        headers = {
            "Accept": "application/json", "Content-Type": _FORM,
            "Authorization": f"Basic {b64encode(halves.encode()).decode()}",
        }  # fmt: skip
        body = urlencode(given | {"client_id": settings.client_id}).encode()
        try:
            answer = self._wire.send("POST", f"{self._api}/oauth2/{what}", headers, body, settings.read_timeout)
        except BankError:
            answer = None
        if answer is None:
            raise OAuthDown  # outside the except block: a chained exception could expose the request and its secrets
        return _spoken(answer)


def _reported(operation: str) -> AbstractContextManager[calls.Reason]:
    return calls.reported("bank", f"oauth_{operation}", which="ponto", refusals=(OAuthRefused,))


def _spoken(answer: Answer) -> dict[str, Any]:
    """Return the parsed answer. Only Ponto's own 200 or error says something about the consent: 429, a gateway's page
    or a redirect is OAuthDown.
    """
    try:
        found = load_json(answer.body.decode("utf-8") or "{}")
    except (ValueError, RecursionError):
        found = None
    if answer.status == 200 and isinstance(found, dict):
        return found
    if 400 <= answer.status < 500 and answer.status != 429 and isinstance(found, dict):
        raise error_from_code(found.get("error"))
    raise OAuthDown


def _url_safe(data: bytes) -> str:
    return b64encode(data, b"-_").rstrip(b"=").decode()
