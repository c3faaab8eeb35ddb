"""Search the bookings of an account by name, text, IBAN or amount."""

from functools import reduce
from operator import and_, or_
from typing import Any

from peewee import fn

from core.search_text import cents_between, words_of
from models import BankTransaction


def booking_says(text: str) -> Any:
    """Return the SQL condition that a booking has every word of this text, or the whole text in its IBAN.

    A text without a digit is not looked for in IBANs, as in `domain.payments.line_search`.
    """
    found = reduce(and_, map(_has, words_of(text)), BankTransaction.id.is_null(False))
    if not any(map(str.isdigit, text)):
        return found
    return found | BankTransaction.counterparty_iban.contains(text.replace(" ", ""))


def _has(word: str) -> Any:
    found = [BankTransaction.counterparty_name.contains(word), BankTransaction.remittance_information.contains(word)]
    if (amount := cents_between(word)) is not None:
        found.append(fn.ABS(BankTransaction.amount_cents).between(*amount))
    return reduce(or_, found)
