"""Passwords and pins: argon2id; a pin is also mixed with a secret that is not in the database."""

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

# RFC 9106's second recommendation; ASVS 5 appendix C asks for less.
hasher = PasswordHasher()
# A hash takes 64 MiB: so many at once in one process, the others wait their turn.
HASHES_AT_ONCE, PATIENCE = 2, 20
_turns = BoundedSemaphore(HASHES_AT_ONCE)
# The 30,000 commonest of the world (ASVS 6.2.4 asks for 3,000), and those of here.
_COMMON_PASSWORDS = frozenset(FREQUENCY_LISTS["passwords"]) | {
    "wachtwoord", "wachtwoord1", "welkom01", "welkom123", "welkom1234", "password123", "geheim123", "bizcuit1",
    "bizcuit123", "nederland", "azertyuiop", "abcd1234", "wachtwoord123", "welkom2026", "salaris123",
}  # fmt: skip
_COMMON_PINS = frozenset({
    "123123", "121212", "112233", "131313", "101010", "102030", "123321", "159753", "147258", "147852",
    "696969", "789456", "456789", "123654", "135790", "246810", "111222", "998877", "332211", "778899",
})  # fmt: skip


def check_password(password: str, *personal: str) -> None:
    """WeakPassword: at least eight characters, not a common one, not the person's own data (ASVS 6.2.1)."""
    if len(password) < 8:
        raise WeakPassword("short")
    if len(password) > 256:
        raise WeakPassword("long")
    if password.lower() in _COMMON_PASSWORDS or password.lower() in {text.lower() for text in personal}:
        raise WeakPassword("common")


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE):
        raise RateLimited(PATIENCE)
    try:
        yield
    finally:
        _turns.release()


def hash_password(password: str) -> str:
    """RateLimited when this process is full of hashing."""
    with _turn():
        return hasher.hash(password)


def verify_password(hashed: str, password: str) -> bool:
    """RateLimited when this process is full of hashing."""
    try:
        with _turn():
            return hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


# A hash of nothing in particular: an unknown e-mail address costs the same time as a known one.
DUMMY_HASH = hasher.hash("nobody signs in with this")


def check_pin_choice(pin: str) -> None:
    """PinNotSixDigits or PinTooCommon: rows, repeats and the well-known ones are refused (NIST 800-63B)."""
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
