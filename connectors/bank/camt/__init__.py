"""Parse the bank's account reports: ISO 20022 camt.053, camt.054 and camt.052, any version, matched by local name.

Every entry is returned as the bank reports it, with nothing derived: a debit marked as a reversal stays a debit. An
unreadable entry or statement is left out and reported as a problem; the rest is still returned.
"""

from connectors.bank.camt.content import (
    AccountEntry,
    AccountReportDocument,
    AccountStatement,
    BatchReference,
    Direction,
    NotAnAccountReport,
    ReadingProblem,
    TransactionDetail,
)
from connectors.bank.camt.reader import MOST_ENTRIES, read_account_report

__all__ = [
    "MOST_ENTRIES",
    "AccountEntry",
    "AccountReportDocument",
    "AccountStatement",
    "BatchReference",
    "Direction",
    "NotAnAccountReport",
    "ReadingProblem",
    "TransactionDetail",
    "read_account_report",
]
