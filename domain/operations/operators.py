"""What operators can do. Each action is recorded in the audit log."""

from collections.abc import Iterator
from typing import Any

from core.clock import utcnow
from domain.accounts import sessions
from domain.common import audit
from domain.common.errors import NotFound, StateConflict
from domain.operations import operator_access
from domain.orders import evidence, settlement
from domain.orders.conclusion import NOT_TAKEN, SAID_PAID, SAID_UNPAID, TAKEN, Level, Trust
from domain.orders.evidence import Statement
from models import (
    BankAccount,
    BankCall,
    BankOrder,
    Batch,
    Client,
    LoginSession,
    Membership,
    OrderLine,
    User,
    transaction,
)
from models.states import BatchState


def require_client(public_id: str) -> Client:
    """Return the client with this public id.

    Raises:
    - NotFound
    """
    row = Client.get_or_none(Client.public_id == public_id)
    if row is None:
        raise NotFound
    return row


def user_of(email: str) -> User:
    """Return the user with this e-mail address.

    Raises:
    - NotFound
    """
    row = User.get_or_none(User.email == email.strip().lower())
    if row is None:
        raise NotFound
    return row


def member_of(client: Client, email: str) -> User:
    """Return the member of the client with this e-mail address.

    Raises:
    - NotFound
    """
    row = User.select().join(Membership).where(Membership.client == client.id, User.email == email.lower()).first()
    if row is None:
        raise NotFound
    return row


def account_of(client: Client, iban: str) -> BankAccount:
    """Return the client's account with this IBAN.

    Raises:
    - NotFound
    """
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


def order_timeline(reference: str) -> Iterator[str]:
    """Return the order and every call to the bank about it, one line each."""
    batch = Batch.get_or_none(Batch.reference == reference)
    if batch is not None and not BankOrder.select().where(BankOrder.batch == batch.id).exists():
        yield f"{reference}  {batch.state}  no order was made"
        return
    order = _newest_order(reference)
    yield f"{order.msg_id}  {order.state}  bank says {order.bank_status or '-'}  payment {order.bank_payment_id or '-'}"
    for row in BankCall.select().where(BankCall.order == order.id).order_by(BankCall.id):
        said = f"{row.operation}  {row.outcome}  {row.bank_status or '-'}  {row.x_request_id}"
        yield f"{row.created_at:%Y-%m-%d %H:%M:%S}Z  {said}"


# What two operators may say about an order: whether the bank has it, and its outcome.
VERDICTS = {"taken": TAKEN, "not_taken": NOT_TAKEN, "paid": SAID_PAID, "unpaid": SAID_UNPAID}


def resolve_order(reference: str, verdict: str, reason: str, by: str, token: str | None = None) -> str:
    """Record what the bank told an operator about an order; two different operators settle it.

    `verdict` is one of VERDICTS: taken and not_taken for an order without an answer, paid and unpaid for the lines of
    an order whose outcome is not proved: what is proved of its other lines stays. `by` and `token` are those of the
    operator (`operator_access`); the same name in other capitals or with other blanks is the same person.

    Raises:
    - OperatorRefused: nobody signed in.
    - StateConflict: the order needs no such word.
    """
    order, who = _newest_order(reference), operator_access.sign_in(by, token)
    batch = Batch.get_by_id(order.batch_id)
    if not (_undecided(order).exists() if verdict in ("paid", "unpaid") else batch.state == BatchState.SENDING):
        raise StateConflict(f"{reference} is {batch.state}: nothing is to be said of it")
    with transaction(batch.client_id):
        subject = f"order:{order.msg_id}"
        audit.record_event(
            batch.client_id, audit.OPERATOR, f"order.said_{verdict}", subject, by=who, reason=reason,
            signed_in=operator_access.requires_sign_in(),
        )  # fmt: skip
        said = _statements(order, verdict)
        evidence.add_evidence(order, evidence.OPERATOR, Trust.OPERATOR, said, said_by=f"operator:{who}")
        BankOrder.update(lease_until=None).where(BankOrder.id == order.id).execute()
        settlement.settle(order, audit.OPERATOR, verdict if verdict == "not_taken" else reason)
    if Batch.get_by_id(batch.id).state == batch.state:
        return "kept; a second person must say the same"
    return f"resolved: {verdict}"


def _statements(order: BankOrder, verdict: str) -> list[Statement]:
    code, now = VERDICTS[verdict], utcnow()
    if verdict not in ("paid", "unpaid"):
        return [Statement(Level.GROUP, code, now)]
    return [Statement(Level.LINE, code, now, row.end_to_end_id) for row in _undecided(order)]


def _undecided(order: BankOrder) -> Any:
    """Return a query of the lines that may be paid or are disputed, also if their payment has been replaced since."""
    undecided = OrderLine.standing.in_(("possible", "disputed"))
    return OrderLine.select().where(OrderLine.order == order.id, undecided).order_by(OrderLine.id)


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
