"""The order file of a payment before submission: the bytes that its bank would get if it were approved now."""

from core.clock import utcnow
from domain.banking.bank_accounts import require_may_pay
from domain.banking.bank_configs import bank_config_of
from domain.common.errors import NothingToPay, NotOpen, RunMissing
from domain.orders import order_building
from domain.payments import bank_capabilities, commitments, execution_dates
from domain.payments.proposed_dates import execution_date
from domain.payments.totals import lines_of
from models import BankOrder, Batch, Release
from models.states import BatchState, LineState, OrderState


def is_still_to_be_sent(batch: Batch) -> bool:
    """Return whether the payment waits for its approval, or for its order to be built."""
    live = BankOrder.select().where(BankOrder.batch == batch.id, BankOrder.state != OrderState.CLOSED)
    return batch.state in (BatchState.OPEN, BatchState.APPROVED) and not live.exists()


def preview_order(batch: Batch) -> bytes:
    """Return the bytes of the order as it would be built now. Nothing is stored.

    For an approved payment these are the bytes that will be sent. An open one is treated as approved now, for the date
    that its page proposes and with the client's current preferences; its creation time is now.

    Raises:
    - NotOpen: there is nothing left to send.
    - NothingToPay: every line is excluded.
    - DateInvalid: the chosen date is no longer possible.
    - RunMissing, MoreThanOwed: it could not be approved, because Nmbrs no longer has the run or owes less.
    - GAccountPaysTaxOnly: the account pays no salaries.
    - UnsupportedByBank: the bank takes no such order.
    - UnknownBank, BankUnavailable: the configuration of the bank is not available.
    - OrderUnwritable: the payment holds something that the bank's format does not allow.
    """
    if not is_still_to_be_sent(batch):
        raise NotOpen(batch.state)
    lines = [line for line in lines_of(batch) if line.state == LineState.OPEN]
    if not lines:
        raise NothingToPay
    require_may_pay(batch.bank_account.iban, batch.kind)
    config, release = bank_config_of(batch.bank_account.bank), _release_of(batch)
    bank_capabilities.require_supported(config, lines, batch.kind)
    execution_dates.require_valid(release.execution_date, config.cut_off)
    if batch.run.unlisted_since is not None:
        raise RunMissing
    commitments.require_owed(batch, lines)
    return order_building.written_order(batch, release, lines, config)[1]


def _release_of(batch: Batch) -> Release:
    """Return the valid release, or one as it would be if a person approved now, which is not stored."""
    standing = Release.get_or_none(Release.batch == batch.id, Release.voided_at.is_null())
    if standing is not None:
        return standing
    return Release(
        debtor_iban=batch.bank_account.iban, execution_date=execution_date(batch), released_at=utcnow(),
        batch_booking=batch.client.batch_booking,
    )  # fmt: skip
