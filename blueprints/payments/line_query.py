"""What somebody looks for in a payment, as the address says it: ?zoek=…&bij=…&blad=…"""

from urllib.parse import urlencode

from flask import request

from domain.confidential import look_for_member
from domain.found_lines import Look, looked_for

_NAMES = ("zoek", "bij", "blad")


def looked(membership) -> Look:
    """As asked for in the address, or as sent along with a form."""
    given = request.values
    look = looked_for(given.get("zoek", ""), given.get("bij", ""), given.get("blad", 1, int))
    return look_for_member(membership, look)


def named(look: Look, page: int = 0) -> list[tuple[str, str]]:
    """Names and values that say it; nothing for the first page of everything. `page`: another page of the same."""
    page = page or look.page
    values = (look.text, look.only, str(page) if page > 1 else "")
    return [(name, value) for name, value in zip(_NAMES, values, strict=True) if value]


def lasting(look: Look) -> str:
    """What an address may keep while one stays on the page: no text, which may be somebody's name."""
    return query(Look() if look.text else look)


def query(look: Look, page: int = 0) -> str:
    """The same at the end of an address."""
    said = urlencode(named(look, page))
    return f"?{said}" if said else ""
