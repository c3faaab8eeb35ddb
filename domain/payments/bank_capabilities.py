"""Does a payment fit the order that its bank takes? Asked before it is approved, and once more before it goes.

A payment is never split silently: what was approved as one is one order, or none.
"""

from connectors.bank.port import BankConfig
from domain.common.errors import OrderUnfit

TOO_MANY, NO_REFERENCE = "too_many_lines", "no_tax_reference"


def misfit(line: BankConfig, count: int, kind: str) -> str | None:
    """Why a payment of so many lines cannot go to this bank; None when it can."""
    if count > line.most_lines:
        return TOO_MANY
    return NO_REFERENCE if kind == "wage_tax" and not line.structured else None


def require_fit(line: BankConfig, count: int, kind: str) -> None:
    """OrderUnfit says why, and how many lines the bank takes."""
    if reason := misfit(line, count, kind):
        raise OrderUnfit(reason, line.most_lines)
