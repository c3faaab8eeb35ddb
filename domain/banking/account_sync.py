"""Syncs consents and balances with the banks: a few times a day in the background, and when the customer asks."""

import logging
from datetime import timedelta
from functools import partial

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking import consents, holder_verification, manual_bank, oauth_grants
from domain.banking.bank_configs import bank_config_of
from domain.banking.linking import ASK_AFTER, GIVE_UP_AFTER, import_accounts
from domain.common import leases
from domain.common.errors import (
    BankUnavailable,
    ConsentEnded,
    ConsentPending,
    ConsentQuotaExceeded,
    ConsentRefused,
    UnknownBank,
)
from domain.common.services import services
from models import BankAccount, BankConsent, Client, transaction
from models.states import ConsentStatus

SYNC_INTERVAL = timedelta(hours=6)
LEASE_SECONDS = 300
BALANCE_VALIDITY = timedelta(minutes=1)  # how long a balance on screen counts as current
log = logging.getLogger(__name__)


def due_consents() -> list[int]:
    """Return the ids of at most 200 consents that are due for a sync."""
    now = utcnow()
    free = BankConsent.lease_until.is_null() | (BankConsent.lease_until < now)
    query = BankConsent.select(BankConsent.id).where(
        BankConsent.due_at <= now, free, BankConsent.status.in_((ConsentStatus.STARTED, ConsentStatus.VALID))
    )
    return [row.id for row in query.order_by(BankConsent.due_at).limit(200)]


def sync_consent(consent_id: int) -> bool:
    """Ask the bank for the status of a consent and, without the customer present, for its balances.

    A consent whose customer never returned from the bank is polled for a day. Returns False if it is not due.
    """
    consent = leases.claim_lease(BankConsent, consent_id, LEASE_SECONDS, BankConsent.due_at <= utcnow())
    if consent is None:
        return False
    next_at = utcnow() + SYNC_INTERVAL
    try:
        if consent.status == ConsentStatus.STARTED:
            _recover_unreturned(consent)
        elif consent.status == ConsentStatus.VALID:
            _sync_valid(consent)
    except (BankUnavailable, UnknownBank, ConsentQuotaExceeded) as error:
        log.info("consent %s: %s", consent_id, type(error).__name__)
        next_at = utcnow() + timedelta(hours=1)
    except ConsentPending:
        next_at = utcnow() + ASK_AFTER
    current = BankConsent.get_by_id(consent_id)
    ended = current.status not in (ConsentStatus.STARTED, ConsentStatus.VALID)
    leases.release_lease(current, due_at=None if ended else next_at)
    return True


def _recover_unreturned(consent: BankConsent) -> None:
    """Import the accounts of a consent that was granted although the redirect never returned; give up after a day."""
    if utcnow() - consent.created_at > GIVE_UP_AFTER:
        values = {"status": ConsentStatus.DECLINED, "bank_consent_status": "received"}
        with transaction(consent.client_id):
            if (
                BankConsent.update(**values)
                .where(BankConsent.id == consent.id, BankConsent.status == ConsentStatus.STARTED)
                .execute()
            ):
                oauth_grants.discard_tokens(consent)
        return
    try:
        import_accounts(consent, None)
    except ConsentRefused:
        log.info("consent %s was refused at the bank", consent.id)


def _sync_valid(consent: BankConsent) -> None:
    holder_verification.verify_holders(consent)
    consents.count_access(consent, "consent", None)
    if not _refresh_status(consent):
        return
    consents.send_expiry_reminder(consent)
    _refresh_balances(consent, None)


def _refresh_status(consent: BankConsent) -> bool:
    """Ask the bank for the consent's status. Returns whether it is still valid.

    Raises:
    - BankUnavailable
    - UnknownBank
    """
    config = oauth_grants.with_access_token(bank_config_of(consent.bank), consent)
    BankConsent.update(bank_name=config.name).where(BankConsent.id == consent.id).execute()
    try:
        state = services().bank.consent(config, consent.consent_id or "", uuid())
    except port.BankRefused as error:
        if error.code != "CONSENT_UNKNOWN":
            raise BankUnavailable from error
        consents.terminate_consent(consent, "unknown")
        return False
    except port.BankError as error:
        raise BankUnavailable from error
    return consents.save_consent_status(consent, state)


def _refresh_balances(consent: BankConsent, psu: port.Psu | None) -> None:
    """Fetch the balance of every account under this consent; a failing account does not stop the others.

    Raises:
    - BankUnavailable
    - ConsentQuotaExceeded
    """
    config, failed = oauth_grants.with_access_token(bank_config_of(consent.bank), consent), None
    for row in BankAccount.select().where(BankAccount.consent == consent.id):
        read = partial(services().bank.balance, iban=row.iban)
        arguments = (read, config, consent.consent_id or "", row.resource_id, psu, uuid())
        try:
            balance = consents.call_with_quota(consent, f"balances:{row.id}", psu, *arguments)
        except (BankUnavailable, ConsentQuotaExceeded) as error:
            failed = error  # continue with the other accounts
            continue
        except ConsentEnded:
            log.info("consent %s has ended", consent.id)
            return
        if balance:
            values = {"balance_cents": balance.cents, "balance_at": balance.at}
            BankAccount.update(**values).where(BankAccount.id == row.id).execute()
    if failed:
        raise failed


def _stale(client: Client):
    old = BankConsent.balances_requested_at.is_null() | (
        BankConsent.balances_requested_at < utcnow() - BALANCE_VALIDITY
    )
    asked = (BankConsent.status == ConsentStatus.VALID) & (BankConsent.bank != manual_bank.MANUAL_BANK_ID)
    return (BankConsent.client == client.id) & asked & old


def needs_refresh(client: Client) -> bool:
    """Return whether a refresh now would ask any bank."""
    return BankConsent.select().where(_stale(client)).exists()


def refresh_balances(client: Client, psu: port.Psu) -> None:
    """Fetch balances because the customer asks, at most once a minute per consent.

    A failing bank does not stop the others.

    Raises:
    - BankUnavailable: after all banks have been asked.
    """
    failed = False
    for consent in list(BankConsent.select().where(_stale(client)).order_by(BankConsent.id)):
        claimed = (
            BankConsent.update(balances_requested_at=utcnow())
            .where(BankConsent.id == consent.id, _stale(client))
            .execute()
        )
        if not claimed:
            continue  # another request is already doing so
        try:
            _refresh_balances(consent, psu)
        except (BankUnavailable, ConsentQuotaExceeded, UnknownBank) as error:
            log.info("consent %s: %s", consent.id, type(error).__name__)
            failed = True
    if failed:
        raise BankUnavailable
