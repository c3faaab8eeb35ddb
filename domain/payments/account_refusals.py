"""Accounts that a bank refused. A person decides whether to pay to the same account again, after a warning.

A reason is about the creditor's account if it was given for that line, or for an order with one line. The same code for
a longer order may be about the debtor's account.
"""

from typing import Any

from peewee import fn

from models import BankOrder, Batch, BatchLine, Evidence, OrderLine

# ISO 20022 ExternalStatusReason1Code and ExternalReturnReason1Code: about the creditor's account, bank or name.
ACCOUNT_CODES = frozenset(
    {"AC01", "AC03", "AC04", "AC06", "AC07", "AC14", "AG01", "BE01", "BE06", "CNOR", "MD07", "RC01", "RC04"}
)


def is_account_refused() -> Any:
    """Return the condition of an order line, joined with its order, that did not arrive because of its account."""
    of_line = Evidence.select().where(Evidence.order_line == OrderLine.id, Evidence.reason == OrderLine.reason)
    not_there = OrderLine.standing.in_(("unpaid", "returned")) & OrderLine.reason.in_(ACCOUNT_CODES)
    return not_there & ((BankOrder.line_count == 1) | fn.EXISTS(of_line))


def refused_accounts(run_id: int) -> dict[tuple[int | None, str], str]:
    """Return the reason code for each due of a run and the account (IBAN) that was refused for it."""
    rows: Any = (
        OrderLine.select(BatchLine.due, OrderLine.creditor_iban, OrderLine.reason)
        .join(BatchLine).join(Batch).switch(OrderLine).join(BankOrder)
        .where(Batch.run == run_id, is_account_refused())
        .order_by(OrderLine.id).tuples()
    )  # fmt: skip
    return {(due, iban): code for due, iban, code in rows}
