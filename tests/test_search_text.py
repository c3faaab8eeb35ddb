"""What somebody types to search, read as words, amounts and months."""

import pytest

from core.search_text import LONGEST, cents_between, clean, month_of, words_of


@pytest.mark.parametrize(
    ("typed", "between"),
    [
        ("8559,16", (855916, 855916)), ("8.559,16", (855916, 855916)), ("8,559.16", (855916, 855916)),
        ("8559.16", (855916, 855916)), ("8.559", (855900, 855999)), ("8559", (855900, 855999)),
        ("1.234.567,89", (123456789, 123456789)), ("0,05", (5, 5)), ("5", (500, 599)), ("12,5", None),
        ("8.55", (855, 855)), ("x5", None), ("", None), ("1e9", None), ("١٢", (1200, 1299)),
    ],
)  # fmt: skip
def test_amounts(typed: str, between: tuple[int, int] | None):
    assert cents_between(typed) == between


def test_an_amount_of_any_length_fits_the_database():
    found = cents_between("9" * LONGEST) or (0, 0)
    assert found[1] < 2**63


@pytest.mark.parametrize(
    ("typed", "month"),
    [("november", 11), ("nov", 11), ("Nov.", 11), ("mrt", 3), ("march", 3), ("mei", 5), ("may", 5), ("okt", 10),
     ("oct", 10), ("no", None), ("novemberx", None), ("Meijer", None), ("jun", 6), ("jul", 7)],
)  # fmt: skip
def test_months(typed: str, month: int | None):
    assert month_of(typed) == month


def test_words_without_signs_and_noise():
    assert words_of("Run 11 − € 318,25 Periode") == ["11", "318,25"]
    assert clean("  Jan\u200b   de \n Boer ") == "Jan de Boer"
    assert len(clean("x" * 500)) == LONGEST
