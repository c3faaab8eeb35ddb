"""What somebody typed to search: cleaned, and read as words, amounts and months."""

import re

from core.hidden_characters import drop_hidden

LONGEST = 70
_AMOUNT = re.compile(r"(\d{1,3}(?:[.,]\d{3}){1,4}|\d{1,12})(?:[.,](\d{2}))?")
_SIGNS = "€+-\u2212"
# What is typed before a number or an amount, and says nothing by itself.
_NOISE = frozenset({"eur", "euro", "run", "periode", "period"})
_MONTHS = (
    ("januari", "january"), ("februari", "february"), ("maart", "march", "mrt"), ("april",), ("mei", "may"),
    ("juni", "june"), ("juli", "july"), ("augustus", "august"), ("september",), ("oktober", "october"),
    ("november",), ("december",),
)  # fmt: skip
_SHORTEST_MONTH = 3


def clean(text: str) -> str:
    """Return the text without characters that nobody sees, with single spaces, cut where it is too long."""
    return " ".join(drop_hidden(text[:LONGEST]).split())


def words_of(text: str) -> list[str]:
    """Return the words that must all be found: without signs before an amount, and words that only announce a number.
    """
    words = [word.strip(_SIGNS) for word in text.split()]
    return [word for word in words if word and word.casefold() not in _NOISE]


def cents_between(word: str) -> tuple[int, int] | None:
    """Return the lowest and highest amount (cents) that a word means, as typed in Dutch or English; None if it is none.

    "8.559,16" and "8559.16" mean one amount, "8.559" and "8559" every amount of so many euros.
    """
    match = _AMOUNT.fullmatch(word)
    if match is None:
        return None
    whole = int(re.sub(r"\D", "", match[1])) * 100
    exact = whole + int(match[2] or 0)
    return (exact, exact if match[2] else whole + 99)


def month_of(word: str) -> int | None:
    """Return the number of the month that a word names in Dutch or English, whole or by at least three letters."""
    plain = word.casefold().rstrip(".")
    if len(plain) < _SHORTEST_MONTH:
        return None
    named = (number for number, names in enumerate(_MONTHS, 1) if any(one.startswith(plain) for one in names))
    return next(named, None)
