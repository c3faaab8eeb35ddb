"""Looking at banks: by itself a few times a day, and at once when the customer looks."""

import logging
from datetime import timedelta

from connectors.bank import port
from core.clock import utcnow
from core.ids import uuid
from domain.banking import consents, holder_verification, manual_bank, oauth_grants
from domain.banking.linking import ASK_AFTER, GIVE_UP_AFTER, bank_config_of, import_accounts
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
from models import BankAccount, BankLink, Client

EVERY = timedelta(hours=6)
LEASE_SECONDS = 300
FRESH = timedelta(minutes=1)  # how long what a customer sees counts as new
log = logging.getLogger(__name__)


def due_consents() -> list[int]:
    """Consents that must be looked at now."""
    now = utcnow()
    free = BankLink.lease_until.is_null() | (BankLink.lease_until < now)
    query = BankLink.select(BankLink.id).where(BankLink.due_at <= now, free, BankLink.status.in_(("started", "valid")))
    return [row.id for row in query.order_by(BankLink.due_at).limit(200)]


def sync_consent(link_id: int) -> bool:
    """Ask the bank how a consent stands and, without the customer, for its balances. False when it is not due.

    A consent that was begun and whose person never came back is asked after for a day.
    """
    link = leases.claim_lease(BankLink, link_id, LEASE_SECONDS, BankLink.due_at <= utcnow())
    if link is None:
        return False
    next_at = utcnow() + EVERY
    try:
        if link.status == "started":
            _look_for_lost(link)
        elif link.status == "valid":
            _look_at_valid(link)
    except (BankUnavailable, UnknownBank, ConsentQuotaExceeded) as error:
        log.info("link %s: %s", link_id, type(error).__name__)
        next_at = utcnow() + timedelta(hours=1)
    except ConsentPending:
        next_at = utcnow() + ASK_AFTER
    now_is = BankLink.get_by_id(link_id)
    over = now_is.status not in ("started", "valid")
    leases.release_lease(now_is, due_at=None if over else next_at)
    return True


def _look_for_lost(link: BankLink) -> None:
    """Given at the bank, but the browser never came back: the accounts are there when the customer looks again."""
    if utcnow() - link.created_at > GIVE_UP_AFTER:
        values = {"status": "refused", "consent_status": "received"}
        BankLink.update(**values).where(BankLink.id == link.id, BankLink.status == "started").execute()
        return
    try:
        import_accounts(link, None)
    except ConsentRefused:
        log.info("link %s was refused at the bank", link.id)


def _look_at_valid(link: BankLink) -> None:
    holder_verification.verify_holders(link)
    consents.count_access(link, "consent", None)
    if not _ask_standing(link):
        return
    consents.send_expiry_reminder(link)
    _balances(link, None)


def _ask_standing(link: BankLink) -> bool:
    """Whether the consent is still valid, as the bank says now. BankUnavailable, UnknownBank."""
    line = oauth_grants.with_access_token(bank_config_of(link.bank), link)
    BankLink.update(bank_name=line.name).where(BankLink.id == link.id).execute()
    try:
        said = services().bank.consent(line, link.consent_id or "", uuid())
    except port.BankRefused as error:
        if error.code != "CONSENT_UNKNOWN":
            raise BankUnavailable from error
        consents.terminate_consent(link, "unknown")
        return False
    except port.BankError as error:
        raise BankUnavailable from error
    return consents.save_consent_status(link, said)


def _balances(link: BankLink, psu: port.Psu | None) -> None:
    """Fresh balances of every account of this consent. BankUnavailable, ConsentQuotaExceeded or ConsentEnded."""
    line, failed = oauth_grants.with_access_token(bank_config_of(link.bank), link), None
    for row in BankAccount.select().where(BankAccount.link == link.id):
        asked = (services().bank.balance, line, link.consent_id or "", row.resource_id, psu, uuid())
        try:
            balance = consents.call_with_quota(link, f"balances:{row.id}", psu, *asked)
        except (BankUnavailable, ConsentQuotaExceeded) as error:
            failed = error  # one account's failure does not stop another's
            continue
        except ConsentEnded:
            log.info("link %s has ended", link.id)
            return
        if balance:
            values = {"balance_cents": balance.cents, "balance_at": balance.at}
            BankAccount.update(**values).where(BankAccount.id == row.id).execute()
    if failed:
        raise failed


def _stale(client: Client):
    old = BankLink.looked_at.is_null() | (BankLink.looked_at < utcnow() - FRESH)
    asked = (BankLink.status == "valid") & (BankLink.bank != manual_bank.MANUAL_BANK_ID)
    return (BankLink.client == client.id) & asked & old


def needs_refresh(client: Client) -> bool:
    """Whether a look now would ask a bank anything."""
    return BankLink.select().where(_stale(client)).exists()


def refresh_balances(client: Client, psu: port.Psu) -> None:
    """The customer looks: ask the banks for balances, each consent once a minute at most.

    One bank's failure does not stop another's; BankUnavailable at the end.
    """
    failed = False
    for link in list(BankLink.select().where(_stale(client)).order_by(BankLink.id)):
        taken = BankLink.update(looked_at=utcnow()).where(BankLink.id == link.id, _stale(client)).execute()
        if not taken:
            continue  # another window asks already
        try:
            _balances(link, psu)
        except (BankUnavailable, ConsentQuotaExceeded, UnknownBank) as error:
            log.info("link %s: %s", link.id, type(error).__name__)
            failed = True
    if failed:
        raise BankUnavailable
