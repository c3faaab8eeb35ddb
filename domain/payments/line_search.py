"""Search the lines of a payment by name, account, remittance or remark, in pages.

A search never changes what is approved: total, count and digest always cover all lines (see `totals`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any

from peewee import Case, fn

from core.search_text import LONGEST, clean
from core.sepa_text import to_sepa
from domain.payments.line_verdicts import lines_with_verdicts
from domain.payments.totals import NOT_PAID
from models import Batch, BatchLine
from models.states import BatchState, LineState

PAGE = 100
# Payments with fewer lines have no search field.
SEARCHED_FROM = 30
REFUSED, REMARKED = "geweigerd", "opmerking"
BY_AMOUNT, BY_NAME = "bedrag", "naam"
_PLACE = fn.COALESCE(BatchLine.place, BatchLine.position)


@dataclass(frozen=True)
class LineQuery:
    """A search: a text, a filter (REFUSED, REMARKED or none), the page, counted from 1, and the order: BY_AMOUNT (the
    highest first), BY_NAME, or none, which is that of the run with the lines of a person together.
    """

    text: str = ""
    only: str = ""
    page: int = 1
    order: str = ""

    @property
    def filters(self) -> bool:
        """Return whether the search can leave lines out."""
        return bool(self.text or self.only)

    def at(self, page: int) -> "LineQuery":
        """Return the same search on another page."""
        return replace(self, page=page)


@dataclass(frozen=True)
class LinePage:
    """One page of the `count` lines found."""

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


def build_line_query(text: str, only: str = "", page: int = 1, order: str = "") -> LineQuery:
    """Return the search for what was typed. A long text is cut; an unknown filter, page or order is ignored."""
    known = only if only in (REFUSED, REMARKED) else ""
    sorted_by = order if order in (BY_AMOUNT, BY_NAME) else ""
    return LineQuery(clean(text), known, max(1, page), sorted_by)


def search_lines(batch: Batch, look: LineQuery, all_lines: int) -> LinePage:
    """Return one page of lines in the order asked for; of a payment that is past approval, unpaid lines come last.

    A page number beyond the last gives the last page. Only the lines of the page are read.
    """
    query = lines_with_verdicts().where(BatchLine.batch == batch.id)
    for condition in _conditions(look):
        query = query.where(condition)
    count = query.count() if look.filters else all_lines
    pages = max(1, -(-count // PAGE))
    look = look.at(min(look.page, pages))
    rows = query.order_by(*_order(batch, look)).limit(PAGE).offset((look.page - 1) * PAGE)
    return LinePage(list(rows), count, pages, look)


def all_on_one_page(batch: Batch, rows: Sequence[BatchLine], look: LineQuery) -> LinePage:
    """Return all lines as one page, from rows that were already read."""
    rows = as_shown(rows)
    if look.order:
        rows.sort(key=lambda row: -row.amount_cents if look.order == BY_AMOUNT else row.creditor_name.lower())
    if not _is_open(batch):
        rows = sorted(rows, key=lambda row: row.state in NOT_PAID)
    return LinePage(rows, len(rows), 1, look.at(1))


def as_shown(rows: Sequence[BatchLine]) -> list[BatchLine]:
    """Return the lines in the order of the page: those of one person stand together."""
    return sorted(rows, key=lambda row: row.place or row.position)


def beside_excluded(
    batch: Batch, shown: Sequence[BatchLine], whole: Sequence[BatchLine] | None
) -> list[BatchLine]:  # fmt: skip
    """Return the open lines that are not shown, of people of whom an excluded line is shown. `whole`: all lines, if
    they were read.
    """
    people = {row.person_group for row in shown if row.state == LineState.EXCLUDED and row.person_group is not None}
    if not people or batch.state != BatchState.OPEN:
        return []
    if whole is None:
        whole = list(BatchLine.select().where(BatchLine.batch == batch.id, BatchLine.person_group.in_(people)))
    here = {row.id for row in shown}
    return [
        row for row in whole
        if row.person_group in people and row.state == LineState.OPEN and row.id not in here
    ]  # fmt: skip


def page_of_place(place: int) -> int:
    """Return the page of an open payment that has the line at this place (from 1, without gaps)."""
    return (place - 1) // PAGE + 1


def _is_open(batch: Batch) -> bool:
    return batch.state in (BatchState.OPEN, BatchState.APPROVED)


_ORDERS: dict[str, list[Any]] = {
    "": [], BY_AMOUNT: [BatchLine.amount_cents.desc()], BY_NAME: [fn.LOWER(BatchLine.creditor_name)],
}  # fmt: skip


def _order(batch: Batch, look: LineQuery) -> list[Any]:
    chosen = [*_ORDERS[look.order], _PLACE]
    if _is_open(batch):
        return chosen
    return [Case(None, [(BatchLine.state.in_(NOT_PAID), 1)], 0), *chosen]


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
    """Return the condition that every word occurs in name or remittance, or the whole text in the IBAN.

    A text without a digit is not looked for in IBANs: "ing" is part of a name, and of half of all IBANs.
    """
    words = reduce(and_, (_word(word) for word in text.split()))
    return words | BatchLine.creditor_iban.contains(text.replace(" ", "")) if any(map(str.isdigit, text)) else words


def _word(word: str) -> Any:
    """Return the condition that a word occurs as Nmbrs wrote it, or as converted for the bank, without accents."""
    said = BatchLine.creditor_name.contains(word) | BatchLine.remittance.contains(word)
    plain = to_sepa(word, LONGEST)
    return said | BatchLine.creditor_name_sepa.contains(plain) if any(sign.isalnum() for sign in plain) else said


def _remarked() -> Any:
    """Return the condition that a line has a remark: a converted text, another name at the bank, a partial payment or a
    reason.
    """
    return (
        (BatchLine.creditor_name_sepa != BatchLine.creditor_name) | (BatchLine.remittance_sepa != BatchLine.remittance)
        | BatchLine.already_paid_cents.is_null(False) | BatchLine.vop_result.is_null(False)
        | BatchLine.bank_reason_code.is_null(False)
    )  # fmt: skip
