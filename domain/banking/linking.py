"""Bank accounts under a consent: link, come back, confirm the holder's name, look at balances."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.bank import port
from connectors.bank.directory import DirectoryError
from connectors.bank.order_formats import config_as_of_order
from core.clock import utcnow
from core.ids import random_token, uuid
from domain.banking import consents, holder_verification, manual_bank, oauth_grants
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import BankUnavailable, ConsentPending, ConsentRefused, NotFound, UnknownBank
from domain.common.services import services
from domain.identity import identification
from models import BankAccount, BankLink, BankOrder, Client, User, transaction


@dataclass(frozen=True)
class BankOption:
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
    link_id: int = 0
    holder_check: str | None = None


# How soon a consent that was begun is asked after, when its person did not come back to us; and how long.
ASK_AFTER, GIVE_UP_AFTER = timedelta(minutes=10), timedelta(hours=24)


def bank_config_of(bank_id: str) -> port.BankConfig:
    """UnknownBank when the configuration no longer has it."""
    if manual_bank.is_manual(bank_id):
        return manual_bank.MANUAL_BANK
    try:
        return all_bank_configs()[bank_id]
    except KeyError as error:
        raise UnknownBank from error


def bank_config_for_account(account: BankAccount) -> port.BankConfig:
    """The line of the account's bank, with the customer's key where it wants one: what a call to a bank takes."""
    return oauth_grants.with_access_token(bank_config_of(account.bank), account.link)


def bank_config_for_order(order: BankOrder) -> port.BankConfig:
    """The same for an order: the line as the order's form knows it. UnknownBank."""
    return config_as_of_order(bank_config_for_account(order.bank_account), order.form)


def all_bank_configs() -> dict[str, port.BankConfig]:
    """Every bank's line by its id. BankUnavailable when the directory was never to be had."""
    try:
        return services().banks.lines()
    except DirectoryError as error:
        raise BankUnavailable from error


def banks() -> list[BankOption]:
    """The banks to choose from. BankUnavailable."""
    return [BankOption(line.id, line.name, line.signing, line.adapter) for line in all_bank_configs().values()]


def redirect_hosts() -> set[str]:
    """Hosts that a form of ours may lead on to; none while the directory cannot be had."""
    try:
        return {host for line in all_bank_configs().values() for host in line.redirect_hosts}
    except BankUnavailable:
        return set()


def start_consent(client: Client, user: User, bank_id: str, psu: port.Psu, next_page: str | None) -> str:
    """Ask the bank for a consent; returns the address at the bank to go to.

    The person must be identified and authorised first. UnknownBank, BankUnavailable, ConsentRefused.
    """
    identification.require_fresh_authority(client, user)
    line, state = bank_config_of(bank_id), random_token()
    back = f"{services().base_url}/bank/terug/{state}"
    link = BankLink.create(
        client=client, user=user, bank=bank_id, bank_name=line.name, state_hash=blind_index(state), next_page=next_page
    )
    if oauth_grants.requires_oauth(line):
        return oauth_grants.start_authorization(link, state)
    started = _asking(services().bank.start_consent, line, psu, back, f"{back}?geweigerd=1", uuid())
    values = {"consent_id": started.consent_id, "due_at": utcnow() + ASK_AFTER}
    BankLink.update(**values).where(BankLink.id == link.id).execute()
    return started.redirect_url


def _asking(call: Any, *args: Any) -> Any:
    """One call to a bank about a consent, its failures in our words."""
    try:
        return call(*args)
    except port.BankRefused as error:
        raise ConsentRefused from error
    except port.BankError as error:
        raise BankUnavailable from error


def complete_consent(state: str, user: User, psu: port.Psu) -> BankLink:
    """Back from the bank. The way back proves nothing but its state; the bank is asked.

    NotFound for a state that is not this user's; ConsentPending, ConsentRefused, BankUnavailable.
    """
    link = BankLink.get_or_none(BankLink.state_hash == blind_index(state), BankLink.user == user.id)
    if link is None or link.consent_id is None:
        raise NotFound
    return import_accounts(link, psu)


def import_accounts(link: BankLink, psu: port.Psu | None) -> BankLink:
    """Ask the bank what became of a consent that was begun, and keep its accounts; a second time changes nothing.

    Without `psu` nobody came back. ConsentPending, ConsentRefused, BankUnavailable, ConsentQuotaExceeded.
    """
    if link.status in ("valid", "ended"):
        return link
    line, consent_id = oauth_grants.with_access_token(bank_config_of(link.bank), link), link.consent_id or ""
    consent = _asking(services().bank.consent, line, consent_id, uuid())
    if consent.status == "received":
        raise ConsentPending
    if consent.status != "valid":
        values = {"status": "refused", "consent_status": consent.status, "returned_at": utcnow(), "due_at": None}
        BankLink.update(**values).where(BankLink.id == link.id, BankLink.status != "valid").execute()
        raise ConsentRefused
    consents.count_access(link, "accounts", psu)
    found = [a for a in _asking(services().bank.accounts, line, consent_id, psu, uuid()) if a.currency == "EUR"]
    balances = {a.resource_id: _balance(line, consent_id, a.resource_id, psu) for a in found} if psu else {}
    _keep_accounts(link, consent, found, balances)
    holder_verification.verify_holders(link)
    return BankLink.get_by_id(link.id)


def _balance(config: port.BankConfig, consent_id: str, resource_id: str, psu: port.Psu) -> port.Balance | None:
    """A balance that cannot be had does not stop the linking."""
    try:
        return services().bank.balance(config, consent_id, resource_id, psu, uuid())
    except port.BankError:
        return None


