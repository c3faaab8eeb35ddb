"""Text in the SEPA character set: conversion of names and references for the payment file."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sepa_text import is_reference, is_sepa, to_sepa

ALLOWED = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")

CONVERSIONS = [
    ("Jong, Wouter de", "Jong, Wouter de"),
    ("Zoë Müller-Lüdenscheidt", "Zoe Muller-Ludenscheidt"),
    ("François Peña", "Francois Pena"),
    ("Straßer", "Straser"),
    ("Ærøskøbing", "Aroskobing"),
    ("Bjørn Åse", "Bjorn Ase"),
    ("Łukasz Żółć", "Lukasz Zolc"),
    ("Đorđe Šćekić", "Dorde Scekic"),
    ("Þór Guðmundsson", "Thor Gudmundsson"),
    ("İbrahim Yıldız Çağlar", "Ibrahim Yildiz Caglar"),
    ("Ștefan Țepeș", "Stefan Tepes"),
    ("Őry Űrmös", "Ory Urmos"),
    ("van der Ĳssel", "van der IJssel"),
    ("Nguyễn Thị Phượng", "Nguyen Thi Phuong"),
    ("Γεώργιος Παπαδόπουλος", "Georgios Papadopoylos"),
    ("ΘΕΟΔΩΡΟΣ ΨΑΡΡΑΣ", "THEODOROS PSARRAS"),
    ("Θεόδωρος Ψαρράς", "Theodoros Psarras"),
    ("Щербаков Юрий", "Shterbakov Yuriy"),
    ("Жўлдошев Ёлкин", "Zhuldoshev Elkin"),
    ("Ђорђе Љубић", "Dorde Ljubic"),
    ("Zoe\u0308", "Zoe"),
    ("O’Brien “Mac” – & Zn.", "O'Brien 'Mac' - + Zn."),
    ("A[1]{2}\\3|4_5~6`7;8€¿", "A(1)(2)/3/4-5-6'7,8E?"),
    ("a!b#c$d%e*f<g=h>i@j^k", "a.b.c.d.e.f.g.h.i.j.k"),
    ("½ dag, 3² m", "1/2 dag, 32 m"),
    ("ﬁnn ①", "finn 1"),
    ("٣٤", "34"),
    ("a\u00a0b\tc\nd   e", "a b c d e"),
    ("ja\u200bn\ufeff\u00ad", "jan"),
    ("李明", ".."),
    ("👍", "."),
    ("  ", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "carried"), CONVERSIONS, ids=[text for text, _ in CONVERSIONS])
def test_it_is_converted_to_the_sepa_character_set(text: str, carried: str):
    assert to_sepa(text, 70) == carried


def test_it_is_truncated_without_trailing_space():
    assert to_sepa("Salaris november 2026", 8) == "Salaris"
    assert to_sepa("ß" * 200, 140) == "s" * 140
    assert to_sepa("щ" * 30, 70) == ("sht" * 30)[:70]


def test_invisible_text_does_not_become_empty():
    assert to_sepa("\u200b", 70) == "."
    assert to_sepa("\u0301", 70) == "."


def test_valid_sepa_text_is_recognised():
    assert is_sepa("Jong, Wouter de", 70)
    assert not is_sepa("", 70)
    assert not is_sepa("Zoë", 70)
    assert not is_sepa("x" * 71, 70)
    assert not is_sepa(" x", 70)
    assert not is_sepa("x\n", 70)
    assert is_reference("20260430034734-66580-2")
    assert not any(map(is_reference, ("/a", "a/", "a//b", "x" * 36, "")))


@given(st.text(max_size=200), st.integers(1, 140))
def test_any_text_converts_to_valid_sepa(text: str, longest: int):
    carried = to_sepa(text, longest)
    assert ALLOWED.fullmatch(carried)
    assert len(carried) <= longest
    assert "  " not in carried
    assert carried == carried.strip()
    assert bool(carried) == bool(text.strip())
    assert to_sepa(carried, longest) == carried


@given(st.text(alphabet=st.characters(whitelist_categories=("Lu", "Ll"), max_codepoint=0x17F), min_size=1, max_size=40))
def test_accents_are_removed(text: str):
    """Verified in another way, with Unicode's own character names."""
    for letter in text:
        name = unicodedata.name(letter)
        if " WITH " in name and len(base := name.split(" WITH ")[0].split()[-1]) == 1:
            expected = base if "CAPITAL" in name else base.lower()
            assert to_sepa(letter, 10) == expected
