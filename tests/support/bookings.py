"""The demo's accounts under a real consent of the sandbox, settled, so that their bookings can be read."""

from domain.common.services import Psu
from domain.reconciliation import transactions
from models import BankAccount, BankLink, BankTransaction
from tests.support.bank import Tpp, advance, consent
from tests.support.factories import PSU, Demo
from tests.support.names import follow
from tests.support.sandbox import Sandbox


def allow(demo: Demo, sandbox: Sandbox) -> BankAccount:
    """A consent to all accounts; the demo's own gets the bank's name for it, and its holder is settled."""
    tpp = Tpp(sandbox.url)
    given = consent(tpp)
    BankLink.update(consent_id=given).where(BankLink.id == demo.link.id).execute()
    for row in tpp.get("/accounts", headers={"Consent-ID": given, "PSU-IP-Address": PSU.ip}).json()["accounts"]:
        values = {"resource_id": row["resourceId"], "holder_check": "agrees"}
        BankAccount.update(**values).where(BankAccount.iban == row["iban"]).execute()
    return BankAccount.get_by_id(demo.account.id)


def look(account: BankAccount, psu: Psu | None = PSU) -> bool:
    """Ask now, however short ago the last time was."""
    BankAccount.update(transactions_asked_at=None).where(BankAccount.id == account.id).execute()
    return transactions.refresh_transactions(account.id, psu)


def executed(sandbox: Sandbox, *batches, days: int = 5) -> None:
    """The banks' day moves on; the orders are then asked after."""
    advance(sandbox, days)
    for batch in batches:
        follow(batch)


def of_orders() -> list[tuple[int, str | None]]:
    """What was recognised: cents and role, oldest first."""
    rows = BankTransaction.select().where(BankTransaction.role.is_null(False)).order_by(BankTransaction.id)
    return [(row.cents, row.role) for row in rows]
