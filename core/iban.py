"""IBANs: validated by schwifty (ISO 13616: the IBAN registry, ISO 7064 mod 97), and grouped for display.

Refused here, though schwifty accepts them: countries that only plan to have IBANs, letters that are not ASCII, and
control characters.
"""

import re
from functools import lru_cache

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

_SPACES = re.compile(r"[ \t\r\n\u00a0\u202f]+")
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
    try:
        # some non-ASCII letters have an ASCII capital, and schwifty skips other white space
        found = IBAN(iban) if iban.isascii() and iban.isalnum() else None
    except SchwiftyException:
        found = None
    if found is None or found.spec.aspirational:
        raise ValueError("not a valid IBAN")
    return str(found)


def in_sepa(iban: str) -> bool:
    """Return whether a SEPA credit transfer reaches this account; expects a normalised IBAN."""
    return iban[:2] in SEPA_COUNTRIES


def is_g_account(iban: str) -> bool:
    """Return whether this is a Dutch G-account (*G-rekening*), a blocked account for wage tax and VAT; expects a
    normalised IBAN.

    Its account number begins with 099, after the four letters of the bank (Belastingdienst: docs/facts/bank.md, 2).
    """
    return iban[:2] == "NL" and iban[8:11] == "099"


def format_iban(iban: str) -> str:
    """Return the IBAN in groups of four, as banks print it: NL42 INGB 2268 3524 12."""
    return " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
