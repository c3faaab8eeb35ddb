"""The digest of a payment: what was shown, what is approved and what is sent, in one number.

RTS art. 5(3)(b): for a batch the approval is specific to its total and its payees; any change voids it. How the
account holder's own bank books it (one sum, or line by line) is neither: it stands beside the digest, at the release,
so that approvals of before keep their digest, and an order is booked as was shown when it was approved.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

from connectors.bank.pain001 import OrderLine, PaymentOrder
from models import BatchLine

_MARK = b"bizcuit-payment-v1"


class _Hash:
    """Fields with their lengths, so that no two different payments read the same."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(_MARK)

    def add(self, *fields: object) -> None:
        for field in fields:
            data = str(field).encode()
            self._hash.update(b"%d:" % len(data) + data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def payment_digest(debtor_iban: str, day: date, lines: Iterable[BatchLine]) -> str:
    """Debtor account, execution date, count, total and every line: both its forms, its IBAN, its amount."""
    rows = sorted(lines, key=lambda line: line.position)
    made = _Hash()
    made.add(debtor_iban, day.isoformat(), len(rows), sum(row.amount_cents for row in rows))
    for row in rows:
        made.add(
            row.end_to_end_id, row.name_shown, row.name_sent, row.description_shown, row.description_sent, row.iban,
            row.amount_cents,
        )  # fmt: skip
    return made.hexdigest()


def comparable_order(order: PaymentOrder) -> tuple:
    """What an order says, in a form in which two can be compared: more than a person is shown."""
    about = (order.msg_id, order.debtor_iban, order.execution_date, order.batch_booking, order.wage_tax)
    return (*about, [_line(line) for line in order.lines])


def _line(line: OrderLine) -> tuple:
    return (line.end_to_end_id, line.amount_cents, line.creditor_name, line.creditor_iban, line.remittance)
