"""A payment order in no format yet: what every format of it holds, and what SEPA allows in it.

`pain001`, `json_order` and `ponto_order` write the same order in the format of a bank.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from core.iban import normalise
from core.sepa_text import NAME, REFERENCE, REMITTANCE, is_reference, is_sepa

SCOR = "SCOR"  # creditor reference, the only type that SEPA allows (EPC132-08)
TAX_ISSUER = "CUR"  # of a Dutch payment reference ("betalingskenmerk")
VERSIONS = ("pain.001.001.09", "pain.001.001.03")
MOST_CENTS = 999_999_999_99  # maximum of one SEPA credit transfer (EPC rulebook, AT-04)
_PAYMENT_REFERENCE = re.compile(r"[0-9]{16}")  # the Dutch tax authority's payment reference ("betalingskenmerk")


class OrderUnwritable(ValueError):
    """The order holds something that SEPA does not allow. Text is converted at intake, never silently here.

    The message names the field and the number of the transaction, never the value.
    """


class NotOurOrder(ValueError):
    """The bytes are not an order that `write_pain001` wrote, or hold more than that."""


@dataclass(frozen=True)
class OrderLine:
    """One credit transfer: integer cents, texts in the SEPA character set. `remittance` may be empty.

    With a `reference_type` the remittance is a structured reference (ISO 20022 CdtrRefInf) instead of a text. SEPA
    knows the type SCOR only; `reference_issuer` is CUR, ISO, or empty.
    """

    end_to_end_id: str
    amount_cents: int
    creditor_name: str
    creditor_iban: str
    remittance: str
    reference_type: str = ""
    reference_issuer: str = ""


@dataclass(frozen=True)
class PaymentOrder:
    """An order. `created_at` is aware and written in whole seconds UTC: the same order gives the same bytes."""

    msg_id: str
    created_at: datetime
    initiating_party: str
    debtor_name: str
    debtor_iban: str
    execution_date: date
    batch_booking: bool
    lines: Sequence[OrderLine] = field(repr=False)
    wage_tax: bool = False
    version: str = VERSIONS[0]

    @property
    def namespace(self) -> str:
        return f"urn:iso:std:iso:20022:tech:xsd:{self.version}"

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


def reference_of_line(line: OrderLine, wage_tax: bool) -> tuple[str, str] | None:
    """Return type and issuer of the line's structured reference; None if its remittance is a text."""
    if wage_tax:
        return SCOR, TAX_ISSUER
    return (line.reference_type, line.reference_issuer) if line.reference_type else None


def require_writable(order: PaymentOrder) -> None:
    """Check that SEPA allows the order, in any format.

    Raises:
    - OrderUnwritable
    """
    if wrong := _wrong_in_header(order):
        raise OrderUnwritable(wrong)
    require_lines(order)


def require_lines(order: PaymentOrder) -> None:
    """Check the transactions and the debtor account, for an order in any format.

    Raises:
    - OrderUnwritable
    """
    if not order.lines:
        raise OrderUnwritable("an order without lines")
    if not _is_iban(order.debtor_iban):
        raise OrderUnwritable("debtor_iban")
    seen: set[str] = set()
    for number, line in enumerate(order.lines, 1):
        if wrong := _wrong_in_line(line):
            raise OrderUnwritable(f"line {number}: {wrong}")
        if order.wage_tax and not _PAYMENT_REFERENCE.fullmatch(line.remittance):
            raise OrderUnwritable(f"line {number}: no payment reference")
        if line.end_to_end_id in seen:
            raise OrderUnwritable(f"line {number}: end_to_end_id stands twice")
        seen.add(line.end_to_end_id)


def _wrong_in_header(order: PaymentOrder) -> str | None:
    if order.version not in VERSIONS:
        return "version"
    if order.created_at.tzinfo is None:
        return "created_at has no zone"
    if not is_reference(order.msg_id):
        return "msg_id"
    if not is_sepa(order.initiating_party, NAME):
        return "initiating_party"
    return None if is_sepa(order.debtor_name, NAME) else "debtor_name"


def _wrong_in_line(line: OrderLine) -> str | None:
    if not is_reference(line.end_to_end_id):
        return "end_to_end_id"
    if type(line.amount_cents) is not int or not 0 < line.amount_cents <= MOST_CENTS:
        return "amount_cents"
    if not is_sepa(line.creditor_name, NAME):
        return "creditor_name"
    if not _is_iban(line.creditor_iban):
        return "creditor_iban"
    if line.reference_type:
        return _wrong_in_reference(line)
    return None if not line.remittance or is_sepa(line.remittance, REMITTANCE) else "remittance"


def _wrong_in_reference(line: OrderLine) -> str | None:
    if line.reference_type != SCOR or (line.reference_issuer and not is_sepa(line.reference_issuer, REFERENCE)):
        return "reference_type"
    return None if is_reference(line.remittance) else "remittance"


def _is_iban(text: str) -> bool:
    """Return whether the text is a valid IBAN in file form: capitals, no spaces."""
    try:
        return normalise(text) == text
    except ValueError:
        return False
