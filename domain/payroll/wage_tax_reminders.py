"""Mail and push before wage tax is due, to who must act on a payment of it that waits: as before a payday."""

from datetime import date, timedelta

from core.bank_days import bank_days_until
from core.clock import amsterdam, today_amsterdam, utcnow
from domain.outbox.push_delivery import STILL
from domain.payroll.payday_reminders import NOT_BEFORE, REMINDED_FROM, enqueue_reminder
from models import Batch, Client, PayrollRun, transaction
from models.states import ClientState, RunKind

_FARTHEST = timedelta(days=14)  # more than three bank days, however many days between them are none


def payments_to_remind_of() -> list[int]:
    """Return the ids of wage tax payments that wait, are due soon, and were not looked at today."""
    today = today_amsterdam()
    if amsterdam(utcnow()).time() < NOT_BEFORE:
        return []
    query = Batch.select(Batch.id).join(PayrollRun).switch(Batch).join(Client).where(
        Batch.kind == RunKind.WAGE_TAX, Batch.state.in_(STILL["wage_tax_due"]), Client.state == ClientState.OPEN,
        PayrollRun.pay_by > today, PayrollRun.pay_by <= today + _FARTHEST, _unseen_on(today),
    )  # fmt: skip
    return [row.id for row in query.order_by(Batch.id)]


def _unseen_on(today: date):
    return PayrollRun.pay_by_checked_on.is_null() | (PayrollRun.pay_by_checked_on < today)


def remind_of_wage_tax(batch_id: int) -> bool:
    """Enqueue the reminder of today about a payment of wage tax. Returns False if that was done."""
    batch, today = Batch.get_by_id(batch_id), today_amsterdam()
    with transaction(batch.client_id):
        mine = PayrollRun.id == batch.run_id
        if not PayrollRun.update(pay_by_checked_on=today).where(mine, _unseen_on(today)).execute():
            return False
        day = PayrollRun.get_by_id(batch.run_id).pay_by
        if day is not None and 0 < (left := bank_days_until(today, day)) <= REMINDED_FROM:
            client, waiting = Client.get_by_id(batch.client_id), Batch.get_by_id(batch_id)
            enqueue_reminder(client, waiting, "wage_tax_due", day, left, company=batch.company.name)
    return True
