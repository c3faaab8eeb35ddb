"""Does a payment fit the order that its bank takes? Asked before it is approved, and once more before it goes.

A payment is never split silently: what was approved as one is one order, or none.
"""

from connectors.bank.port import BankConfig
from domain.common.errors import UnsupportedByBank

TOO_MANY, NO_REFERENCE = "too_many_lines", "no_tax_reference"


def unsupported_reason(config: BankConfig, count: int, kind: str) -> str | None:
    """Why a payment of so many lines cannot go to this bank; None when it can."""
    if count > config.most_lines:
        return TOO_MANY
    return NO_REFERENCE if kind == "wage_tax" and not config.structured else None


def require_supported(config: BankConfig, count: int, kind: str) -> None:
    """UnsupportedByBank says why, and how many lines the bank takes."""
    if reason := unsupported_reason(config, count, kind):
        raise UnsupportedByBank(reason, config.most_lines)
