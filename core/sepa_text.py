"""The SEPA character set: letters, digits, / - ? : ( ) . , ' + and space.

The conversion follows EPC217-08 for the basic Latin set: accents are dropped, ß becomes s, Æ becomes A, Greek and
Cyrillic are transliterated, anything else becomes a point. Our additions: ĳ stays two letters, Þ is th, letters missing
from the table (Ð, ō, ы, є …) are transliterated too, and a capital that becomes several letters is written as in a name
(Щ is Sht) unless the whole text is in capitals. The table and where we differ: tests/connectors/test_sepa_text.py.
"""

import re
import unicodedata

# Names 70, references 35, remittance information 140 (EPC rulebook; ISO 20022 allows longer names).
NAME, REFERENCE, REMITTANCE = 70, 35, 140

_ALLOWED = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")
_SIGNS = {
    "&": "+", ";": ",", "[": "(", "]": ")", "{": "(", "}": ")", "\\": "/", "|": "/", "_": "-", "~": "-", "`": "'",
    '"': "'", "¿": "?", "€": "E", "´": "'", "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "ʹ": "'", "“": "'",
    "”": "'", "„": "'", "«": "'", "»": "'", "‹": "'", "›": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-",
    "―": "-", "−": "-", "⁄": "/", "∕": "/", "×": "x",
}  # fmt: skip
_LATIN = {
    "ß": "s", "æ": "a", "œ": "o", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ŀ": "l", "ħ": "h", "ı": "i",
    "ĸ": "k", "ŋ": "n", "ŧ": "t", "ə": "e", "ǝ": "e", "ƒ": "f", "ƶ": "z", "ɨ": "i", "ʉ": "u", "ɔ": "o", "ɛ": "e",
}  # fmt: skip
_GREEK = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i", "κ": "k", "λ": "l",
    "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f",
    "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h",
    "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ъ": "a", "ь": "y", "ю": "yu", "я": "ya",
    # not in the EPC table, which covers Bulgarian only: Russian, Ukrainian, Serbian, Macedonian
    "ы": "y", "э": "e", "і": "i", "є": "ye", "ґ": "g", "ђ": "d", "ј": "j", "љ": "lj", "њ": "nj", "ћ": "c", "џ": "dz",
    "ѕ": "dz",
}  # fmt: skip
_LETTERS = _LATIN | _GREEK | _CYRILLIC
_INVISIBLE = frozenset({"Mn", "Me", "Cf"})


class _Table(dict[int, str]):
    """Maps each character to its replacement, computed on first use."""

    def __missing__(self, code: int) -> str:
        made = self[code] = _convert(chr(code))
        return made


_TABLE = _Table()


def _convert(character: str) -> str:
    if _ALLOWED.fullmatch(character):
        return character
    if character in _SIGNS:
        return _SIGNS[character]
    if character in _LETTERS:
        return _LETTERS[character]
    if character.lower() in _LETTERS:
        return _LETTERS[character.lower()].capitalize()
    if unicodedata.category(character) in _INVISIBLE:
        return ""
    return " " if character.isspace() else _decompose(character)


def _decompose(character: str) -> str:
    """Return an accented letter without accents, a ligature as letters, a digit of any script as an ASCII digit."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    parts = unicodedata.normalize("NFKD", character)
    if parts == character:
        return "."
    return "".join(_TABLE[ord(part)] for part in parts).strip() or "."


def to_sepa(text: str, max_length: int) -> str:
    """Return the text in the SEPA character set, with single spaces, at most `max_length` long.

    Empty only if the text consists of spaces. Converting twice gives the same result.
    """
    carried = text
    if not _ALLOWED.fullmatch(text):
        carried = unicodedata.normalize("NFC", text).translate(_TABLE)
        if text.isupper():
            carried = carried.upper()
    folded = " ".join(carried.split())[:max_length].rstrip()
    return folded or ("." if text.strip() else "")


def is_sepa(text: str, max_length: int) -> bool:
    """Return whether the text can be sent as it is: not empty, not too long, no space at either end."""
    return 0 < len(text) <= max_length and _ALLOWED.fullmatch(text) is not None and text == text.strip(" ")


def is_reference(text: str, max_length: int = REFERENCE) -> bool:
    """Return whether the text can be a message id or end-to-end id as it is."""
    return is_sepa(text, max_length) and text[0] != "/" and text[-1] != "/" and "//" not in text
