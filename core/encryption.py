"""Encryption at rest: AES-256-GCM, the key named in the value, the place bound to it.

A sealed value reads ``v1:<key_id>:<nonce>:<ciphertext>``. The context (table, row, field) is
associated data, so a value moved to another row does not open.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class DecryptionFailed(Exception):
    """The value was not sealed here, by a key that we hold, for this place."""


@dataclass(frozen=True)
class Keyring:
    """Keys by name; new values are sealed with the primary, old ones still open."""

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

    def decrypt(self, sealed: str, context: str) -> bytes:
        """DecryptionFailed when the key, the context or a single bit differs."""
        try:
            version, key_id, nonce, cipher = sealed.split(":")
            key = self.keys[key_id] if version == "v1" else b""
            return AESGCM(key).decrypt(urlsafe_b64decode(nonce), urlsafe_b64decode(cipher), context.encode())
        except (ValueError, KeyError, InvalidTag) as error:
            raise DecryptionFailed("a sealed value does not open") from error

    def needs_rotation(self, sealed: str) -> bool:
        """Whether the value waits to be sealed again with the primary key."""
        return sealed.split(":", 2)[1] != self.primary


def digest_sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def keyed_digest(key: bytes, text: str) -> str:
    """HMAC-SHA-256 in hexadecimal: to look a secret up without keeping it."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
