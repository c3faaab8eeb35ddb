"""Whether a secret can be guessed, by its characters. Its length is checked where it is read."""

import re
from base64 import b64decode
from itertools import pairwise

FEWEST_DISTINCT = 8  # of 32 characters; 32 random hexadecimal digits have fewer less than once in 10 million draws
WORDS = (
    "bizcuit", "change", "default", "development", "example", "insecure", "password", "passwd", "placeholder",
    "qwerty", "replace", "sandbox", "secret", "wachtwoord", "welkom",
)  # fmt: skip
# Beside them in examples: "your-secret-here", "changeit", the accounts that servers are installed with.
FILLERS = (
    "admin", "here", "it", "key", "me", "my", "postgres", "redis", "root", "test", "the", "this", "token", "your",
)  # fmt: skip


def is_trivial(secret: str | bytes) -> bool:
    """Return whether a secret of ours repeats itself, counts, has few distinct characters or holds a plain word."""
    codes = [*secret] if isinstance(secret, bytes) else [ord(letter) for letter in secret]
    return (
        len(set(codes)) < FEWEST_DISTINCT or repeats_itself(codes) or _counts(codes)
        or any(word in _letters(secret) for word in WORDS)
    )  # fmt: skip


def repeats_itself(codes: list[int]) -> bool:
    """Return whether a part of at most half its length, repeated, makes the whole; the last part may be cut off."""
    return any(codes[shift:] == codes[:-shift] for shift in range(1, len(codes) // 2 + 1))


def _counts(codes: list[int]) -> bool:
    """Return whether most neighbours are equal or follow each other, as in "abcdefgh" or "11223344"."""
    steps = [right - left for left, right in pairwise(codes)]
    return sum(-1 <= step <= 1 for step in steps) > len(steps) // 2


def is_plain_word(secret: str) -> bool:
    """Return whether the letters are no more than words that stand in examples, as in "change-me!" or "Welkom01"."""
    return bool(re.fullmatch(rf"({'|'.join((*WORDS, *FILLERS))})+", _letters(secret)))


def _letters(secret: str | bytes) -> str:
    text = secret.decode("latin-1") if isinstance(secret, bytes) else secret
    return "".join(letter for letter in text.lower() if letter.isalpha())


def bare(secret: str) -> bytes:
    """Return the 32 bytes of a key that is written in base64, in either alphabet; of another secret its text."""
    text = secret.strip().replace("+", "-").replace("/", "_").rstrip("=")
    try:
        decoded = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return secret.encode()
    return decoded if len(decoded) == 32 else secret.encode()
