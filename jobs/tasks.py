"""One function a job: a sentence each."""

import time
from contextlib import suppress

from domain.accounts import rate_limits, sessions
from domain.banking import account_sync
from domain.common.errors import BankUnavailable, UnknownBank
from domain.orders import payee_verification, status_polling, submission
from domain.outbox import mail, push_delivery
from domain.overview import worklist
from domain.payroll import (
    intake,
    nmbrs_tokens,
    permission_check,
    run_discovery,
    webhook_deliveries,
    webhook_registration,
)
from domain.reconciliation import transactions
from jobs import busy, enqueue, mail_rendering, push_rendering
from models import database


def handle_delivery(delivery_id: int) -> None:
    with database.connection_context():
        for company_id in webhook_deliveries.handle(delivery_id):
            enqueue("look", company_id)


def look(company_id: int) -> None:
    with database.connection_context():
        for run_id in run_discovery.look(company_id):
            enqueue("take_in", run_id)


def take_in(run_id: int) -> None:
    with database.connection_context():
        if intake.take_in_run(run_id):
            _tell()


def send_order(batch_id: int) -> None:
    with database.connection_context():
        submission.send(batch_id)
        _tell()


def follow_order(order_id: int) -> None:
    with database.connection_context():
        status_polling.follow(order_id)
        payee_verification.prepare_signing_after(order_id)
        _tell()


def read_transactions(account_id: int) -> None:
    with database.connection_context(), suppress(BankUnavailable, UnknownBank):  # logged there; later again
        transactions.refresh(account_id, None)


def send_mail(mail_id: int) -> None:
    with database.connection_context():
        mail.deliver(mail_id, mail_rendering.write)


def send_mails() -> None:
    with database.connection_context():
        _tell()


def notify(notification_id: int) -> None:
    with database.connection_context():
        push_delivery.deliver(notification_id, push_rendering.write, worklist.payments_of)


def poll() -> None:
    """Each company has its own next moment; this only finds one that lost it."""
    with database.connection_context():
        run_discovery.plan()


def check_rights(connection_id: int) -> None:
    with database.connection_context():
        permission_check.run(connection_id)


def see_to_webhook(debtor_id: int) -> None:
    with database.connection_context():
        webhook_registration.see_to(debtor_id)


def revoke_nmbrs_tokens(connection_id: int) -> None:
    with database.connection_context():
        nmbrs_tokens.revoke(connection_id)


def look_at_bank(link_id: int) -> None:
    with database.connection_context():
        account_sync.look(link_id)


def sweep() -> None:
    """Put everything that waits in the database on the queue: the queue may have lost it.

    Not while the last sweep's work still waits there: under load the queue would only grow.
    """
    if busy("default"):
        return
    with database.connection_context():
        _enqueue_all("handle_delivery", webhook_deliveries.waiting())
        _enqueue_all("check_rights", permission_check.due())
        _enqueue_all("see_to_webhook", webhook_registration.due())
        _enqueue_all("revoke_nmbrs_tokens", nmbrs_tokens.due_revocations())
        _enqueue_all("look", run_discovery.due_companies())
        _enqueue_all("take_in", intake.due_runs())
        _enqueue_all("send_order", submission.due_batches())
        _enqueue_all("follow_order", status_polling.due_orders())
        _enqueue_all("look_at_bank", account_sync.due_links())
        _enqueue_all("read_transactions", transactions.due_accounts())
        _tell()
        if int(time.time()) % 600 < 10:
            sessions.sweep()
            rate_limits.sweep()
            webhook_deliveries.forget_old()


def _tell() -> None:
    """What was just written down to be told goes now, not at the next sweep."""
    _enqueue_all("send_mail", mail.due())
    _enqueue_all("notify", push_delivery.due())


def _enqueue_all(name: str, ids: list[int]) -> None:
    for row_id in ids:
        enqueue(name, row_id, urgent=False)
