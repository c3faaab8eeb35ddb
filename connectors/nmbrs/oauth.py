"""OAuth 2 authorization code flow for the Nmbrs REST API, at the vendor's identity service.

The client uses Basic authentication with both parts percent-encoded; the refresh token rotates at every use
(docs/facts/nmbrs.md, section 5). Authlib sends the requests.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from connectors import calls
from connectors.authlib_errors import UNREADABLE
from connectors.oauth import OAuthRefused, Tokens, error_from_code, parse_tokens


@dataclass(frozen=True)
class OAuthSettings:
    """Our client settings at Nmbrs.

    `authority` is the base URL of the authorize, token and revocation endpoints. `timeout` is in seconds.
    """

    authority: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    timeout: float = 10


class NmbrsOAuth:
    """OAuth calls at the identity service; without state."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings, self._authority = settings, settings.authority.rstrip("/")

    @property
    def host(self) -> str:
        """Return the host of the identity service, for the form-action of the CSP."""
        return urlsplit(self._authority).netloc

    def start(self, state: str, verifier: str, redirect_uri: str) -> str:
        """Return the authorization URL for the customer."""
        with self._session(redirect_uri, self._settings.client_id) as session:
            url, _ = session.create_authorization_url(
                f"{self._authority}/authorize", state=state, code_verifier=verifier
            )
        return url

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Exchange the authorization code for the first tokens.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        with self._session(redirect_uri) as session, _reported("redeem"):
            return _tokens(
                lambda: session.fetch_token(
                    f"{self._authority}/token", grant_type="authorization_code", code=code, code_verifier=verifier
                )
            )

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange the refresh token for new tokens.

        Raises:
        - OAuthRefused
        - OAuthDown: the old refresh token may no longer be valid.
        """
        with self._session() as session, _reported("refresh"):
            return _tokens(lambda: session.refresh_token(f"{self._authority}/token", refresh_token=refresh_token))

    def revoke(self, refresh_token: str) -> None:
        """Revoke the consent.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        with self._session() as session, _reported("revoke"):
            address = f"{self._authority}/revocation"
            answer = _answered(
                lambda: _spoken(session.revoke_token(address, token=refresh_token, token_type_hint="refresh_token"))
            )
            if answer.status_code != 200:
                raise OAuthRefused("revocation")

    def _session(self, redirect_uri: str | None = None, client_id: str = "") -> Any:  # Authlib is not typed
        """Create a session. Authlib does not percent-encode id and secret for Basic, so they are encoded here, except
        the id in the authorization URL.
        """
        settings = self._settings
        session: Any = OAuth2Session(
            client_id or quote(settings.client_id, safe=""), quote(settings.client_secret, safe=""),
            scope=settings.scopes, redirect_uri=redirect_uri, code_challenge_method="S256",
            default_timeout=settings.timeout,
            token_endpoint_auth_method="client_secret_basic", revocation_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip
        session.trust_env = False
        session.max_redirects = 0  # never follow a redirect with a token
        session.register_compliance_hook("access_token_response", _spoken)
        session.register_compliance_hook("refresh_token_response", _spoken)
        return session


def _reported(operation: str) -> AbstractContextManager[calls.Reason]:
    return calls.reported("nmbrs", f"oauth_{operation}", which="rest", refusals=(OAuthRefused,))


def _spoken(answer: requests.Response) -> requests.Response:
    """Accept only the service's own 200 or error: 429, a gateway's page or a redirect says nothing about the consent.
    """
    if answer.status_code != 200 and (answer.status_code == 429 or not 400 <= answer.status_code < 500):
        raise requests.HTTPError(str(answer.status_code))
    return answer


def _answered(ask: Callable[[], Any]) -> Any:
    """Return the result of a call; raise its errors as ours."""
    try:
        return ask()
    except OAuthError as error:
        code = error.error
    except UNREADABLE:
        code = ""
    # outside the except block: a chained exception holds the request and so our secrets
    raise error_from_code(code)


def _tokens(ask: Callable[[], Any]) -> Tokens:
    return parse_tokens(_answered(ask))
