"""Amounts of money in integer cents: parse them, and format them for messages and for operators.

The screens format amounts with the filters in blueprints/web.
"""

import re

_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.([0-9]{1,2}))?")


def cents(text: str) -> int:
    """Parse an amount as written in ISO 20022 ("2611.00", "5.5", "12") into integer cents.

    Raises:
    - ValueError: anything else, such as signs, commas, exponents or more than two decimals.
    """
    match = _AMOUNT.fullmatch(text)
    if not match:
        raise ValueError("not an amount with at most two decimals")
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def format_iso(amount: int) -> str:
    """Return the amount for messages: 1980608 gives 19806.08."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def format_dutch(amount: int) -> str:
    """Return the amount in Dutch notation: 1980608 gives 19.806,08."""
    sign = "-" if amount < 0 else ""
    whole = f"{abs(amount) // 100:,}".replace(",", ".")
    return f"{sign}{whole},{abs(amount) % 100:02d}"
