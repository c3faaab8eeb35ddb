"""Names of people, compared."""

import unicodedata
from functools import lru_cache

from core.hidden_characters import drop_hidden
from core.sepa_text import to_sepa


@lru_cache(maxsize=65536)
def normalise_name(name: str) -> str:
    """Return the name without what varies in writing: case, accents, signs, what nobody sees, and the order of its
    words.
    """
    plain = to_sepa(unicodedata.normalize("NFKC", drop_hidden(name)), len(name) * 3).casefold()
    words = "".join(sign if sign.isalnum() else " " for sign in plain).split()
    return " ".join(sorted(words)) or name.strip()
