"""The form that maps companies to bank accounts: parsing the choices, and listing the companies."""

from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from blueprints.payroll.blueprint import parse_id
from blueprints.payroll.presenters.payday import payday_text
from domain.banking.bank_accounts import AccountView
from domain.payroll import companies, connections
from domain.payroll.companies import CompanyView
from models import NmbrsConnection

# A payroll bureau's token may see this many companies; a page lists fewer.
MAX_COMPANIES = 5000
_ACCOUNT, _WAGE_TAX, _WAGE_TAX_SHOWN = "company-", "loonheffing-", "loonheffing-getoond-"


@dataclass(frozen=True)
class MappingChoices:
    """The choices by company: `accounts` (None: not paid) and `wage_tax`, on or off.

    `valid` is false if a value is not an account id.
    """

    accounts: dict[int, int | None]
    wage_tax: dict[int, bool]
    valid: bool = True


NO_CHOICES = MappingChoices({}, {})


def parse_choices(fields: MultiDict[str, str]) -> MappingChoices:
    """Return the choices in a form or query string."""
    accounts: dict[int, int | None] = {}
    valid = True
    for name, value in fields.items(multi=True):
        company_id = parse_id(name.removeprefix(_ACCOUNT)) if name.startswith(_ACCOUNT) else None
        if company_id is not None:
            accounts[company_id] = parse_id(value)
            valid = valid and (not value or accounts[company_id] is not None)
    shown = [parse_id(name.removeprefix(_WAGE_TAX_SHOWN)) for name in fields if name.startswith(_WAGE_TAX_SHOWN)]
    wage_tax = {company_id: f"{_WAGE_TAX}{company_id}" in fields for company_id in shown if company_id is not None}
    return MappingChoices(accounts, wage_tax, valid)


def parse_search(fields: MultiDict[str, str]) -> str:
    """Return the search text without control characters, which the database refuses."""
    return "".join(c for c in fields.get("zoek", "")[:100] if c.isprintable())


def restrict_to_connection(connection: NmbrsConnection, choices: MappingChoices) -> MappingChoices:
    """Remove companies of another connection, which an outdated page may contain."""
    if not (choices.accounts or choices.wage_tax):
        return choices
    known = {view.id for view in all_companies(connection)}
    return replace(
        choices,
        accounts={key: value for key, value in choices.accounts.items() if key in known},
        wage_tax={key: value for key, value in choices.wage_tax.items() if key in known},
    )


def all_companies(connection: NmbrsConnection) -> list[CompanyView]:
    views, _total = companies.search_payroll_companies(connection, "", MAX_COMPANIES)
    return views


# --- the list of companies ---
@dataclass(frozen=True)
class CompanyRow:
    """A company in the form: the chosen account, perhaps not saved yet, and whether its wage tax is paid too; its
    payday in words.
    """

    company: CompanyView
    account_id: int | None
    wage_tax: bool
    payday: str = ""


@dataclass(frozen=True)
class CompanyList:
    """The companies in the form. `unsaved` holds those with unsaved choices that the search would have hidden."""

    unsaved: list[CompanyRow]
    rows: list[CompanyRow]
    total: int
    search: str
    searchable: bool
    shows_debtors: bool


def list_companies(
    connection: NmbrsConnection, search: str, choices: MappingChoices, accounts: list[AccountView]
) -> CompanyList:
    """Return the companies found, each with its choice. `accounts` are the payable accounts."""
    views, total = companies.search_payroll_companies(connection, search)
    proposed = _proposed_account(connection, accounts)
    rows = [_row(view, choices, proposed) for view in views]
    unsaved = _unsaved_rows(connection, choices, {view.id for view in views})
    debtors = {row.company.debtor_number for row in (*unsaved, *rows)} - {""}
    return CompanyList(
        unsaved, rows, total, search, searchable=total > len(views) or bool(search), shows_debtors=len(debtors) > 1
    )


def _unsaved_rows(connection: NmbrsConnection, choices: MappingChoices, listed: set[int]) -> list[CompanyRow]:
    hidden = (choices.accounts.keys() | choices.wage_tax.keys()) - listed
    if not hidden:
        return []
    rows = [_row(view, choices, None) for view in all_companies(connection) if view.id in hidden]
    return [
        row for row in rows
        if row.account_id != _saved_account(row.company) or row.wage_tax != row.company.wage_tax
    ]


def _row(view: CompanyView, choices: MappingChoices, proposed: int | None) -> CompanyRow:
    first = _saved_account(view) or (proposed if view.same_kvk else None)
    account, wage_tax = choices.accounts.get(view.id, first), choices.wage_tax.get(view.id, view.wage_tax)
    return CompanyRow(view, account, wage_tax, payday_text(view.payday))


def _saved_account(view: CompanyView) -> int | None:
    return view.account.id if view.account else None


def _proposed_account(connection: NmbrsConnection, accounts: list[AccountView]) -> int | None:
    """Return the only account, as a default while nothing is mapped yet, for companies with the client's KvK number."""
    unmapped = connections.connection_view(connection).mapped == 0
    return accounts[0].id if unmapped and len(accounts) == 1 else None
