"""Encryption at rest with AES-256-GCM. The value names its key and is bound to its context.

A ciphertext reads `v1:<key_id>:<nonce>:<ciphertext>`. The context (table, row, column) is associated data, so that a
value copied to another row cannot be decrypted.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class DecryptionFailed(Exception):
    """The value was not encrypted with one of our keys for this context."""


@dataclass(frozen=True)
class Keyring:
    """Encryption keys by name. New values use the primary key; the others only decrypt."""

    keys: dict[str, bytes] = field(repr=False)
    primary: str

    def __post_init__(self) -> None:
        if self.primary not in self.keys:
            raise ValueError("the primary key is not in the ring")
        if any(len(key) != 32 for key in self.keys.values()):
            raise ValueError("a data key has 32 bytes")
        if any(":" in name for name in self.keys):
            raise ValueError("a key's name has no colon")

    def encrypt(self, plain: bytes, context: str) -> str:
        nonce = os.urandom(12)
        cipher = AESGCM(self.keys[self.primary]).encrypt(nonce, plain, context.encode())
        return ":".join(("v1", self.primary, urlsafe_b64encode(nonce).decode(), urlsafe_b64encode(cipher).decode()))

    def decrypt(self, value: str, context: str) -> bytes:
        """Return the plaintext.

        Raises:
        - DecryptionFailed: the key, the context or the ciphertext differs.
        """
        try:
            version, key_id, nonce, cipher = value.split(":")
            key = self.keys[key_id] if version == "v1" else b""
            return AESGCM(key).decrypt(urlsafe_b64decode(nonce), urlsafe_b64decode(cipher), context.encode())
        except (ValueError, KeyError, InvalidTag) as error:
            raise DecryptionFailed("an encrypted value cannot be decrypted") from error

    @property
    def mark(self) -> str:
        """Return the prefix of every value that was encrypted with the primary key."""
        return f"v1:{self.primary}:"


def digest_sha256(data: bytes) -> str:
    """Return the SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def keyed_digest(key: bytes, text: str) -> str:
    """Return the HMAC-SHA-256 in hexadecimal, to look up a secret without storing it."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
