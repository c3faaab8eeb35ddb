"""Money is integer cents. One reader, one writer for messages, one for operators (screens: `formatters` of the web)."""

import re

_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.([0-9]{1,2}))?")


def cents(text: str) -> int:
    """Read an amount as ISO 20022 writes it ("2611.00", "5.5", "12") into integer cents.

    ValueError on anything else: signs, commas, exponents, more than two decimals.
    """
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise ValueError("not an amount with at most two decimals")
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def format_iso(amount: int) -> str:
    """1980608 as messages want it: 19806.08."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def format_dutch(amount: int) -> str:
    """1980608 as a Dutch reader writes it: 19.806,08."""
    sign = "-" if amount < 0 else ""
    whole = f"{abs(amount) // 100:,}".replace(",", ".")
    return f"{sign}{whole},{abs(amount) % 100:02d}"
