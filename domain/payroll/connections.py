"""Connections to Nmbrs: a client's Nmbrs accounts, each with its own credentials and status."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.nmbrs import port
from connectors.nmbrs.port import Payroll
from core.clock import utcnow
from domain.common import audit
from domain.common.encryption import encrypt
from domain.common.errors import (
    AlreadyConnected,
    DomainError,
    NmbrsBadCredentials,
    NmbrsDisabled,
    NmbrsNoCompanyVisible,
    NmbrsNotAllowed,
    NmbrsRateLimited,
    NmbrsUnavailable,
    NotFound,
    WrongInterface,
)
from domain.common.services import services
from domain.payroll import companies, nmbrs_tokens, permission_check
from domain.payroll.nmbrs_client import NmbrsClient
from models import Client, NmbrsConnection, NmbrsDebtor, PayrollCompany, PayrollRun, User, transaction
from models.states import CheckResult, ConnectionStatus, NmbrsApi, WebhookStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionView:
    """A connection as shown on screen. Times are UTC.

    `status`: active or disturbed, then `problem` is its error code. `lacks`: the number of missing permissions.
    """

    id: int
    name: str
    email: str
    api: str
    status: str
    problem: str | None
    failing_since: datetime | None
    last_success_at: datetime | None
    mapped: int
    checking: bool
    lacks: int


def to_domain_error(error: port.PayrollError) -> DomainError:
    """Return the domain error for an error from Nmbrs."""
    if isinstance(error, port.BadCredentials):
        return NmbrsBadCredentials()
    if isinstance(error, port.NotAllowed):
        return NmbrsNotAllowed(error.call)
    if isinstance(error, port.NotVisible):
        return NmbrsNoCompanyVisible()
    if isinstance(error, port.Disabled):
        return NmbrsDisabled(error.text)
    if isinstance(error, port.RateLimited | port.QuotaUsedUp):
        return NmbrsRateLimited()
    return NmbrsUnavailable()


def connect(client: Client, user: User, email: str, token: str) -> NmbrsConnection:
    """Test the credentials ("Test en sla op"), store them encrypted, and schedule the permission checks.

    A connection that fails or was removed is activated again. Nothing is stored when it raises.

    Raises:
    - AlreadyConnected: this account has a working connection.
    - NmbrsBadCredentials, NmbrsNotAllowed, NmbrsNoCompanyVisible, NmbrsDisabled, NmbrsRateLimited, NmbrsUnavailable
    """
    email, token = email.strip(), token.strip()
    environment = _environment(email, token)
    available = _companies(port.Credentials(email, token, environment.subdomain))
    same = (
        (NmbrsConnection.client == client.id) & (NmbrsConnection.email == email)
        & (NmbrsConnection.environment == environment.subdomain)
    )  # fmt: skip
    with transaction(client.id):
        known = NmbrsConnection.get_or_none(same)
        if known is not None and known.removed_at is None and known.status == ConnectionStatus.ACTIVE:
            raise AlreadyConnected
        if known is None:
            known = NmbrsConnection.create(
                client=client, email=email, environment=environment.subdomain,
                token_encrypted=encrypt(token, "nmbrs_connection", client.id, email),
            )  # fmt: skip
        elif known.removed_at is not None:
            NmbrsConnection.update(created_at=utcnow(), removed_at=None).where(NmbrsConnection.id == known.id).execute()
        companies.upsert_companies(known, available)
        _activate(known, token, user, "nmbrs.connected")
    return NmbrsConnection.get_by_id(known.id)


def _environment(email: str, token: str) -> port.Environment:
    try:
        return services().payroll.environment(port.Credentials(email, token))
    except port.PayrollError as error:
        raise to_domain_error(error) from error


def _companies(keys: port.Credentials) -> list[port.Company]:
    """Return the companies for an immediate choice; empty if refused, which the permission checks then show."""
    try:
        return services().payroll.companies(keys)
    except port.PayrollError as error:
        log.info("companies not listed at once: %s", error.code)
        return []


def renew_token(connection: NmbrsConnection, user: User, token: str) -> None:
    """Test and store a new token of the same Nmbrs user; whatever waited continues at once.

    Raises:
    - WrongInterface: a REST connection has no such token.
    - NmbrsBadCredentials, NmbrsNotAllowed, NmbrsNoCompanyVisible, NmbrsDisabled, NmbrsRateLimited, NmbrsUnavailable
    """
    if connection.api != NmbrsApi.SOAP:
        raise WrongInterface
    environment = _environment(connection.email, token.strip())
    if environment.subdomain != connection.environment:
        raise NmbrsBadCredentials
    with transaction(connection.client_id):
        _activate(connection, token.strip(), user, "nmbrs.token_renewed")


def _activate(connection: NmbrsConnection, token: str, user: User, kind: str) -> None:
    sealed = encrypt(token, "nmbrs_connection", connection.client_id, connection.email)
    NmbrsConnection.update(
        token_encrypted=sealed, api=NmbrsApi.SOAP, last_success_at=utcnow()
    ).where(NmbrsConnection.id == connection.id).execute()  # fmt: skip
    nmbrs_tokens.discard(connection)
    resume_connection(connection)
    audit.record_event(connection.client_id, audit.by_user(user), kind, f"connection:{connection.id}")


def resume_connection(connection: NmbrsConnection) -> None:
    """Activate the connection: polling and imports continue now, and permissions are checked again.

    Call it inside the caller's transaction.
    """
    now = utcnow()
    NmbrsConnection.update(status=ConnectionStatus.ACTIVE, error_code=None, failing_since=None).where(
        NmbrsConnection.id == connection.id
    ).execute()
    company_ids = PayrollCompany.select(PayrollCompany.id).where(PayrollCompany.connection == connection.id)
    PayrollCompany.update(poll_due_at=now, poll_attempts=0).where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False)
    ).execute()
    PayrollRun.update(due_at=now, attempts=0).where(
        PayrollRun.company.in_(company_ids), PayrollRun.due_at.is_null(False)
    ).execute()
    permission_check.schedule_permission_checks(connection)


def remove_connection(connection: NmbrsConnection, user: User) -> None:
    """Delete the credentials, have OAuth tokens revoked, and stop polling.

    Payments remain; its companies are unmapped.
    """
    _delete_webhooks(connection)
    now = utcnow()
    with transaction(connection.client_id):
        NmbrsConnection.update(
            removed_at=now, token_encrypted="", checks_due_at=None, webhooks_requested_at=None
        ).where(NmbrsConnection.id == connection.id).execute()
        nmbrs_tokens.discard(connection)
        PayrollCompany.update(
            bank_account=None, mapped_at=None, poll_due_at=None, webhook_received_at=None, wage_tax_from=None
        ).where(PayrollCompany.connection == connection.id).execute()
        NmbrsDebtor.update(webhook_status=WebhookStatus.OFF, webhook_id=None, webhook_due_at=None).where(
            NmbrsDebtor.connection == connection.id
        ).execute()
        audit.record_event(connection.client_id, audit.by_user(user), "nmbrs.removed", f"connection:{connection.id}")


def _delete_webhooks(connection: NmbrsConnection) -> None:
    """Delete our webhooks at Nmbrs as far as it allows; one that remains only causes calls that are ignored."""
    if connection.api != NmbrsApi.SOAP or connection.status == ConnectionStatus.FAILING:
        return
    caller = NmbrsClient(connection)
    installed = (NmbrsDebtor.connection == connection.id) & NmbrsDebtor.webhook_id.is_null(False)
    for debtor in NmbrsDebtor.select().where(installed).limit(20):
        try:
            caller.call(Payroll.delete_webhook, debtor.nmbrs_id, str(debtor.webhook_id))
        except port.PayrollError as error:
            log.info("debtor %s: webhook stays behind: %s", debtor.id, error.code)
            return


# --- status ---
def connections(client: Client) -> list[NmbrsConnection]:
    """Return the client's connections that are not removed, oldest first."""
    query = NmbrsConnection.select().where(NmbrsConnection.client == client.id, NmbrsConnection.removed_at.is_null())
    return list(query.order_by(NmbrsConnection.id))


def connection_of(client: Client, connection_id: int) -> NmbrsConnection:
    """Return one of the client's connections.

    Raises:
    - NotFound: also when it was removed.
    """
    mine = (NmbrsConnection.id == connection_id) & (NmbrsConnection.client == client.id)
    row = NmbrsConnection.get_or_none(mine, NmbrsConnection.removed_at.is_null())
    if row is None:
        raise NotFound
    return row


def connection_view(connection: NmbrsConnection) -> ConnectionView:
    """Return what the screens show of a connection."""
    mapped: Any = PayrollCompany.select().where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False)
    )
    refused = [
        check for check in permission_check.checks_of_connection(connection) if check.result == CheckResult.REFUSED
    ]
    return ConnectionView(
        connection.id, connection.display_name or connection.environment, connection.email, connection.api,
        connection.status, connection.error_code, connection.failing_since, connection.last_success_at, mapped.count(),
        connection.checks_due_at is not None, len(refused),
    )  # fmt: skip
