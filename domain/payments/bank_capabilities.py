"""Whether a bank can take a payment as one order. Checked before approval and again before submission.

A payment is never split: what was approved as one payment is sent as one order, or not at all.
"""

from collections.abc import Sequence

from connectors.bank.order_formats import takes_reference
from connectors.bank.port import BankConfig
from domain.common.errors import UnsupportedByBank
from models import BatchLine
from models.states import RunKind

TOO_MANY, NO_TAX_REFERENCE, NO_REFERENCE = "too_many_lines", "no_tax_reference", "no_reference"


def unsupported_reason(config: BankConfig, lines: Sequence[BatchLine], kind: str) -> str | None:
    """Return why this bank cannot take a payment of these lines; None if it can.

    A structured reference is never sent as a text: whoever is paid by it may not recognise the payment.
    """
    if len(lines) > config.most_lines:
        return TOO_MANY
    if kind == RunKind.WAGE_TAX:
        return None if config.structured else NO_TAX_REFERENCE
    references = (line.remittance_sepa for line in lines if line.reference_type)
    return None if all(takes_reference(config, one) for one in references) else NO_REFERENCE


def require_supported(config: BankConfig, lines: Sequence[BatchLine], kind: str) -> None:
    """Check that the bank can take the payment.

    Raises:
    - UnsupportedByBank: with the reason, and the bank's maximum number of lines.
    """
    if reason := unsupported_reason(config, lines, kind):
        raise UnsupportedByBank(reason, config.most_lines)
