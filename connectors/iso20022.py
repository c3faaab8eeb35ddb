"""Parse fields that status reports and account statements share (ISO 20022)."""

import re
from datetime import UTC, date, datetime
from typing import Any

from connectors.xml_document import text_of
from core.clock import AMSTERDAM

_AMOUNT = re.compile(r"\+?(?:([0-9]{1,15})(?:\.([0-9]*))?|\.([0-9]+))")
_COUNT = re.compile(r"[0-9]{1,15}")
_REASON = re.compile(r"[A-Z0-9]{4}")
# Placeholders for "no reference" (EPC rulebooks: NOTPROVIDED; MT practice: NONREF; zeros).
_NO_REFERENCE = re.compile(r"0+|-+|NOT ?PROVIDED|NON ?REF|N/?A", re.IGNORECASE)
LONGEST_INFORMATION = 105


class UnreadableField(ValueError):
    """A field is not as the standard says. The message names the field, never its value."""


def cents_of(text: str | None, name: str) -> int:
    """Return an amount in cents. Banks write 350, 350.0 and 350.00000 too.

    Raises:
    - UnreadableField
    """
    match = _AMOUNT.fullmatch(text or "")
    whole, fraction = (match[1] or "0", match[2] or match[3] or "") if match else ("", "")
    if match is None or fraction[2:].strip("0"):
        raise UnreadableField(f"{name} is no amount in cents")
    return int(whole) * 100 + int(fraction[:2].ljust(2, "0"))


def count_of(text: str | None, name: str) -> int | None:
    """Return a number of transactions; None when the field is absent.

    Raises:
    - UnreadableField
    """
    if text is None:
        return None
    if not _COUNT.fullmatch(text):
        raise UnreadableField(f"{name} is no number")
    return int(text)


def reference_of(text: str | None) -> str | None:
    """Return a reference without padding; None for a placeholder ("0", NOTPROVIDED)."""
    reference = (text or "").strip()
    return None if not reference or _NO_REFERENCE.fullmatch(reference) else reference


def reason_of(element: Any, code: str = "Cd", proprietary: str = "Prtry") -> str | None:
    """Return the code of a reason, of ISO 20022 or the bank's own; None when there is no code."""
    if element is None:
        return None
    for name in (code, proprietary):
        for part in element.iterchildren(f"{{*}}{name}"):
            if (text := text_of(part)) and _REASON.fullmatch(text):
                return text
    return None


def moment_of(text: str | None) -> datetime | None:
    """Return an ISODateTime in UTC; without a zone it is Amsterdam time. None when it is invalid."""
    try:
        moment = datetime.fromisoformat(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=AMSTERDAM)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_of(text: str | None, name: str) -> date | None:
    """Return the day of an ISODate or ISODateTime, without conversion between zones; None when there is none.

    Raises:
    - UnreadableField
    """
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError as error:
        raise UnreadableField(f"{name} is no date") from error


def plain(text: str | None, longest: int) -> str | None:
    """Return a text on one line, without unprintable characters; None when nothing is left."""
    if not text:
        return None
    shown = text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())[:longest].rstrip() or None
