"""The demo's accounts under a granted consent at the sandbox, with verified holders, so that transactions can be read.
"""

from domain.common.services import Psu
from domain.reconciliation import transactions
from models import BankAccount, BankConsent, BankTransaction
from tests.support.bank import Tpp, advance, consent
from tests.support.factories import PSU, Demo
from tests.support.names import follow
from tests.support.sandbox import Sandbox


def allow(demo: Demo, sandbox: Sandbox) -> BankAccount:
    """Grant a consent to all accounts; set the bank's resource ids and verify the holders."""
    tpp = Tpp(sandbox.url)
    given = consent(tpp)
    BankConsent.update(consent_id=given).where(BankConsent.id == demo.consent.id).execute()
    for row in tpp.get("/accounts", headers={"Consent-ID": given, "PSU-IP-Address": PSU.ip}).json()["accounts"]:
        values = {"resource_id": row["resourceId"], "holder_check": "matched"}
        BankAccount.update(**values).where(BankAccount.iban == row["iban"]).execute()
    return BankAccount.get_by_id(demo.account.id)


def look(account: BankAccount, psu: Psu | None = PSU) -> bool:
    """Refresh the transactions now, regardless of when they were last read."""
    BankAccount.update(transactions_requested_at=None).where(BankAccount.id == account.id).execute()
    return transactions.refresh_transactions(account.id, psu)


def executed(sandbox: Sandbox, *batches, days: int = 5) -> None:
    """Advance the banks' day, then poll the status of these orders."""
    advance(sandbox, days)
    for batch in batches:
        follow(batch)


def of_orders() -> list[tuple[int, str | None]]:
    """Return the matched transactions: cents and role, oldest first."""
    rows = BankTransaction.select().where(BankTransaction.match_type.is_null(False)).order_by(BankTransaction.id)
    return [(row.amount_cents, row.match_type) for row in rows]
