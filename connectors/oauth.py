"""What we ask of an OAuth service (Nmbrs, Ponto): the customer's consent, and the tokens that come of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.clock import utcnow

_CODE = re.compile(r"[a-z_]{1,40}")
# Refusals that say something of us or of the service, and nothing of the customer's consent (RFC 6749, 5.2).
_OURS = ("invalid_client", "unauthorized_client", "server_error", "temporarily_unavailable")


@dataclass(frozen=True)
class Tokens:
    """An access token until `expires_at` (UTC), and the refresh token for the next pair, good for one use."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


class OAuthRefused(Exception):
    """The service says no; `code` as it names it (invalid_grant: the customer must consent again)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OAuthDown(Exception):
    """No answer, or none that can be read. A refresh token that was sent may have been used up by it."""


def error_from_code(code: Any) -> OAuthRefused | OAuthDown:
    """What an error of the service means for the consent. A code that is none says nothing."""
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code in _OURS:
        return OAuthDown()
    return OAuthRefused(code)


def parse_tokens(found: Mapping[str, Any]) -> Tokens:
    """The pair in the service's answer. OAuthDown when it holds none."""
    access, refresh = found.get("access_token"), found.get("refresh_token")
    if not isinstance(access, str) or not isinstance(refresh, str) or not access or not refresh:
        raise OAuthDown
    return Tokens(access, refresh, _end(found.get("expires_in")))


def _end(seconds: Any) -> datetime:
    """When the access token ends; an hour when that is not said."""
    number = seconds if isinstance(seconds, int) and 0 < seconds <= 86_400 else 3600
    return utcnow() + timedelta(seconds=number)


class OAuthClient(Protocol):
    @property
    def host(self) -> str:
        """Where the customer is sent; the pages may lead on there."""
        ...

    def start(self, state: str, verifier: str, redirect_uri: str) -> str:
        """The address to send the customer to."""
        ...

    def redeem(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """The first pair, for the code that came back. OAuthRefused, OAuthDown."""
        ...

    def refresh(self, refresh_token: str) -> Tokens:
        """The next pair; the refresh token is worthless from then on. OAuthRefused, OAuthDown."""
        ...

    def revoke(self, refresh_token: str) -> None:
        """The customer no longer wants it. OAuthRefused, OAuthDown."""
        ...
