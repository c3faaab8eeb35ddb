"""Unguessable identifiers."""

import secrets
import uuid as _uuid

# Without similar characters (0/o, 1/l/i): a public id is sometimes read aloud to the help desk.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def random_token() -> str:
    """Return a URL-safe secret of 256 bits (ASVS 7.2.3 and 11.5.1 require at least 128)."""
    return secrets.token_urlsafe(32)


def public_id() -> str:
    """Return twelve characters (59 bits) that identify a tenant in a URL. It is not a secret."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def uuid() -> str:
    """Return a random UUID, as required for X-Request-ID (Berlin Group NextGenPSD2). It is not a secret."""
    return str(_uuid.uuid4())


def eight_digits() -> str:
    """Return a code that a user copies by hand: 26 bits (ASVS 6.5.4 requires 20), for few attempts and a short time."""
    return f"{secrets.randbelow(10**8):08d}"
