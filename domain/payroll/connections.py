"""The link to Nmbrs: a client's Nmbrs accounts, each with a state and keys of its own."""

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
from domain.payroll import companies, nmbrs_tokens, permission_check, webhook_keys
from domain.payroll.nmbrs_client import NmbrsClient
from models import Client, NmbrsConnection, NmbrsDebtor, PayrollCompany, Run, User, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionView:
    """status: active or disturbed, with the code of its problem. Moments in UTC."""

    id: int
    name: str
    email: str
    interface: str
    status: str
    problem: str | None
    disturbed_at: datetime | None
    asked_at: datetime | None
    mapped: int
    checking: bool
    lacks: int


def to_domain_error(error: port.PayrollError) -> DomainError:
    """What Nmbrs refused, as something a person can be told."""
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
    """"Test en sla op": the credentials are tried before they are kept, sealed; a job then tries each right.

    Raises the Nmbrs errors; nothing is kept then. AlreadyConnected for an account that works already; one that is
    disturbed or was removed is taken up again.
    """
    email, token = email.strip(), token.strip()
    environment = _environment(email, token)
    found = _companies(port.Credentials(email, token, environment.subdomain))
    same = (
        (NmbrsConnection.client == client.id) & (NmbrsConnection.email == email)
        & (NmbrsConnection.environment == environment.subdomain)
    )  # fmt: skip
    with transaction(client.id):
        known = NmbrsConnection.get_or_none(same)
        if known is not None and known.removed_at is None and known.status == "active":
            raise AlreadyConnected
        if known is None:
            known = NmbrsConnection.create(
                client=client, email=email, environment=environment.subdomain,
                token_sealed=encrypt(token, "nmbrs_connection", client.id, email),
            )  # fmt: skip
        elif known.removed_at is not None:
            NmbrsConnection.update(created_at=utcnow(), removed_at=None).where(NmbrsConnection.id == known.id).execute()
        companies.upsert_companies(known, found)
        _activate(known, token, user, "nmbrs.connected")
    return NmbrsConnection.get_by_id(known.id)


def _environment(email: str, token: str) -> port.Environment:
    try:
        return services().payroll.environment(port.Credentials(email, token))
    except port.PayrollError as error:
        raise to_domain_error(error) from error


def _companies(keys: port.Credentials) -> list[port.Company]:
    """What the customer can choose from at once; where it is refused, the list of rights says so."""
    try:
        return services().payroll.companies(keys)
    except port.PayrollError as error:
        log.info("companies not listed at once: %s", error.code)
        return []


def renew_token(connection: NmbrsConnection, user: User, token: str) -> None:
    """A new token of the same Nmbrs user: tried, kept, and everything that waited goes on at once.

    The Nmbrs errors; WrongInterface where a connection has no token.
    """
    if connection.interface != "soap":
        raise WrongInterface
    environment = _environment(connection.email, token.strip())
    if environment.subdomain != connection.environment:
        raise NmbrsBadCredentials
    with transaction(connection.client_id):
        _activate(connection, token.strip(), user, "nmbrs.token_renewed")


def _activate(connection: NmbrsConnection, token: str, user: User, kind: str) -> None:
    sealed = encrypt(token, "nmbrs_connection", connection.client_id, connection.email)
    NmbrsConnection.update(
        token_sealed=sealed, interface="soap", asked_at=utcnow()
    ).where(NmbrsConnection.id == connection.id).execute()  # fmt: skip
    nmbrs_tokens.discard(connection)
    resume_connection(connection)
    audit.record_event(connection.client_id, audit.by_user(user), kind, f"connection:{connection.id}")


def resume_connection(connection: NmbrsConnection) -> None:
    """It works (again): what waited goes on now, and its rights are tried anew. In the caller's transaction."""
    now = utcnow()
    NmbrsConnection.update(status="active", problem=None, disturbed_at=None).where(
        NmbrsConnection.id == connection.id
    ).execute()
    of_it = PayrollCompany.select(PayrollCompany.id).where(PayrollCompany.connection == connection.id)
    PayrollCompany.update(look_due_at=now, look_attempts=0).where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False)
    ).execute()
    Run.update(due_at=now, attempts=0).where(Run.company.in_(of_it), Run.due_at.is_null(False)).execute()
    permission_check.schedule_permission_checks(connection)


def remove_connection(connection: NmbrsConnection, user: User) -> None:
    """Forget the keys, have OAuth tokens revoked and stop asking. Payments that were made stay; no account is paid
    from by it any more."""
    _take_webhooks_away(connection)
    now = utcnow()
    with transaction(connection.client_id):
        NmbrsConnection.update(
            removed_at=now, token_sealed="", checks_due_at=None, webhooks_wanted_at=None
        ).where(NmbrsConnection.id == connection.id).execute()
        nmbrs_tokens.discard(connection)
        PayrollCompany.update(
            bank_account=None, mapped_at=None, look_due_at=None, hinted_at=None, wage_tax_from=None
        ).where(PayrollCompany.connection == connection.id).execute()
        NmbrsDebtor.update(webhook="off", webhook_id=None, webhook_due_at=None).where(
            NmbrsDebtor.connection == connection.id
        ).execute()
        audit.record_event(connection.client_id, audit.by_user(user), "nmbrs.removed", f"connection:{connection.id}")


def _take_webhooks_away(connection: NmbrsConnection) -> None:
    """As far as Nmbrs lets us: a webhook that stays behind only knocks at our door."""
    if connection.interface != "soap" or connection.status == "disturbed":
        return
    caller = NmbrsClient(connection)
    installed = (NmbrsDebtor.connection == connection.id) & NmbrsDebtor.webhook_id.is_null(False)
    for debtor in NmbrsDebtor.select().where(installed).limit(20):
        try:
            caller.call(Payroll.delete_webhook, debtor.nmbrs_id, str(debtor.webhook_id))
        except port.PayrollError as error:
            log.info("debtor %s: webhook stays behind: %s", debtor.id, error.code)
            return


# --- how they stand ---
def connections(client: Client) -> list[NmbrsConnection]:
    """Those that are kept, oldest first."""
    query = NmbrsConnection.select().where(NmbrsConnection.client == client.id, NmbrsConnection.removed_at.is_null())
    return list(query.order_by(NmbrsConnection.id))


def connection_of(client: Client, connection_id: int) -> NmbrsConnection:
    """NotFound when it is not this client's, or was removed."""
    mine = (NmbrsConnection.id == connection_id) & (NmbrsConnection.client == client.id)
    row = NmbrsConnection.get_or_none(mine, NmbrsConnection.removed_at.is_null())
    if row is None:
        raise NotFound
    return row


def connection_view(connection: NmbrsConnection) -> ConnectionView:
    """How one of them stands."""
    mapped: Any = PayrollCompany.select().where(
        PayrollCompany.connection == connection.id, PayrollCompany.mapped_at.is_null(False)
    )
    lacks = [check for check in permission_check.checks_of_connection(connection) if check.result == "refused"]
    return ConnectionView(
        connection.id, connection.title or connection.environment, connection.email, connection.interface,
        connection.status, connection.problem, connection.disturbed_at, connection.asked_at, mapped.count(),
        connection.checks_due_at is not None, len(lacks),
    )  # fmt: skip


def webhook_address(client: Client) -> str:
    return webhook_keys.webhook_url(client)
