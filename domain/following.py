"""Following an order until the bank says something final. The bank's status is the truth, never our date."""

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain import audit, leases, line_results, name_checks, states
from domain.bank_links import line_of
from domain.bank_status import LINE_STATE, ORDER_STATE, event_of
from domain.errors import BankUnavailable, NotFound, NotOpen
from domain.payments import find
from domain.seals import lookup
from domain.sending import live_order, prepare_signing
from domain.world import world
from models import BankExchange, BankOrder, Batch, BatchLine, Client, User, transaction

FOLLOW_LEASE = 60
# What was executed is still looked at, seldom: it may come back.
FOLLOWED = ("at_bank", "signed", "executed")


def due_orders() -> list[int]:
    """Orders whose status is to be asked now."""
    query = BankOrder.select(BankOrder.id).where(
        BankOrder.state.in_(FOLLOWED), BankOrder.due_at <= utcnow()
    )
    return [row.id for row in query.order_by(BankOrder.due_at).limit(200)]


def follow(order_id: int) -> None:
    """Ask the bank once how the order stands, and move the batch accordingly."""
    order = leases.claim(
        BankOrder, order_id, FOLLOW_LEASE, BankOrder.state.in_(FOLLOWED), BankOrder.due_at <= utcnow()
    )
    if order is None or order.payment_id is None:
        return
    line, request_id = line_of(order.bank_account.bank), uuid()
    try:
        report = world().bank.order_status(line, order.payment_id, request_id)
        sca = _sca_status(line, order) if report.transaction_status in ("RCVD", "ACTC") else None
    except port.BankError as error:
        _asked(order, request_id, f"failed:{type(error).__name__}", None, order.attempts + 1)
        return
    event = event_of(report.transaction_status, line.signing)
    if sca == "failed" and event == "bank_has_it":
        event = "signing_failed"
    _record(order, request_id, report, event)
    name_checks.prepare_signing_after(order.id)


def _sca_status(line: port.BankLine, order: BankOrder) -> str | None:
    if order.authorisation_id is None or order.payment_id is None:
        return None
    return world().bank.authorisation(line, order.payment_id, order.authorisation_id, uuid())


def _asked(order: BankOrder, request_id: str, outcome: str, raw: str | None, attempts: int) -> None:
    """Keep the answer and when to ask next: soon after a change, ever later without one."""
    if raw != order.raw_status or raw is None:
        BankExchange.create(order=order.id, call="status", request_id=request_id, outcome=outcome, raw_status=raw)
    leases.release(
        order, asked_at=utcnow(), attempts=attempts, due_at=line_results.next_ask(order, attempts),
        raw_status=raw or order.raw_status,
    )


def _record(order: BankOrder, request_id: str, report: port.StatusReport, event: str | None) -> None:
    with transaction():
        batch = Batch.get_by_id(order.batch_id)
        event = line_results.take(batch, order, report, event)
        changed = event is not None and (batch.state, event) in states.ALLOWED
        _asked(order, request_id, "answered", report.transaction_status, 0 if changed else order.attempts + 1)
        if not changed or event is None:
            return
        states.move(batch, event, audit.WORKER, report.reason, order=order.id, status=report.transaction_status)
        state = ORDER_STATE[event]
        done = {"due_at": line_results.next_ask(order, 0, state)} if state in ("executed", "ended") else {}
        BankOrder.update(state=state, **done).where(BankOrder.id == order.id).execute()
        if event in LINE_STATE:
            BatchLine.update(state=LINE_STATE[event]).where(
                BatchLine.batch == batch.id, BatchLine.state == "sent"
            ).execute()


def begin_signing(client: Client, user: User, reference: str, psu: port.Psu) -> str:
    """Where at the bank this payment is signed. NotOpen when there is nothing to sign, BankUnavailable."""
    batch = find(client, reference)
    if batch.state != "at_bank":
        raise NotOpen(batch.state)
    url = prepare_signing(live_order(batch), line_of(batch.bank_account.bank), psu)
    if url is None:
        raise BankUnavailable
    with transaction():
        audit.note(client.id, audit.by_user(user), "order.signing_begun", f"batch:{reference}")
    return url


def finish_signing(state: str, user: User) -> tuple[Client, str]:
    """The way back from the bank: proves nothing. The bank is asked; the page shows what it says.

    NotFound when the state is not of a payment of a client of this user's.
    """
    order = BankOrder.get_or_none(BankOrder.return_hash == lookup(state))
    if order is None:
        raise NotFound
    batch = Batch.get_by_id(order.batch_id)
    client = Client.get_by_id(batch.client_id)
    if not client.memberships.where(client.memberships.model.user == user.id).exists():
        raise NotFound
    BankOrder.update(returned_at=utcnow(), due_at=utcnow()).where(
        BankOrder.id == order.id, BankOrder.state.in_(("at_bank", "signed"))
    ).execute()
    follow(order.id)
    return client, batch.reference
