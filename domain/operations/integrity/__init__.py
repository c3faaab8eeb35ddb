"""The books: everything that can be computed from other rows is computed again, and compared (`flask check-books`).

`payments` checks payments and their lines, `approvals` what was approved, `order_files` what was given to banks,
`outcomes` what follows from the evidence, `bookings` what banks booked, `payees` what was answered about accounts,
`verdicts` why lines were left out, `doubts` what was asked about them, `dues` what is owed, `excess` what two people
allowed beyond it, `wishes` what the company asks of its bank, `redactions` what was removed when its time was over,
`rows` whatever else the program wrote. `records` reads one payment with all that belongs to it; there is never more
than one in memory.
"""

from collections.abc import Iterator

from domain.common import audit
from domain.operations.integrity import (
    approvals,
    bookings,
    doubts,
    dues,
    excess,
    order_files,
    outcomes,
    payees,
    payments,
    redactions,
    rows,
    verdicts,
    wishes,
)
from domain.operations.integrity.records import payment_records
from domain.payroll import run_dues
from models import Client

_OF_A_PAYMENT = (
    payments.payment_faults, approvals.approval_faults, order_files.order_file_faults, outcomes.outcome_faults,
    bookings.booking_faults, payees.payee_faults, verdicts.verdict_faults, doubts.doubt_faults,
)  # fmt: skip


def find_inconsistencies() -> Iterator[str]:
    """Yield a sentence for each inconsistency, which names the payment or the row; none if the books are right."""
    yield from rows.row_faults()
    yield from computed_faults()


def computed_faults() -> Iterator[str]:
    """Yield what does not follow from the rows beneath it, without a look at the register of rows."""
    yield from run_dues.due_inconsistencies()
    yield from dues.due_faults()
    for client in Client.select().order_by(Client.id):
        for record in payment_records(client):
            for check in _OF_A_PAYMENT:
                yield from check(record)
        yield from excess.excess_faults(client)
        yield from wishes.wish_faults(client)
        yield from redactions.redaction_faults(client)
        for number in audit.verify_chain(client.id):
            yield f"client {client.public_id}: the log is not intact at event {number}"
    yield from bookings.unmatched_booking_faults()
