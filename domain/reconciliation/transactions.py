"""Account transactions: fetched from the bank, stored once, shown per day.

They go back ninety days, as far as a bank must go without new SCA (PSD2 RTS art. 10). Counterparty names are shown to
those who may see the account, and appear in no log or mail.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256

from connectors.bank import port
from core.clock import today_amsterdam, utcnow
from core.ids import uuid
from domain.banking import consents, holder_verification
from domain.banking.bank_accounts import account_view
from domain.banking.bank_configs import bank_config_for_account
from domain.common.errors import BankUnavailable, ConsentEnded, ConsentQuotaExceeded, NotFound, UnknownBank
from domain.common.services import services
from domain.orders.booking_references import mentions_reference
from domain.reconciliation import booking_search, matching
from models import BankAccount, BankConsent, BankOrder, BankTransaction, Batch, Client, LostOrder, transaction
from models.states import ConsentStatus, HolderCheck

DAYS_BACK = timedelta(days=90)
FRESH = timedelta(minutes=1)
EVERY = timedelta(hours=6)
PER_PAGE = 50
AT_ONCE = 50  # rows of one statement
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransactionView:
    """One transaction as shown; cents, negative for a debit. `reference`: of the payment that it belongs to; `role`:
    how it does (batch, line, return).
    """

    id: int
    booking_date: date
    cents: int
    counterparty_name: str
    counterparty_iban: str
    text: str
    is_batch: bool
    batch_count: int | None
    reference: str | None
    match_type: str | None


@dataclass(frozen=True)
class TransactionPage:
    """A page of transactions of one account, newest day first. `at`: when they were fetched (UTC).

    `why_not`: "waiting" or "refused" while the account's holder is not verified; then nothing is listed.
    """

    id: int
    name: str
    bank_name: str
    iban: str
    balance_cents: int | None
    balance_at: datetime | None
    at: datetime | None
    days: list[tuple[date, list[TransactionView]]]
    page: int
    more: bool
    why_not: str | None


# --- asking ----------------------------------------------------------------------------------------
def refresh_transactions(account_id: int, psu: port.Psu | None) -> bool:
    """Fetch the transactions from the bank, store them and match them with payments. Return False if the bank was not
    asked.

    With the customer present (`psu`) at most once a minute, else within the four calls a day that a bank must allow.

    Raises:
    - BankUnavailable, UnknownBank: what was stored stays as it was.
    """
    account = BankAccount.select(BankAccount, BankConsent).join(BankConsent).where(BankAccount.id == account_id).first()
    if (
        account is None
        or not holder_verification.transactions_visible(account)
        or account.consent.status != ConsentStatus.VALID
    ):
        return False
    consent, config = account.consent, bank_config_for_account(account)
    if not _claim(account, FRESH if psu else EVERY):
        return False
    since = today_amsterdam() - DAYS_BACK
    read = partial(services().bank.transactions, iban=account.iban)
    asked = (read, config, consent.consent_id or "", account.resource_id, since, psu, uuid())
    try:
        told = consents.call_with_quota(consent, f"transactions:{account.id}", psu, *asked)
    except (ConsentQuotaExceeded, ConsentEnded) as error:
        log.info("transactions of account %s: %s", account.id, type(error).__name__)
        return False
    with transaction(account.client_id):
        _keep(account, told, since)
        matching.match_transactions(account)
        BankAccount.update(transactions_as_of=utcnow()).where(BankAccount.id == account.id).execute()
    return True


def _claim(account: BankAccount, pause: timedelta) -> bool:
    """Return whether this caller may ask the bank: nobody else did within `pause`."""
    asked = BankAccount.transactions_requested_at
    free = asked.is_null() | (asked < utcnow() - pause)
    return (
        BankAccount.update(transactions_requested_at=utcnow()).where(BankAccount.id == account.id, free).execute() == 1
    )  # fmt: skip


def due_accounts() -> list[int]:
    """Return the accounts to refresh: holder verified, consent valid, not refreshed lately."""
    old = BankAccount.transactions_requested_at.is_null() | (BankAccount.transactions_requested_at < utcnow() - EVERY)
    query = BankAccount.select(BankAccount.id).join(BankConsent)
    query = query.where(
        BankAccount.holder_check.in_(holder_verification.MAY_SHOW), BankConsent.status == ConsentStatus.VALID, old
    )
    return [row.id for row in query.order_by(BankAccount.id).limit(200)]


# --- bookings that were read before their order was known -----------------------------------------
def accounts_to_match() -> list[int]:
    """Return the ids of accounts with an unmatched booking of a lost order (`LostOrder`) that is an order again."""
    since = today_amsterdam() - matching.LOOKED_BACK
    orders = BankOrder.select().join(LostOrder, on=(LostOrder.order == BankOrder.id))
    return sorted({
        order.bank_account_id for order in orders.where(BankOrder.execution_date >= since)
        if any(mentions_reference(row, order.msg_id) for row in _loose_bookings(order))
    })  # fmt: skip


def _loose_bookings(order: BankOrder) -> list[BankTransaction]:
    loose = (BankTransaction.account == order.bank_account_id) & BankTransaction.order.is_null()
    return list(BankTransaction.select().where(loose, BankTransaction.amount_cents < 0))


def match_kept(account_id: int) -> None:
    """Match the stored bookings of this account again, without asking the bank."""
    account = BankAccount.get_by_id(account_id)
    with transaction(account.client_id):
        matching.match_transactions(account)


# --- keeping ---------------------------------------------------------------------------------------
def _keep(account: BankAccount, told: Iterable[port.Transaction], since: date) -> None:
    """Store each new booked transaction once. Expected ones are not stored."""
    equals: Counter[str] = Counter()
    rows = [
        {
            "account": account.id, "dedupe_key": _key(one, equals), "booking_date": one.booking_date,
            "value_date": one.value_date,
            "amount_cents": one.cents, "counterparty_name": one.counterparty_name,
            "counterparty_iban": one.counterparty_iban, "remittance_information": one.text,
            "end_to_end_id": one.end_to_end_id, "is_batch": one.is_batch, "batch_count": one.batch_count,
        }
        for one in told
        if one.booked and one.booking_date is not None and one.booking_date >= since
    ]  # fmt: skip
    mine = BankTransaction.account == account.id
    known = {row.dedupe_key for row in BankTransaction.select(BankTransaction.dedupe_key).where(mine)}
    fresh = [row for row in reversed(rows) if row["dedupe_key"] not in known]  # banks give the newest first
    for start in range(0, len(fresh), AT_ONCE):
        BankTransaction.insert_many(fresh[start : start + AT_ONCE]).on_conflict_ignore().execute()


def _key(one: port.Transaction, equals: Counter[str]) -> str:
    """Return a key that identifies a booking by the fields that never change; equal ones in one list are numbered.

    The bank's references are only part of it: some banks give many bookings the same one, or "0".
    """
    told = (one.transaction_id, one.entry_reference, one.booking_date, one.cents, one.end_to_end_id)
    if not (one.transaction_id or one.entry_reference):
        told = (*told, one.value_date, one.counterparty_name, one.counterparty_iban, one.text)
    digest = sha256(repr(tuple(map(str, told))).encode()).hexdigest()[:40]
    equals[digest] += 1
    return f"{digest}:{equals[digest]}"


# --- showing ---------------------------------------------------------------------------------------
def statement(client: Client, account_id: int, page: int = 1, text: str = "") -> TransactionPage:
    """Return a page of the transactions of the last ninety days, or of those that a text is found in
    (`booking_search`).

    Raises:
    - NotFound: it is another client's account.
    """
    account = _account(client, account_id)
    rows = _rows(account, page, text) if holder_verification.transactions_visible(account) else []
    days: list[tuple[date, list[TransactionView]]] = []
    for row in rows[:PER_PAGE]:
        if not days or days[-1][0] != row.booking_date:
            days.append((row.booking_date, []))
        days[-1][1].append(_booking(row))
    why_not = None
    if not holder_verification.transactions_visible(account):
        why_not = "refused" if account.holder_check == HolderCheck.REJECTED else "waiting"
    return TransactionPage(
        account.id, account.name, account_view(account).bank_name, account.iban, account.balance_cents,
        account.balance_at, account.transactions_as_of, days, page, len(rows) > PER_PAGE, why_not,
    )  # fmt: skip


def _account(client: Client, account_id: int) -> BankAccount:
    query = BankAccount.select(BankAccount, BankConsent).join(BankConsent)
    account = query.where(BankAccount.id == account_id, BankAccount.client == client.id).first()
    if account is None:
        raise NotFound
    return account


def _rows(account: BankAccount, page: int, text: str) -> list[BankTransaction]:
    """Return one row more than a page holds, to know whether there is a next page."""
    query = (
        BankTransaction.select(BankTransaction, BankOrder, Batch)
        .left_outer_join(BankOrder, on=(BankTransaction.order == BankOrder.id))
        .left_outer_join(Batch, on=(BankOrder.batch == Batch.id))
        .where(
            BankTransaction.account == account.id, BankTransaction.booking_date >= today_amsterdam() - DAYS_BACK,
            booking_search.booking_says(text),
        )
        .order_by(BankTransaction.booking_date.desc(), BankTransaction.id.desc())
    )  # fmt: skip
    return list(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE + 1))


def transactions_page_of(account_id: int, booking_id: int) -> int:
    """Return the number of the page that shows this transaction; 1 if there is none."""
    row = BankTransaction.get_or_none(BankTransaction.id == booking_id, BankTransaction.account == account_id)
    if row is None:
        return 1
    later = (BankTransaction.booking_date > row.booking_date) | (
        (BankTransaction.booking_date == row.booking_date) & (BankTransaction.id > row.id)
    )
    before = BankTransaction.select().where(BankTransaction.account == account_id, later).count()
    return before // PER_PAGE + 1


def _booking(row: BankTransaction) -> TransactionView:
    return TransactionView(
        row.id, row.booking_date, row.amount_cents, row.counterparty_name, row.counterparty_iban,
        row.remittance_information, row.is_batch, row.batch_count,
        row.order.batch.reference if row.order else None, row.match_type,
    )  # fmt: skip


def refresh_for_customer(client: Client, account_id: int, psu: port.Psu) -> bool:
    """Refresh the transactions for a customer who is looking. Return False if the bank gave nothing.

    Raises:
    - NotFound: it is another client's account.
    """
    if not BankAccount.select().where(BankAccount.id == account_id, BankAccount.client == client.id).exists():
        raise NotFound
    try:
        refresh_transactions(account_id, psu)
    except (BankUnavailable, UnknownBank):
        return False
    return True
