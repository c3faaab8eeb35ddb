"""Bank consents: their status, their end, and how often the bank may be asked without the customer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from core.ids import uuid
from domain.banking import manual_bank, oauth_grants
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.errors import BankUnavailable, ConsentEnded, ConsentQuotaExceeded, UnknownBank
from domain.common.services import services
from domain.outbox import mail, push
from models import BankAccount, BankConsent, Client, ConsentUsage, transaction
from models.states import ConsentStatus

log = logging.getLogger(__name__)
MAX_UNATTENDED_READS = 4  # per day: PSD2 RTS art. 36(5)(b); frequencyPerDay of the Berlin Group
SOON = timedelta(days=7)
BY_US = "terminatedByTpp"  # Berlin Group: ended by the party that had it, because the client is closed
REPLACED = "replaced"  # ended by this program: a newer consent covers the same accounts
# Error codes that mean that the consent itself has ended (Berlin Group NextGenPSD2 1.3.11, AIS).
_ENDED_CODES = frozenset({"CONSENT_EXPIRED", "CONSENT_INVALID", "CONSENT_UNKNOWN"})
_UNKNOWN_TO_IT = (400, 403, 404)  # its answers to the end of a consent that it does not have
_ENDED_REASONS = {"CONSENT_EXPIRED": "expired", "CONSENT_UNKNOWN": "unknown", "CONSENT_INVALID": "invalid"}


@dataclass(frozen=True)
class ConsentView:
    """A consent as shown on screen.

    `word`: the bank's status (valid, expired, revokedByPsu, terminatedByTpp, rejected), or "ends" (valid for seven days
    or less), "unknown" or "invalid" (the bank gives no more detail). `days_left` counts from today; 0 is the last day.
    """

    id: int
    bank_name: str
    word: str
    valid_until: date | None
    days_left: int | None

    @property
    def needs_attention(self) -> bool:
        return self.word != "valid"


def count_access(consent: BankConsent, what: str, psu: port.Psu | None) -> None:
    """Count one read of a resource ("balances:7") under this consent, before it is made.

    Nothing is counted while the customer (PSU) is present. One statement counts, so that two workers cannot both take
    the last read of a day (Europe/Amsterdam).

    Raises:
    - ConsentQuotaExceeded
    """
    if psu is not None:
        return
    counted = (
        ConsentUsage.insert(consent=consent.id, day=today_amsterdam(), resource=what, read_count=1)
        .on_conflict(
            conflict_target=(ConsentUsage.consent, ConsentUsage.day, ConsentUsage.resource),
            update={ConsentUsage.read_count: ConsentUsage.read_count + 1},
            where=(ConsentUsage.read_count < MAX_UNATTENDED_READS),
        )
        .as_rowcount()
        .execute()
    )
    if counted != 1:
        raise ConsentQuotaExceeded


def call_with_quota(consent: BankConsent, what: str, psu: port.Psu | None, call: Callable[..., Any], *args: Any) -> Any:
    """Make one call for account data under this consent, counted against its quota.

    Raises:
    - ConsentQuotaExceeded: by our count, or the bank answered 429.
    - ConsentEnded: the consent is then stored as ended.
    - BankUnavailable
    """
    count_access(consent, what, psu)
    try:
        return call(*args)
    except port.BankRefused as error:
        if error.http_status == 429 or error.code == "ACCESS_EXCEEDED":
            _exhaust_quota(consent, what)
            raise ConsentQuotaExceeded from error
        if error.code in _ENDED_CODES:
            terminate_consent(consent, _ENDED_REASONS[error.code])
            raise ConsentEnded from error
        raise BankUnavailable from error
    except port.BankError as error:
        raise BankUnavailable from error


def _exhaust_quota(consent: BankConsent, what: str) -> None:
    """Mark the quota as used up: the bank has counted more reads than we have."""
    ConsentUsage.insert(
        consent=consent.id, day=today_amsterdam(), resource=what, read_count=MAX_UNATTENDED_READS
    ).on_conflict(
        conflict_target=(ConsentUsage.consent, ConsentUsage.day, ConsentUsage.resource),
        update={ConsentUsage.read_count: MAX_UNATTENDED_READS},
    ).execute()


def terminate_consent(consent: BankConsent, word: str) -> bool:
    """Mark the consent as ended; `word` is the reason.

    Its accounts remain and may still pay. Returns whether it was valid.
    """
    with transaction(consent.client_id):
        return terminate_consent_in_transaction(consent, word)


def terminate_consent_in_transaction(consent: BankConsent, word: str) -> bool:
    """Like `terminate_consent`, inside the caller's transaction."""
    values = {"status": ConsentStatus.ENDED, "bank_consent_status": word, "status_checked_at": utcnow(), "due_at": None}
    ended = (
        BankConsent.update(**values)
        .where(BankConsent.id == consent.id, BankConsent.status == ConsentStatus.VALID)
        .execute()
    )
    if ended:
        audit.record_event(consent.client_id, audit.WORKER, "bank.consent_ended", f"link:{consent.id}", word=word)
        _notify_of_early_end(BankConsent.get_by_id(consent.id), word)
    return bool(ended)


