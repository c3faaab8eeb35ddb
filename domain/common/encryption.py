"""Secrets at rest, each bound to its place: table, row, field."""

from core.encryption import keyed_digest
from domain.common.services import services


def encrypt(text: str | bytes, *place: object) -> str:
    data = text.encode() if isinstance(text, str) else text
    return services().keyring.encrypt(data, "|".join(map(str, place)))


def decrypt(sealed: str, *place: object) -> str:
    """DecryptionFailed when it was sealed for another place."""
    return decrypt_bytes(sealed, *place).decode()


def decrypt_bytes(sealed: str, *place: object) -> bytes:
    return services().keyring.decrypt(sealed, "|".join(map(str, place)))


def blind_index(secret: str) -> str:
    """The form in which a secret is kept when it only has to be found again."""
    return keyed_digest(services().lookup_key, secret)
