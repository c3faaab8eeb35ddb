"""Linking bank accounts: start and complete a consent, store its accounts, confirm the holder's name."""

from datetime import timedelta
from typing import Any

from connectors.bank import port
from core.clock import utcnow
from core.ids import random_token, uuid
from domain.banking import consents, holder_verification, oauth_grants
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.encryption import blind_index
from domain.common.errors import BankUnavailable, ConsentPending, ConsentRefused, NotFound
from domain.common.services import services
from domain.identity import identification
from models import BankAccount, BankConsent, Client, User, transaction
from models.states import ConsentStatus

# When to poll a consent whose customer has not returned from the bank, and when to give up.
ASK_AFTER, GIVE_UP_AFTER = timedelta(minutes=10), timedelta(hours=24)


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
    consent = BankConsent.create(
        client=client, user=user, bank=bank_id, bank_name=config.name, state_hash=blind_index(state),
        return_path=next_page,
    )  # fmt: skip
    if oauth_grants.requires_oauth(config):
        return oauth_grants.start_authorization(consent, state)
    started = _call_bank(services().bank.start_consent, config, psu, return_url, f"{return_url}?geweigerd=1", uuid())
    values = {"consent_id": started.consent_id, "due_at": utcnow() + ASK_AFTER}
    BankConsent.update(**values).where(BankConsent.id == consent.id).execute()
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
    consent = BankConsent.get_or_none(BankConsent.state_hash == blind_index(state), BankConsent.user == user.id)
    if consent is None or consent.consent_id is None:
        raise NotFound
    return import_accounts(consent, psu)


def import_accounts(consent: BankConsent, psu: port.Psu | None) -> BankConsent:
    """Ask the bank for the status of a started consent and store its accounts. A second call changes nothing.

    `psu` is None if the customer is not present.

    Raises:
    - ConsentPending
    - ConsentRefused
    - BankUnavailable
    - ConsentQuotaExceeded
    """
    if consent.status in (ConsentStatus.VALID, ConsentStatus.ENDED):
        return consent
    config, consent_id = oauth_grants.with_access_token(bank_config_of(consent.bank), consent), consent.consent_id or ""
    state = _call_bank(services().bank.consent, config, consent_id, uuid())
    if state.status == "received":
        raise ConsentPending
    if state.status != "valid":
        values = {
            "status": ConsentStatus.DECLINED,
            "bank_consent_status": state.status,
            "returned_at": utcnow(),
            "due_at": None,
        }
        BankConsent.update(**values).where(
            BankConsent.id == consent.id, BankConsent.status != ConsentStatus.VALID
        ).execute()
        raise ConsentRefused
    consents.count_access(consent, "accounts", psu)
    accounts = _call_bank(services().bank.accounts, config, consent_id, psu, uuid())
    euro_accounts = [account for account in accounts if account.currency == "EUR"]
    balances = {a.resource_id: _balance(config, consent_id, a, psu) for a in euro_accounts} if psu else {}
    _save_accounts(consent, state, euro_accounts, balances)
    holder_verification.verify_holders(consent)
    return BankConsent.get_by_id(consent.id)


def _balance(config: port.BankConfig, consent_id: str, account: port.Account, psu: port.Psu) -> port.Balance | None:
    """Return the balance, or None: an unavailable balance does not stop the linking."""
    try:
        return services().bank.balance(config, consent_id, account.resource_id, psu, uuid(), account.iban)
    except port.BankError:
        return None


def _save_accounts(
    consent: BankConsent, state: port.ConsentState, accounts: list[port.Account], balances: dict
) -> None:
    now, owners = utcnow(), sorted({a.owner_name for a in accounts if a.owner_name})
    with transaction(consent.client_id):
        values = {
            "status": ConsentStatus.VALID, "bank_consent_status": state.status, "valid_until": state.valid_until,
            "status_checked_at": now,
            "returned_at": now, "due_at": now, "holder_name": ", ".join(owners),
        }  # fmt: skip
        if (
            not BankConsent.update(**values)
            .where(BankConsent.id == consent.id, BankConsent.status != ConsentStatus.VALID)
            .execute()
        ):
            return  # two redirects at once: the other one stored it
        known = all(_known_holder(consent, account) for account in accounts)
        for account in accounts:
            _save_account(consent, account, balances.get(account.resource_id))
        if known and accounts:
            BankConsent.update(holder_confirmed_at=now).where(BankConsent.id == consent.id).execute()
        _end_older(consent)
        actor, subject = audit.by_user(consent.user), f"link:{consent.id}"
        audit.record_event(consent.client_id, actor, "bank.linked", subject, bank=consent.bank, count=len(accounts))


