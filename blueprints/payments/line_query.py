"""Which lines of a payment are asked for, as the address says it: ?zoek=…&bij=…&blad=… (search, filter, page)."""

from flask import request

from domain.payments.line_search import LineQuery, build_line_query
from domain.team.salary_visibility import restrict_query
from models import Membership

_NAMES = ("zoek", "bij", "blad")


def parse_query(membership: Membership) -> LineQuery:
    """Return what is asked for in the address, or was sent along with a form."""
    given = request.values
    look = build_line_query(given.get("zoek", ""), given.get("bij", ""), given.get("blad", 1, int))
    return restrict_query(membership, look)


def query_values(look: LineQuery, page: int = 0) -> dict[str, str]:
    """Return the query's names and values; nothing for the first page of everything. `page`: another page of it."""
    page = page or look.page
    values = (look.text, look.only, str(page) if page > 1 else "")
    return {name: value for name, value in zip(_NAMES, values, strict=True) if value}


def shareable_query(look: LineQuery) -> dict[str, str]:
    """Return what an address may keep while one stays on the page: no text, which may be somebody's name."""
    return query_values(LineQuery() if look.text else look)
