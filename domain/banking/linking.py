"""Linking bank accounts: start and complete a consent, confirm the holder's name, list the accounts."""

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
from models import BankAccount, BankConsent, BankOrder, Client, User, transaction
from models.states import ConsentStatus


@dataclass(frozen=True)
class BankOption:
    """A bank that a customer can choose."""

    id: str
    name: str
    signing: str
    adapter: str = "berlin_group"


@dataclass(frozen=True)
class AccountView:
    """A bank account as shown on screen. Amounts are integer cents, times are UTC."""

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


# When to poll a consent whose customer has not returned from the bank, and when to give up.
ASK_AFTER, GIVE_UP_AFTER = timedelta(minutes=10), timedelta(hours=24)


def bank_config_of(bank_id: str) -> port.BankConfig:
    """Return the bank's configuration.

    Raises:
    - UnknownBank: the configuration no longer has it.
    - BankUnavailable
    """
    if manual_bank.is_manual(bank_id):
        return manual_bank.MANUAL_BANK
    try:
        return all_bank_configs()[bank_id]
    except KeyError as error:
        raise UnknownBank from error


def bank_config_for_account(account: BankAccount) -> port.BankConfig:
    """Return the configuration for calls about this account, with the customer's access token if the bank needs one."""
    return oauth_grants.with_access_token(bank_config_of(account.bank), account.consent)


def bank_config_for_order(order: BankOrder) -> port.BankConfig:
    """Return the configuration for calls about this order, with the message format that the order was built with.

    Raises:
    - UnknownBank
    - BankUnavailable
    """
    return config_as_of_order(bank_config_for_account(order.bank_account), order.message_format)


def all_bank_configs() -> dict[str, port.BankConfig]:
    """Return the configuration of every bank, by id.

    Raises:
    - BankUnavailable: the directory has never been reachable.
    """
    try:
        return services().banks.lines()
    except DirectoryError as error:
        raise BankUnavailable from error


def banks() -> list[BankOption]:
    """Return the banks to choose from.

    Raises:
    - BankUnavailable
    """
    configs = all_bank_configs().values()
    return [BankOption(config.id, config.name, config.signing, config.adapter) for config in configs]


def redirect_hosts() -> set[str]:
    """Return the hosts that a form may redirect to (CSP form-action); empty while the directory is unavailable."""
    try:
        return {host for config in all_bank_configs().values() for host in config.redirect_hosts}
    except BankUnavailable:
        return set()


def start_consent(client: Client, user: User, bank_id: str, psu: port.Psu, next_page: str | None) -> str:
    """Create a consent at the bank and return the URL to redirect to.

    The user must be identified and authorised to sign.

    Raises:
    - NotIdentified, AuthorityPending, AuthorityRefused, RegisterUnavailable, UnknownCompany
    - UnknownBank
    - BankUnavailable
    - ConsentRefused
    """
    identification.require_fresh_authority(client, user)
    config, state = bank_config_of(bank_id), random_token()
    return_url = f"{services().base_url}/bank/terug/{state}"
    link = BankConsent.create(
        client=client, user=user, bank=bank_id, bank_name=config.name, state_hash=blind_index(state),
        return_path=next_page,
    )  # fmt: skip
    if oauth_grants.requires_oauth(config):
        return oauth_grants.start_authorization(link, state)
    started = _call_bank(services().bank.start_consent, config, psu, return_url, f"{return_url}?geweigerd=1", uuid())
    values = {"consent_id": started.consent_id, "due_at": utcnow() + ASK_AFTER}
    BankConsent.update(**values).where(BankConsent.id == link.id).execute()
    return started.redirect_url


def _call_bank(call: Any, *args: Any) -> Any:
    """Call the bank about a consent and translate its errors."""
    try:
        return call(*args)
    except port.BankRefused as error:
        raise ConsentRefused from error
    except port.BankError as error:
        raise BankUnavailable from error


