"""Payment limits (*betaallimiet*) of an account: per payment and per day in Amsterdam."""

from peewee import fn

from core.clock import amsterdam_midnight, today_amsterdam
from domain.common import audit
from domain.common.errors import LimitExceeded
from models import BankAccount, Batch, Release, require_client_lock, transaction


def require_within_limits(account: BankAccount, total_cents: int) -> None:
    """Check the account's limits for a payment of this total (cents), in the transaction of the release.

    The day's total counts every release of today that is not void.

    Raises:
    - LimitExceeded: with the limit that is exceeded.
    """
    require_client_lock(account.client_id)  # so that two releases cannot both use the same room
    limits = BankAccount.get_by_id(account.id)
    if total_cents > limits.limit_payment_cents:
        raise LimitExceeded("payment", limits.limit_payment_cents, total_cents)
    day_total = released_today(limits) + total_cents
    if day_total > limits.limit_day_cents:
        raise LimitExceeded("day", limits.limit_day_cents, day_total)


def released_today(account: BankAccount) -> int:
    """Return the cents released from this account since midnight in Amsterdam."""
    total = Release.select(fn.sum(Release.total_cents)).where(
        Release.debtor_iban == account.iban,
        Release.batch.in_(Batch.select(Batch.id).where(Batch.client == account.client_id)),
        Release.released_at >= amsterdam_midnight(today_amsterdam()),
        Release.voided_at.is_null(),
    )
    return int(total.scalar() or 0)


def set_limits(account: BankAccount, payment_cents: int | None, day_cents: int | None, operator: str) -> None:
    """Set the limits (cents; None: unchanged), as an operator. The audit log keeps who did it."""
    given = {"limit_payment_cents": payment_cents, "limit_day_cents": day_cents}
    changes = {name: cents for name, cents in given.items() if cents is not None}
    with transaction(account.client_id):
        if changes:
            BankAccount.update(**changes).where(BankAccount.id == account.id).execute()
        now = BankAccount.get_by_id(account.id)
        audit.record_event(
            account.client_id, audit.OPERATOR, "limits.changed", f"account:{account.id}",
            payment=now.limit_payment_cents, day=now.limit_day_cents, by=operator,
        )  # fmt: skip
