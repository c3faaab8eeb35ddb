"""The link to Nmbrs: credentials, companies and which account pays each, webhook address, history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import JOIN

from connectors.nmbrs import port
from core.clock import utcnow
from domain import audit, webhook_keys
from domain.bank_links import AccountView, accounts
from domain.errors import (
    AccountInvalid,
    AlreadyConnected,
    DomainError,
    NmbrsBadCredentials,
    NmbrsDisabled,
    NmbrsNotAllowed,
    NmbrsOutOfSight,
    NmbrsUnavailable,
    NotFound,
)
from domain.seals import seal, unseal
from domain.world import world
from models import BankAccount, Batch, Client, Delivery, NmbrsConnection, PayrollCompany, Run, User, transaction


@dataclass(frozen=True)
class CompanyView:
    id: int
    number: str
    name: str
    kvk_number: str | None
    same_kvk: bool
    account: AccountView | None


@dataclass(frozen=True)
class HistoryRow:
    at: datetime
    result: str
    reason: str | None
    line: int | None
    account_iban: str | None
    company_number: str
    company_name: str
    items: int | None
    batch_reference: str | None
    description: str


def told(error: port.PayrollError) -> DomainError:
    """What Nmbrs refused, as something a person can be told."""
    if isinstance(error, port.BadCredentials):
        return NmbrsBadCredentials()
    if isinstance(error, port.NotAllowed):
        return NmbrsNotAllowed(error.call)
    if isinstance(error, port.OutOfSight):
        return NmbrsOutOfSight()
    if isinstance(error, port.Disabled):
        return NmbrsDisabled(error.text)
    return NmbrsUnavailable()


def _asking(call: Callable, *args: Any) -> Any:
    try:
        return call(*args)
    except port.PayrollError as error:
        raise told(error) from error


def connect(client: Client, user: User, email: str, token: str) -> NmbrsConnection:
    """"Test en sla op": the credentials are tried before they are kept, sealed.

    Raises the Nmbrs errors; nothing is kept then. AlreadyConnected for the same user twice.
    """
    email, token = email.strip(), token.strip()
    environment = _asking(world().payroll.environment, port.Credentials(email, token))
    found = _asking(world().payroll.companies, port.Credentials(email, token, environment.subdomain))
    same = (NmbrsConnection.email == email) & (NmbrsConnection.environment == environment.subdomain)
    with transaction():
        if NmbrsConnection.select().where(NmbrsConnection.client == client.id, same).exists():
            raise AlreadyConnected
        connection = NmbrsConnection.create(
            client=client, email=email, environment=environment.subdomain,
            token_sealed=seal(token, "nmbrs_connection", client.id, email),
        )  # fmt: skip
        _keep_companies(connection, found)
        audit.note(client.id, audit.by_user(user), "nmbrs.connected", f"connection:{connection.id}", count=len(found))
    return connection


def _keep_companies(connection: NmbrsConnection, found: list[port.Company]) -> None:
    """A company that another of the client's connections brought already stays with that one."""
    for company in found:
        PayrollCompany.insert(
            connection=connection, client=connection.client_id, nmbrs_id=company.id, number=company.number,
            name=company.name, kvk_number=company.kvk_number,
        ).on_conflict(
            conflict_target=(PayrollCompany.client, PayrollCompany.nmbrs_id),
            update={"name": company.name, "number": company.number, "kvk_number": company.kvk_number},
        ).execute()  # fmt: skip


def credentials(connection: NmbrsConnection) -> port.Credentials:
    token = unseal(connection.token_sealed, "nmbrs_connection", connection.client_id, connection.email)
    return port.Credentials(connection.email, token, connection.environment)


def connections(client: Client) -> list[NmbrsConnection]:
    return list(NmbrsConnection.select().where(NmbrsConnection.client == client.id).order_by(NmbrsConnection.id))


def connection_of(client: Client, connection_id: int) -> NmbrsConnection:
    row = NmbrsConnection.get_or_none(NmbrsConnection.id == connection_id, NmbrsConnection.client == client.id)
    if row is None:
        raise NotFound
    return row


def companies(connection: NmbrsConnection) -> list[CompanyView]:
    """Those with the client's own KvK number first."""
    own = connection.client.kvk_number
    views = {view.id: view for view in accounts(connection.client)}
    rows = PayrollCompany.select().where(PayrollCompany.connection == connection.id)
    found = [
        CompanyView(
            row.id, row.number, row.name, row.kvk_number, row.kvk_number == own, views.get(row.bank_account_id or 0)
        )
        for row in rows.order_by(PayrollCompany.number)
    ]
    return sorted(found, key=lambda view: not view.same_kvk)


def save_mapping(
    client: Client, user: User, connection: NmbrsConnection, choice: dict[int, int | None]
) -> list[PayrollCompany]:
    """Which account pays which company. Returns the companies that are mapped now, to be looked at.

    NotFound or AccountInvalid for what is not the client's.
    """
    usable = {view.id for view in accounts(client)}
    now, mapped = utcnow(), []
    with transaction():
        for company_id, account_id in choice.items():
            if account_id is not None and account_id not in usable:
                raise AccountInvalid
            row = PayrollCompany.get_or_none(
                PayrollCompany.id == company_id, PayrollCompany.connection == connection.id
            )
            if row is None:
                raise NotFound
            since = None if account_id is None else row.mapped_at or now
            changes = {"bank_account": account_id, "mapped_at": since, "look_due_at": now if account_id else None}
            PayrollCompany.update(**changes).where(PayrollCompany.id == row.id).execute()
            if row.bank_account_id != account_id:
                subject = f"company:{row.id}"
                audit.note(client.id, audit.by_user(user), "nmbrs.mapped", subject, account=account_id)
            if account_id is not None:
                mapped.append(row)
                waiting = (Run.company == row.id) & Run.state.in_(("found", "retrying"))
                Run.update(due_at=now).where(waiting).execute()
    return mapped


def webhook_address(client: Client) -> str:
    return webhook_keys.address(client)


def last_delivery_at(client: Client) -> datetime | None:
    row = Delivery.select(Delivery.received_at).where(Delivery.client == client.id).order_by(Delivery.id.desc()).first()
    return row.received_at if row else None


def history(client: Client, limit: int = 50) -> list[HistoryRow]:
    """What came of each run, newest first."""
    query = (
        Run.select(Run, PayrollCompany, BankAccount)
        .join(PayrollCompany)
        .join(BankAccount, JOIN.LEFT_OUTER)
        .where(Run.client == client.id, Run.state != "older")
        .order_by(Run.changed_at.desc(), Run.id.desc())
        .limit(limit)
    )
    rows = list(query)
    made = Batch.select(Batch.run, Batch.reference).where(Batch.run.in_([row.id for row in rows])).order_by(Batch.id)
    references = {batch.run_id: batch.reference for batch in made}
    return [_history_row(row, references.get(row.id)) for row in rows]


def _history_row(row: Run, reference: str | None) -> HistoryRow:
    account = row.company.bank_account
    return HistoryRow(
        row.changed_at, row.state, row.reason, row.reason_line, account.iban if account else None, row.company.number,
        row.company.name, row.line_count, reference, row.description,
    )  # fmt: skip
