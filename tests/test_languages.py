"""Both languages are complete: every text in the code has an English translation with the same content."""

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
# Texts that are the same in both languages: names, terms of a standard, and loanwords.
ALIKE = re.compile(r"[\W\d]*|.*%\(\w+\)s.*|(?:\w+ )?\w+", re.DOTALL)
QUOTED = re.compile(r"‘[^’]*’")  # a button of Nmbrs, in Dutch
DUTCH = re.compile(r"\b(de|het|een|niet|geen|jouw|deze|wordt|betaling|rekening|klopt|nog|naar|ook|maar)\b", re.I)


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each English text with its Dutch source."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(str(ours), str(theirs)) for ours, theirs in zip(message.id or (), message.string or (), strict=True)]


PAIRS = [pair for message in TOLD for pair in pairs(message)]


def test_the_catalogue_matches_the_code():
    """No missing translations, no unused texts; the file is exactly as the tool writes it."""
    current = translations.updated()
    assert translations.missing(current) == []
    assert translations.written(current) == translations.ENGLISH.read_bytes()
    assert len(TOLD) > 1_000


def test_both_languages_have_the_same_parts():
    """Placeholders, tags and outer spaces. A plural may omit its number in either language."""
    for dutch, english in PAIRS:
        ours, theirs = (set(PLACEHOLDER.findall(text)) for text in (dutch, english))
        assert ours == theirs, (dutch, english)
        assert sorted(TAG.findall(dutch)) == sorted(TAG.findall(english)), dutch
        assert len(english) - len(english.strip()) == len(dutch) - len(dutch.strip()), dutch


def test_sentences_keep_their_full_stop():
    """Pages join sentences, so a missing full stop would merge two."""
    ends = [(dutch, english) for dutch, english in PAIRS if (dutch[-1:] in ".?!:") != (english[-1:] in ".?!:")]
    assert ends == []


def test_english_texts_are_english():
    own = [(english, QUOTED.sub("", PLACEHOLDER.sub("", english))) for _dutch, english in PAIRS]
    assert [english for english, words in own if DUTCH.search(words)] == []
    untouched = [dutch for dutch, english in PAIRS if dutch == english and not ALIKE.fullmatch(dutch)]
    assert untouched == []


# --- notation ---
@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask(__name__)
    init_languages(app)
    with app.test_request_context():
        yield app


AT = datetime(2026, 11, 24, 14, 7, 41, tzinfo=UTC)
WRITTEN = {
    "euro": (1980608, "€\xa019.806,08", "€19,806.08"),
    "signed_euro": (731540, "+€\xa07.315,40", "+€7,315.40"),
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
def test_values_are_formatted_for_the_language(app: Flask, name: str):
    value, *wanted = WRITTEN[name]
    found = []
    for language in ("nl", "en"):
        with force_locale(language):
            found.append(getattr(formatters, name)(value))
    assert found == wanted


def test_the_sign_stands_before_the_amount(app: Flask):
    with force_locale("nl"):
        assert formatters.euro(-31825) == formatters.signed_euro(-31825) == "−€\xa0318,25"
        assert formatters.signed_euro(0) == "€\xa00,00"


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
def test_an_amount_is_parsed_for_the_language(app: Flask, language: str, text: str, cents: int | None):
    """An ambiguous amount is refused: ten thousand is not ten."""
    with force_locale(language):
        assert formatters.read_amount(text) == cents