def _keep_accounts(link: BankLink, consent: port.ConsentState, found: list[port.Account], balances: dict) -> None:
    now, owners = utcnow(), sorted({a.owner_name for a in found if a.owner_name})
    with transaction(link.client_id):
        values = {
            "status": "valid", "consent_status": consent.status, "valid_until": consent.valid_until, "asked_at": now,
            "returned_at": now, "due_at": now, "holder_name": ", ".join(owners),
        }  # fmt: skip
        if not BankLink.update(**values).where(BankLink.id == link.id, BankLink.status != "valid").execute():
            return  # it came back twice at once
        known = all(_known_holder(link, account) for account in found)
        for account in found:
            _keep_account(link, account, balances.get(account.resource_id))
        if known and found:
            BankLink.update(holder_confirmed_at=now).where(BankLink.id == link.id).execute()
        _end_older(link)
        audit.record_event(
            link.client_id, audit.by_user(link.user), "bank.linked", f"link:{link.id}", bank=link.bank, count=len(found)
        )


def _known_holder(link: BankLink, account: port.Account) -> bool:
    """Whether the customer confirmed this name at this bank before: a renewal asks nothing again.

    An account without a name is known when it was confirmed without one.
    """
    query = BankAccount.select(BankAccount.iban, BankAccount.holder_name).join(BankLink)
    here = (BankAccount.client == link.client_id) & (BankAccount.bank == link.bank)
    confirmed = {(r.iban, r.holder_name) for r in query.where(here, BankLink.holder_confirmed_at.is_null(False))}
    name = account.owner_name or ""
    return (account.iban, name) in confirmed or bool(name and name in {known for _, known in confirmed})


def _keep_account(link: BankLink, account: port.Account, balance: port.Balance | None) -> None:
    """One row per IBAN for ever: what is mapped to it stays so. Another holder's name is checked anew."""
    facts: dict[str, Any] = {
        "link": link.id, "bank": link.bank, "name": account.name or account.iban,
        "holder_name": account.owner_name or "", "resource_id": account.resource_id,
    }  # fmt: skip
    if balance:
        facts |= {"balance_cents": balance.cents, "balance_at": balance.at}
    same = (BankAccount.client == link.client_id) & (BankAccount.iban == account.iban)
    unchecked = {"holder_check": None, "holder_checked_at": None}
    BankAccount.update(**unchecked).where(same, BankAccount.holder_name != facts["holder_name"]).execute()
    limits = {"limit_payment_cents": services().limit_payment_cents, "limit_day_cents": services().limit_day_cents}
    BankAccount.insert(client=link.client_id, iban=account.iban, **facts, **limits).on_conflict(
        conflict_target=(BankAccount.client, BankAccount.iban), update=facts
    ).execute()


def _end_older(link: BankLink) -> None:
    """Consents at the same bank whose accounts are all under this one now."""
    empty = ~BankLink.id.in_(BankAccount.select(BankAccount.link))
    mine = (BankLink.client == link.client_id) & (BankLink.bank == link.bank) & (BankLink.id != link.id)
    for older in BankLink.select().where(mine, BankLink.status == "valid", empty):
        consents.terminate_consent_in_transaction(older, "replaced")


def get_consent(client: Client, link_id: int) -> BankLink:
    link = BankLink.get_or_none(BankLink.id == link_id, BankLink.client == client.id)
    if link is None:
        raise NotFound
    return link


def confirm_holder(client: Client, user: User, link_id: int) -> BankLink:
    """The customer says that this is the company's name as the bank has it; from then on its accounts can pay."""
    link = get_consent(client, link_id)
    if link.status != "valid":
        raise ConsentPending
    with transaction(client.id):
        BankLink.update(holder_confirmed_at=utcnow()).where(BankLink.id == link.id).execute()
        audit.record_event(client.id, audit.by_user(user), "bank.holder_confirmed", f"link:{link.id}")
    return get_consent(client, link_id)


def _query(*conditions: Any) -> list[AccountView]:
    query = BankAccount.select(BankAccount, BankLink).join(BankLink).where(*conditions).order_by(BankAccount.id)
    return [account_view(row) for row in query]


def payable_accounts(client: Client) -> list[AccountView]:
    """The client's accounts whose holder is confirmed."""
    return _query(BankAccount.client == client.id, BankLink.holder_confirmed_at.is_null(False))


def accounts_of_link(link: BankLink) -> list[AccountView]:
    return _query(BankAccount.link == link.id)


def account_view(row: BankAccount) -> AccountView:
    """As it is known here: no bank is asked, and its directory only for a link that kept no name."""
    return AccountView(
        row.id, row.iban, row.name, row.holder_name, row.link.bank_name or bank_config_or_default(row.bank).name,
        row.balance_cents, row.balance_at, row.limit_payment_cents, row.limit_day_cents, row.link_id, row.holder_check,
    )  # fmt: skip


def bank_config_or_default(bank_id: str) -> port.BankConfig:
    """For pages: the bank's line, or while the directory is away, what holds for most banks.

    Nothing may be sent to a bank by it (its address is empty): what pays asks `line_of`.
    """
    try:
        return bank_config_of(bank_id)
    except (BankUnavailable, UnknownBank):
        return port.BankConfig(bank_id, bank_id, "")


def awaiting_holder_confirmation(client: Client) -> list[BankLink]:
    """Consents that were given, whose holder's name nobody confirmed yet."""
    query = BankLink.select().where(BankLink.client == client.id, BankLink.status == "valid")
    return list(query.where(BankLink.holder_confirmed_at.is_null()).order_by(BankLink.id))
