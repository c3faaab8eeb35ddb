"""Generate employees for runs of any size: the same number always gives the same person."""

from typing import Any

FIRST_NAMES = (
    "Anouk", "Bram", "Carlijn", "Daan", "Eline", "Femke", "Gijs", "Hanna", "Ivo", "Jasmijn", "Koen", "Lotte",
    "Milan", "Nienke", "Olaf", "Puck", "Quinten", "Roos", "Sem", "Tess", "Umut", "Veerle", "Wessel", "Yara",
    "Zoë",
)  # fmt: skip
PREFIXES = ("", "", "", "van", "de", "", "van der", "", "ten")
LAST_NAMES = (
    "Aalbers", "Beekman", "Claessen", "Dijkstra", "Evertsen", "Franken", "Groot", "Hofman", "IJzerman",
    "Janssen", "Kuiper", "Linden", "Maas", "Noort", "Oosterhuis", "Peters", "Quist", "Ruiter", "Smit",
    "Timmer", "Uitdenbroek", "Verhoeven", "Wolters", "Yilmaz", "Zanden",
)  # fmt: skip
BANKS = ("INGB", "RABO", "ABNA", "KNAB", "TRIO", "BUNQ", "SNSB", "ASNB", "RBRB")
BICS = {
    "INGB": "INGBNL2A", "RABO": "RABONL2U", "ABNA": "ABNANL2A", "KNAB": "KNABNL2H", "TRIO": "TRIONL2U",
    "BUNQ": "BUNQNL2A", "SNSB": "SNSBNL2A", "ASNB": "ASNBNL21", "RBRB": "RBRBNL21",
}  # fmt: skip
BANK_DIGITS = {code: "".join(str(int(letter, 36)) for letter in code) for code in BANKS}

# A prime just under 10^10: stepping by its multiples gives every person a different account number.
ACCOUNTS = 9_999_999_967
STEP = 6_180_339_887


def iban(bank: str, account: int) -> str:
    """Return a Dutch IBAN with check digits (ISO 13616: 98 minus the remainder modulo 97; NL is 2321)."""
    check = 98 - int(f"{BANK_DIGITS[bank]}{account:010d}232100") % 97
    return f"NL{check:02d}{bank}{account:010d}"


def person(company: int, index: int) -> dict[str, Any]:
    """Return the `index`-th generated employee of a company, in stored form; net pay in cents."""
    seed = company * 1_000_003 + index
    first = FIRST_NAMES[seed % len(FIRST_NAMES)]
    prefix = PREFIXES[seed // 7 % len(PREFIXES)]
    last = LAST_NAMES[seed // 3 % len(LAST_NAMES)]
    return {
        "id": company * 100_000 + index,
        "company": company,
        "number": 1000 + index,
        "initials": f"{first[0]}.",
        "first_name": first,
        "prefix": prefix,
        "last_name": last,
        "payment_name": f"{last}, {first} {prefix}".strip(),
        "iban": iban(BANKS[seed % len(BANKS)], seed * STEP % ACCOUNTS),
        "cents": 165_000 + seed * 7_919 % 285_000,
    }


def display_name(employee: dict[str, Any]) -> str:
    """Return the name in the form `Wouter de Jong`."""
    parts = (employee["first_name"], employee["prefix"], employee["last_name"])
    return " ".join(part for part in parts if part)


def bic(iban_text: str) -> str:
    return BICS[iban_text[4:8]]
