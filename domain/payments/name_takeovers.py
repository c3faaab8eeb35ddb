"""Take over, days before a payment, the name by which a bank knows an account: the order then bears that name.

It is kept for later runs too, as long as payroll writes the same name at that account (`creditor_names`). The name for
the bank is part of the digest, so every approval is given again.
"""

from core.sepa_text import NAME, to_sepa
from domain.common import audit
from domain.common.errors import BatchChanged, NotFound
from domain.payments import creditor_names
from domain.payments.amendments import reopened_for_change
from domain.payments.early_names import EarlyName, early_names_of
from domain.payments.payee_checks import lines_with_answers
from models import Batch, BatchLine, Client, User, transaction
from models.states import LineState

_UNSENT = (LineState.OPEN, LineState.EXCLUDED)


def take_over_name(client: Client, user: User, reference: str, line_id: int, seen: str) -> None:
    """Send this line, and others of the payment to the same account and name, with the name that the bank knows.

    `seen`: that name, as the person saw it.

    Raises:
    - NotOpen
    - NotFound: no name was given for this line, or none that can be written in SEPA characters.
    - BatchChanged: another name was given since, or it was taken over.
    """
    with transaction(client.id):
        batch = reopened_for_change(client, user, reference)
        lines = [one for one in lines_with_answers(batch) if one.state in _UNSENT]
        said = _said_of(lines, line_id)
        if said.taken_over or said.holder != seen:
            raise BatchChanged
        mine = next(one for one in lines if one.id == line_id)
        creditor_names.save_bank_name(client.id, user.id, mine.creditor_iban, mine.creditor_name, said.holder)
        same = (BatchLine.creditor_iban == mine.creditor_iban) & (BatchLine.creditor_name == mine.creditor_name)
        BatchLine.update(creditor_name_sepa=to_sepa(said.holder, NAME)).where(
            BatchLine.batch == batch.id, BatchLine.state.in_(_UNSENT), same
        ).execute()
        Batch.update(last_edited_by=user.id).where(Batch.id == batch.id).execute()
        audit.record_event(client.id, audit.by_user(user), "name.accepted", f"batch:{reference}", line=line_id)


def _said_of(lines: list[BatchLine], line_id: int) -> EarlyName:
    found = next((one for one in early_names_of(lines) if one.line == line_id), None)
    if found is None or not found.holder:
        raise NotFound
    return found
