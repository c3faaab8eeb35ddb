"""IBAN validation: country, length, structure and check digits."""

import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN, registry
from schwifty.exceptions import SchwiftyException
from stdnum import iban as stdnum_iban

from core.iban import format_iban, normalise

# From the demo data and examples of the IBAN registry.
RIGHT = [
    "NL42INGB2268352412", "NL64TRIO0379501686", "BE68539007547034", "DE89370400440532013000", "NO9386011117947",
    "FR1420041010050500013M02606", "MT84MALT011000012345MTLCAST001S", "GB29NWBK60161331926819",
]  # fmt: skip



def valid(text: str) -> bool:
    try:
        normalise(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("iban", RIGHT)
def test_a_valid_iban_is_accepted(iban: str):
    assert normalise(iban) == iban
    assert normalise(f" {format_iban(iban).lower()}\n") == iban
    assert normalise(format_iban(iban).replace(" ", "\u00a0").lower()) == iban


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NL",
        "NL42",
        "Jong, Wouter de",
        "NL42INGB2268352413",  # one digit wrong
        "NL42INGB226835241",  # too short
        "NL42INGB22683524120",  # too long
        "NL42-INGB-2268-3524-12",
        "NL42INGB2268352412NL42INGB2268352412",
        "ZZ42INGB2268352412",  # unknown country
        "NL4２INGB2268352412",  # a digit of another script
        "NL42ıNGB2268352412",  # a letter whose upper case is I
        "42NLINGB2268352412",
        "NL42INGB2268352412\x00",
        "NL42\x0bINGB2268352412",
        "NL42INGB2268352412\x1f",
        "NL42INGB226835241²",
        "MA64011519000001205000534921",  # a country that only plans IBANs
    ],
)
def test_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match="not a valid IBAN"):
        normalise(text)
    assert not valid(text)


def with_right_digits(country: str, rest: str) -> str:
    digits = int("".join(str(int(sign, 36)) for sign in f"{rest}{country}00")) % 97
    return f"{country}{98 - digits:02d}{rest}"


@pytest.mark.parametrize(
    ("country", "rest"),
    [
        ("NL", "ING12268352412"),  # a digit in the bank code
        ("NL", "INGB226835241X"),  # a letter in the account number
        ("NL", "INGB22683524123"),  # one digit too many
        ("NL", "INGB226835241"),  # one digit too few
        ("DE", "37040044053201300X"),
    ],
)
def test_valid_check_digits_do_not_excuse_a_wrong_structure(country: str, rest: str):
    assert not valid(with_right_digits(country, rest))


def test_equivalent_check_digits_are_refused():
    """00, 01 and 99 give the same remainder as 97, 98 and 02, but are not valid check digits (ISO 7064)."""
    for number in range(3000):
        iban = with_right_digits("NL", f"INGB{number:010d}")
        assert valid(iban)
        if iban[2:4] in ("97", "98", "02"):
            twin = {"97": "00", "98": "01", "02": "99"}[iban[2:4]]
            assert not valid(f"NL{twin}{iban[4:]}")


@given(st.sampled_from(RIGHT), st.data())
def test_one_wrong_character_is_detected(iban: str, data: st.DataObject):
    place = data.draw(st.integers(0, len(iban) - 1))
    sign = data.draw(st.sampled_from([c for c in string.ascii_uppercase + string.digits if c != iban[place]]))
    wrong = iban[:place] + sign + iban[place + 1 :]
    if wrong[2:4].isdigit():  # the other library also takes letters for check digits
        assert valid(wrong) == stdnum_iban.is_valid(wrong, check_country=False), "another library says otherwise"
    # modulo 97 detects every wrong digit and letter; a swap of the two kinds escapes once in 97
    if sign.isdigit() == iban[place].isdigit():
        assert not valid(wrong)


@given(st.text(max_size=40))
def test_random_text_raises_only_value_error(text: str):
    if valid(text):
        assert normalise(normalise(text)) == normalise(text)


@given(st.integers(0, 2**32))
def test_an_iban_of_any_country_is_accepted_as_by_another_library(seed: int):
    """Made by schwifty for any country with banks; its structure and digits are judged by python-stdnum."""
    made = str(IBAN.random(random=random.Random(seed)))
    assert normalise(made) == made
    assert stdnum_iban.is_valid(made, check_country=False)


def test_countries_that_only_plan_ibans_are_refused():
    pairs = [a + b for a in string.ascii_uppercase for b in string.ascii_uppercase]
    planned = [country for country in pairs if is_planned(country)]
    assert {"MA", "DZ", "SN"} <= set(planned)
    for country in planned:
        made = planned_iban(country)
        assert IBAN(made).country_code == country, "schwifty accepts it"
        assert not valid(made)


def planned_iban(country: str) -> str:
    """Return an IBAN of this country's structure, in which each part has its smallest characters."""
    structure = registry.get_iban_spec(country).bban_spec
    parts = re.findall(r"(\d+)!?([acn])", structure)
    return with_right_digits(country, "".join(("A" if kind == "a" else "0") * int(length) for length, kind in parts))


def is_planned(country: str) -> bool:
    try:
        return registry.get_iban_spec(country).aspirational
    except SchwiftyException:
        return False
