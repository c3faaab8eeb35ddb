"""Debtors and payroll companies of a connection, and which bank account pays which company."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, fn

from connectors.nmbrs import port
from connectors.nmbrs.port import Payroll
from core.clock import utcnow
from domain.banking.bank_accounts import AccountView, payable_accounts, require_may_pay
from domain.common import audit
from domain.common.errors import AccountInvalid, DifferentKvkNumber, NotFound
from domain.payroll import run_discovery
from domain.payroll.nmbrs_client import NmbrsClient
from models import Client, NmbrsConnection, NmbrsDebtor, PayrollCompany, PayrollRun, User, transaction
from models.states import NmbrsApi, RunKind, RunState

PAGE_SIZE = 25


@dataclass(frozen=True)
class CompanyView:
    """A payroll company as shown on screen.

    `same_kvk`: it has the client's own KvK number. `waiting`: the number of runs that wait for a mapping.
    """

    id: int
    number: str
    name: str
    kvk_number: str | None
    same_kvk: bool
    debtor_number: str
    debtor_name: str
    account: AccountView | None
    wage_tax: bool
    waiting: int
    payday: str | None = None  # as stored


# --- sync with Nmbrs ---
def sync_companies(connection: NmbrsConnection, caller: NmbrsClient, debtors: list[port.Debtor] | None = None) -> int:
    """Store the debtors and companies that this Nmbrs user sees now. Returns the number of companies.

    Nothing is removed: a company that the user no longer sees keeps its payments.

    Raises:
    - PayrollError
    """
    seen: list[port.Debtor] = caller.call(Payroll.debtors) if debtors is None else debtors
    count = 0
    for debtor in seen:
        listed = caller.call(Payroll.companies, debtor.id)
        with transaction(connection.client_id):
            upsert_companies(connection, listed, _upsert_debtor(connection, debtor))
        count += len(listed)
    return count


def _upsert_debtor(connection: NmbrsConnection, debtor: port.Debtor) -> int:
    NmbrsDebtor.insert(
        connection=connection.id, nmbrs_id=debtor.id, number=debtor.number, name=debtor.name
    ).on_conflict(
        conflict_target=(NmbrsDebtor.connection, NmbrsDebtor.nmbrs_id),
        update={"number": debtor.number, "name": debtor.name},
    ).execute()
    same = (NmbrsDebtor.connection == connection.id) & (NmbrsDebtor.nmbrs_id == debtor.id)
    return NmbrsDebtor.get(same).id


def upsert_companies(connection: NmbrsConnection, found: Iterable[port.Company], debtor_id: int | None = None) -> None:
    """Insert or update companies, matched by their SOAP or REST id.

    A company known through another connection of the client stays with that one, so that it pays once; one that was
    removed hands it over, with all that was paid of its runs.
    """
    for company in found:
        known = _find_known(connection, company)
        words: dict[str, Any] = {"number": company.number, "name": company.name, "kvk_number": company.kvk_number}
        if known is None:
            PayrollCompany.insert(
                connection=connection.id, client=connection.client_id, nmbrs_id=company.id, stable_key=company.id,
                debtor=debtor_id, **words,
            ).execute()  # fmt: skip
            continue
        if known.connection_id == connection.id:
            words["debtor"] = debtor_id or known.debtor_id
        elif known.connection.removed_at is not None:
            words |= {"connection": connection.id, "debtor": debtor_id, "nmbrs_id": company.id}
            words |= {"guid": company.id} if connection.api == NmbrsApi.REST else {}
        PayrollCompany.update(**words).where(PayrollCompany.id == known.id).execute()


def _find_known(connection: NmbrsConnection, company: port.Company) -> PayrollCompany | None:
    named = (PayrollCompany.nmbrs_id == company.id) | (PayrollCompany.stable_key == company.id) | (
        PayrollCompany.guid == company.id
    )  # fmt: skip
    mine = PayrollCompany.client == connection.client_id
    return PayrollCompany.select().where(mine, named).first() or _known_over_soap(connection, company)


def _known_over_soap(connection: NmbrsConnection, company: port.Company) -> PayrollCompany | None:
    """Return what SOAP knew this company of REST as: its ids are others, and nobody converted them.

    In doubt it is the same company: its paid runs are then versions of one run, of which only differences are paid. Two
    companies that are taken for one still pay everybody, since people are told apart.
    """
    if connection.api != NmbrsApi.REST:
        return None
    soap = list(
        PayrollCompany.select().join(NmbrsConnection).where(
            PayrollCompany.client == connection.client_id, PayrollCompany.guid.is_null(),
            NmbrsConnection.api == NmbrsApi.SOAP, PayrollCompany.number == company.number,
        )
    )  # fmt: skip
    kvk = company.kvk_number
    same = [one for one in soap if one.name == company.name or (kvk is not None and one.kvk_number == kvk)]
    renamed = [one for one in soap if None in (kvk, one.kvk_number)]
    return next((found[0] for found in (same, renamed) if len(found) == 1), None)


def probe_candidates(connection: NmbrsConnection) -> list[PayrollCompany]:
    """Return the companies of a connection on which to try calls: mapped ones first, then the client's own."""
    rows = PayrollCompany.select().where(PayrollCompany.connection == connection.id).order_by(PayrollCompany.id)
    own = connection.client.kvk_number
    return sorted(rows.limit(500), key=lambda row: (row.mapped_at is None, row.kvk_number != own))


