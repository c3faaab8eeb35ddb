"""Parse an account report (Berlin Group NextGenPSD2 1.3.11, accountReport) page by page, strictly."""

import re
from datetime import date
from typing import Any

from connectors import iso20022
from connectors.bank import response_parsing
from connectors.bank.port import OutcomeUnknown, Transaction
from core.iban import normalise
from core.money import cents

LONGEST_NAME, LONGEST_WORDS = 140, 1000
# No bank accepts a larger batch, and the database column could not hold the count.
MOST_IN_A_BATCH = 1_000_000


def page(found: dict[str, Any]) -> tuple[list[Transaction], str | None]:
    """Return the transactions of one page in the bank's order, and the unresolved link to the next page.

    Raises:
    - OutcomeUnknown: anything deviates from the standard, because an incomplete list is useless.
    """
    report = found.get("transactions")
    if not isinstance(report, dict):
        raise OutcomeUnknown("transactions is no report")
    told = [_transaction(row, True) for row in _rows(report, "booked")]
    told += [_transaction(row, False) for row in _rows(report, "pending")]
    return told, _next(report.get("_links")) or _next(found.get("_links"))


def _rows(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the rows of a list; none if it is absent, since banks omit an empty `pending`."""
    return response_parsing.rows_of(report, name) if report.get(name) is not None else []


def _next(links: Any) -> str | None:
    if links is None:
        return None
    if not isinstance(links, dict):
        raise OutcomeUnknown("the links are no links")
    one = links.get("next")
    if one is None:
        return None
    href = one.get("href") if isinstance(one, dict) else None
    if not isinstance(href, str) or not href:
        raise OutcomeUnknown("the link next has no address")
    return href


def _transaction(row: dict[str, Any], booked: bool) -> Transaction:
    amount = _cents(row)
    side = "creditor" if amount < 0 else "debtor"
    booking_date = response_parsing.day_or_none(row, "bookingDate")
    if booked and booking_date is None:
        raise OutcomeUnknown("a booking without a date")
    is_batch, count = _batch(row)
    return Transaction(
        booked=booked, booking_date=booking_date, value_date=response_parsing.day_or_none(row, "valueDate"),
        cents=amount,
        transaction_id=_reference(row, "transactionId", response_parsing.LONGEST_ID),
        entry_reference=_reference(row, "entryReference", response_parsing.LONGEST_ID),
        end_to_end_id=_reference(row, "endToEndId", 35),
        counterparty_name=_words(row, f"{side}Name", LONGEST_NAME), counterparty_iban=_iban(row.get(f"{side}Account")),
        text=_text(row), is_batch=is_batch, batch_count=count,
    )  # fmt: skip


def _cents(row: dict[str, Any]) -> int:
    amount = row.get("transactionAmount")
    text = amount.get("amount") if isinstance(amount, dict) else None
    if not isinstance(amount, dict) or amount.get("currency") != "EUR" or not isinstance(text, str):
        raise OutcomeUnknown("a transaction without an amount in euros")
    try:
        return -cents(text[1:]) if text.startswith("-") else cents(text)
    except ValueError as error:
        raise OutcomeUnknown("a transaction's amount is none") from error


def _batch(row: dict[str, Any]) -> tuple[bool, int | None]:
    """Return whether the transaction is a batch, and its number of payments. Only a batch has a count (Berlin Group).
    """
    is_batch, count = row.get("batchIndicator", False), row.get("batchNumberOfTransactions")
    if not isinstance(is_batch, bool):
        raise OutcomeUnknown("batchIndicator is neither true nor false")
    if count is None or not is_batch:
        return is_batch, None
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_IN_A_BATCH:
        raise OutcomeUnknown("batchNumberOfTransactions is no count")
    return True, count


def _reference(row: dict[str, Any], name: str, longest: int) -> str:
    """Return a reference; empty for what stands in its place when there is none (NOTPROVIDED, "0")."""
    return iso20022.reference_of(_words(row, name, longest)) or ""


def _words(row: dict[str, Any], name: str, longest: int) -> str:
    """Return a text as one line of printable characters, or "" if absent."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise OutcomeUnknown(f"{name} is no text")
    return _plain(value)[:longest].rstrip()


def _plain(value: str) -> str:
    return re.sub(r"\s+", " ", "".join(one if one.isprintable() else " " for one in value)).strip()


def _iban(account: Any) -> str:
    """Return the counterparty's IBAN, or "". Cards and foreign accounts come in other forms, and the IBAN is display
    only.
    """
    value = account.get("iban") if isinstance(account, dict) else None
    try:
        return normalise(value) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _text(row: dict[str, Any]) -> str:
    """Join all remittance texts and the bank's own; the reference of a batch may be in either."""
    parts = [_words(row, "remittanceInformationUnstructured", LONGEST_WORDS)]
    several = row.get("remittanceInformationUnstructuredArray") or []
    if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
        raise OutcomeUnknown("remittanceInformationUnstructuredArray is no list of texts")
    parts += [_plain(one) for one in several]
    if not any(parts):
        parts.append(_structured(row.get("remittanceInformationStructured")))
    parts.append(_words(row, "additionalInformation", LONGEST_WORDS))
    return " ".join(dict.fromkeys(part for part in parts if part))[:LONGEST_WORDS]


def _structured(value: Any) -> str:
    """Return structured remittance information: a text in version 1.3.11, an object with a reference in later ones."""
    text = value.get("reference") if isinstance(value, dict) else value
    return _plain(text) if isinstance(text, str) else ""


def since(day: date) -> str:
    """Return the query string of the first page: booked and expected transactions from this day on."""
    return f"bookingStatus=both&dateFrom={day.isoformat()}"
