"""What waits where, over all clients of one person: in as many statements for sixty clients as for two."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from core.clock import today_amsterdam
from domain.banking import consents
from domain.payments.queries import awaiting_action_by
from models import BankLink, Batch, Client, Membership, NmbrsConnection, User

SHOWN_BESIDE = 8  # clients that stand at the top of every page, the last used first


@dataclass(frozen=True)
class ClientWorklist:
    """payments: how many wait for this person, the oldest since `oldest` (UTC).

    bank, nmbrs: a link that asks for care.
    """

    public_id: str
    name: str
    role: str
    payments: int
    oldest: datetime | None
    bank: bool
    nmbrs: bool

    @property
    def anything(self) -> bool:
        return bool(self.payments or self.bank or self.nmbrs)


def worklist_for(user: User) -> list[ClientWorklist]:
    """Every client of this person: where the oldest payment waits first, then broken links, then those all done."""
    query = Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
    mine = list(query)
    ids = Membership.select(Membership.client).where(Membership.user == user.id)
    waiting, banks, nmbrs = _payments(user, ids), _banks(ids), _nmbrs(ids)
    rows = [
        ClientWorklist(
            row.client.public_id, row.client.name, row.role, *waiting.get(row.client_id, (0, None)),
            row.client_id in banks, row.client_id in nmbrs,
        )
        for row in mine
    ]  # fmt: skip
    return sorted(rows, key=_order)


def _order(row: ClientWorklist) -> tuple:
    since = row.oldest.timestamp() if row.oldest else 0.0
    return not row.payments, since, not row.anything, row.name.casefold()


def _payments(user: User, ids) -> dict[int, tuple[int, datetime]]:
    query: Any = Batch.select(Batch.client, fn.count(Batch.id), fn.min(Batch.created_at))
    rows = query.where(Batch.client.in_(ids), awaiting_action_by(user)).group_by(Batch.client).tuples()
    return {client_id: (count, Batch.created_at.python_value(oldest)) for client_id, count, oldest in rows}


def pending_count(user: User) -> int:
    """How many payments wait for this person, over all their clients: the number on the app's icon."""
    ids = Membership.select(Membership.client).where(Membership.user == user.id)
    return Batch.select().where(Batch.client.in_(ids), awaiting_action_by(user)).count()


def _banks(ids) -> set[int]:
    """Clients with a confirmed account under a consent that ends within a week, or has ended."""
    soon = today_amsterdam() + timedelta(days=consents.SOON.days)
    broken = (BankLink.status != "valid") | (BankLink.valid_until <= soon)
    query: Any = BankLink.select(BankLink.client).where(
        BankLink.client.in_(ids), BankLink.holder_confirmed_at.is_null(False), broken
    )
    return {client_id for (client_id,) in query.distinct().tuples()}


def _nmbrs(ids) -> set[int]:
    disturbed = (NmbrsConnection.status == "disturbed") & NmbrsConnection.removed_at.is_null()
    query: Any = NmbrsConnection.select(NmbrsConnection.client).where(NmbrsConnection.client.in_(ids), disturbed)
    return {client_id for (client_id,) in query.distinct().tuples()}


def recent_clients(membership: Membership) -> list[Client]:
    """The clients between which this person goes to and fro, this one first; none with only one."""
    query = (
        Client.select().join(Membership).where(Membership.user == membership.user_id)
        .order_by((Client.id == membership.client_id).desc(), Membership.used_at.desc(), Client.id).limit(SHOWN_BESIDE)
    )  # fmt: skip
    found = list(query)
    return found if len(found) > 1 else []
