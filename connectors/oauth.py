"""The port to an OAuth 2 service (Nmbrs, Ponto): the customer's consent and the tokens it gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.clock import utcnow

_CODE = re.compile(r"[a-z_]{1,40}")
# Errors about our client or the service, not about the customer's consent (RFC 6749, 5.2).
_OURS = ("invalid_client", "unauthorized_client", "server_error", "temporarily_unavailable")


@dataclass(frozen=True)
class Tokens:
    """An access token, valid until `expires_at` (UTC), and a refresh token for one use."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


class OAuthRefused(Exception):
    """The service refused; `code` is its error code (invalid_grant: the customer must consent again)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OAuthDown(Exception):
    """No answer, or an unreadable one. A refresh token that was sent may have been used."""


def error_from_code(code: Any) -> OAuthRefused | OAuthDown:
    """Return the exception for an error code of the service; a missing or invalid code says nothing about the consent.
    """
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code in _OURS:
        return OAuthDown()
    return OAuthRefused(code)


def parse_tokens(found: Mapping[str, Any]) -> Tokens:
    """Return the tokens of a token response.

    Raises:
    - OAuthDown: it holds none.
    """
    access, refresh = found.get("access_token"), found.get("refresh_token")
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
        raise OAuthDown
    return Tokens(access, refresh, _end(found.get("expires_in")))


def _end(seconds: Any) -> datetime:
    """Return when the access token expires; after an hour if the service does not say."""
    number = seconds if isinstance(seconds, int) and 0 < seconds <= 86_400 else 3600
    return utcnow() + timedelta(seconds=number)


class OAuthClient(Protocol):
    @property
    def host(self) -> str:
        """Return the host that the customer is sent to, for the form-action of the CSP."""
        ...

    def start(self, state: str, verifier: str, redirect_uri: str) -> str:
        """Return the authorization URL for the customer."""
        ...

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Exchange the authorization code for the first tokens.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        ...

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange the refresh token for new tokens; it is invalid afterwards.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        ...

    def revoke(self, refresh_token: str) -> None:
        """Revoke the customer's consent.

        Raises:
        - OAuthRefused
        - OAuthDown
        """
        ...
