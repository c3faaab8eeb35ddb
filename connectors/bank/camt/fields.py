"""Fields that are shown or compared only: the first one counts, and an odd one is None."""

from typing import Any

from connectors.iso20022 import plain
from core.iban import normalise

LONGEST_NAME = 140


def shown(element: Any, *path: str) -> str | None:
    """Return the text of the first element at the path; None when there is none."""
    for name in path:
        element = next(element.iterchildren(f"{{*}}{name}"), None)
        if element is None:
            return None
    return (element.text or "").strip() or None


def party_name(parties: Any, role: str) -> str | None:
    """Return a party's name, which is nested one level deeper since version .08."""
    if parties is None:
        return None
    return plain(shown(parties, role, "Nm") or shown(parties, role, "Pty", "Nm"), LONGEST_NAME)


def party_iban(parties: Any, name: str) -> str | None:
    text = None if parties is None else shown(parties, name, "Id", "IBAN")
    try:
        return normalise(text) if text else None
    except ValueError:
        return None
