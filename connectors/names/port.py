"""The port to a service that knows whose account an IBAN is, outside of a payment.

It gives the results of the EPC's Verification of Payee scheme in Berlin Group's codes, as a bank does with an order
(docs/facts/bank.md, section 3).
"""

from dataclasses import dataclass
from typing import Protocol

MATCH, CLOSE_MATCH, NO_MATCH, NOT_POSSIBLE = "MTCH", "CMTC", "NMTC", "NOAP"


@dataclass(frozen=True)
class NameCheckResult:
    """What the service found. `holder`: the account holder's name, with a close match only, and not always."""

    match: str
    holder: str | None = None


class NameCheckDown(Exception):
    """No usable answer; nothing may be concluded from it, and asking later may help. The text holds no personal data.
    """


class NameChecker(Protocol):
    @property
    def name(self) -> str:
        """Return the name of the service, as it is kept with what it found."""
        ...

    def check(self, iban: str, name: str) -> NameCheckResult:
        """Return whether this account belongs to this name, which is as payroll writes it.

        Raises:
        - NameCheckDown
        """
        ...
