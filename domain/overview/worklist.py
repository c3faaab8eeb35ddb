"""The worklist: what waits in each client of a user. The number of queries does not depend on the number of clients."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from core.clock import today_amsterdam
from domain.banking import consents
from domain.overview import blockers
from domain.payments.awaiting import awaiting_action_by
from domain.payroll import unpaid
from models import BankConsent, Batch, Client, Membership, NmbrsConnection, PayrollRun, User
from models.prepared import Prepared
from models.states import ConnectionStatus, ConsentStatus

MAX_RECENT = 8  # clients listed at the top of every page, most recently used first


@dataclass(frozen=True)
class ClientWorklist:
    """What waits in one client. `payments`: the number that waits for this user, the oldest since `oldest` (UTC).

    `runs`: that could not become a payment, or not whole. `later`: people whom somebody left out, to be paid later.
    `bank`, `nmbrs`: a connection needs attention.
    """

    public_id: str
    name: str
    role: str
    payments: int
    oldest: datetime | None
    bank: bool
    nmbrs: bool
    runs: int = 0
    later: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.payments or self.bank or self.nmbrs or self.runs or self.later)


def worklist_for(user: User) -> list[ClientWorklist]:
    """Return the user's clients: those with the oldest waiting payment first, then failing connections, then the rest.
    """
    query = Membership.select(Membership, Client).join(Client).where(Membership.user == user.id)
    mine = list(query)
    ids = Membership.select(Membership.client).where(Membership.user == user.id)
    waiting = _pending_payments(user, ids)
    banks, nmbrs = _clients_with_ending_consent(ids), _clients_with_failing_nmbrs(ids)
    runs, later = _runs_to_correct(ids), unpaid.people_paid_later(ids)
    rows = [
        ClientWorklist(
            row.client.public_id, row.client.name, row.role, *waiting.get(row.client_id, (0, None)),
            row.client_id in banks, row.client_id in nmbrs, runs.get(row.client_id, 0),
            later.get(row.client_id, 0),
        )
        for row in mine
    ]  # fmt: skip
    return sorted(rows, key=_sort_key)


def _sort_key(row: ClientWorklist) -> tuple:
    since = row.oldest.timestamp() if row.oldest else 0.0
    return not row.payments, since, not row.anything, row.name.casefold()


def _pending_payments(user: User, ids) -> dict[int, tuple[int, datetime]]:
    query: Any = Batch.select(Batch.client, fn.count(Batch.id), fn.min(Batch.created_at))
    rows = query.where(Batch.client.in_(ids), awaiting_action_by(user)).group_by(Batch.client).tuples()
    return {client_id: (count, Batch.created_at.python_value(oldest)) for client_id, count, oldest in rows}


def pending_count(user: User) -> int:
    """Return the number of payments that wait for this user, over all clients; shown on the app's icon."""
    ids = Membership.select(Membership.client).where(Membership.user == user.id)
    return Batch.select().where(Batch.client.in_(ids), awaiting_action_by(user)).count()


def _clients_with_ending_consent(ids) -> set[int]:
    """Return the clients with a confirmed account whose consent has ended or ends within a week."""
    soon = today_amsterdam() + timedelta(days=consents.SOON.days)
    broken = (BankConsent.status != ConsentStatus.VALID) | (BankConsent.valid_until <= soon)
    query: Any = BankConsent.select(BankConsent.client).where(
        BankConsent.client.in_(ids), BankConsent.holder_confirmed_at.is_null(False), broken
    )
    return {client_id for (client_id,) in query.distinct().tuples()}


def _clients_with_failing_nmbrs(ids) -> set[int]:
    disturbed = (NmbrsConnection.status == ConnectionStatus.FAILING) & NmbrsConnection.removed_at.is_null()
    query: Any = NmbrsConnection.select(NmbrsConnection.client).where(NmbrsConnection.client.in_(ids), disturbed)
    return {client_id for (client_id,) in query.distinct().tuples()}


def _runs_to_correct(ids) -> dict[int, int]:
    wrong = blockers.failed_recently() | blockers.has_held_lines()
    query: Any = PayrollRun.select(PayrollRun.client, fn.count(PayrollRun.id)).where(PayrollRun.client.in_(ids), wrong)
    return dict(query.group_by(PayrollRun.client).tuples())


def load_navigation(membership: Membership) -> tuple[list[Client], int]:
    """Return the clients that the user can switch between, the current one first (none if there is only one), and how
    many payments of the current one wait for this person, in one query.
    """
    clients = _navigation(membership.client_id, membership.user_id)
    waiting = int(getattr(clients[0], "waiting", 0)) if clients else 0
    return clients if len(clients) > 1 else [], waiting


@Prepared
def _navigation(client: Any, user: Any) -> Any:
    mine = (Batch.client == client) & awaiting_action_by(user)
    return (
        Client.select(Client, Batch.select(fn.count(Batch.id)).where(mine).alias("waiting"))
        .join(Membership)
        .where(Membership.user == user)
        .order_by((Client.id == client).desc(), Membership.last_used_at.desc(), Client.id)
        .limit(MAX_RECENT)
    )
