"""Until when wage tax must be paid, and who is reminded of it.

It must be with the tax authority within a month after the period (AWR, art. 19); where that day is a Saturday, a Sunday
or a holiday (Algemene termijnenwet, art. 3), on the last working day before it (docs/facts/nmbrs.md, section 6).
"""

from datetime import date, timedelta

from core.bank_days import bank_days_until, easter_sunday, is_bank_day
from core.clock import amsterdam, today_amsterdam, utcnow
from domain.outbox import mail, push
from domain.outbox.push_delivery import STILL
from domain.payroll.payday_reminders import NOT_BEFORE, REMINDED_FROM, members_with, who_must_act
from models import Batch, Client, PayrollRun, transaction
from models.states import ClientState, Role, RunKind

_FARTHEST = timedelta(days=14)  # more than three bank days, however many days between them are none


def pay_by(period_end: date) -> date:
    """Return the last day on which the wage tax of a period that ends on this day must have been received.

    A period that ends with a month is paid in the whole month after it; any other until the same day of the next month.
    """
    after = period_end + timedelta(days=1)
    last = _last_of_month(after) if after.day == 1 else _same_day_next_month(period_end)
    while not is_bank_day(last) or last in _holidays(last.year):
        last -= timedelta(days=1)
    return last


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _same_day_next_month(day: date) -> date:
    end = _last_of_month(_last_of_month(day) + timedelta(days=1))
    return end.replace(day=min(day.day, end.day))


def _holidays(year: int) -> set[date]:
    """Return the Dutch holidays on which euro transfers do settle."""
    easter, kings_day = easter_sunday(year), date(year, 4, 27)
    if kings_day.weekday() == 6:
        kings_day -= timedelta(days=1)
    return {kings_day, date(year, 5, 5), easter + timedelta(days=39), easter + timedelta(days=50)}


# --- reminders ------------------------------------------------------------------------------------
def payments_to_remind_of() -> list[int]:
    """Return the ids of wage tax payments that wait, are due within three bank days, and were not looked at today."""
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


def remind(batch_id: int) -> bool:
    """Enqueue the reminder of today about a payment of wage tax. Returns False if that was done."""
    batch, today = Batch.get_by_id(batch_id), today_amsterdam()
    with transaction(batch.client_id):
        mine = PayrollRun.id == batch.run_id
        if not PayrollRun.update(pay_by_checked_on=today).where(mine, _unseen_on(today)).execute():
            return False
        day = PayrollRun.get_by_id(batch.run_id).pay_by
        if day is not None and 0 < bank_days_until(today, day) <= REMINDED_FROM:
            _tell(Client.get_by_id(batch.client_id), Batch.get_by_id(batch_id), day, bank_days_until(today, day))
    return True


def _tell(client: Client, batch: Batch, day: date, left: int) -> None:
    once, path = f"wage_tax_due:{batch.id}:{day}:{left}", f"/betalingen/{batch.reference}"
    acting = who_must_act(client, batch)
    others = [] if left > 1 else members_with(client, (Role.PREPARER,))
    push.enqueue_push(client, "wage_tax_due", once, path, [*acting, *others], batch)
    for user in (*acting, *others):
        mail.enqueue_mail(
            user, "wage_tax_due", once=f"{once}:{user.id}", client=client, path=path, company=batch.company.name,
            description=batch.description, day=day.isoformat(), may_pay=user in acting,
        )  # fmt: skip
