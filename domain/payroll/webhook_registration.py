"""Reconciles our webhook at each paying debtor in Nmbrs: exactly one, with the current URL.

It runs whenever the settings are opened and after a new URL. The right webhook is created before wrong ones are
deleted, so that no finished run goes unannounced.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.nmbrs import port
from connectors.nmbrs.port import Payroll
from core.clock import utcnow
from domain.common import audit, leases
from domain.payroll import webhook_keys
from domain.payroll.nmbrs_client import NmbrsClient, error_code, is_callable
from models import Client, NmbrsConnection, NmbrsDebtor, PayrollCompany, User, WebhookDelivery, transaction
from models.states import NmbrsApi, WebhookStatus

NAME = "Bizcuit koppeling"
LEASE_SECONDS = 120
CHECK_INTERVAL = timedelta(minutes=1)
# Names of the event; its number is not documented.
_RUN_FINISHED = ("run finish", "run finished", "run einde", "runfinish")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebhookView:
    """`state`: off, installed, not_allowed or failed."""

    debtor_id: int
    debtor_number: str
    debtor_name: str
    state: str
    problem: str | None
    checked_at: datetime | None
    checking: bool


def request_webhooks(client: Client, user: User, connection: NmbrsConnection) -> list[int]:
    """Register webhooks at the customer's request. Returns the ids of the debtors to reconcile."""
    with transaction(client.id):
        NmbrsConnection.update(webhooks_requested_at=utcnow()).where(NmbrsConnection.id == connection.id).execute()
        audit.record_event(client.id, audit.by_user(user), "webhook.wanted", f"connection:{connection.id}")
        connection.webhooks_requested_at = utcnow()
        return schedule_webhook_check(connection, at_once=True)


def schedule_webhook_check(connection: NmbrsConnection, at_once: bool = False) -> list[int]:
    """Schedule the debtors that were not checked within the last minute, or all if `at_once`. Returns their ids."""
    if connection.webhooks_requested_at is None or connection.api != NmbrsApi.SOAP or connection.removed_at is not None:
        return []
    now = utcnow()
    recently = NmbrsDebtor.webhook_checked_at.is_null() | (NmbrsDebtor.webhook_checked_at < now - CHECK_INTERVAL)
    query = NmbrsDebtor.select(NmbrsDebtor.id).where(NmbrsDebtor.connection == connection.id,
                                                     NmbrsDebtor.id.in_(_paying(connection)))  # fmt: skip
    ids = [row.id for row in (query if at_once else query.where(recently))]
    NmbrsDebtor.update(webhook_due_at=now).where(NmbrsDebtor.id.in_(ids)).execute()
    return ids


def _paying(connection: NmbrsConnection):
    """Return the debtors that have a mapped company."""
    return PayrollCompany.select(PayrollCompany.debtor).where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False),
        PayrollCompany.debtor.is_null(False),
    )  # fmt: skip


def reschedule_all_webhooks(client: Client) -> list[int]:
    """Schedule every debtor, because the webhook URL has changed. Returns their ids."""
    ids = []
    for connection in NmbrsConnection.select().where(NmbrsConnection.client == client.id, is_callable()):
        ids += schedule_webhook_check(connection, at_once=True)
    return ids


def due_webhook_debtors() -> list[int]:
    """Return the ids of debtors whose webhook is due for reconciliation."""
    query = NmbrsDebtor.select(NmbrsDebtor.id).join(NmbrsConnection)
    return [row.id for row in query.where(NmbrsDebtor.webhook_due_at <= utcnow(), is_callable()).limit(100)]


def reconcile_webhook(debtor_id: int) -> None:
    """Reconcile the webhook of one debtor and store its status."""
    debtor = leases.claim_lease(NmbrsDebtor, debtor_id, LEASE_SECONDS, NmbrsDebtor.webhook_due_at <= utcnow())
    if debtor is None:
        return
    caller = NmbrsClient(debtor.connection)
    try:
        webhook_id = _ensure_webhook(caller, debtor)
        state, problem, due_at = WebhookStatus.INSTALLED, None, None
    except port.NotAllowed as error:
        webhook_id, state, problem, due_at = None, WebhookStatus.NOT_ALLOWED, error_code(error), None
    except port.PayrollError as error:
        refused = isinstance(error, port.Unreadable | port.NotVisible | port.BadCredentials | port.Disabled)
        webhook_id, state, problem = debtor.webhook_id, WebhookStatus.FAILED, error.code or error_code(error)
        due_at = None if refused else utcnow() + timedelta(minutes=5)
    leases.release_lease(
        debtor, webhook_status=state, webhook_id=webhook_id, webhook_problem=problem, webhook_checked_at=utcnow(),
        webhook_due_at=due_at,
    )  # fmt: skip


def _ensure_webhook(caller: NmbrsClient, debtor: NmbrsDebtor) -> str:
    """Return the id of our one correct webhook at this debtor; create it and delete others if necessary."""
    client = Client.get_by_id(caller.connection.client_id)
    address = webhook_keys.webhook_url(client)
    hooks = caller.call(Payroll.webhooks, debtor.nmbrs_id)
    ours = [hook for hook in hooks if webhook_keys.matches_client(client, hook.endpoint)]
    correct = next((hook for hook in ours if hook.endpoint == address and _tells_only_of_runs(hook)), None)
    if correct is None:
        events = [event.id for event in caller.call(Payroll.webhook_events) if _is_run_finished(event)]
        if not events:
            raise port.Unreadable(None, "DebtorService.WebhookSettings_GetEvents", "no event for a finished run")
        correct_id = caller.call(Payroll.insert_webhook, debtor.nmbrs_id, NAME, address, events)
    else:
        correct_id = correct.id
    for hook in ours:
        if hook.id != correct_id:
            caller.call(Payroll.delete_webhook, debtor.nmbrs_id, hook.id)
    return correct_id


def _is_run_finished(event: port.WebhookEvent) -> bool:
    return " ".join(event.name.casefold().split()) in _RUN_FINISHED


def _tells_only_of_runs(hook: port.Webhook) -> bool:
    active: Sequence[port.WebhookEvent] = [event for event in hook.events if event.active]
    return hook.active and len(active) == 1 and _is_run_finished(active[0])


# --- status ---
def webhooks_of_connection(connection: NmbrsConnection) -> list[WebhookView]:
    """Return the webhook status of each debtor that has a mapped company."""
    query = NmbrsDebtor.select().where(NmbrsDebtor.id.in_(_paying(connection))).order_by(NmbrsDebtor.number)
    return [
        WebhookView(row.id, row.number, row.name, row.webhook_status, row.webhook_problem, row.webhook_checked_at,
                    row.webhook_due_at is not None)
        for row in query
    ]  # fmt: skip


def last_delivery_at(client: Client) -> datetime | None:
    row = (
        WebhookDelivery.select(WebhookDelivery.received_at)
        .where(WebhookDelivery.client == client.id)
        .order_by(WebhookDelivery.id.desc())
        .first()
    )
    return row.received_at if row else None
