"""Creditor names as banks know them, which a person accepted instead of the name in Nmbrs. Kept per client and account.
"""

from collections.abc import Iterable
from typing import Any

from core.clock import utcnow
from core.sepa_text import to_sepa
from domain.common.errors import NotFound
from models import AcceptedName, BatchLine, require_client_lock

MOST_AT_ONCE = 500


class CreditorNames:
    """The names that one client has accepted."""

    def __init__(self, client_id: int, ibans: Iterable[str]) -> None:
        wanted, rows = sorted(set(ibans)), AcceptedName.select().where(AcceptedName.client == client_id)
        if len(wanted) <= MOST_AT_ONCE:  # with more, reading all names of the client is faster
            rows = rows.where(AcceptedName.iban.in_(wanted))
        self._known = {row.iban: (row.name_given, row.name_at_bank) for row in rows}

    def override_for(self, iban: str, name_shown: str) -> str | None:
        """Return the bank's name; None if none was accepted for this name at this account."""
        given, at_bank = self._known.get(iban, ("", ""))
        return at_bank if at_bank and given == name_shown else None

    def name_for_bank(self, iban: str, name_shown: str) -> str:
        """Return the name for the bank, in SEPA characters and at most 70 of them: the accepted one, else Nmbrs's own.
        """
        return to_sepa(self.override_for(iban, name_shown) or name_shown, 70)


def load_creditor_names(client_id: int, lines: Iterable[Any]) -> CreditorNames:
    """Load the accepted names for these lines (any objects with an `iban`)."""
    return CreditorNames(client_id, (line.iban for line in lines))


def reset_fields_for_new_order(line: BatchLine, names: CreditorNames) -> dict[str, Any]:
    """Return the fields that a line needs for a new order: without results of the last one, with the name to send."""
    sent = names.name_for_bank(line.iban, line.name_shown)
    return {"name_sent": sent, "name_match": None, "name_at_bank": None}


def save_accepted_name(client_id: int, user_id: int, line: BatchLine) -> None:
    """Accept the bank's name for this line, in the caller's transaction.

    Raises:
    - NotFound: the bank gave no name, or none that can be written in SEPA characters.
    """
    require_client_lock(client_id)
    if line.name_at_bank is None or not any(sign.isalnum() for sign in to_sepa(line.name_at_bank, 70)):
        raise NotFound
    said = {"name_given": line.name_shown, "name_at_bank": line.name_at_bank, "user": user_id, "at": utcnow()}
    mine = (AcceptedName.client == client_id) & (AcceptedName.iban == line.iban)
    if not AcceptedName.update(**said).where(mine).execute():
        AcceptedName.create(client=client_id, iban=line.iban, **said)