def complete_consent(state: str, user: User, psu: port.Psu) -> BankConsent:
    """Complete a consent after the redirect. The redirect itself proves nothing: the bank is asked for the status.

    Raises:
    - NotFound: the state is unknown or another user's.
    - ConsentPending
    - ConsentRefused
    - BankUnavailable
    """
    link = BankConsent.get_or_none(BankConsent.state_hash == blind_index(state), BankConsent.user == user.id)
    if link is None or link.consent_id is None:
        raise NotFound
    return import_accounts(link, psu)


def import_accounts(link: BankConsent, psu: port.Psu | None) -> BankConsent:
    """Ask the bank for the status of a started consent and store its accounts. A second call changes nothing.

    `psu` is None if the customer is not present.

    Raises:
    - ConsentPending
    - ConsentRefused
    - BankUnavailable
    - ConsentQuotaExceeded
    """
    if link.status in (ConsentStatus.VALID, ConsentStatus.ENDED):
        return link
    config, consent_id = oauth_grants.with_access_token(bank_config_of(link.bank), link), link.consent_id or ""
    consent = _call_bank(services().bank.consent, config, consent_id, uuid())
    if consent.status == "received":
        raise ConsentPending
    if consent.status != "valid":
        values = {
            "status": ConsentStatus.DECLINED,
            "bank_consent_status": consent.status,
            "returned_at": utcnow(),
            "due_at": None,
        }
        BankConsent.update(**values).where(
            BankConsent.id == link.id, BankConsent.status != ConsentStatus.VALID
        ).execute()
        raise ConsentRefused
    consents.count_access(link, "accounts", psu)
    accounts = _call_bank(services().bank.accounts, config, consent_id, psu, uuid())
    euro_accounts = [account for account in accounts if account.currency == "EUR"]
    balances = {a.resource_id: _balance(config, consent_id, a.resource_id, psu) for a in euro_accounts} if psu else {}
    _save_accounts(link, consent, euro_accounts, balances)
    holder_verification.verify_holders(link)
    return BankConsent.get_by_id(link.id)


def _balance(config: port.BankConfig, consent_id: str, resource_id: str, psu: port.Psu) -> port.Balance | None:
    """Return the balance, or None: an unavailable balance does not stop the linking."""
    try:
        return services().bank.balance(config, consent_id, resource_id, psu, uuid())
    except port.BankError:
        return None


def _save_accounts(link: BankConsent, consent: port.ConsentState, accounts: list[port.Account], balances: dict) -> None:
    now, owners = utcnow(), sorted({a.owner_name for a in accounts if a.owner_name})
    with transaction(link.client_id):
        values = {
            "status": ConsentStatus.VALID, "bank_consent_status": consent.status, "valid_until": consent.valid_until,
            "status_checked_at": now,
            "returned_at": now, "due_at": now, "holder_name": ", ".join(owners),
        }  # fmt: skip
        if (
            not BankConsent.update(**values)
            .where(BankConsent.id == link.id, BankConsent.status != ConsentStatus.VALID)
            .execute()
        ):
            return  # two redirects at once: the other one stored it
        known = all(_known_holder(link, account) for account in accounts)
        for account in accounts:
            _save_account(link, account, balances.get(account.resource_id))
        if known and accounts:
            BankConsent.update(holder_confirmed_at=now).where(BankConsent.id == link.id).execute()
        _end_older(link)
        actor, subject = audit.by_user(link.user), f"link:{link.id}"
        audit.record_event(link.client_id, actor, "bank.linked", subject, bank=link.bank, count=len(accounts))


def _known_holder(link: BankConsent, account: port.Account) -> bool:
    """Return whether the customer confirmed this holder at this bank before: a renewal needs no confirmation.

    An account without a holder name counts as known if it was confirmed without one.
    """
    query = BankAccount.select(BankAccount.iban, BankAccount.holder_name).join(BankConsent)
    here = (BankAccount.client == link.client_id) & (BankAccount.bank == link.bank)
    confirmed = {(r.iban, r.holder_name) for r in query.where(here, BankConsent.holder_confirmed_at.is_null(False))}
    name = account.owner_name or ""
    return (account.iban, name) in confirmed or bool(name and name in {known for _, known in confirmed})


