"""What we ask of an identity broker: who is this person, proved now. Name and birth date, nothing else."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class AuthRequest:
    """The secrets of one walk there and back; the caller keeps them, tied to the session."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A person as the broker proved it. `authenticated_at` in UTC; `raw_hash` is of the identity token."""

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
    """The walk to the broker did not end in an identity."""


class Cancelled(IdentityError):
    """The person stopped."""


class Expired(IdentityError):
    """The code or the walk was too old."""


class Refused(IdentityError):
    """The answer cannot be trusted; the reason is a short code."""


class ProviderDown(IdentityError):
    """The broker does not answer."""


class IdentityProvider(Protocol):
    @property
    def name(self) -> str:
        """How people know the method: iDIN, itsme."""
        ...

    @property
    def host(self) -> str:
        """Where the person is sent; the pages may lead on there."""
        ...

    def start(self, attempt: AuthRequest, redirect_uri: str) -> str:
        """Where to send the person. ProviderDown."""
        ...

    def finish(self, attempt: AuthRequest, redirect_uri: str, query: dict) -> Identity:
        """Who came back. Cancelled, Expired, Refused, ProviderDown."""
        ...
