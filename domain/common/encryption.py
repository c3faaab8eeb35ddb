"""Secrets at rest, each bound to its place: table, row, field."""

from core.encryption import keyed_digest
from domain.common.services import world


def seal(text: str | bytes, *place: object) -> str:
    data = text.encode() if isinstance(text, str) else text
    return world().keyring.seal(data, "|".join(map(str, place)))


def unseal(sealed: str, *place: object) -> str:
    """SealBroken when it was sealed for another place."""
    return unseal_bytes(sealed, *place).decode()


def unseal_bytes(sealed: str, *place: object) -> bytes:
    return world().keyring.open(sealed, "|".join(map(str, place)))


def lookup(secret: str) -> str:
    """The form in which a secret is kept when it only has to be found again."""
    return keyed_digest(world().lookup_key, secret)
