"""The jobs, one function each."""

import time
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from domain.accounts import rate_limits, sessions
from domain.banking import account_sync
from domain.common import marks, token_revocations
from domain.common.errors import BankUnavailable, UnknownBank
from domain.operations import daily_check, log_anchors, redaction
from domain.orders import payee_verification, restore_watch, status_polling, submission
from domain.outbox import mail, push_delivery
from domain.overview import worklist
from domain.payments import early_name_checks
from domain.payroll import (
    client_turns,
    intake,
    payday_reminders,
    permission_check,
    reopening,
    run_discovery,
    wage_tax_reminders,
    webhook_deliveries,
    webhook_registration,
)
from domain.privacy import retention
from domain.reconciliation import transactions
from domain.team import client_closing
from jobs import connection, enqueue, mail_rendering, push_rendering
from models import Batch, database

# A job sends so many messages, and starts none after so long, so that a slow server keeps no other work waiting.
MESSAGES_EACH, MESSAGES_SECONDS = 10, 3


def take_turn(client_id: int) -> None:
    """Take in one run of this client. The next turn comes after those of others, and another worker may start it."""
    with database.connection_context():
        if client_turns.has_several_due(client_id):
            enqueue("take_turn", client_id)
        turn = client_turns.take_turn(client_id)
        if turn.more:
            enqueue("take_turn", client_id)
        _announce(turn.payment)


def discover_runs(company_id: int) -> None:
    """Poll a company that a user chose, without waiting for a turn."""
    with database.connection_context():
        for run_id in run_discovery.discover_runs(company_id):
            enqueue("import_run", run_id)


def import_run(run_id: int) -> None:
    """Import a run that a user asked for, without waiting for a turn."""
    with database.connection_context():
        _announce(intake.import_run(run_id))


def _announce(payment: Batch | None) -> None:
    """Enqueue what follows a new payment: its messages, and the check of its names."""
    if payment is not None:
        _enqueue_messages()
        _enqueue_all("check_names", early_name_checks.due_name_checks(payment))


def check_names(task_id: int) -> None:
    with database.connection_context():
        early_name_checks.check_names(task_id)


def send_order(batch_id: int) -> None:
    with database.connection_context():
        submission.submit_order(batch_id)
        _enqueue_messages()


def poll_order_status(order_id: int) -> None:
    with database.connection_context():
        status_polling.poll_status(order_id)
        payee_verification.start_sca_after_verification(order_id)
        _enqueue_messages()


def read_transactions(account_id: int) -> None:
    with database.connection_context(), suppress(BankUnavailable, UnknownBank):  # logged there, retried later
        transactions.refresh_transactions(account_id, None)


def match_bookings(account_id: int) -> None:
    with database.connection_context():
        transactions.match_kept(account_id)


def send_mails() -> None:
    """Send mails that are due: a few, so that a worker does other work in between."""
    with database.connection_context():
        due = mail.due_mails(MESSAGES_EACH)
        _send("send_mails", due, lambda mail_id: mail.deliver_mail(mail_id, mail_rendering.write))


def send_pushes() -> None:
    """Send notifications that are due, a few as well."""
    with database.connection_context():
        due, count = push_delivery.due_pushes(MESSAGES_EACH), worklist.pending_count
        _send("send_pushes", due, lambda push_id: push_delivery.deliver_push(push_id, push_rendering.write, count))


def _send(task: str, due: list[int], deliver: Callable[[int], object]) -> None:
    """Deliver these messages, and have the task go on with those that remain."""
    begun = monotonic()
    if len(due) == MESSAGES_EACH:
        enqueue(task)
    for message_id in due:
        if monotonic() - begun >= MESSAGES_SECONDS:
            enqueue(task)
            return
        deliver(message_id)


def poll() -> None:
    """Schedule companies that have no next poll. Normally each company has one."""
    with database.connection_context():
        run_discovery.repair_schedule()


def check_rights(connection_id: int) -> None:
    with database.connection_context():
        permission_check.run_permission_checks(connection_id)


def reconcile_webhook(debtor_id: int) -> None:
    with database.connection_context():
        webhook_registration.reconcile_webhook(debtor_id)


def revoke_token(revocation_id: int) -> None:
    with database.connection_context():
        token_revocations.revoke(revocation_id)


def revoke_tokens() -> None:
    with database.connection_context():
        _enqueue_all("revoke_token", token_revocations.due_revocations())


def sync_consent(consent_id: int) -> None:
    with database.connection_context():
        account_sync.sync_consent(consent_id)


def renew_overtaken(run_id: int) -> None:
    with database.connection_context():
        reopening.renew_overtaken(run_id)
        _enqueue_messages()


def remind_of_payday(company_id: int) -> None:
    with database.connection_context():
        payday_reminders.remind_of_payday(company_id)
        _enqueue_messages()


def remind_of_wage_tax(batch_id: int) -> None:
    with database.connection_context():
        wage_tax_reminders.remind_of_wage_tax(batch_id)
        _enqueue_messages()


def check_books() -> None:
    with database.connection_context():
        daily_check.check_books()


def end_links(client_id: int) -> None:
    with database.connection_context():
        client_closing.end_links(client_id)
        _enqueue_messages()


def redact_old() -> None:
    with database.connection_context():
        redaction.redact_old()


def enqueue_due_work() -> None:
    """Enqueue everything that is due in the database, because the queue may have lost it.

    Before that, notice a restored database, and keep a mark outside it of how far it has come. What waits in the queue
    already is not put there again.

    Raises:
    - RedisError: the queue server is unavailable.
    """
    now_and_then = int(time.time()) % 600 < 10
    with database.connection_context():
        restore_watch.hold_if_no_witness_agrees() if now_and_then else restore_watch.hold_if_restored()
        marks.keep_newest_mark()
    connection().ping()
    with database.connection_context():
        _enqueue_all("take_turn", client_turns.due_clients())
        _enqueue_all("check_rights", permission_check.due_permission_checks())
        _enqueue_all("reconcile_webhook", webhook_registration.due_webhook_debtors())
        _enqueue_all("revoke_token", token_revocations.due_revocations())
        _enqueue_all("check_names", early_name_checks.due_name_checks())
        _enqueue_all("renew_overtaken", reopening.overtaken_runs())
        _enqueue_all("send_order", submission.due_batches())
        _enqueue_all("poll_order_status", status_polling.due_orders())
        _enqueue_all("sync_consent", account_sync.due_consents())
        _enqueue_all("read_transactions", transactions.due_accounts())
        _enqueue_all("match_bookings", transactions.accounts_to_match())
        _enqueue_messages()
        if now_and_then:
            sessions.purge_expired_sessions()
            rate_limits.purge_expired_attempts()
            webhook_deliveries.purge_payloads()
            if daily_check.is_check_due():
                enqueue("check_books", urgent=False)
            _enqueue_all("remind_of_payday", payday_reminders.companies_to_remind())
            _enqueue_all("remind_of_wage_tax", wage_tax_reminders.payments_to_remind_of())
            _enqueue_all("end_links", client_closing.clients_to_end())
            retention.remove_expired()
            if redaction.is_redaction_due():
                enqueue("redact_old", urgent=False)
            log_anchors.anchor_logs()  # at the end: a full disk must not keep the rest from being done


def _enqueue_messages() -> None:
    """Have messages sent that were just stored, so that they do not wait for the next sweep."""
    if mail.due_mails(1):
        enqueue("send_mails")
    if push_delivery.due_pushes(1):
        enqueue("send_pushes")


def _enqueue_all(name: str, ids: list[int]) -> None:
    for row_id in ids:
        enqueue(name, row_id, urgent=False)
