"""Whether a bank can take a payment as one order. Checked before approval and again before submission.

A payment is never split: what was approved as one payment is sent as one order, or not at all.
"""

from connectors.bank.port import BankConfig
from domain.common.errors import UnsupportedByBank

TOO_MANY, NO_REFERENCE = "too_many_lines", "no_tax_reference"


def unsupported_reason(config: BankConfig, count: int, kind: str) -> str | None:
    """Return why this bank cannot take a payment with so many lines; None if it can."""
    if count > config.most_lines:
        return TOO_MANY
    return NO_REFERENCE if kind == "wage_tax" and not config.structured else None


def require_supported(config: BankConfig, count: int, kind: str) -> None:
    """Check that the bank can take the payment.

    Raises:
    - UnsupportedByBank: with the reason, and the bank's maximum number of lines.
    """
    if reason := unsupported_reason(config, count, kind):
        raise UnsupportedByBank(reason, config.most_lines)
