"""The digest of a payment: a hash of what is shown, approved and sent, so that the three can be compared.

PSD2 RTS art. 5(3)(b): the authentication code for a batch is specific to its total and its payees, and any change makes
it invalid. Batch booking is not part of it: it concerns neither, and is recorded with the release.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

from connectors.bank.pain001 import OrderLine, PaymentOrder
from models import BatchLine

_MARK = b"bizcuit-payment-v1"


class _Hash:
    """A hash of fields with their lengths, so that two different payments never give the same input."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(_MARK)

    def add(self, *fields: object) -> None:
        for field in fields:
            data = str(field).encode()
            self._hash.update(b"%d:" % len(data) + data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def payment_digest(debtor_iban: str, day: date, lines: Iterable[BatchLine]) -> str:
    """Return the digest of debtor account, execution date, count, total and lines.

    Of each line: end-to-end id, name and remittance as shown and as sent, IBAN and amount.
    """
    rows = sorted(lines, key=lambda line: line.position)
    made = _Hash()
    made.add(debtor_iban, day.isoformat(), len(rows), sum(row.amount_cents for row in rows))
    for row in rows:
        made.add(
            row.end_to_end_id, row.creditor_name, row.creditor_name_sepa, row.remittance, row.remittance_sepa,
            row.creditor_iban,
            row.amount_cents,
        )  # fmt: skip
        if row.reference_type:  # a line without one keeps the digest that it had before there were any
            made.add("reference", row.reference_type, row.reference_issuer or "")
    return made.hexdigest()


def comparable_order(order: PaymentOrder) -> tuple:
    """Return the fields of an order as a tuple, to compare two orders. It holds more than the digest."""
    about = (order.msg_id, order.debtor_iban, order.execution_date, order.batch_booking, order.wage_tax)
    return (*about, [_line(line) for line in order.lines])


def _line(line: OrderLine) -> tuple:
    return (line.end_to_end_id, line.amount_cents, line.creditor_name, line.creditor_iban, line.remittance,
            line.reference_type, line.reference_issuer)  # fmt: skip
