"""The port to an identity broker: who is this person, authenticated now. Name and birth date only."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class AuthRequest:
    """The secrets of one authorization request; the caller stores them, bound to the session."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """An authenticated person. `authenticated_at` is UTC; `raw_hash` is the SHA-256 of the id token."""

    provider: str
    subject: str
    initials: str
    last_name: str
    prefix: str | None
    birth_date: date | None
    level: str | None
    authenticated_at: datetime
    raw_hash: str


class IdentityError(Exception):
    """The identification failed."""


class Cancelled(IdentityError):
    """The person cancelled."""


class Expired(IdentityError):
    """The code or the request is too old."""


class Refused(IdentityError):
    """The answer cannot be trusted; the reason is a short code."""


class ProviderDown(IdentityError):
    """The broker is unavailable."""


class IdentityProvider(Protocol):
    @property
    def name(self) -> str:
        """Return the name by which people know the method, such as iDIN or itsme."""
        ...

    @property
    def host(self) -> str:
        """Return the host that the person is sent to, for the form-action of the CSP."""
        ...

    def start(self, attempt: AuthRequest, redirect_uri: str) -> str:
        """Return the authorization URL for the person.

        Raises:
        - ProviderDown
        """
        ...

    def finish(self, attempt: AuthRequest, redirect_uri: str, query: dict) -> Identity:
        """Return the identity from the broker's answer.

        Raises:
        - Cancelled
        - Expired
        - Refused
        - ProviderDown
        """
        ...