def _known_holder(consent: BankConsent, account: port.Account) -> bool:
    """Return whether the customer confirmed this holder at this bank before: a renewal needs no confirmation.

    An account without a holder name counts as known if it was confirmed without one.
    """
    query = BankAccount.select(BankAccount.iban, BankAccount.holder_name).join(BankConsent)
    here = (BankAccount.client == consent.client_id) & (BankAccount.bank == consent.bank)
    confirmed = {(r.iban, r.holder_name) for r in query.where(here, BankConsent.holder_confirmed_at.is_null(False))}
    name = account.owner_name or ""
    return (account.iban, name) in confirmed or bool(name and name in {known for _, known in confirmed})


def _save_account(consent: BankConsent, account: port.Account, balance: port.Balance | None) -> None:
    """Store one row per IBAN, kept for ever, so that its mappings stay. A new holder name is verified again."""
    facts: dict[str, Any] = {
        "consent": consent.id, "bank": consent.bank, "name": account.name or account.iban,
        "holder_name": account.owner_name or "", "resource_id": account.resource_id,
    }  # fmt: skip
    if balance:
        facts |= {"balance_cents": balance.cents, "balance_at": balance.at}
    same = (BankAccount.client == consent.client_id) & (BankAccount.iban == account.iban)
    unchecked = {"holder_check": None, "holder_checked_at": None}
    BankAccount.update(**unchecked).where(same, BankAccount.holder_name != facts["holder_name"]).execute()
    limits = {"limit_payment_cents": services().limit_payment_cents, "limit_day_cents": services().limit_day_cents}
    BankAccount.insert(client=consent.client_id, iban=account.iban, **facts, **limits).on_conflict(
        conflict_target=(BankAccount.client, BankAccount.iban), update=facts
    ).execute()


def _end_older(consent: BankConsent) -> None:
    """End the consents at the same bank whose accounts are all under this one now, and have their tokens revoked."""
    empty = ~BankConsent.id.in_(BankAccount.select(BankAccount.consent))
    same_bank = (BankConsent.client == consent.client_id) & (BankConsent.bank == consent.bank)
    mine = same_bank & (BankConsent.id != consent.id)
    for older in BankConsent.select().where(mine, BankConsent.status == ConsentStatus.VALID, empty):
        consents.terminate_consent_in_transaction(older, consents.REPLACED)
    for older in BankConsent.select().where(
        mine, BankConsent.status.in_((ConsentStatus.ENDED, ConsentStatus.DECLINED)), empty
    ):
        oauth_grants.discard_tokens(older)


def get_consent(client: Client, consent_id: int) -> BankConsent:
    """Return the client's consent with this id.

    Raises:
    - NotFound
    """
    consent = BankConsent.get_or_none(BankConsent.id == consent_id, BankConsent.client == client.id)
    if consent is None:
        raise NotFound
    return consent


def confirm_holder(client: Client, user: User, consent_id: int) -> BankConsent:
    """Record that the customer confirmed the holder's name. From then on the accounts can pay.

    Raises:
    - NotFound
    - ConsentPending
    """
    consent = get_consent(client, consent_id)
    if consent.status != ConsentStatus.VALID:
        raise ConsentPending
    with transaction(client.id):
        BankConsent.update(holder_confirmed_at=utcnow()).where(BankConsent.id == consent.id).execute()
        audit.record_event(client.id, audit.by_user(user), "bank.holder_confirmed", f"link:{consent.id}")
    return get_consent(client, consent_id)


def awaiting_holder_confirmation(client: Client) -> list[BankConsent]:
    """Return granted consents whose holder's name is not confirmed yet."""
    query = BankConsent.select().where(BankConsent.client == client.id, BankConsent.status == ConsentStatus.VALID)
    return list(query.where(BankConsent.holder_confirmed_at.is_null()).order_by(BankConsent.id))
