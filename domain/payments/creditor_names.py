"""Names that a person took over from a bank: kept per client and account, for the name that Nmbrs gives."""

from collections.abc import Iterable
from typing import Any

from core.clock import utcnow
from core.sepa_text import to_sepa
from domain.common.errors import NotFound
from models import AcceptedName, BatchLine, require_client_lock

MOST_AT_ONCE = 500


class CreditorNames:
    """The names that one client has taken over."""

    def __init__(self, client_id: int, ibans: Iterable[str]) -> None:
        wanted, rows = sorted(set(ibans)), AcceptedName.select().where(AcceptedName.client == client_id)
        if len(wanted) <= MOST_AT_ONCE:  # beyond it all of the client are fewer than the questions
            rows = rows.where(AcceptedName.iban.in_(wanted))
        self._known = {row.iban: (row.name_given, row.name_at_bank) for row in rows}

    def override_for(self, iban: str, name_shown: str) -> str | None:
        """The bank's name; None when none was taken over for this name at this account."""
        given, at_bank = self._known.get(iban, ("", ""))
        return at_bank if at_bank and given == name_shown else None

    def name_for_bank(self, iban: str, name_shown: str) -> str:
        """The name for the bank, in SEPA signs and at most 70: the one taken over, else Nmbrs's own."""
        return to_sepa(self.override_for(iban, name_shown) or name_shown, 70)


def load_creditor_names(client_id: int, lines: Iterable[Any]) -> CreditorNames:
    """Those that matter for these lines (anything with an `iban`)."""
    return CreditorNames(client_id, (line.iban for line in lines))


def reset_fields_for_new_order(line: BatchLine, names: CreditorNames) -> dict[str, Any]:
    """What a line has to become for a new order: no result of the last one, and the name that was taken over."""
    sent = names.name_for_bank(line.iban, line.name_shown)
    return {"name_sent": sent, "name_match": None, "name_at_bank": None, "bank_reason": None}


def save_accepted_name(client_id: int, user_id: int, line: BatchLine) -> None:
    """Take the bank's name over, in the caller's transaction. NotFound when there is none that could be sent."""
    require_client_lock(client_id)
    if line.name_at_bank is None or not any(sign.isalnum() for sign in to_sepa(line.name_at_bank, 70)):
        raise NotFound
    said = {"name_given": line.name_shown, "name_at_bank": line.name_at_bank, "user": user_id, "at": utcnow()}
    mine = (AcceptedName.client == client_id) & (AcceptedName.iban == line.iban)
    if not AcceptedName.update(**said).where(mine).execute():
        AcceptedName.create(client=client_id, iban=line.iban, **said)
