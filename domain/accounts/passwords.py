"""Hashing of passwords and pins with Argon2id. A pin is also mixed with a pepper that is not in the database."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from domain.common.errors import PinNotSixDigits, PinTooCommon, RateLimited, WeakPassword
from domain.common.services import services

# The second recommended option of RFC 9106; more than ASVS 5 appendix C requires.
hasher = PasswordHasher()
# A hash takes 64 MiB, so that a process computes only a few at once; others wait at most MAX_WAIT_SECONDS.
MAX_CONCURRENT_HASHES, MAX_WAIT_SECONDS = 2, 20
_hash_slots = BoundedSemaphore(MAX_CONCURRENT_HASHES)
# The 30,000 most common passwords (ASVS 6.2.4 requires 3,000), and common Dutch ones.
_COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"]) | {
    "wachtwoord", "wachtwoord1", "welkom01", "welkom123", "welkom1234", "password123", "geheim123", "bizcuit1",
    "bizcuit123", "nederland", "azertyuiop", "abcd1234", "wachtwoord123", "welkom2026", "salaris123",
}  # fmt: skip
_COMMON_PINS = frozenset({
    "123123", "121212", "112233", "131313", "101010", "102030", "123321", "159753", "147258", "147852",
    "696969", "789456", "456789", "123654", "135790", "246810", "111222", "998877", "332211", "778899",
})  # fmt: skip


def check_password(password: str, *personal: str) -> None:
    """Check a new password: 8 to 256 characters, not common, not the user's own data (ASVS 6.2.1, 6.2.4).

    Raises:
    - WeakPassword
    """
    if len(password) < 8:
        raise WeakPassword("short")
    if len(password) > 256:
        raise WeakPassword("long")
    if password.lower() in _COMMON_PASSWORDS or password.lower() in {text.lower() for text in personal}:
        raise WeakPassword("common")


@contextmanager
def _hash_slot() -> Iterator[None]:
    if not _hash_slots.acquire(timeout=MAX_WAIT_SECONDS):
        raise RateLimited(MAX_WAIT_SECONDS)
    try:
        yield
    finally:
        _hash_slots.release()


def hash_password(password: str) -> str:
    """Return the password's hash.

    Raises:
    - RateLimited: too many hashes are being computed in this process.
    """
    with _hash_slot():
        return hasher.hash(password)


def verify_password(hashed: str, password: str) -> bool:
    """Return whether the password matches the hash.

    Raises:
    - RateLimited: too many hashes are being computed in this process.
    """
    try:
        with _hash_slot():
            return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Return whether a hash was made with other parameters than those of today."""
    return hasher.check_needs_rehash(hashed)


# Verified for an unknown e-mail address, so that it takes as long as a known one. The hash of random bytes that nobody
# kept, with the parameters of `hasher`: computing one would slow down the start of every process and command.
DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$ivJ75DhlFSRErvbgf1UgJg$pAGtn0sPzhMRhNoTn8RLEbXB8X5yCAsNv67yQqJm15U"


def check_pin_choice(pin: str) -> None:
    """Check a new pin: six digits, no sequence, no repetition, not a common one (NIST SP 800-63B).

    Raises:
    - PinNotSixDigits
    - PinTooCommon
    """
    if not re.fullmatch(r"[0-9]{6}", pin):
        raise PinNotSixDigits
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if pin in _COMMON_PINS or steps in ({0}, {1}, {9}) or pin[:3] == pin[3:] or pin[:2] * 3 == pin:
        raise PinTooCommon


def _peppered(user_id: int, pin: str) -> str:
    return hmac.new(services().pin_pepper, f"{user_id}:{pin}".encode(), hashlib.sha256).hexdigest()


def hash_pin(user_id: int, pin: str) -> str:
    return hasher.hash(_peppered(user_id, pin))


def verify_pin_hash(hashed: str, user_id: int, pin: str) -> bool:
    return verify_password(hashed, _peppered(user_id, pin))
