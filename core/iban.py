"""IBANs: validated with ISO 7064 mod 97 and the structure in the IBAN registry, and grouped for display.

The structure of each country comes from schwifty. The check digits are computed here, because files hold thousands of
accounts and schwifty builds an object for each.
"""

import re
from functools import cache, lru_cache

from schwifty import registry
from schwifty.exceptions import SchwiftyException

_SPACES = re.compile(r"[ \t\r\n\u00a0\u202f]+")
_PLAIN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
# Letters count as numbers: A is 10, Z is 35 (ISO 13616).
_AS_NUMBER = {ord("A") + place: str(10 + place) for place in range(26)}
# Countries whose accounts a SEPA credit transfer reaches, by the code in their IBANs (territories: that of the state).
# Source: EPC409-09; Albania, Montenegro, Moldova, North Macedonia and Serbia joined in 2024 and 2025.
SEPA_COUNTRIES = frozenset(
    {
        "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR",
        "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO",
        "RS", "SE", "SI", "SK", "SM", "VA",
    }
)  # fmt: skip


@lru_cache(maxsize=32_768)
def normalise(text: str) -> str:
    """Return the IBAN in capitals without spaces.

    Valid means: a country in the IBAN registry (not a planned one), its length and structure, and the computed check
    digits, which are never 00, 01 or 99.

    Raises:
    - ValueError: it is not a valid IBAN.
    """
    iban = _SPACES.sub("", text)
    if iban.isascii():  # some non-ASCII letters have an ASCII capital
        iban = iban.upper()
    if not _PLAIN.fullmatch(iban):
        raise ValueError("not a valid IBAN")
    structure = _structure(iban[:2])
    if structure is None or not structure.fullmatch(iban[4:]) or _check_digits(iban) != iban[2:4]:
        raise ValueError("not a valid IBAN")
    return iban


@cache
def _structure(country: str) -> re.Pattern[str] | None:
    """Return the pattern of what follows the check digits in this country; None for a country without IBANs."""
    try:
        spec = registry.get_iban_spec(country)
    except SchwiftyException:
        return None
    return None if spec.aspirational else re.compile(spec.regex.pattern, re.ASCII)


def _check_digits(iban: str) -> str:
    number = int(f"{iban[4:]}{iban[:2]}00".translate(_AS_NUMBER))
    return f"{98 - number % 97:02d}"


def valid(text: str) -> bool:
    try:
        normalise(text)
    except ValueError:
        return False
    return True


def in_sepa(iban: str) -> bool:
    """Whether a SEPA credit transfer reaches this account. Expects a normalised IBAN."""
    return iban[:2] in SEPA_COUNTRIES


def format_iban(iban: str) -> str:
    """Return the IBAN in groups of four, as banks print it: NL42 INGB 2268 3524 12."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
