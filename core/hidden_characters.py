"""Characters that nobody sees, or that change how the text around them is read: found, shown and left out.

Hidden are the controls, formats (directions, zero width, tags, soft hyphen), line and paragraph separators, surrogates,
private and unassigned characters of Unicode (categories Cc, Cf, Zl, Zp, Cs, Co, Cn), and the letters, marks and signs
that have no looks (variation selectors, fillers). Unicode Technical Report 36 calls them a way to deceive readers.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
# Without looks, yet letters, marks or signs: joiner, Hangul fillers, Khmer vowels, variation selectors, blank Braille.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"  # hidden, and the space between two words
_MOST_MARKS = 3  # accents on one letter; Hebrew and Thai texts have up to three


_FIRST_MARK = "\u0300"  # no character before it has right-to-left letters, accents of their own, or blanks


def _characters(wanted: Collection[str], kind: Callable[[str], str]) -> str:
    """Return these characters of the first two planes of Unicode, as ranges for a regular expression."""
    codes = [code for code in range(ord(_FIRST_MARK), 0x20000) if kind(chr(code)) in wanted]
    starts = [code for code, before in zip(codes, [-1, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -1], strict=True) if code + 1 != after]
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))


@cache  # at first use: it takes a while, and most processes never need it
def _suspect() -> re.Pattern[str]:
    return re.compile(f"[{_BLANK}]|[{_characters(('Mn', 'Me'), unicodedata.category)}]{{{_MOST_MARKS + 1}}}")


@cache
def _flood() -> re.Pattern[str]:
    marks = _characters(("Mn", "Me"), unicodedata.category)
    return re.compile(f"([{marks}]{{{_MOST_MARKS}}})([{marks}]+)")


@cache
def _right_to_left() -> re.Pattern[str]:
    return re.compile(f"[{_characters(('R', 'AL', 'AN'), unicodedata.bidirectional)}]")


_IS_BLANK = re.compile(f"[{_BLANK}]")
# What `isolate` made: FIRST STRONG ISOLATE, a text, POP DIRECTIONAL ISOLATE. It changes nothing outside itself.
_ISOLATED = re.compile("\u2068([^\u2066-\u2069\u202a-\u202e\\n]*)\u2069")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _Markers(dict[int, str]):
    """Maps each hidden character to what shows it, and each other to itself; computed on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        made = self[code] = f"⟨U+{code:04X}⟩" if is_hidden(character) else character
        return made


def is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _CATEGORIES or _IS_BLANK.match(character) is not None


_MARKERS = _Markers()
_REPEATED = re.compile(r"(⟨U\+[0-9A-F]{4,6}⟩)\1{2,}")
MARKER = re.compile(r"⟨U\+[0-9A-F]{4,6}(?: ×[0-9]+)?⟩")


def has_hidden(text: str) -> bool:
    """Return whether the text has hidden characters, or more accents on a letter than any language writes."""
    if not (text.isprintable() or text.replace("\xa0", " ").isprintable()) and any(map(is_hidden, text)):
        return True
    return _reaches_marks(text) and _suspect().search(text) is not None


def _reaches_marks(text: str) -> bool:
    return not text.isascii() and max(text) >= _FIRST_MARK


def mark_hidden(text: str) -> str:
    """Return the text with each hidden character shown by its number: ⟨U+202E⟩."""
    if not has_hidden(text):
        return text
    shown = _flood().sub(_numbered, text.translate(_MARKERS))
    return _REPEATED.sub(lambda run: f"{run[1][:-1]} ×{len(run[0]) // len(run[1])}⟩", shown)


def _numbered(flood: re.Match[str]) -> str:
    return flood[1] + "".join(f"⟨U+{ord(mark):04X}⟩" for mark in flood[2])


def show_hidden(text: str) -> str:
    """Return the text as `mark_hidden` does, with what `isolate` put around right-to-left parts of it left in place."""
    if not has_hidden(text):
        return text
    parts = _ISOLATED.split(text)
    shown = [
        f"\u2068{mark_hidden(part)}\u2069" if index % 2 and is_right_to_left(part)
        else mark_hidden(f"\u2068{part}\u2069" if index % 2 else part)
        for index, part in enumerate(parts)
    ]  # fmt: skip
    return "".join(shown)


def is_right_to_left(text: str) -> bool:
    """Return whether a part of the text runs from right to left, so that it can turn what stands beside it."""
    return _reaches_marks(text) and _right_to_left().search(text) is not None


def isolate(text: str) -> str:
    """Return an outside text to be put in a sentence of ours: hidden characters shown, its direction kept to itself.

    A list of texts that were isolated one by one stays as it is.
    """
    shown = show_hidden(text)
    if not is_right_to_left(_ISOLATED.sub("", shown)):
        return shown
    return f"\u2068{mark_hidden(text)}\u2069"


def drop_hidden(text: str) -> str:
    """Return the text without hidden characters; a line break becomes a space."""
    if not has_hidden(text):
        return text
    kept = (" " if one in _BREAKS else "" if is_hidden(one) else one for one in text)
    return _flood().sub(r"\1", "".join(kept))


def storable(value: Any) -> Any:
    """Return a document of an outside service with its texts as a database takes them: NUL as ␀, half a character as �.
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda found: "␀" if found[0] == "\0" else "�", value)
    if isinstance(value, list):
        return [storable(one) for one in value]
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    return value


def load_json(text: str | bytes, **options: Any) -> Any:
    """Return a JSON document of an outside service, `storable`. Only an escape (\\u0000) can make it anything else.

    Raises:
    - ValueError, RecursionError: as `json.loads`; also for a number that `parse_float` cannot hold.
    """
    try:
        found = json.loads(text, **options)
    except ArithmeticError as error:  # of Decimal, whose exponents have a bound
        raise ValueError("a number out of bounds") from error
    escaped = "\\u" in text if isinstance(text, str) else b"\\u" in text
    return storable(found) if escaped else found
