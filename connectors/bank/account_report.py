"""Reading what was booked on an account (Berlin Group 1.3.11, accountReport): one page of it, strictly."""

import re
from datetime import date
from typing import Any

from connectors.bank import response_parsing
from connectors.bank.port import OutcomeUnknown, Transaction
from core.iban import normalise
from core.money import cents

LONGEST_NAME, LONGEST_WORDS = 140, 1000
# What stands in the place of an end-to-end id when the payer gave none (SEPA rulebook).
NOT_PROVIDED = "NOTPROVIDED"
# A batch of more is none that a bank takes; a larger count would not fit its column either.
MOST_IN_A_BATCH = 1_000_000


def page(found: dict[str, Any]) -> tuple[list[Transaction], str | None]:
    """The transactions of one page, as the bank orders them, and the link to the next one as it stands there.

    OutcomeUnknown for anything that is not as the standard says: half a list is no list.
    """
    report = found.get("transactions")
    if not isinstance(report, dict):
        raise OutcomeUnknown("transactions is no report")
    told = [_transaction(row, True) for row in _rows(report, "booked")]
    told += [_transaction(row, False) for row in _rows(report, "pending")]
    return told, _next(report.get("_links")) or _next(found.get("_links"))


def _rows(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """A list that is left out is an empty one: banks leave `pending` out when there is nothing."""
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
    booked_on = response_parsing.day_or_none(row, "bookingDate")
    if booked and booked_on is None:
        raise OutcomeUnknown("a booking without a date")
    is_batch, count = _batch(row)
    end_to_end_id = _words(row, "endToEndId", 35)
    return Transaction(
        booked=booked, booked_on=booked_on, value_on=response_parsing.day_or_none(row, "valueDate"), cents=amount,
        transaction_id=_words(row, "transactionId", response_parsing.LONGEST_ID),
        entry_reference=_words(row, "entryReference", response_parsing.LONGEST_ID),
        end_to_end_id="" if end_to_end_id.replace(" ", "") == NOT_PROVIDED else end_to_end_id,
        party_name=_words(row, f"{side}Name", LONGEST_NAME), party_iban=_iban(row.get(f"{side}Account")),
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
    """Whether it is a lump, and of how many. The count stands there for a lump only (contract)."""
    is_batch, count = row.get("batchIndicator", False), row.get("batchNumberOfTransactions")
    if not isinstance(is_batch, bool):
        raise OutcomeUnknown("batchIndicator is neither true nor false")
    if count is None or not is_batch:
        return is_batch, None
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_IN_A_BATCH:
        raise OutcomeUnknown("batchNumberOfTransactions is no count")
    return True, count


def _words(row: dict[str, Any], name: str, longest: int) -> str:
    """A text on one line, without what cannot be shown or kept; empty when there is none."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise OutcomeUnknown(f"{name} is no text")
    return _plain(value)[:longest].rstrip()


def _plain(value: str) -> str:
    return re.sub(r"\s+", " ", "".join(one if one.isprintable() else " " for one in value)).strip()


def _iban(account: Any) -> str:
    """The other side's, when it is one: banks give cards and foreign accounts in other ways, and it is only shown."""
    value = account.get("iban") if isinstance(account, dict) else None
    try:
        return normalise(value) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _text(row: dict[str, Any]) -> str:
    """What the payer wrote, and what the bank adds: the reference of a lump stands in the one or in the other."""
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
    """A text in version 1.3.11, a document with a reference in later ones."""
    text = value.get("reference") if isinstance(value, dict) else value
    return _plain(text) if isinstance(text, str) else ""


def since(day: date) -> str:
    """The query of a first page: booked and expected, from this day on."""
    return f"bookingStatus=both&dateFrom={day.isoformat()}"
