"""Bank accounts under a consent: link, come back, confirm the holder's name, look at balances."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.bank import port
from connectors.bank.directory import DirectoryError
from core.clock import utcnow
from core.ids import token, uuid
from domain import audit, bank_grants, identification
from domain.errors import BankUnavailable, ConsentPending, ConsentRefused, NotFound, UnknownBank
from domain.seals import lookup
from domain.world import world
from models import BankAccount, BankLink, Client, User, transaction


@dataclass(frozen=True)
class BankChoice:
    id: str
    name: str
    signing: str
    adapter: str = "berlin_group"


@dataclass(frozen=True)
class AccountView:
    """Amounts in cents, moments in UTC."""

    id: int
    iban: str
    name: str
    holder_name: str
    bank_name: str
    balance_cents: int | None
    balance_at: datetime | None
    limit_payment_cents: int
    limit_day_cents: int


def line_of(bank_id: str) -> port.BankLine:
    """UnknownBank when the configuration no longer has it."""
    try:
        return bank_lines()[bank_id]
    except KeyError as error:
        raise UnknownBank from error


def line_for(account: BankAccount) -> port.BankLine:
    """The line of the account's bank, with the customer's key where it wants one: what a call to a bank takes."""
    return bank_grants.opened(line_of(account.bank), account.link)


def bank_lines() -> dict[str, port.BankLine]:
    """Every bank's line by its id. BankUnavailable when the directory was never to be had."""
    try:
        return world().banks.lines()
    except DirectoryError as error:
        raise BankUnavailable from error


def banks() -> list[BankChoice]:
    """The banks to choose from. BankUnavailable."""
    return [BankChoice(line.id, line.name, line.signing, line.adapter) for line in bank_lines().values()]


def redirect_hosts() -> set[str]:
    """Hosts that a form of ours may lead on to; none while the directory cannot be had."""
    try:
        return {host for line in bank_lines().values() for host in line.redirect_hosts}
    except BankUnavailable:
        return set()


def begin_link(client: Client, user: User, bank_id: str, psu: port.Psu, next_page: str | None) -> str:
    """Ask the bank for a consent; returns the address at the bank to go to.

    The person must be identified and authorised first. UnknownBank, BankUnavailable, ConsentRefused.
    """
    identification.may_link_bank(client, user)
    line, state = line_of(bank_id), token()
    back = f"{world().base_url}/bank/terug/{state}"
    link = BankLink.create(client=client, user=user, bank=bank_id, state_hash=lookup(state), next_page=next_page)
    if bank_grants.wanted(line):
        return bank_grants.begin(link, state)
    started = _asking(world().bank.start_consent, line, psu, back, f"{back}?geweigerd=1", uuid())
    BankLink.update(consent_id=started.consent_id).where(BankLink.id == link.id).execute()
    return started.redirect_url


def _asking(call: Any, *args: Any) -> Any:
    """One call to a bank about a consent, its failures in our words."""
    try:
        return call(*args)
    except port.BankRefused as error:
        raise ConsentRefused from error
    except port.BankError as error:
        raise BankUnavailable from error


def finish_link(state: str, user: User, psu: port.Psu) -> BankLink:
    """Back from the bank. The way back proves nothing but its state; the bank is asked.

    NotFound for a state that is not this user's; ConsentPending, ConsentRefused, BankUnavailable.
    """
    link = BankLink.get_or_none(BankLink.state_hash == lookup(state), BankLink.user == user.id)
    if link is None or link.consent_id is None:
        raise NotFound
    if link.status == "valid":
        return link
    line = bank_grants.opened(line_of(link.bank), link)
    consent = _asking(world().bank.consent, line, link.consent_id, uuid())
    if consent.status == "received":
        raise ConsentPending
    if consent.status != "valid":
        BankLink.update(status="refused", returned_at=utcnow()).where(BankLink.id == link.id).execute()
        raise ConsentRefused
    found = _asking(world().bank.accounts, line, link.consent_id, psu, uuid())
    balances = {a.resource_id: _balance(line, link.consent_id, a.resource_id, psu) for a in found}
    _keep_accounts(link, consent, [a for a in found if a.currency == "EUR"], balances)
    return BankLink.get_by_id(link.id)