# --- mapping ---
def search_payroll_companies(
    connection: NmbrsConnection, text: str = "", limit: int = PAGE_SIZE
) -> tuple[list[CompanyView], int]:
    """Return the companies whose number or name contains the text, and how many match in total.

    Mapped companies come first, then those with the client's KvK number. An accountant's token may see hundreds.
    """
    own = connection.client.kvk_number
    query = (
        PayrollCompany.select(PayrollCompany, NmbrsDebtor).join(NmbrsDebtor, JOIN.LEFT_OUTER)
        .where(PayrollCompany.connection == connection.id, *_matching(text))
    )  # fmt: skip
    first = (PayrollCompany.bank_account.is_null(False)).desc(), (PayrollCompany.kvk_number == own).desc()
    rows = list(query.order_by(*first, PayrollCompany.number, PayrollCompany.id).limit(limit))
    views, waiting = {view.id: view for view in payable_accounts(connection.client)}, _waiting(rows)
    return [_view(row, own, views, waiting) for row in rows], query.count()


def _matching(text: str) -> list[Any]:
    """Return the conditions that each word occurs in the number or name."""
    words = text.casefold().split()[:5]
    both = fn.lower(PayrollCompany.number.concat(" ").concat(PayrollCompany.name))
    return [both.contains(word) for word in words]


def _waiting(rows: list[PayrollCompany]) -> dict[int, int]:
    query: Any = PayrollRun.select(PayrollRun.company, fn.count(PayrollRun.id)).where(
        PayrollRun.company.in_([row.id for row in rows]), PayrollRun.state == RunState.UNMAPPED
    )
    return dict(query.group_by(PayrollRun.company).tuples())


def _view(row: PayrollCompany, own: str, views: dict[int, AccountView], waiting: dict[int, int]) -> CompanyView:
    debtor = row.debtor
    return CompanyView(
        row.id, row.number, row.name, row.kvk_number, row.kvk_number == own, debtor.number if debtor else "",
        debtor.name if debtor else "", views.get(row.bank_account_id or 0), row.wage_tax_from is not None,
        waiting.get(row.id, 0), row.payday,
    )  # fmt: skip


def save_mapping(
    client: Client, user: User, connection: NmbrsConnection, choice: dict[int, int | None], confirmed: bool = False
) -> list[PayrollCompany]:
    """Set which account pays which company. Returns the companies that are now mapped, to be polled.

    Nothing changes when it raises.

    Raises:
    - NotFound: a company is not the client's.
    - AccountInvalid: an account cannot pay.
    - GAccountPaysTaxOnly: an account cannot pay salaries.
    - DifferentKvkNumber: a newly mapped company has another KvK number and `confirmed` is False.
    """
    usable = {view.id: view.iban for view in payable_accounts(client)}
    with transaction(client.id):
        rows = {company_id: _get_company(connection, company_id) for company_id in choice}
        for account in filter(None, choice.values()):
            _require_pays_salaries(usable.get(account))
        others = [row.name for key, row in rows.items() if choice[key] and _has_other_kvk(client, row)]
        if others and not confirmed:
            raise DifferentKvkNumber(others)
        changed = [row for key, row in rows.items() if row.bank_account_id != choice[key]]
        for row in changed:
            _map(client, user, row, choice[row.id])
    return [row for key, row in rows.items() if choice[key] is not None]


