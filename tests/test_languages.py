"""Both languages are whole: every text of the code has an English one that tells the same things."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from babel.messages.catalog import Message
from flask import Flask
from flask_babel import force_locale

from blueprints.web import formatters
from blueprints.web.i18n import init_languages
from tools import translations

ENGLISH = translations.read()
TOLD = translations.told(ENGLISH)
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
TAG = re.compile(r"</?\w+[^>]*>")
# What is written alike in both languages: names, words of the standard, and what both took from a third.
ALIKE = re.compile(r"[\W\d]*|.*%\(\w+\)s.*|(?:\w+ )?\w+", re.DOTALL)
QUOTED = re.compile(r"‘[^’]*’")  # a button of Nmbrs, which is Dutch
DUTCH = re.compile(r"\b(de|het|een|niet|geen|jouw|deze|wordt|betaling|rekening|klopt|nog|naar|ook|maar)\b", re.I)


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each English text beside the Dutch one that it stands for."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(str(ours), str(theirs)) for ours, theirs in zip(message.id or (), message.string or (), strict=True)]


PAIRS = [pair for message in TOLD for pair in pairs(message)]


def test_the_catalogue_is_that_of_the_code():
    """Nothing without a translation, nothing that nobody says any more; the file as the tool writes it."""
    current = translations.updated()
    assert translations.missing(current) == []
    assert translations.written(current) == translations.ENGLISH.read_bytes()
    assert len(TOLD) > 1_000


def test_both_say_the_same_things():
    """Placeholders, tags, and the blanks at their ends. A plural may leave its number out in either language."""
    for dutch, english in PAIRS:
        ours, theirs = (set(PLACEHOLDER.findall(text)) for text in (dutch, english))
        assert ours == theirs, (dutch, english)
        assert sorted(TAG.findall(dutch)) == sorted(TAG.findall(english)), dutch
        assert len(english) - len(english.strip()) == len(dutch) - len(dutch.strip()), dutch


def test_a_sentence_stays_a_sentence():
    """A screen joins sentences: one without its point would run into the next."""
    ends = [(dutch, english) for dutch, english in PAIRS if (dutch[-1:] in ".?!:") != (english[-1:] in ".?!:")]
    assert ends == []


def test_english_is_english():
    own = [(english, QUOTED.sub("", PLACEHOLDER.sub("", english))) for _dutch, english in PAIRS]
    assert [english for english, words in own if DUTCH.search(words)] == []
    untouched = [dutch for dutch, english in PAIRS if dutch == english and not ALIKE.fullmatch(dutch)]
    assert untouched == []


# --- how things are written ---
@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask(__name__)
    init_languages(app)
    with app.test_request_context():
        yield app


AT = datetime(2026, 11, 24, 14, 7, 41, tzinfo=UTC)
WRITTEN = {
    "euro": (1980608, "€\xa019.806,08", "€19,806.08"),
    "amount": (1980608, "19.806,08", "19,806.08"),
    "number": (12345, "12.345", "12,345"),
    "day": (date(2026, 11, 24), "di 24 nov.", "Tue 24 Nov"),
    "long_day": (date(2026, 11, 24), "dinsdag 24 november 2026", "Tuesday 24 November 2026"),
    "day_and_month": (date(2026, 11, 24), "24 november", "24 November"),
    "month": (date(2026, 11, 1), "november 2026", "November 2026"),
    "moment": (AT, "24-11-2026 15:07", "24/11/2026 15:07"),
    "datetime_seconds": (AT, "24-11-2026 15:07:41", "24/11/2026 15:07:41"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_things_are_written_as_the_language_does(app: Flask, name: str):
    value, *wanted = WRITTEN[name]
    found = []
    for language in ("nl", "en"):
        with force_locale(language):
            found.append(getattr(formatters, name)(value))
    assert found == wanted


@pytest.mark.parametrize(
    ("language", "text", "cents"),
    [
        ("nl", "10.000", 10_000_00), ("nl", "10.000,50", 10_000_50), ("nl", "1234,56", 1_234_56),
        ("nl", "10,000", None),
        ("nl", "1.5", None), ("nl", "10.00", None), ("nl", "-5", None), ("nl", "", None),
        ("nl", "1.234.567", 1_234_567_00),
        ("en", "10,000", 10_000_00), ("en", "10,000.50", 10_000_50), ("en", "1234.56", 1_234_56),
        ("en", "10.000", None), ("en", "1,5", None),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_the_language_writes_it(app: Flask, language: str, text: str, cents: int | None):
    """What could mean either is refused: ten thousand is not ten."""
    with force_locale(language):
        assert formatters.read_amount(text) == cents
