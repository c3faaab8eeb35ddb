"""What operators can do. Each action is recorded in the audit log."""

from collections.abc import Callable, Iterator
from typing import Any

from core.clock import utcnow
from domain.accounts import sessions
from domain.common import audit
from domain.common.errors import NotFound, StateConflict
from domain.common.services import services
from domain.orders.submission import order_bytes
from domain.payments import state_machine
from models import (
    AuditEvent,
    BankAccount,
    BankExchange,
    BankGrant,
    BankOrder,
    Batch,
    BatchLine,
    Client,
    Identification,
    LoginSession,
    Membership,
    NmbrsConnection,
    PushSubscription,
    ScaSession,
    TokenRevocation,
    User,
    WebhookKey,
    transaction,
)


def require_client(public_id: str) -> Client:
    row = Client.get_or_none(Client.public_id == public_id)
    if row is None:
        raise NotFound
    return row


def user_of(email: str) -> User:
    row = User.get_or_none(User.email == email.strip().lower())
    if row is None:
        raise NotFound
    return row


def member_of(client: Client, email: str) -> User:
    row = User.select().join(Membership).where(Membership.client == client.id, User.email == email.lower()).first()
    if row is None:
        raise NotFound
    return row


def account_of(client: Client, iban: str) -> BankAccount:
    row = BankAccount.get_or_none(BankAccount.client == client.id, BankAccount.iban == iban)
    if row is None:
        raise NotFound
    return row


def _newest_order(reference: str) -> BankOrder:
    query = BankOrder.select().join(Batch).where((Batch.reference == reference) | (BankOrder.msg_id == reference))
    row = query.order_by(BankOrder.id.desc()).first()
    if row is None:
        raise NotFound
    return row


def order_body(reference: str) -> bytes:
    """Return the order's pain.001 as sent, or as it would be sent."""
    return order_bytes(_newest_order(reference))


def order_timeline(reference: str) -> Iterator[str]:
    """Return the order and every call to the bank about it, one line each."""
    order = _newest_order(reference)
    yield f"{order.msg_id}  {order.state}  bank says {order.raw_status or '-'}  payment {order.payment_id or '-'}"
    for row in BankExchange.select().where(BankExchange.order == order.id).order_by(BankExchange.id):
        yield f"{row.at:%Y-%m-%d %H:%M:%S}Z  {row.call}  {row.outcome}  {row.raw_status or '-'}  {row.request_id}"


def resolve_order(reference: str, taken: bool, reason: str, by: str) -> str:
    """Record what the bank told an operator about an order without an answer.

    It takes two operators: the first report is stored, and the same report by a second one changes the state.

    Raises:
    - StateConflict: the order already has an answer.
    """
    order = _newest_order(reference)
    batch, verdict = Batch.get_by_id(order.batch_id), "taken" if taken else "not_taken"
    if batch.state != "sending":
        raise StateConflict(f"{reference} is {batch.state}, not sending")
    with transaction(batch.client_id):
        subject = f"order:{order.msg_id}"
        reports = AuditEvent.select().where(AuditEvent.subject == subject, AuditEvent.kind == f"order.said_{verdict}")
        others = [event for event in reports if event.details["by"] != by]
        audit.record_event(batch.client_id, audit.OPERATOR, f"order.said_{verdict}", subject, by=by, reason=reason)
        if not others:
            return "kept; a second person must say the same"
        _resolve(batch, order, taken, reason)
    return f"resolved: {verdict}"


def _resolve(batch: Batch, order: BankOrder, taken: bool, reason: str) -> None:
    if taken:
        BankOrder.update(state="at_bank", due_at=utcnow(), lease_until=None).where(BankOrder.id == order.id).execute()
        state_machine.transition(batch, "bank_has_it", audit.OPERATOR, reason)
        return
    BankOrder.update(state="ended", due_at=None, lease_until=None).where(BankOrder.id == order.id).execute()
    BatchLine.update(state="rejected").where(BatchLine.batch == batch.id, BatchLine.state == "sent").execute()
    state_machine.transition(batch, "bank_rejected", audit.OPERATOR, "not_taken")


_ENCRYPTED_COLUMNS: tuple[tuple[Any, str, Callable[[Any], str]], ...] = (
    (WebhookKey, "key_sealed", lambda row: f"webhook_key|{row.client_id}"),
    (NmbrsConnection, "token_sealed", lambda row: f"nmbrs_connection|{row.client_id}|{row.email}"),
    (NmbrsConnection, "tokens_sealed", lambda row: f"nmbrs_tokens|{row.client_id}|{row.id}"),
    (BankGrant, "verifier_sealed", lambda row: f"bank_grant_verifier|{row.link_id}"),
    (BankGrant, "tokens_sealed", lambda row: f"bank_grant|{row.link_id}"),
    (TokenRevocation, "token_sealed", lambda row: f"token_revocation|{row.client_id}|{row.subject}"),
    (Identification, "person_sealed", lambda row: f"identification|{row.user_id}"),
    (BankOrder, "body_sealed", lambda row: f"bank_order|{row.msg_id}"),
    (ScaSession, "links_sealed", lambda row: f"sca_session|{row.order_id}|{row.purpose}"),
    (ScaSession, "answer_sealed", lambda row: f"sca_session_answer|{row.order_id}|{row.purpose}"),
    (PushSubscription, "sealed", lambda row: f"push_subscription|{row.user_id}|{row.endpoint_hash}"),
)


def rotate_keys() -> int:
    """Encrypt again, with the primary key, what was encrypted with an older key. Returns the number of values."""
    keyring, count = services().keyring, 0
    for table, column, context in _ENCRYPTED_COLUMNS:
        field = getattr(table, column)
        for row in table.select():
            ciphertext = getattr(row, column)
            if ciphertext and keyring.needs_rotation(ciphertext):
                renewed = keyring.encrypt(keyring.decrypt(ciphertext, context(row)), context(row))
                count += table.update({column: renewed}).where(table.id == row.id, field == ciphertext).execute()
    return count


def end_sessions(operator: str, reason: str, user: User | None) -> int:
    """End all sessions of this user, or of everybody (ASVS 7.4.5). Returns the number of sessions.

    Recent authentications and unfinished steps in those sessions end with them.
    """
    mine = LoginSession.user == user.id if user else LoginSession.user.is_null(False)
    query = Client.select(Client.id).order_by(Client.id)
    clients = list(query.join(Membership).where(Membership.user == user.id) if user else query)
    subject = f"user:{user.id}" if user else "everybody"
    with transaction(*(client.id for client in clients)):
        ended = sessions.sign_out_where(mine)
        for client in clients:
            audit.record_event(client.id, audit.OPERATOR, "sessions.ended", subject, by=operator, reason=reason)
    return ended
