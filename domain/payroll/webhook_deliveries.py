"""Webhook deliveries: stored before they are answered, and used only to poll sooner."""

import logging
from datetime import timedelta
from typing import Any

from peewee import InterfaceError, OperationalError, fn

from connectors.nmbrs.webhook_payload import WebhookPayload, parse_webhook
from core.clock import utcnow
from domain.common.errors import NotFound
from domain.payroll import run_discovery, webhook_keys
from domain.payroll.nmbrs_client import is_callable
from models import NmbrsCall, NmbrsConnection, PayrollCompany, PayrollRun, WebhookDelivery, transaction
from models.prepared import Prepared
from models.states import RunState

# Unprocessed deliveries per key; above this a new one is not stored (503).
MAX_UNPROCESSED = 10_000
# So many of a client's are read at a time, so that those about one company lead to one poll.
MAX_TOGETHER = 20
RETENTION = timedelta(days=90)
log = logging.getLogger(__name__)


class TooManyWaiting(Exception):
    """This key has more unprocessed deliveries than MAX_UNPROCESSED."""


def store_delivery(secret: str, content_type: str, headers: dict[str, str], body: bytes) -> int:
    """Store the call as received and return the id of its client.

    Raises:
    - NotFound: unknown key.
    - TooManyWaiting
    """
    client_id = webhook_keys.client_id_of(secret)
    if client_id is None:
        raise NotFound
    if _beyond(client_id, MAX_UNPROCESSED - 1):
        raise TooManyWaiting
    WebhookDelivery.insert(
        client=client_id, received_at=utcnow(), content_type=content_type[:200], headers=headers, body=body
    ).execute()
    return client_id


def is_known_key(secret: str) -> bool:
    return webhook_keys.client_id_of(secret) is not None


def unprocessed_deliveries(client_id: int) -> list[int]:
    """Return the ids of the client's oldest deliveries that wait: at most MAX_TOGETHER."""
    return [row.id for row in _unprocessed(client_id)]


@Prepared
def _unprocessed(client):
    return _waiting(client).order_by(WebhookDelivery.id).limit(MAX_TOGETHER)


@Prepared
def _beyond(client, count):
    """The delivery after so many that wait."""
    return _waiting(client).offset(count).limit(1)


def _waiting(client: Any) -> Any:
    return WebhookDelivery.select(WebhookDelivery.id).where(
        WebhookDelivery.client == client, WebhookDelivery.processed_at.is_null()
    )


def process_deliveries(client_id: int) -> int:
    """Process the client's oldest MAX_TOGETHER deliveries. Returns how many were.

    One that cannot be processed stays, and is told in the log; the others are processed. A fault of the database is
    no fault of a delivery: it is raised.
    """
    done = 0
    for delivery_id in unprocessed_deliveries(client_id):
        try:
            process_delivery(delivery_id)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("webhook delivery %s cannot be processed", delivery_id)
        else:
            done += 1
    return done


def process_delivery(delivery_id: int) -> list[int]:
    """Schedule polls for the client's companies. Returns the ids of the companies that the webhook is about.

    The body only decides which company to poll first and which run to import again: Nmbrs's list is the truth.
    Processing it twice only polls twice.
    """
    row = WebhookDelivery.get_or_none(WebhookDelivery.id == delivery_id, WebhookDelivery.processed_at.is_null())
    if row is None:
        return []
    payload = parse_webhook(row.content_type, bytes(row.body))
    with transaction(row.client_id):
        named, others = _companies(row.client_id, payload)
        run_discovery.schedule_after_webhook(named, row.id)
        run_discovery.schedule_after_webhook(others, row.id, spare=True)
        _schedule_reimport(named, payload.run_id)
        WebhookDelivery.update(processed_at=utcnow()).where(WebhookDelivery.id == row.id).execute()
    return named


def purge_payloads() -> int:
    """Delete webhook bodies and recorded calls to Nmbrs after 90 days (docs/design.md, never-list 8).

    Returns the number of bodies.
    """
    before = utcnow() - RETENTION
    NmbrsCall.delete().where(NmbrsCall.created_at < before).execute()
    old = (WebhookDelivery.received_at < before) & (WebhookDelivery.body != b"")
    return (
        WebhookDelivery.update(body=b"", headers={}).where(old, WebhookDelivery.processed_at.is_null(False)).execute()
    )


def _companies(client_id: int, payload: WebhookPayload) -> tuple[list[int], list[int]]:
    """Return the companies to poll now, and those to poll soon.

    If the body names none of ours, poll all that pay now.
    """
    query = PayrollCompany.select().join(NmbrsConnection).where(PayrollCompany.client == client_id, is_callable())
    rows = list(query)
    named = [
        row.id for row in rows if payload.company_id and payload.company_id in (row.nmbrs_id, row.stable_key, row.guid)
    ]
    mapped = [row.id for row in rows if row.mapped_at is not None]
    if named:
        return named, [one for one in mapped if one not in named]
    return ([row.id for row in rows], []) if len(rows) <= run_discovery.FEW else (mapped, [])


def _schedule_reimport(company_ids: list[int], run_id: str | None) -> None:
    """Import known runs again: something may have changed that the list does not show."""
    runs = PayrollRun.select(PayrollRun.id).where(
        PayrollRun.company.in_(company_ids), PayrollRun.state.in_((RunState.IMPORTED, RunState.EMPTY, RunState.INVALID))
    )
    if run_id:
        runs = runs.where(PayrollRun.nmbrs_id == run_id)
    else:
        newest = (
            PayrollRun.select(fn.max(PayrollRun.id))
            .where(PayrollRun.company.in_(company_ids))
            .group_by(PayrollRun.company)
        )
        runs = runs.where(PayrollRun.id.in_(newest))
    PayrollRun.update(due_at=utcnow()).where(PayrollRun.id.in_(runs), PayrollRun.redacted_at.is_null()).execute()
