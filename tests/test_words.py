"""One word per thing: no message, Dutch or English, has a word that docs/words.md refuses."""

import re
from pathlib import Path

import pytest

from tests.test_languages import PAIRS, QUOTED

PAGE = (Path(__file__).parent.parent / "docs" / "words.md").read_text("utf-8")
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def table(heading: str) -> list[list[str]]:
    """Return the rows of the table under a heading, without its head."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",") if word.strip()]


WORDS = table("Words")
EXCEPTIONS = [(word, beginning) for word, beginning, _why in table("Exceptions")]
REFUSED = {
    "dutch": [word for row in WORDS for word in words(row[2])],
    "english": [word for row in WORDS for word in words(row[3])],
}


def pattern(word: str) -> re.Pattern[str]:
    """Return what finds a refused word; only its first letter may be a capital or not."""
    stem, ending = (word[:-1], r"\w*") if word.endswith("*") else (word, "")
    first = f"[{re.escape(stem[0].lower())}{re.escape(stem[0].upper())}]" if stem[0].islower() else re.escape(stem[0])
    return re.compile(rf"(?<!\w){first}{re.escape(stem[1:])}{ending}(?!\w)")


def excepted(word: str, dutch: str) -> bool:
    return any(word == other and dutch.startswith(beginning) for other, beginning in EXCEPTIONS)


def found(word: str, side: int) -> list[str]:
    """Return the messages with this word. `side`: 0 Dutch, 1 English. Quotes of Nmbrs and placeholders are no words."""
    wanted = pattern(word)
    return [
        pair[side]
        for pair in PAIRS
        if wanted.search(PLACEHOLDER.sub("", QUOTED.sub("", pair[side]))) and not excepted(word, pair[0])
    ]


@pytest.mark.parametrize("word", sorted(set(REFUSED["dutch"])))
def test_no_dutch_message_has_a_refused_word(word: str):
    assert found(word, 0) == []


@pytest.mark.parametrize("word", sorted(set(REFUSED["english"])))
def test_no_english_message_has_a_refused_word(word: str):
    assert found(word, 1) == []


def test_the_table_is_read():
    assert len(WORDS) > 40 and all(len(row) == 4 for row in WORDS)
    assert "seintje*" in REFUSED["dutch"] and "fetch*" in REFUSED["english"]


def test_every_exception_is_needed():
    """Its message exists and has the word."""
    for word, beginning in EXCEPTIONS:
        here = [pair for pair in PAIRS if pair[0].startswith(beginning)]
        assert any(pattern(word).search(text) for pair in here for text in pair), (word, beginning)


@pytest.mark.parametrize(
    ("word", "text", "hit"),
    [
        ("pin", "Enter your pin.", True),
        ("pin", "Pin", True),
        ("pin", "PIN", False),
        ("pin", "shopping", False),
        ("seintje*", "Het seintjesadres", True),
        ("KvK", "the KVK", False),
        ("four eyes", "Four eyes", True),
    ],
)
def test_a_refused_word_is_a_whole_word(word: str, text: str, hit: bool):
    assert bool(pattern(word).search(text)) is hit
