"""Encryption at rest: each ciphertext is bound to its context (table, row, column) as associated data."""

from core.encryption import keyed_digest
from domain.common.services import services


def encrypt(text: str | bytes, *context: object) -> str:
    data = text.encode() if isinstance(text, str) else text
    return services().keyring.encrypt(data, "|".join(map(str, context)))


def decrypt(ciphertext: str, *context: object) -> str:
    """Return the plaintext.

    Raises:
    - DecryptionFailed: also when it was encrypted for another context.
    """
    return decrypt_bytes(ciphertext, *context).decode()


def decrypt_bytes(ciphertext: str, *context: object) -> bytes:
    return services().keyring.decrypt(ciphertext, "|".join(map(str, context)))


def blind_index(secret: str) -> str:
    """Return the keyed hash under which a secret is stored when it only has to be looked up."""
    return keyed_digest(services().lookup_key, secret)
