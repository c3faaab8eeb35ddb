"""What we ask of the vendor's identity service: the customer's consent, and the tokens that come of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


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


class ConsentService(Protocol):
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
