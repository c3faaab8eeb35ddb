"""The linked bank accounts of a client, as the screens show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.iban import is_g_account
from domain.banking.bank_configs import bank_config_or_default
from domain.common.errors import GAccountPaysTaxOnly
from models import BankAccount, BankConsent, Client
from models.states import RunKind


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
    consent_id: int = 0
    holder_check: str | None = None


def _query(*conditions: Any) -> list[AccountView]:
    query = BankAccount.select(BankAccount, BankConsent).join(BankConsent).where(*conditions).order_by(BankAccount.id)
    return [account_view(row) for row in query]


def payable_accounts(client: Client) -> list[AccountView]:
    """Return the client's accounts whose holder is confirmed."""
    return _query(BankAccount.client == client.id, BankConsent.holder_confirmed_at.is_null(False))


def accounts_for(client: Client, kind: str) -> list[AccountView]:
    """Return the payable accounts that may pay a payment of this kind (`RunKind`)."""
    return [view for view in payable_accounts(client) if may_pay(view.iban, kind)]


def may_pay(iban: str, kind: str) -> bool:
    """Return whether an account may pay a payment of this kind: a G-account pays tax, never salaries.

    Source: docs/facts/bank.md, section 2.
    """
    return kind == RunKind.WAGE_TAX or not is_g_account(iban)


def require_may_pay(iban: str, kind: str) -> None:
    """Check that this account may pay a payment of this kind.

    Raises:
    - GAccountPaysTaxOnly
    """
    if not may_pay(iban, kind):
        raise GAccountPaysTaxOnly


def accounts_of_consent(consent: BankConsent) -> list[AccountView]:
    return _query(BankAccount.consent == consent.id)


def account_view(row: BankAccount) -> AccountView:
    """Return what the screens show of an account.

    Asks no bank; reads the directory only if the bank's name is not stored.
    """
    return AccountView(
        row.id, row.iban, row.name, row.holder_name, row.consent.bank_name or bank_config_or_default(row.bank).name,
        row.balance_cents, row.balance_at, row.limit_payment_cents, row.limit_day_cents, row.consent_id,
        row.holder_check,
    )  # fmt: skip
