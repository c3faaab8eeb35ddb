"""Characters that nobody sees are found, shown by their number, and left out of comparisons."""

import logging
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from commands import people, support
from connectors.identity.port import Identity
from connectors.register.port import Person
from core.hidden_characters import (
    drop_hidden,
    has_hidden,
    is_right_to_left,
    isolate,
    load_json,
    mark_hidden,
    show_hidden,
)
from core.log_records import OneLineRecord
from core.names import normalise_name
from domain.identity.matching import may_be_same_person
from tests.support.hidden_texts import HEBREW, KINDS

PLAIN = (
    "Jong, Wouter de", "Özgür Çelik", "Nguyễn Thị Ánh", "€\u00a01.234,56", HEBREW, "محمد", "李小龙",
    "O’Brien – 50%", "",
)  # fmt: skip
HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


@pytest.mark.parametrize("signs", KINDS.values(), ids=KINDS)
def test_each_kind_is_found_shown_and_left_out(signs: str):
    name = f"Jan{signs}sen"
    assert has_hidden(name)
    shown = mark_hidden(name)
    assert shown.startswith("Jan") and "U+" in shown and not has_hidden(shown)
    assert shown != mark_hidden("Jansen")
    assert not has_hidden(drop_hidden(name))


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_stays_as_it_is(text: str):
    assert not has_hidden(text)
    assert mark_hidden(text) == show_hidden(text) == drop_hidden(text) == text


@given(st.text())
def test_nothing_hidden_is_left_in_what_is_shown(text: str):
    for made in (mark_hidden(text), drop_hidden(text)):
        assert not any(unicodedata.category(sign) in HIDDEN for sign in made)
        assert not has_hidden(made)
    assert has_hidden(text) == (mark_hidden(text) != text)


@given(st.text(), st.text())
def test_two_texts_that_differ_are_shown_differently(one: str, other: str):
    if "⟨" not in one + other:
        assert (mark_hidden(one) == mark_hidden(other)) == (one == other)


def test_a_run_of_one_character_is_counted():
    assert mark_hidden("a" + "\u200b" * 5000 + "b") == "a⟨U+200B ×5000⟩b"
    assert mark_hidden("z" + "\u0335" * 20) == "z\u0335\u0335\u0335⟨U+0335 ×17⟩"


def test_right_to_left_text_keeps_its_direction_to_itself():
    assert isolate(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert isolate("Jan") == "Jan"
    assert show_hidden(f"Aan {isolate(HEBREW)}: 5") == f"Aan \u2068{HEBREW}\u2069: 5"
    assert isolate(f"{HEBREW}\u2069\u202e") == f"\u2068{HEBREW}⟨U+2069⟩⟨U+202E⟩\u2069"
    assert show_hidden("a\u2068b\u2069") == "a⟨U+2068⟩b⟨U+2069⟩", "an isolate without right-to-left text is not ours"
    assert is_right_to_left(HEBREW) and not is_right_to_left("Özgür €")


def test_json_of_outside_can_be_stored():
    found = load_json('{"a": ["x\\u0000y", "\\ud800", 1, null], "b\\u0000": "\\u202e", "c": "\\ud83d\\ude00"}')
    assert found == {"a": ["x␀y", "�", 1, None], "b␀": "\u202e", "c": "😀"}
    assert str(found).encode()
    assert load_json(b'{"a": 1.5}', parse_float=str) == {"a": "1.5"}


def test_a_number_beyond_decimals_is_no_json():
    with pytest.raises(ValueError, match="out of bounds"):
        load_json(b'{"a": 1e' + b"9" * 30 + b"}", parse_float=Decimal)


# --- one person stays one person, and two stay two -------------------------------------------------
@pytest.mark.parametrize("signs", [one for name, one in KINDS.items() if drop_hidden(one) == ""], ids=ascii)
def test_a_name_with_something_hidden_is_the_name_without_it(signs: str):
    assert normalise_name(f"Jan{signs}sen, W. de") == normalise_name("Jansen, W. de")


@pytest.mark.parametrize("signs", ["\t", "\n", "\r\n", "\x85", "\u2028"], ids=ascii)
def test_a_line_break_in_a_name_is_a_space(signs: str):
    assert normalise_name(f"Wouter{signs}de Jong") == normalise_name("Wouter de Jong")


def test_accents_beyond_measure_are_none():
    assert normalise_name("Ja" + "\u0335" * 40 + "n") == normalise_name("Jan")


@pytest.mark.parametrize("signs", ["\u200b", "\u3164", "\u202e", "\ufe0f"], ids=ascii)
def test_a_second_identification_with_something_hidden_is_the_same_person(signs: str):
    born, seen = date(1985, 2, 3), datetime(2026, 11, 29, tzinfo=UTC)
    other = Identity("other bank", "s2", "W", f"Jan{signs}sen", None, born, "high", seen, "-")
    assert may_be_same_person(Person(None, "W", None, "Jansen", born), other)
    unseen = Identity("other bank", "s2", "W", signs, None, born, "high", seen, "-")
    assert may_be_same_person(Person(None, "W", None, "Jansen", born), unseen), "a surname nobody sees is unknown"


def test_the_command_line_takes_and_prints_nothing_hidden():
    refused = CliRunner().invoke(people.operator_add, ["jan\u200b"])
    assert refused.exit_code == 2 and "characters that nobody sees" in refused.output
    with CliRunner().isolation() as (out, *_):
        support.say("Jan\x1b[2K")
        assert out.getvalue() == "Jan⟨U+001B⟩[2K\n".encode()


def test_a_text_from_outside_starts_no_log_line():
    said = "a\r\n2026 INFO all is well\x1b[2K"
    record = OneLineRecord("domain.x", logging.INFO, "", 1, "the bank says %s", (said,), None)
    assert record.getMessage() == "the bank says a⟨U+000D⟩⟨U+000A⟩2026 INFO all is well⟨U+001B⟩[2K"
    theirs = OneLineRecord("werkzeug", logging.INFO, "", 1, "a\nb", None, None)
    assert theirs.getMessage() == "a\nb"
