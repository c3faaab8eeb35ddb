"""OAuth 2 authorization code flow and tokens of the REST interface, at the vendor's identity service.

The client authenticates with Basic, both halves percent-encoded; the refresh token rotates at every use
(docs/facts/nmbrs.md, section 5). Authlib makes the requests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from connectors.oauth import OAuthRefused, Tokens, error_from_code, parse_tokens


@dataclass(frozen=True)
class OAuthSettings:
    """`authority` is the address under which authorize, token and revocation stand. Time-out in seconds."""

    authority: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    timeout: float = 10


class NmbrsOAuth:
    """Speaks with the identity service; keeps nothing."""

    def __init__(self, settings: OAuthSettings) -> None:
        self._settings, self._authority = settings, settings.authority.rstrip("/")

    @property
    def host(self) -> str:
        """Where a form may lead to."""
        return urlsplit(self._authority).netloc

    def start(self, state: str, verifier: str, redirect_uri: str) -> str:
        """The address to send the customer to."""
        with self._session(redirect_uri, self._settings.client_id) as session:
            url, _ = session.create_authorization_url(
                f"{self._authority}/authorize", state=state, code_verifier=verifier
            )
        return url

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The first pair. OAuthRefused, OAuthDown."""
        with self._session(redirect_uri) as session:
            return _tokens(
                lambda: session.fetch_token(
                    f"{self._authority}/token", grant_type="authorization_code", code=code, code_verifier=verifier
                )
            )

    def refresh(self, refresh_token: str) -> Tokens:
        """The next pair. OAuthRefused; OAuthDown, after which the old token may be worthless."""
        with self._session() as session:
            return _tokens(lambda: session.refresh_token(f"{self._authority}/token", refresh_token=refresh_token))

    def revoke(self, refresh_token: str) -> None:
        """Give the consent back. OAuthRefused, OAuthDown."""
        with self._session() as session:
            address = f"{self._authority}/revocation"
            answer = _answered(
                lambda: _spoken(session.revoke_token(address, token=refresh_token, token_type_hint="refresh_token"))
            )
        if answer.status_code != 200:
            raise OAuthRefused("revocation")

    def _session(self, redirect_uri: str | None = None, client_id: str = "") -> Any:  # Authlib is not typed
        """Authlib puts id and secret into the header as they are: they are encoded here, but for an address."""
        settings = self._settings
        session: Any = OAuth2Session(
            client_id or quote(settings.client_id, safe=""), quote(settings.client_secret, safe=""),
            scope=settings.scopes, redirect_uri=redirect_uri, code_challenge_method="S256",
            default_timeout=settings.timeout,
            token_endpoint_auth_method="client_secret_basic", revocation_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip
        session.trust_env = False
        session.max_redirects = 0  # a token goes to the service that we know, and nowhere it points at
        session.register_compliance_hook("access_token_response", _spoken)
        session.register_compliance_hook("refresh_token_response", _spoken)
        return session


def _spoken(answer: requests.Response) -> requests.Response:
    """Only a yes or a no of the service counts: 429, a gateway's page or a way elsewhere say nothing of a consent."""
    if answer.status_code != 200 and (answer.status_code == 429 or not 400 <= answer.status_code < 500):
        raise requests.HTTPError(str(answer.status_code))
    return answer


def _answered(ask: Callable[[], Any]) -> Any:
    """What the service says; its errors by their code."""
    try:
        return ask()
    except OAuthError as error:
        code = error.error
    except (requests.RequestException, ValueError, RecursionError):
        code = ""
    # raised out here: the error that was caught holds the request, and so our secrets
    raise error_from_code(code)


def _tokens(ask: Callable[[], Any]) -> Tokens:
    return parse_tokens(_answered(ask))
