"""The books, checked once a day by the worker: what is found is an error in its log, and a figure for Prometheus."""

import logging
from datetime import timedelta

from core.clock import amsterdam_midnight, today_amsterdam, utcnow
from domain.operations import integrity
from models import RowRegister, read_snapshot

log = logging.getLogger(__name__)
AFTER_MIDNIGHT = timedelta(hours=3)  # in Amsterdam, when few people pay
LOGGED = 50  # faults in full; the others are counted


def is_check_due() -> bool:
    """Return whether the books were not checked yet today."""
    return RowRegister.select().where(_unchecked_today()).exists()


def check_books() -> int | None:
    """Check the books and keep the number of faults; None if another worker does, or did today.

    While it runs, and if it fails, no number is kept.
    """
    if RowRegister.update(checked_at=utcnow(), fault_count=None).where(_unchecked_today()).execute() != 1:
        return None
    with read_snapshot():
        faults = list(integrity.find_inconsistencies())
    for fault in faults[:LOGGED]:
        log.error("check of the books: %s", fault)
    if faults:
        log.error("check of the books: %d faults; run `flask --app app check-books`", len(faults))
    RowRegister.update(fault_count=len(faults)).execute()
    return len(faults)


def _unchecked_today() -> object:
    start = amsterdam_midnight(today_amsterdam()) + AFTER_MIDNIGHT
    if utcnow() < start:
        start -= timedelta(days=1)
    return RowRegister.checked_at.is_null() | (RowRegister.checked_at < start)
