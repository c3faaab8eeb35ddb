"""What somebody looks for in a payment, as the address says it: ?zoek=…&bij=…&blad=…"""

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import request
from werkzeug.datastructures import MultiDict

from domain.confidential import look_for_member
from domain.found_lines import Look, looked_for

_NAMES = ("zoek", "bij", "blad")


def looked(membership) -> Look:
    """As asked for, or as sent along with a form; for another part of a page that htmx keeps, as that page says it."""
    given = request.values
    if request.headers.get("HX-Request") and not any(name in given for name in _NAMES):
        there = urlsplit(request.headers.get("HX-Current-URL", "")).query
        given = MultiDict(parse_qsl(there[:1000]))
    look = looked_for(given.get("zoek", ""), given.get("bij", ""), given.get("blad", 1, int))
    return look_for_member(membership, look)


def named(look: Look, page: int = 0) -> list[tuple[str, str]]:
    """Names and values that say it; nothing for the first page of everything. `page`: another page of the same."""
    page = page or look.page
    values = (look.text, look.only, str(page) if page > 1 else "")
    return [(name, value) for name, value in zip(_NAMES, values, strict=True) if value]


def query(look: Look, page: int = 0) -> str:
    """The same at the end of an address."""
    said = urlencode(named(look, page))
    return f"?{said}" if said else ""
