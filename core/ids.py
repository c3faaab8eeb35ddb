"""Identifiers that cannot be guessed."""

import secrets
import uuid as _uuid

# Without look-alikes (0/o, 1/l/i): a public id is sometimes read aloud to the help desk.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def random_token() -> str:
    """A url-safe secret of 256 bits (ASVS 7.2.3, 11.5.1 ask for at least 128)."""
    return secrets.token_urlsafe(32)


def public_id() -> str:
    """Twelve characters, 59 bits: names a tenant in an address, guards nothing by itself."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def uuid() -> str:
    """For X-Request-ID, which must be a UUID and need not be a secret."""
    return str(_uuid.uuid4())


def five_digits() -> str:
    """The tail of a bank reference."""
    return f"{secrets.randbelow(100_000):05d}"


def eight_digits() -> str:
    """A code that a person copies by hand; 26 bits (ASVS 6.5.4 asks for 20), with few tries and a short life."""
    return f"{secrets.randbelow(10**8):08d}"
