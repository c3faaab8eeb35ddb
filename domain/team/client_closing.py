"""An owner closes the account of a client: nothing is paid any more at once, and its members keep it for thirty days.

What closing means is the same whether it is undone or not: waiting payments are put away, consents end at their banks,
and Nmbrs' credentials and webhooks are removed. An owner can undo it while the members are there; banks and Nmbrs are
then linked anew. What was paid stays for as long as the law asks (`domain.operations.redaction`).
"""

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum

from core.clock import utcnow
from domain.banking import consents
from domain.common import audit
from domain.common.errors import ClientBusy, InsufficientRole, StateConflict
from domain.outbox import mail
from domain.payments import excess_allowances, lost_orders, release, state_machine
from domain.payroll import connections, supersession
from domain.team import invitations
from models import (
    ApprovalThresholdChange,
    AuditEvent,
    BankOrder,
    Batch,
    Client,
    Device,
    Membership,
    OrderLine,
    PaymentHold,
    User,
    WebhookKey,
    require_client_lock,
    transaction,
)
from models.states import BatchState, ClientState, OrderState, Role

UNDO_FOR = timedelta(days=30)
REASON = "client_closed"  # of payments that were put away
CLOSING = "client.closing"
TRANSITIONS: dict[tuple[str, str], str] = {
    (ClientState.OPEN, "closing"): ClientState.CLOSING,
    (ClientState.CLOSING, "reopened"): ClientState.OPEN,
    (ClientState.CLOSING, "closed"): ClientState.CLOSED,
}


class Busy(StrEnum):
    """Why a client cannot be closed now."""

    IN_FLIGHT = "in_flight"  # money may be on its way
    DISPUTED = "disputed"  # two proofs contradict each other
    HELD = "held"  # operators hold its payments


def obstacles_to_closing(client: Client) -> list[Busy]:
    """Return why this client cannot be closed now; nothing if it can."""
    return list(_busy(client))


def _busy(client: Client) -> Iterator[Busy]:
    batches = Batch.select().where(Batch.client == client.id)
    at_bank = state_machine.AT_THE_BANK - {BatchState.DISPUTED}
    orders = BankOrder.select().join(Batch).where(
        Batch.client == client.id, BankOrder.state.not_in((OrderState.PREPARED, OrderState.EXECUTED, OrderState.CLOSED))
    )  # fmt: skip
    lost = Batch.run.in_(lost_orders.runs_with_lost_orders())
    if batches.where(Batch.state.in_(at_bank)).exists() or orders.exists() or batches.where(lost).exists():
        yield Busy.IN_FLIGHT
    lines = OrderLine.select().join(BankOrder).join(Batch).where(Batch.client == client.id)
    contradicted = lines.where(OrderLine.standing == "disputed")
    if batches.where(Batch.state == BatchState.DISPUTED).exists() or contradicted.exists():
        yield Busy.DISPUTED
    concerns = (PaymentHold.client == client.id) | (PaymentHold.client.is_null() & PaymentHold.bank.is_null())
    if PaymentHold.select().where(PaymentHold.lifted_at.is_null(), concerns).exists():
        yield Busy.HELD


# --- acts -----------------------------------------------------------------------------------------
def close_client(membership: Membership, pin: str, device: Device | None) -> None:
    """Close the client: at once nothing is paid or fetched, and after thirty days nobody is a member any more.

    The links to banks and Nmbrs are ended by `end_links`, which the worker repeats until all answered.

    Raises:
    - InsufficientRole, ReidentificationRequired
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany
    - PinWrong, PinLocked, PinMissing, DeviceUnconfirmed
    - ClientBusy: money is on its way, something is disputed, or operators hold payments.
    - StateConflict: it is closed already.
    """
    _require_owner(membership)
    release.require_person_with_pin(membership, pin, device)
    client, user = membership.client, membership.user
    with transaction(client.id):
        _require_owner(membership)
        found = obstacles_to_closing(client)
        if found:
            raise ClientBusy(found[0])
        _move(client, "closing", audit.by_user(user), ends_at=utcnow() + UNDO_FOR)
        _put_away(client)
        invitations.revoke_invitations(client)
        ApprovalThresholdChange.delete().where(ApprovalThresholdChange.client == client.id).execute()
        _tell_owners(client, "client_closing", user)


