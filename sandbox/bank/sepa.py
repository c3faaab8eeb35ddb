"""Validation of single SEPA values: IBAN, amount, text, reference, business day."""

import re
from datetime import date

import holidays

# IBAN lengths of the SEPA countries (IBAN registry).
IBAN_LENGTHS = {
    "AD": 24, "AL": 28, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "VA": 22,
}  # fmt: skip
IBAN_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
TEXT_FORM = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")
AMOUNT_FORM = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
MAX_REFERENCE = 35


def iban_is_valid(text: str) -> bool:
    """Return whether country, length and check digits are valid (ISO 13616, modulo 97)."""
    if not IBAN_FORM.fullmatch(text) or IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def cents(text: str) -> int:
    """Convert "19806.08" to 1980608.

    Raises:
    - ValueError: it is not a positive euro amount that SEPA allows.
    """
    if not AMOUNT_FORM.fullmatch(text):
        raise ValueError(text)
    whole, _, fraction = text.partition(".")
    value = int(whole) * 100 + int(fraction.ljust(2, "0"))
    if not value:
        raise ValueError(text)
    return value


def amount(value: int) -> str:
    """Convert 1980608 to "19806.08"; a debit is negative."""
    whole, rest = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole}.{rest:02d}"


def text_problem(text: str, longest: int) -> str | None:
    """Return what is wrong with a name or description, or None."""
    if len(text) > longest:
        return f"is langer dan {longest} tekens"
    if not TEXT_FORM.fullmatch(text) or text != text.strip():
        return "bevat tekens buiten de SEPA-tekenset"
    return None


def reference_problem(text: str) -> str | None:
    """Return what is wrong with a reference: as a text, without leading, trailing or double slash."""
    if text.startswith("/") or text.endswith("/") or "//" in text:
        return "begint of eindigt met een schuine streep, of heeft er twee naast elkaar"
    return text_problem(text, MAX_REFERENCE)


def is_bank_day(day: date) -> bool:
    """Return whether TARGET is open on this day."""
    return day.weekday() < 5 and day not in holidays.financial_holidays("XECB", years=day.year)