def _save_account(link: BankConsent, account: port.Account, balance: port.Balance | None) -> None:
    """Store one row per IBAN, kept for ever, so that its mappings stay. A new holder name is verified again."""
    facts: dict[str, Any] = {
        "consent": link.id, "bank": link.bank, "name": account.name or account.iban,
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


def _end_older(link: BankConsent) -> None:
    """End the consents at the same bank whose accounts are all under this one now, and have their tokens revoked."""
    empty = ~BankConsent.id.in_(BankAccount.select(BankAccount.consent))
    mine = (BankConsent.client == link.client_id) & (BankConsent.bank == link.bank) & (BankConsent.id != link.id)
    for older in BankConsent.select().where(mine, BankConsent.status == ConsentStatus.VALID, empty):
        consents.terminate_consent_in_transaction(older, consents.REPLACED)
    for older in BankConsent.select().where(
        mine, BankConsent.status.in_((ConsentStatus.ENDED, ConsentStatus.DECLINED)), empty
    ):
        oauth_grants.discard_tokens(older)


def get_consent(client: Client, link_id: int) -> BankConsent:
    link = BankConsent.get_or_none(BankConsent.id == link_id, BankConsent.client == client.id)
    if link is None:
        raise NotFound
    return link


def confirm_holder(client: Client, user: User, link_id: int) -> BankConsent:
    """Record that the customer confirmed the holder's name. From then on the accounts can pay.

    Raises:
    - NotFound
    - ConsentPending
    """
    link = get_consent(client, link_id)
    if link.status != ConsentStatus.VALID:
        raise ConsentPending
    with transaction(client.id):
        BankConsent.update(holder_confirmed_at=utcnow()).where(BankConsent.id == link.id).execute()
        audit.record_event(client.id, audit.by_user(user), "bank.holder_confirmed", f"link:{link.id}")
    return get_consent(client, link_id)


def _query(*conditions: Any) -> list[AccountView]:
    query = BankAccount.select(BankAccount, BankConsent).join(BankConsent).where(*conditions).order_by(BankAccount.id)
    return [account_view(row) for row in query]


def payable_accounts(client: Client) -> list[AccountView]:
    """Return the client's accounts whose holder is confirmed."""
    return _query(BankAccount.client == client.id, BankConsent.holder_confirmed_at.is_null(False))


def accounts_of_link(link: BankConsent) -> list[AccountView]:
    return _query(BankAccount.consent == link.id)


def account_view(row: BankAccount) -> AccountView:
    """Return what the screens show of an account.

    Asks no bank; reads the directory only if the bank's name is not stored.
    """
    return AccountView(
        row.id, row.iban, row.name, row.holder_name, row.consent.bank_name or bank_config_or_default(row.bank).name,
        row.balance_cents, row.balance_at, row.limit_payment_cents, row.limit_day_cents, row.consent_id,
        row.holder_check,
    )  # fmt: skip


def bank_config_or_default(bank_id: str) -> port.BankConfig:
    """Return the bank's configuration for display; while the directory is unavailable, one with common values.

    That one has no address, so nothing can be sent with it: what pays uses `bank_config_of`.
    """
    try:
        return bank_config_of(bank_id)
    except (BankUnavailable, UnknownBank):
        return port.BankConfig(bank_id, bank_id, "")


def awaiting_holder_confirmation(client: Client) -> list[BankConsent]:
    """Return granted consents whose holder's name is not confirmed yet."""
    query = BankConsent.select().where(BankConsent.client == client.id, BankConsent.status == ConsentStatus.VALID)
    return list(query.where(BankConsent.holder_confirmed_at.is_null()).order_by(BankConsent.id))
