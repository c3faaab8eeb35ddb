"""Text as SEPA carries it: letters, digits and / - ? : ( ) . , ' + and space (EPC217-08, in its manner)."""

import re
import unicodedata

_KEEP = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]")
# Letters that do not fall apart into a base letter and an accent.
_SINGLE = {
    "ß": "s", "ẞ": "S", "Æ": "A", "æ": "a", "Œ": "O", "œ": "o", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "Ð": "D",
    "ð": "d", "Þ": "T", "þ": "t", "Ł": "L", "ł": "l", "Ħ": "H", "ħ": "h", "ı": "i", "Ŋ": "N", "ŋ": "n", "Ŧ": "T",
    "ŧ": "t", "Ə": "E", "ə": "e", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "“": "'", "”": "'", '"': "'",
    "–": "-", "—": "-", "‐": "-", "_": "-", "&": "+", "\u00a0": " ", "\t": " ", "\n": " ", "\r": " ",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "к": "k", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "sht", "ъ": "a", "ы": "y", "ь": "y", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
_WORDS = _GREEK | _CYRILLIC


def to_sepa(text: str, max_length: int) -> str:
    """The text in SEPA's characters, spaces folded, cut to the length. What cannot be carried becomes a point."""
    if text.isascii() and all(map(_KEEP.match, text)):
        carried = text
    else:
        carried = "".join(_carry(c) for c in unicodedata.normalize("NFC", text))
    return " ".join(carried.split())[:max_length].rstrip()


def _carry(character: str) -> str:
    if _KEEP.match(character):
        return character
    if character in _SINGLE:
        return _SINGLE[character]
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    carried = "".join(_letter(c) for c in base)
    return carried or "."


def _letter(character: str) -> str:
    if _KEEP.match(character):
        return character
    if character in _SINGLE:
        return _SINGLE[character]
    word = _WORDS.get(character.lower())
    if word is None:
        return "."
    return word.capitalize() if character.isupper() else word


def is_sepa(text: str, max_length: int) -> bool:
    """Whether this may stand in a file as it is."""
    return 0 < len(text) <= max_length and all(map(_KEEP.match, text))