def reopen_client(membership: Membership) -> None:
    """Undo the closing. Banks and Nmbrs are linked anew; payments that were put away are on *Niet betaald*.

    Raises:
    - InsufficientRole
    - StateConflict: it is open, or closed for good.
    """
    client, user = membership.client, membership.user
    with transaction(client.id):
        _require_owner(membership)
        _move(client, "reopened", audit.by_user(user))
        _tell_owners(client, "client_reopened", user)


def _require_owner(membership: Membership) -> None:
    still = (Membership.id == membership.id) & (Membership.role == Role.OWNER)
    if not Membership.select().where(still).exists():
        raise InsufficientRole


def _move(client: Client, event: str, actor: str, **values: object) -> None:
    """Move the client to the state that follows, with its audit event. Nobody else writes `Client.state`."""
    require_client_lock(client.id)
    before = Client.get_by_id(client.id).state
    target = TRANSITIONS.get((before, event))
    if target is None:
        raise StateConflict(f"client {client.public_id}: {event} from {before}")
    ends = {"ends_at": None} if target == ClientState.OPEN else values
    Client.update(state=target, **ends).where(Client.id == client.id).execute()
    audit.record_event(client.id, actor, f"client.{event}", f"client:{client.id}", before=before, after=target)


def _put_away(client: Client) -> None:
    """Replace every payment that waits by none, and end what was asked beyond what is owed."""
    waiting = Batch.select().where(Batch.client == client.id, Batch.state.in_((BatchState.OPEN, BatchState.APPROVED)))
    supersession.replace_batches(list(waiting.order_by(Batch.id)), REASON)
    for allowance in excess_allowances.waiting_allowances(client):
        excess_allowances.end_allowance(allowance, REASON)


def _tell_owners(client: Client, kind: str, by: User | None) -> None:
    row = Client.get_by_id(client.id)
    for owner in mail.owners_of(client):
        mail.enqueue_mail(
            owner, kind, once=f"{kind}:{client.id}:{utcnow().isoformat()}:{owner.id}", client=client,
            path=f"/{client.public_id}/instellingen" if row.state != ClientState.CLOSED else None,
            by=by.name if by else "", until=row.ends_at.date().isoformat() if row.ends_at else "",
        )  # fmt: skip


# --- the worker -----------------------------------------------------------------------------------
def clients_to_end() -> list[int]:
    """Return the clients that are being closed."""
    return [row.id for row in Client.select(Client.id).where(Client.state == ClientState.CLOSING).order_by(Client.id)]


def end_links(client_id: int) -> None:
    """End what still links a client that is being closed: consents at banks, Nmbrs, payments that came in meanwhile.

    May run again at any time: what did not answer is asked again. After thirty days it ends the memberships.
    """
    client = Client.get_by_id(client_id)
    if client.state != ClientState.CLOSING:
        return
    with transaction(client.id):
        _put_away(client)
    for consent in consents.revocable_consents(client):
        consents.revoke_consent(consent)
    for connection in connections.connections(client):
        connections.remove_connection(connection, _closed_by(client))
    if client.ends_at is not None and client.ends_at <= utcnow():
        _finish(client)


def _closed_by(client: Client) -> User:
    told = AuditEvent.select().where(AuditEvent.client == client.id, AuditEvent.kind == CLOSING)
    actor = told.order_by(AuditEvent.number.desc()).get().actor
    return User.get_by_id(int(actor.removeprefix("user:")))


def _finish(client: Client) -> None:
    with transaction(client.id):
        if Client.get_by_id(client.id).state != ClientState.CLOSING:
            return
        _move(client, "closed", audit.WORKER, ends_at=client.ends_at)
        _tell_owners(client, "client_closed", None)
        for consent in consents.revocable_consents(client):  # its bank never answered; we do not use it any more
            consents.terminate_consent_in_transaction(consent, consents.BY_US)
        Membership.delete().where(Membership.client == client.id).execute()
        WebhookKey.delete().where(WebhookKey.client == client.id).execute()
