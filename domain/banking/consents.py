"""What a consent at a bank allows: how it stands, until when, and how often we may ask without the customer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from domain.common import audit
from domain.common.errors import BankUnavailable, ConsentEnded, ConsentQuotaExceeded
from domain.outbox import mail, push
from models import BankAccess, BankAccount, BankLink, Client, transaction

MAX_UNATTENDED_READS = 4  # a day: RTS art. 36(5)(b), and frequencyPerDay of the standard
SOON = timedelta(days=7)
# Refusals of a call for accounts that are about the consent itself (Berlin Group 1.3.11, AIS).
_OVER = frozenset({"CONSENT_EXPIRED", "CONSENT_INVALID", "CONSENT_UNKNOWN"})
_OVER_AS = {"CONSENT_EXPIRED": "expired", "CONSENT_UNKNOWN": "unknown", "CONSENT_INVALID": "invalid"}


@dataclass(frozen=True)
class ConsentView:
    """How a consent stands. `word`: the bank's own (valid, expired, revokedByPsu, terminatedByTpp, rejected), or
    "ends" (valid, seven days or fewer), "unknown" or "invalid" (the bank says so without more).
    `days_left` counts from today; 0 is the last day."""

    id: int
    bank_name: str
    word: str
    valid_until: date | None
    days_left: int | None

    @property
    def attention(self) -> bool:
        return self.word != "valid"


def count_access(link: BankLink, what: str, psu: port.Psu | None) -> None:
    """Claim one call for this thing ("balances:7") under this consent, before it is made.

    With the person there nothing is counted. Without, the fifth on a day of Amsterdam raises
    ConsentQuotaExceeded: one statement counts, so two workers cannot both take the fourth.
    """
    if psu is not None:
        return
    counted = (
        BankAccess.insert(link=link.id, day=today_amsterdam(), what=what, times=1)
        .on_conflict(
            conflict_target=(BankAccess.link, BankAccess.day, BankAccess.what),
            update={BankAccess.times: BankAccess.times + 1},
            where=(BankAccess.times < MAX_UNATTENDED_READS),
        )
        .as_rowcount()
        .execute()
    )
    if counted != 1:
        raise ConsentQuotaExceeded


def call_with_quota(link: BankLink, what: str, psu: port.Psu | None, call: Callable[..., Any], *args: Any) -> Any:
    """One call about the accounts of this consent, counted where it must be.

    ConsentQuotaExceeded (ours or the bank's 429), ConsentEnded (kept: the consent is then over), BankUnavailable.
    """
    count_access(link, what, psu)
    try:
        return call(*args)
    except port.BankRefused as error:
        if error.http_status == 429 or error.code == "ACCESS_EXCEEDED":
            _use_up(link, what)
            raise ConsentQuotaExceeded from error
        if error.code in _OVER:
            terminate_consent(link, _OVER_AS[error.code])
            raise ConsentEnded from error
        raise BankUnavailable from error
    except port.BankError as error:
        raise BankUnavailable from error


def _use_up(link: BankLink, what: str) -> None:
    """The bank counts more than we do: nothing more of this today without the customer."""
    BankAccess.insert(link=link.id, day=today_amsterdam(), what=what, times=MAX_UNATTENDED_READS).on_conflict(
        conflict_target=(BankAccess.link, BankAccess.day, BankAccess.what),
        update={BankAccess.times: MAX_UNATTENDED_READS},
    ).execute()


def terminate_consent(link: BankLink, word: str) -> bool:
    """The consent is over, once; `word` is the bank's or ours. Its accounts stay: they may still pay."""
    with transaction(link.client_id):
        return terminate_consent_in_transaction(link, word)


def terminate_consent_in_transaction(link: BankLink, word: str) -> bool:
    """The same inside the caller's transaction."""
    values = {"status": "ended", "consent_status": word, "asked_at": utcnow(), "due_at": None}
    ended = BankLink.update(**values).where(BankLink.id == link.id, BankLink.status == "valid").execute()
    if ended:
        audit.record_event(link.client_id, audit.WORKER, "bank.consent_ended", f"link:{link.id}", word=word)
    return bool(ended)


def save_consent_status(link: BankLink, said: port.ConsentState) -> bool:
    """Keep what the bank says of a consent that was valid; False when it is over. The end is the bank's answer."""
    if said.status not in ("valid", "partiallyAuthorised"):
        terminate_consent(link, said.status)
        return False
    values = {"consent_status": said.status, "valid_until": said.valid_until, "asked_at": utcnow()}
    BankLink.update(**values).where(BankLink.id == link.id, BankLink.status == "valid").execute()
    return True


def send_expiry_reminder(link: BankLink) -> None:
    """Seven days before the end a mail to each owner, once per consent, while it has accounts that may pay."""
    link = BankLink.get_by_id(link.id)
    found = consent_view(link)
    if link.status != "valid" or found.word != "ends" or link.valid_until is None or not _in_use(link):
        return
    client = Client.get_by_id(link.client_id)
    owners, path = mail.owners_of(client), f"/{client.public_id}/saldo"
    with transaction(client.id):
        push.enqueue_push(client, "consent", f"consent_ends:{link.id}", path, owners)
        for user in owners:
            mail.enqueue_mail(
                user, "consent_ends", once=f"consent_ends:{link.id}:{user.id}", client=client,
                path=path, bank=link.bank_name or link.bank,
                last_day=link.valid_until.isoformat(),
            )  # fmt: skip


def _in_use(link: BankLink) -> bool:
    return link.holder_confirmed_at is not None and BankAccount.select().where(BankAccount.link == link.id).exists()


def consent_view(link: BankLink) -> ConsentView:
    """How this consent stands today. Past its last day it is expired, also when the bank cannot be asked."""
    left = (link.valid_until - today_amsterdam()).days if link.valid_until else None
    word = "valid" if link.status == "valid" else link.consent_status or "unknown"
    if link.status == "valid" and left is not None:
        word = "expired" if left < 0 else "ends" if left <= SOON.days else "valid"
    return ConsentView(link.id, link.bank_name or link.bank, word, link.valid_until, left)


def consents_of_client(client: Client) -> dict[int, ConsentView]:
    """The consents under which this client's confirmed accounts are, by their id."""
    query = BankLink.select().join(BankAccount).where(BankLink.client == client.id).distinct()
    return {
        row.id: consent_view(row)
        for row in query.where(BankLink.holder_confirmed_at.is_null(False)).order_by(BankLink.id)
    }


def consents_needing_renewal(client: Client) -> list[ConsentView]:
    """Those that end within a week, or have ended."""
    return [one for one in consents_of_client(client).values() if one.attention]