def _require_pays_salaries(iban: str | None) -> None:
    if iban is None:
        raise AccountInvalid
    require_may_pay(iban, RunKind.SALARY)


def _get_company(connection: NmbrsConnection, company_id: int) -> PayrollCompany:
    mine = PayrollCompany.connection == connection.id
    row = PayrollCompany.get_or_none(PayrollCompany.id == company_id, mine)
    if row is None:
        raise NotFound
    return row


def _has_other_kvk(client: Client, row: PayrollCompany) -> bool:
    return row.bank_account_id is None and row.kvk_number != client.kvk_number


def _map(client: Client, user: User, row: PayrollCompany, account_id: int | None) -> None:
    now = utcnow()
    since = None if account_id is None else row.mapped_at or now
    PayrollCompany.update(
        bank_account=account_id, mapped_at=since, poll_due_at=now if account_id else None, poll_attempts=0
    ).where(PayrollCompany.id == row.id).execute()
    audit.record_event(client.id, audit.by_user(user), "nmbrs.mapped", f"company:{row.id}", account=account_id)
    if account_id is not None and row.bank_account_id is None:
        _import_waiting(PayrollCompany.get_by_id(row.id))


def _import_waiting(company: PayrollCompany) -> None:
    """Import the runs that waited for a mapping; those that waited too long are only offered for manual import."""
    unmapped = (PayrollRun.company == company.id) & (PayrollRun.state == RunState.UNMAPPED)
    old = PayrollRun.run_at.is_null(False) & (
        PayrollRun.run_at < run_discovery.import_since(company) - run_discovery.GRACE
    )
    PayrollRun.update(state=RunState.BEFORE_CONNECTION, due_at=None).where(unmapped, old).execute()
    PayrollRun.update(state=RunState.PENDING, due_at=utcnow()).where(unmapped).execute()


# --- runs that wait for the user ---
def unmapped_runs(client: Client) -> list[PayrollRun]:
    """Return at most 50 runs of companies without a paying account, newest first."""
    query = PayrollRun.select(PayrollRun, PayrollCompany).join(PayrollCompany)
    return list(
        query.where(PayrollRun.client == client.id, PayrollRun.state == RunState.UNMAPPED)
        .order_by(PayrollRun.id.desc())
        .limit(50)
    )


def runs_before_connection(client: Client) -> list[PayrollRun]:
    """Return at most 100 runs from before the connection, of mapped companies, newest first."""
    query = PayrollRun.select(PayrollRun, PayrollCompany).join(PayrollCompany)
    mapped = PayrollCompany.mapped_at.is_null(False)
    newest = PayrollRun.year.desc(), PayrollRun.run_at.desc(), PayrollRun.id.desc()
    return list(
        query.where(PayrollRun.client == client.id, PayrollRun.state == RunState.BEFORE_CONNECTION, mapped)
        .order_by(*newest)
        .limit(100)
    )


def import_older_run(client: Client, user: User, run_id: int) -> PayrollRun:
    """Import a run from before the connection.

    Raises:
    - NotFound
    """
    now = utcnow()
    with transaction(client.id):
        mine = (
            (PayrollRun.id == run_id)
            & (PayrollRun.client == client.id)
            & (PayrollRun.state == RunState.BEFORE_CONNECTION)
        )
        if (
            not PayrollRun.update(state=RunState.PENDING, due_at=now, manually_selected_at=now, changed_at=now)
            .where(mine)
            .execute()
        ):
            raise NotFound
        audit.record_event(client.id, audit.by_user(user), "run.picked", f"run:{run_id}")
    return PayrollRun.get_by_id(run_id)
