"""The line query in a URL: ?zoek=…&bij=…&blad=…&volgorde=… (search, filter, page, order)."""

from flask import request

from domain.payments.line_search import LineQuery, build_line_query
from domain.team.salary_visibility import restrict_query
from models import Membership

_NAMES = ("zoek", "bij", "blad", "volgorde")


def parse_query(membership: Membership) -> LineQuery:
    """Return the query in the URL or the submitted form."""
    given = request.values
    look = build_line_query(
        given.get("zoek", ""), given.get("bij", ""), given.get("blad", 1, int), given.get("volgorde", "")
    )
    return restrict_query(membership, look)


def query_values(look: LineQuery, page: int = 0) -> dict[str, str]:
    """Return the query as URL parameters; none for the first page of all lines. `page` selects another page."""
    page = page or look.page
    values = (look.text, look.only, str(page) if page > 1 else "", look.order)
    return {name: value for name, value in zip(_NAMES, values, strict=True) if value}


def shareable_query(look: LineQuery) -> dict[str, str]:
    """Return the part that may stay in the address bar: not the search text, which may be a name."""
    return query_values(LineQuery(order=look.order) if look.text else look)
