"""The digest of a payment: a hash of what is shown, approved and sent, so that the three can be compared.

PSD2 RTS art. 5(3)(b): the authentication code for a batch is specific to its total and its payees, and any change makes
it invalid. What the company wishes of its bank (batch booking, verification of payee) is shown beside it, and is part
of it as well.

What people answered about new and changed accounts is part of it too, at the line that it is about. A payment that asks
nothing has the digest that it had before there were answers.

A digest names its version: `v2-11-` and a hash; the two figures are the wishes. A digest without this prefix is of
version 1, which had no wishes. It is compared with a digest of that version, so earlier approvals stay valid.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from connectors.bank.payment_order import OrderLine, PaymentOrder
from domain.common.errors import BatchChanged, WishesChanged
from models import BatchLine, Client, Release

_FIRST = b"bizcuit-payment-v1"
_SECOND = b"bizcuit-payment-v2"
_MARK = "v2-"


@dataclass(frozen=True)
class Wishes:
    """What a company wishes of its bank: one booking for the whole payment, and verification of payee."""

    batch_booking: bool
    name_check: bool

    @property
    def mark(self) -> str:
        """Return the wishes as they stand in a digest."""
        return f"{self.batch_booking:d}{self.name_check:d}"


def wishes_of(row: Client | Release) -> Wishes:
    """Return the wishes of a client as they are now, or those of a release."""
    return Wishes(row.batch_booking, row.vop_enabled)


class _Hash:
    """A hash of fields with their lengths, so that two different payments never give the same input."""

    def __init__(self, mark: bytes) -> None:
        self._hash = hashlib.sha256(mark)

    def add(self, *fields: object) -> None:
        for field in fields:
            data = str(field).encode()
            self._hash.update(b"%d:" % len(data) + data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def payment_digest(
    debtor_iban: str, day: date, lines: Iterable[BatchLine], kind: str, wishes: Wishes, answers: Mapping[int, str]
) -> str:  # fmt: skip
    """Return the digest of debtor account, execution date, kind, wishes, count, total and lines.

    Of each line: end-to-end id, name and remittance as shown and as sent, IBAN and amount; and what people answered
    about it (`answers`, by the id of the line: `payee_checks.answer_marks`).
    """
    made = _Hash(_SECOND)
    made.add(kind, wishes.mark)
    _add_payment(made, debtor_iban, day, lines, answers)
    return f"{_MARK}{wishes.mark}-{made.hexdigest()}"


def first_digest(debtor_iban: str, day: date, lines: Iterable[BatchLine]) -> str:
    """Return the digest as version 1 made it: without kind, wishes and answers."""
    made = _Hash(_FIRST)
    _add_payment(made, debtor_iban, day, lines, {})
    return made.hexdigest()


def is_digest_of(
    given: str, debtor_iban: str, day: date, lines: Iterable[BatchLine], kind: str, wishes: Wishes,
    answers: Mapping[int, str],
) -> bool:  # fmt: skip
    """Return whether this is the payment's digest, by the version that made it."""
    if given.startswith(_MARK):
        return given == payment_digest(debtor_iban, day, lines, kind, wishes, answers)
    return given == first_digest(debtor_iban, day, lines)


def has_wishes(given: str) -> bool:
    """Return whether the wishes are part of this digest: it is not of version 1."""
    return given.startswith(_MARK)


def _add_payment(
    made: _Hash, debtor_iban: str, day: date, lines: Iterable[BatchLine], answers: Mapping[int, str]
) -> None:  # fmt: skip
    rows = sorted(lines, key=lambda line: line.position)
    made.add(debtor_iban, day.isoformat(), len(rows), sum(row.amount_cents for row in rows))
    for row in rows:
        made.add(
            row.end_to_end_id, row.creditor_name, row.creditor_name_sepa, row.remittance, row.remittance_sepa,
            row.creditor_iban,
            row.amount_cents,
        )  # fmt: skip
        if row.reference_type:  # a line without one keeps the digest that it had before there were any
            made.add("reference", row.reference_type, row.reference_issuer or "")
        if row.id in answers:
            made.add("payee", answers[row.id])


# --- what changed ---------------------------------------------------------------------------------
def require_same(shown: str, now: str) -> None:
    """Check that a payment is still what was shown.

    Raises:
    - BatchChanged; WishesChanged: it is not, because of another wish.
    """
    if shown == now:
        return
    reason = wish_that_changed(_wishes_in(shown), _wishes_in(now))
    raise WishesChanged(reason) if reason else BatchChanged


def wish_that_changed(before: Wishes | None, after: Wishes | None) -> str | None:
    """Return which wish changed: name_check_off, name_check_on or booking_changed; None if none did."""
    if before is None or after is None or before == after:
        return None
    if before.name_check != after.name_check:
        return "name_check_on" if after.name_check else "name_check_off"
    return "booking_changed"


def _wishes_in(given: str) -> Wishes | None:
    mark = given.removeprefix(_MARK)[:2] if given.startswith(_MARK) else ""
    return Wishes(mark[0] == "1", mark[1] == "1") if len(mark) == 2 else None


def comparable_order(order: PaymentOrder) -> tuple:
    """Return the fields of an order as a tuple, to compare two orders. It holds more than the digest."""
    about = (order.msg_id, order.debtor_iban, order.execution_date, order.batch_booking, order.wage_tax)
    return (*about, [_line(line) for line in order.lines])


def _line(line: OrderLine) -> tuple:
    return (line.end_to_end_id, line.amount_cents, line.creditor_name, line.creditor_iban, line.remittance,
            line.reference_type, line.reference_issuer)  # fmt: skip
