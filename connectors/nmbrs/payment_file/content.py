"""What a payment file holds once it is read."""

from dataclasses import dataclass, field
from datetime import date

ZERO_AMOUNT = "zero_amount"  # the reason of a line that asks nothing
SCOR = "SCOR"  # the type of a creditor reference (ISO 20022 ExternalDocumentType)


@dataclass(frozen=True)
class StructuredReference:
    """A creditor reference, unchanged (ISO 20022 CdtrRefInf): `kind` SCOR; `issuer` CUR, or ISO for ISO 11649 (RF)."""

    value: str
    kind: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class PaymentLine:
    """The payment of one person; the amount is in cents. `number` counts the payments of the file from 1.

    Without remittance text, the description of a line with a structured reference is that reference.
    """

    name: str
    iban: str
    amount_cents: int
    description: str
    end_to_end_id: str | None
    reference: StructuredReference | None = None
    number: int = 0


@dataclass(frozen=True)
class HeldLine:
    """A payment that is owed but cannot be made, or one of zero; name and account are as in the file.

    `reason`: bad_iban, outside_sepa, other_currency, name_unusable, no_name, no_iban, bad_amount (negative, or with a
    part of a cent), amount_too_large, reference_unusable; zero_amount for one that is left out. `amount_cents` is in
    `currency`; None if it is not a whole number of them.
    """

    number: int
    reason: str
    name: str = field(repr=False)
    iban: str = field(repr=False)
    amount_cents: int | None
    currency: str
    description: str = field(repr=False)
    end_to_end_id: str | None = None
    reference: StructuredReference | None = None


@dataclass(frozen=True)
class Caution:
    """Something unusual about these lines (numbers from 1) that does not prevent their payment.

    `code`: doubled_id (the order gets new ids anyway), text_beside_reference (SEPA carries only one: the reference),
    remittance_not_carried, bad_check_digits (of an ISO 11649 reference), bad_date.
    """

    code: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class FilePayment:
    """The payments of one debtor account on one execution date; None for a field that the file omits."""

    debtor_name: str
    debtor_iban: str | None
    execution_date: date | None
    lines: tuple[PaymentLine, ...] = field(repr=False)
    held: tuple[HeldLine, ...] = field(repr=False)


@dataclass(frozen=True)
class PaymentFile:
    """A validated file. `lines` are payable; `count` and `total_cents` are theirs.

    `held` lines are owed but cannot be paid. `left_out` are lines of zero. `payments` has one entry for each pair of
    debtor account and execution date.
    """

    version: str
    debtor_name: str
    debtor_iban: str | None
    count: int
    total_cents: int
    lines: list[PaymentLine] = field(repr=False)
    held: tuple[HeldLine, ...] = field(default=(), repr=False)
    left_out: tuple[HeldLine, ...] = field(default=(), repr=False)
    cautions: tuple[Caution, ...] = ()
    payments: tuple[FilePayment, ...] = field(default=(), repr=False)


class FileRefused(Exception):
    """The file cannot be paid. `line` counts payments from 1. The message never contains a name, IBAN or amount.

    Codes of the reader: empty, not_xml, not_pain, wrong_sum, wrong_count, bad_iban (of the debtor), no_lines,
    bad_amount, too_large, too_many_lines, missing_field.
    """

    def __init__(self, code: str, line: int | None, detail: str) -> None:
        super().__init__(f"{code}{f' at line {line}' if line else ''}: {detail}")
        self.code, self.line, self.detail = code, line, detail
