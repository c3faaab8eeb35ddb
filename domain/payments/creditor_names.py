"""Creditor names as banks know them, which a person accepted instead of the name in Nmbrs. Kept per client and account.
"""

from collections.abc import Iterable
from typing import Any

from core.clock import utcnow
from core.sepa_text import to_sepa
from domain.common.errors import NotFound
from models import AcceptedCreditorName, BatchLine, require_client_lock

MOST_AT_ONCE = 500


class CreditorNames:
    """The names that one client has accepted."""

    def __init__(self, client_id: int, ibans: Iterable[str]) -> None:
        wanted, rows = sorted(set(ibans)), AcceptedCreditorName.select().where(AcceptedCreditorName.client == client_id)
        if len(wanted) <= MOST_AT_ONCE:  # with more, reading all names of the client is faster
            rows = rows.where(AcceptedCreditorName.iban.in_(wanted))
        self._known = {row.iban: (row.payroll_name, row.vop_name) for row in rows}

    def override_for(self, iban: str, creditor_name: str) -> str | None:
        """Return the bank's name; None if none was accepted for this name at this account."""
        given, at_bank = self._known.get(iban, ("", ""))
        return at_bank if at_bank and given == creditor_name else None

    def name_for_bank(self, iban: str, creditor_name: str) -> str:
        """Return the name for the bank, at most 70 SEPA characters: the accepted one, else that from Nmbrs."""
        return to_sepa(self.override_for(iban, creditor_name) or creditor_name, 70)


def load_creditor_names(client_id: int, lines: Iterable[Any]) -> CreditorNames:
    """Load the accepted names for these lines (any objects with a `creditor_iban`)."""
    return CreditorNames(client_id, (line.creditor_iban for line in lines))


def reset_fields_for_new_order(line: BatchLine, names: CreditorNames) -> dict[str, Any]:
    """Return the fields that a line needs for a new order: without results of the last one, with the name to send."""
    sent = names.name_for_bank(line.creditor_iban, line.creditor_name)
    return {"creditor_name_sepa": sent, "vop_result": None, "vop_name": None}


def save_accepted_name(client_id: int, user_id: int, line: BatchLine) -> None:
    """Accept the bank's name for this line, in the caller's transaction.

    Raises:
    - NotFound: the bank gave no name, or none that can be written in SEPA characters.
    """
    save_bank_name(client_id, user_id, line.creditor_iban, line.creditor_name, line.vop_name or "")


def save_bank_name(client_id: int, user_id: int, iban: str, payroll_name: str, bank_name: str) -> None:
    """Accept the bank's name for this account as long as payroll writes this name, in the caller's transaction.

    Raises:
    - NotFound: there is none that can be written in SEPA characters.
    """
    require_client_lock(client_id)
    if not any(sign.isalnum() for sign in to_sepa(bank_name, 70)):
        raise NotFound
    said = {"payroll_name": payroll_name, "vop_name": bank_name, "user": user_id, "accepted_at": utcnow()}
    mine = (AcceptedCreditorName.client == client_id) & (AcceptedCreditorName.iban == iban)
    if not AcceptedCreditorName.update(**said).where(mine).execute():
        AcceptedCreditorName.create(client=client_id, iban=iban, **said)
