"""An allowance as its page shows it."""

from dataclasses import dataclass
from datetime import datetime

from domain.identity.persons import same_person
from domain.payments import commitments, excess_allowances, state_machine
from models import Batch, Client, Membership, User
from models.states import BatchState


@dataclass(frozen=True)
class AllowanceView:
    """What was asked, and how it stands. Amounts in cents; `given_cents`: what counts as paid beside it.

    `may_allow`: this person may be the second one. `may_withdraw`: nothing of it can be at a bank. `others`: the names
    of whoever may be the second one, while it waits. `payment`: the reference of its payment.
    """

    id: int
    state: str  # waits, allowed, ended
    name: str
    iban: str
    amount_cents: int
    reason: str
    owed_cents: int
    given_cents: int
    asked_by: str
    asked_at: datetime
    allowed_by: str
    ended_by: str
    others: tuple[str, ...]
    mine: bool
    may_allow: bool
    may_withdraw: bool
    removed: bool  # whom it paid is no longer known
    beside: str  # reference of the payment that it is beside
    payment: str


def view_allowance(membership: Membership, allowance_id: int) -> AllowanceView:
    """Return an allowance for this member.

    Raises:
    - NotFound
    """
    client, user = membership.client, membership.user
    row = excess_allowances.get_allowance(client, allowance_id)
    state = "ended" if row.withdrawn_at else "allowed" if row.allowed_at else "waits"
    batch, mine = row.batch, same_person(row.asked_by, user)
    others = excess_allowances.others_who_may(client, row.asked_by) if state == "waits" else []
    return AllowanceView(
        id=row.id, state=state, name=row.creditor_name, iban=row.creditor_iban, amount_cents=row.amount_cents,
        reason=row.reason, owed_cents=row.due.owed_cents,
        given_cents=commitments.given_of_due(row.due_id, row.batch_id),
        asked_by=row.asked_by.name, asked_at=row.asked_at, allowed_by=_name(row.allowed_by),
        ended_by=_name(row.withdrawn_by), others=tuple(one.name for one in others), mine=mine,
        may_allow=state == "waits" and not mine, may_withdraw=state != "ended" and not _is_on_its_way(batch),
        removed=row.due.run.redacted_at is not None,
        beside=row.beside.batch_line.batch.reference, payment=batch.reference if batch else "",
    )  # fmt: skip


def _name(user: User | None) -> str:
    return user.name if user else ""


def _is_on_its_way(batch: Batch | None) -> bool:
    return batch is not None and batch.state in state_machine.SENT and batch.state != BatchState.RETURNED


@dataclass(frozen=True)
class WaitingAllowance:
    """A request that waits for a second person. `mine`: this person asked it."""

    id: int
    name: str
    amount_cents: int
    asked_by: str
    asked_at: datetime
    mine: bool


def waiting_for(client: Client, user: User) -> list[WaitingAllowance]:
    """Return what waits for a second person to allow it, oldest first."""
    return [
        WaitingAllowance(
            row.id, row.creditor_name, row.amount_cents, row.asked_by.name, row.asked_at, row.asked_by_id == user.id
        )
        for row in excess_allowances.waiting_allowances(client)
    ]  # fmt: skip
