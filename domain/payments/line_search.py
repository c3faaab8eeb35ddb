"""Finding lines of a payment: by name, account or description, by what is with them, and in pages.

What is found never changes what is approved: total, count and digest are of all lines (see `sums`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any

from peewee import Case

from core.sepa_text import to_sepa
from domain.payments.totals import NOT_PAID
from models import Batch, BatchLine

PAGE = 100
# From so many lines on there is something to search.
SEARCHED_FROM = 30
REFUSED, REMARKED = "geweigerd", "opmerking"
LONGEST = 70


@dataclass(frozen=True)
class LineQuery:
    """What somebody looks for: a text, one of REFUSED and REMARKED or nothing, and which page of it (from 1)."""

    text: str = ""
    only: str = ""
    page: int = 1

    @property
    def filters(self) -> bool:
        """Lines may be left out, beside those of other pages."""
        return bool(self.text or self.only)

    def at(self, page: int) -> "LineQuery":
        """The same on another page."""
        return replace(self, page=page)


@dataclass(frozen=True)
class LinePage:
    """One page of lines: `count` were found in all, the first of these is number `first` of them."""

    rows: Sequence[BatchLine]
    count: int
    pages: int
    look: LineQuery

    @property
    def first(self) -> int:
        return (self.look.page - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def build_line_query(text: str, only: str = "", page: int = 1) -> LineQuery:
    """A look of what was typed: too long is cut, an unknown filter or page is none."""
    known = only if only in (REFUSED, REMARKED) else ""
    return LineQuery(" ".join(text[:LONGEST].split()), known, max(1, page))


def search_lines(batch: Batch, look: LineQuery, all_lines: int) -> LinePage:
    """The lines of one page, in their order; where a payment is over, those that were not paid come last.

    A page beyond the last one is the last one. Only these lines are read.
    """
    query: Any = BatchLine.select().where(BatchLine.batch == batch.id)
    for condition in _conditions(look):
        query = query.where(condition)
    count = query.count() if look.filters else all_lines
    pages = max(1, -(-count // PAGE))
    look = look.at(min(look.page, pages))
    rows = query.order_by(*_order(batch)).limit(PAGE).offset((look.page - 1) * PAGE)
    return LinePage(list(rows), count, pages, look)


def all_on_one_page(batch: Batch, rows: Sequence[BatchLine]) -> LinePage:
    """All lines as one page, out of what was read already."""
    if not _is_open(batch):
        rows = sorted(rows, key=lambda row: row.state in NOT_PAID)
    return LinePage(rows, len(rows), 1, LineQuery())


def page_of_position(position: int) -> int:
    """On which page a line stands while its payment is open; positions count from 1 without a gap."""
    return (position - 1) // PAGE + 1


def _is_open(batch: Batch) -> bool:
    return batch.state in ("open", "approved")


def _order(batch: Batch) -> list[Any]:
    if _is_open(batch):
        return [BatchLine.position]
    return [Case(None, [(BatchLine.state.in_(NOT_PAID), 1)], 0), BatchLine.position]


def _conditions(look: LineQuery) -> list[Any]:
    found = []
    if look.text:
        found.append(_says(look.text))
    if look.only == REFUSED:
        found.append(BatchLine.state.in_(NOT_PAID))
    if look.only == REMARKED:
        found.append(_remarked())
    return found


def _says(text: str) -> Any:
    """Every word stands in name or description, or all of it, without blanks, in the account's number.

    Not without a digit: "ing" is a name, and the bank of half the others.
    """
    words = reduce(and_, (_word(word) for word in text.split()))
    return words | BatchLine.iban.contains(text.replace(" ", "")) if any(map(str.isdigit, text)) else words


def _word(word: str) -> Any:
    """As Nmbrs wrote it, or as a bank does: without the accents that a keyboard may lack."""
    said = BatchLine.name_shown.contains(word) | BatchLine.description_shown.contains(word)
    plain = to_sepa(word, LONGEST)
    return said | BatchLine.name_sent.contains(plain) if any(sign.isalnum() for sign in plain) else said


def _remarked() -> Any:
    """Something is told beside it: the bank reads or knows it otherwise, it was paid in part, or refused with a why."""
    return (
        (BatchLine.name_sent != BatchLine.name_shown) | (BatchLine.description_sent != BatchLine.description_shown)
        | BatchLine.paid_cents.is_null(False) | BatchLine.name_match.is_null(False)
        | BatchLine.bank_reason.is_null(False)
    )  # fmt: skip
