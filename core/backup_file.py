"""The file of a backup: a header that can be read, and a content that is encrypted and authenticated as a whole.

    BIZCUIT-BACKUP 1\\n   length of the header (4 bytes)   header (JSON)   chunks of 1 MiB, each with its tag

Each chunk is sealed with AES-256-GCM under a key of its own file (HKDF-SHA-256 of the backup key and a random salt).
Its nonce is its number and whether it is the last, and the header is associated data of all: a chunk that was changed,
moved, left out or cut off, and a changed header, are found (STREAM, Hoang et al. 2015, as in age). Memory stays at a
few chunks, whatever the size.
"""

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"BIZCUIT-BACKUP 1\n"
CHUNK, TAG = 1 << 20, 16
MOST_HEADER = 1 << 20


class BackupRefused(Exception):
    """The file is no backup, or not whole, or not of this key. The text says which."""


def write_backup(target: BinaryIO, secret: bytes, header: dict[str, Any], content: Iterator[bytes]) -> int:
    """Write a backup; return the size of its content in bytes. Only a file that was written to its end can be read."""
    salt = os.urandom(32)
    told = json.dumps({**header, "salt": b64encode(salt).decode()}, sort_keys=True).encode()
    target.write(MAGIC + len(told).to_bytes(4, "big") + told)
    seal, size, number, waiting = _Sealer(secret, salt, told), 0, 0, b""
    for part in content:
        waiting += part
        while len(waiting) > CHUNK:
            target.write(seal.seal(number, waiting[:CHUNK], last=False))
            size, number, waiting = size + CHUNK, number + 1, waiting[CHUNK:]
    target.write(seal.seal(number, waiting, last=True))
    return size + len(waiting)


def read_header(source: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Return the header and its bytes; it is proved by `read_content` only.

    Raises:
    - BackupRefused: this is no backup.
    """
    if source.read(len(MAGIC)) != MAGIC:
        raise BackupRefused("this is no backup of Bizcuit, or of a version that this one cannot read")
    length = int.from_bytes(source.read(4), "big")
    told = source.read(length) if length <= MOST_HEADER else b""
    try:
        return json.loads(told), told
    except ValueError as error:
        raise BackupRefused("the backup is damaged: its header cannot be read") from error


def read_content(source: BinaryIO, secret: bytes, header: dict[str, Any], told: bytes) -> Iterator[bytes]:
    """Yield the content after the header. It is whole only if the iteration ends without an error.

    Raises:
    - BackupRefused: the key is another one, or something of the file was changed or is missing.
    """
    try:
        seal = _Sealer(secret, b64decode(header["salt"]), told)
    except (KeyError, ValueError, TypeError) as error:
        raise BackupRefused("the backup is damaged: its header has no salt") from error
    number, chunk = 0, source.read(CHUNK + TAG)
    while True:
        following = source.read(CHUNK + TAG)
        try:
            yield seal.open(number, chunk, last=not following)
        except InvalidTag as error:
            known = "it is of another key, or was changed" if number == 0 else "it was changed, or is not whole"
            raise BackupRefused(f"the backup cannot be decrypted: {known} (part {number + 1})") from error
        if not following:
            return
        number, chunk = number + 1, following


class _Sealer:
    """Seals and opens the chunks of one file."""

    def __init__(self, secret: bytes, salt: bytes, header: bytes) -> None:
        key = HKDF(SHA256(), 32, salt, b"bizcuit backup 1").derive(secret)
        self._cipher, self._header = AESGCM(key), hashlib.sha256(header).digest()

    def seal(self, number: int, plain: bytes, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, last), plain, self._header)

    def open(self, number: int, sealed: bytes, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(number, last), sealed, self._header)

    @staticmethod
    def _nonce(number: int, last: bool) -> bytes:
        return number.to_bytes(11, "big") + bytes([last])