def _balance(line: port.BankLine, consent_id: str, resource_id: str, psu: port.Psu) -> port.Balance | None:
    """A balance that cannot be had does not stop the linking."""
    try:
        return world().bank.balance(line, consent_id, resource_id, psu, uuid())
    except port.BankError:
        return None


def _keep_accounts(link: BankLink, consent: port.ConsentState, found: list[port.Account], balances: dict) -> None:
    now = utcnow()
    with transaction():
        for account in found:
            balance = balances[account.resource_id]
            facts = {
                "link": link.id, "bank": link.bank, "name": account.name or account.iban,
                "holder_name": account.owner_name or "", "resource_id": account.resource_id,
                "balance_cents": balance.cents if balance else None, "balance_at": balance.at if balance else None,
            }  # fmt: skip
            limits = {
                "limit_payment_cents": world().limit_payment_cents, "limit_day_cents": world().limit_day_cents,
            }  # fmt: skip
            conflict = {"conflict_target": (BankAccount.client, BankAccount.iban), "update": facts}
            BankAccount.insert(client=link.client_id, iban=account.iban, **facts, **limits).on_conflict(
                **conflict
            ).execute()
        owners = sorted({a.owner_name for a in found if a.owner_name})
        BankLink.update(
            status="valid", valid_until=consent.valid_until, returned_at=now, holder_name=", ".join(owners)
        ).where(BankLink.id == link.id).execute()
        audit.note(
            link.client_id, audit.by_user(link.user), "bank.linked", f"link:{link.id}", bank=link.bank, count=len(found)
        )


def link_of(client: Client, link_id: int) -> BankLink:
    link = BankLink.get_or_none(BankLink.id == link_id, BankLink.client == client.id)
    if link is None:
        raise NotFound
    return link


def confirm_holder(client: Client, user: User, link_id: int) -> BankLink:
    """The customer says that this is the company's name as the bank has it; from then on its accounts can pay."""
    link = link_of(client, link_id)
    if link.status != "valid":
        raise ConsentPending
    with transaction():
        BankLink.update(holder_confirmed_at=utcnow()).where(BankLink.id == link.id).execute()
        audit.note(client.id, audit.by_user(user), "bank.holder_confirmed", f"link:{link.id}")
    return link_of(client, link_id)


def _query(*conditions: Any) -> list[AccountView]:
    query = BankAccount.select(BankAccount, BankLink).join(BankLink).where(*conditions).order_by(BankAccount.id)
    return [account_view(row) for row in query]


def accounts(client: Client) -> list[AccountView]:
    """The client's accounts whose holder is confirmed."""
    return _query(BankAccount.client == client.id, BankLink.holder_confirmed_at.is_null(False))


def accounts_of_link(link: BankLink) -> list[AccountView]:
    return _query(BankAccount.link == link.id)


def account_view(row: BankAccount) -> AccountView:
    line = bank_lines().get(row.bank)
    return AccountView(
        row.id, row.iban, row.name, row.holder_name, line.name if line else row.bank, row.balance_cents,
        row.balance_at, row.limit_payment_cents, row.limit_day_cents,
    )  # fmt: skip


def refresh_balances(client: Client, psu: port.Psu | None) -> None:
    """Ask the banks for fresh balances; one bank's failure does not stop another's. BankUnavailable at the end."""
    failed = False
    for row in BankAccount.select(BankAccount, BankLink).join(BankLink).where(BankAccount.client == client.id):
        consent = row.link.consent_id or ""
        try:
            balance = world().bank.balance(line_for(row), consent, row.resource_id, psu, uuid())
        except (port.BankError, UnknownBank):
            failed = True
            continue
        if balance:
            values = {"balance_cents": balance.cents, "balance_at": balance.at}
            BankAccount.update(**values).where(BankAccount.id == row.id).execute()
    if failed:
        raise BankUnavailable