def _notify_of_early_end(consent: BankConsent, word: str) -> None:
    """Tell each owner that the bank ended a consent before its last day; not if this program replaced it."""
    is_over = consent.valid_until is not None and consent.valid_until < today_amsterdam()
    if word in (REPLACED, BY_US) or is_over or not _in_use(consent):
        return
    client = Client.get_by_id(consent.client_id)
    owners, path = mail.owners_of(client), f"/{client.public_id}/saldo"
    push.enqueue_push(client, "consent_ended", f"consent_ended:{consent.id}", path, owners)
    for user in owners:
        mail.enqueue_mail(
            user, "consent_ended", once=f"consent_ended:{consent.id}:{user.id}", client=client, path=path,
            bank=consent.bank_name or consent.bank, word=word,
        )  # fmt: skip


def revocable_consents(client: Client) -> list[BankConsent]:
    """Return the consents of this client that are valid at a bank."""
    valid = (BankConsent.client == client.id) & (BankConsent.status == ConsentStatus.VALID)
    query = BankConsent.select().where(valid, BankConsent.bank != manual_bank.MANUAL_BANK_ID)
    return list(query.order_by(BankConsent.id))


def revoke_consent(consent: BankConsent) -> bool:
    """End a consent at its bank, and here. Returns whether it has ended; if the bank did not answer it stays valid.

    One through OAuth ends with its token, which is revoked by the outbox.
    """
    try:
        config = bank_config_of(consent.bank)
        if not oauth_grants.requires_oauth(config):
            services().bank.end_consent(config, consent.consent_id or "", uuid())
    except port.BankRefused as error:
        if error.http_status not in _UNKNOWN_TO_IT and error.code not in _ENDED_CODES:
            log.warning("consent %s is not ended: %s", consent.id, error)
            return False
    except (port.BankError, BankUnavailable, UnknownBank) as error:
        log.warning("consent %s is not ended: %s", consent.id, type(error).__name__)
        return False
    with transaction(consent.client_id):
        terminate_consent_in_transaction(consent, BY_US)
        oauth_grants.discard_tokens(consent)
    return True


def save_consent_status(consent: BankConsent, state: port.ConsentState) -> bool:
    """Store the bank's answer about a valid consent. Returns False if the consent has ended.

    The last day comes from the bank's answer, not from our request.
    """
    if state.status not in ("valid", "partiallyAuthorised"):
        terminate_consent(consent, state.status)
        return False
    values = {"bank_consent_status": state.status, "valid_until": state.valid_until, "status_checked_at": utcnow()}
    still_valid = (BankConsent.id == consent.id) & (BankConsent.status == ConsentStatus.VALID)
    BankConsent.update(**values).where(still_valid).execute()
    return True


def send_expiry_reminder(consent: BankConsent) -> None:
    """Mail each owner seven days before the consent ends, once per consent, if it has accounts that may pay."""
    consent = BankConsent.get_by_id(consent.id)
    view = consent_view(consent)
    if consent.status != ConsentStatus.VALID or consent.valid_until is None:
        return
    if view.word != "ends" or not _in_use(consent):
        return
    client = Client.get_by_id(consent.client_id)
    owners, path = mail.owners_of(client), f"/{client.public_id}/saldo"
    with transaction(client.id):
        push.enqueue_push(client, "consent", f"consent_ends:{consent.id}", path, owners)
        for user in owners:
            mail.enqueue_mail(
                user, "consent_ends", once=f"consent_ends:{consent.id}:{user.id}", client=client,
                path=path, bank=consent.bank_name or consent.bank,
                last_day=consent.valid_until.isoformat(),
            )  # fmt: skip


def _in_use(consent: BankConsent) -> bool:
    accounts = BankAccount.select().where(BankAccount.consent == consent.id)
    return consent.holder_confirmed_at is not None and accounts.exists()


def consent_view(consent: BankConsent) -> ConsentView:
    """Return how this consent stands today. After its last day it is expired, even if the bank cannot be asked."""
    left = (consent.valid_until - today_amsterdam()).days if consent.valid_until else None
    word = "valid" if consent.status == ConsentStatus.VALID else consent.bank_consent_status or "unknown"
    if consent.status == ConsentStatus.VALID and left is not None:
        word = "expired" if left < 0 else "ends" if left <= SOON.days else "valid"
    return ConsentView(consent.id, consent.bank_name or consent.bank, word, consent.valid_until, left)


def consents_of_client(client: Client) -> dict[int, ConsentView]:
    """Return the consents, by id, that cover this client's confirmed accounts."""
    query = BankConsent.select().join(BankAccount).where(BankConsent.client == client.id).distinct()
    return {
        row.id: consent_view(row)
        for row in query.where(BankConsent.holder_confirmed_at.is_null(False)).order_by(BankConsent.id)
    }


def consents_needing_renewal(client: Client) -> list[ConsentView]:
    """Return the consents that have ended or end within a week."""
    return [view for view in consents_of_client(client).values() if view.needs_attention]
