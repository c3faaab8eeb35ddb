"""Amounts of a payment file, and the counts and control sums that it claims."""

import re
from typing import Any

from connectors.nmbrs.payment_file.content import FileRefused
from connectors.nmbrs.payment_file.texts import folded
from connectors.xml_document import children

_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,18}))?")
_UNITS = 100_000  # a control sum may have five decimals, and adds up amounts of all currencies (ISO 20022)
_UNITS_PER_CENT = _UNITS // 100


def read_amount(text: str | None, number: int) -> tuple[int, int | None]:
    """Return an amount in the units of a control sum, and in cents unless it has a part of one.

    Raises:
    - FileRefused: bad_amount
    """
    units = _units((text or "").strip())
    if units is None:
        raise FileRefused("bad_amount", number, "not an amount")
    return units, units // _UNITS_PER_CENT if units % _UNITS_PER_CENT == 0 else None


def _units(text: str) -> int | None:
    match = _DECIMAL.fullmatch(text)
    if match is None or (match[3] or "")[5:].strip("0"):
        return None
    units = int(match[2]) * _UNITS + int((match[3] or "")[:5].ljust(5, "0"))
    return -units if match[1] else units


def read_claims(element: Any) -> dict[str, str]:
    """Return the totals in a header; each may occur once.

    Raises:
    - FileRefused: wrong_count or wrong_sum; one occurs twice.
    """
    found = {}
    for key, code in (("NbOfTxs", "wrong_count"), ("CtrlSum", "wrong_sum")):
        said = [text for part in children(element, key) if (text := folded(part))]
        if len(said) > 1:
            raise FileRefused(code, None, f"{key} occurs twice")
        if said:
            found[key] = said[0]
    return found


def check_claims(claims: dict[str, str], number: int, units: int) -> None:
    """Check that the totals of a header match the payments.

    Raises:
    - FileRefused: wrong_count or wrong_sum
    """
    count, total = claims.get("NbOfTxs"), claims.get("CtrlSum")
    if count is not None and not (re.fullmatch(r"[0-9]{1,15}", count) and int(count) == number):
        raise FileRefused("wrong_count", None, "the count is not that of the payments")
    if total is not None and _units(total) != units:
        raise FileRefused("wrong_sum", None, "the control sum is not that of the payments")
