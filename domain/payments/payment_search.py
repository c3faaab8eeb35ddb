"""Search the payments of a client by what their list tells: name, description, reference, run, amount, month, year.

Nothing else is searched: no line, hence no name, account or amount of a person, whoever searches.
"""

from datetime import date
from functools import reduce
from operator import and_, or_
from typing import Any

from core.clock import amsterdam_midnight, today_amsterdam
from core.search_text import cents_between, month_of, words_of
from models import Batch, PayrollCompany

_YEARS_BACK = 10
_LONGEST_NUMBER = 9  # digits of a run's number, and of what the database compares it with
_SHORTEST_REFERENCE = 5  # digits; fewer are in nearly every reference


def payment_says(text: str, total_cents: Any) -> Any:
    """Return the SQL condition that a payment has every word of this text. `total_cents`: the expression of the total
    that its list tells.
    """
    return reduce(and_, (_has(word, total_cents) for word in words_of(text)), Batch.id.is_null(False))


def _has(word: str, total_cents: Any) -> Any:
    found = [PayrollCompany.name.contains(word), Batch.description.contains(word)]
    if len(word) >= _SHORTEST_REFERENCE and word.replace("-", "").isdecimal():
        found.append(Batch.reference.contains(word))
    if word.isdecimal() and len(word) <= _LONGEST_NUMBER:
        found += [Batch.run_number == int(word), Batch.year == int(word), _in_period(int(word))]
    if (amount := cents_between(word)) is not None:
        found.append(total_cents.between(*amount))
    if (month := month_of(word)) is not None:
        found.append(_in_month(month))
    return reduce(or_, found)


def _in_period(number: int) -> Any:
    return (Batch.period_start <= number) & (Batch.period_end >= number)


def _in_month(month: int) -> Any:
    """Return the condition that a payment is paid in this month of any year; without a day yet, that it was made in it.
    """
    this_year = today_amsterdam().year
    return reduce(or_, (_within(date(year, month, 1)) for year in range(this_year - _YEARS_BACK, this_year + 2)))


def _within(first: date) -> Any:
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    paid = (Batch.execution_date >= first) & (Batch.execution_date < after)
    made = (Batch.created_at >= amsterdam_midnight(first)) & (Batch.created_at < amsterdam_midnight(after))
    return paid | (Batch.execution_date.is_null() & made)
