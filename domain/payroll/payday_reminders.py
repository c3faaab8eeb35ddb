"""Mail and push before payday: to who must act on a payment that waits, and to who prepares a run that is missing.

Each company is looked at once a day, from eight in Amsterdam. That it was, and its messages, are written together, so
that a worker which dies in between is followed by one that does it all. Neither names a person or an amount.
"""

from datetime import date, time
from typing import Any

from core.clock import amsterdam, today_amsterdam, utcnow
from domain.outbox import mail, push
from domain.outbox.push_delivery import STILL
from domain.payments import four_eyes
from domain.payments.paydays import NO_PAYDAY
from domain.payments.proposed_dates import execution_date
from domain.payments.release import MAY_RELEASE
from domain.payroll.paydays import ComingPayday, coming_payday
from models import BankAccount, Batch, Client, Membership, PayrollCompany, User, transaction
from models.states import ClientState, Role, RunKind

REMINDED_FROM = 3  # bank days before payday: then, the day after, and the last bank day
NOT_BEFORE = time(8)
MOST_AT_ONCE = 2000


def companies_to_remind() -> list[int]:
    """Return the ids of companies whose payday was not looked at today."""
    if amsterdam(utcnow()).time() < NOT_BEFORE:
        return []
    query = PayrollCompany.select(PayrollCompany.id).join(Client).where(
        Client.state == ClientState.OPEN, PayrollCompany.mapped_at.is_null(False),
        PayrollCompany.payday.is_null(False), PayrollCompany.payday != NO_PAYDAY, _unseen_on(today_amsterdam()),
    )  # fmt: skip
    return [row.id for row in query.order_by(PayrollCompany.id).limit(MOST_AT_ONCE)]


def _unseen_on(today: date):
    return PayrollCompany.payday_checked_on.is_null() | (PayrollCompany.payday_checked_on < today)


def remind_of_payday(company_id: int) -> bool:
    """Enqueue what is to be told today about the next payday of a company. Returns False if that was done."""
    company = PayrollCompany.get_by_id(company_id)
    with transaction(company.client_id):
        mine, today = PayrollCompany.id == company_id, today_amsterdam()
        if not PayrollCompany.update(payday_checked_on=today).where(mine, _unseen_on(today)).execute():
            return False
        coming = coming_payday(PayrollCompany.get_by_id(company_id))
        if coming is not None:
            _tell(Client.get_by_id(company.client_id), coming)
    return True


def _tell(client: Client, coming: ComingPayday) -> None:
    if coming.run_late:
        _tell_of_missing_run(client, coming)
    if 0 < coming.bank_days <= REMINDED_FROM:
        for batch in waiting_payments(coming):
            _remind_of(client, batch, coming)


def waiting_payments(coming: ComingPayday) -> list[Batch]:
    """Return the salary payments of the company that wait for a person, and are to be executed by this payday."""
    query = Batch.select(Batch, BankAccount).join(BankAccount).where(
        Batch.company == coming.company.id, Batch.kind == RunKind.SALARY, Batch.state.in_(STILL["payday"])
    )  # fmt: skip
    return [one for one in query.order_by(Batch.id) if execution_date(one) <= coming.day]


def _remind_of(client: Client, batch: Batch, coming: ComingPayday) -> None:
    enqueue_reminder(client, batch, "payday", coming.day, coming.bank_days, bank_days=coming.bank_days)


def enqueue_reminder(client: Client, batch: Batch, event: str, day: date, left: int, **facts: Any) -> None:
    """Enqueue mail and push to who can take a payment further, and on the last bank day to who prepares it as well.

    `left`: bank days until `day`. Each of them tells once. `facts`: for the mail, beside the day and who may pay.
    """
    once, path = f"{event}:{batch.id}:{day}:{left}", f"/betalingen/{batch.reference}"
    acting = who_must_act(client, batch)
    others = [] if left > 1 else _members(client, (Role.PREPARER,))
    push.enqueue_push(client, event, once, path, [*acting, *others], batch)
    for user in (*acting, *others):
        mail.enqueue_mail(
            user, event, once=f"{once}:{user.id}", client=client, path=path, day=day.isoformat(),
            may_pay=user in acting, **facts,
        )  # fmt: skip


def who_must_act(client: Client, batch: Batch) -> list[User]:
    """Return who can take the payment further now: whoever may approve it; after a first approval whoever may be the
    second.
    """
    everyone = _members(client, sorted(MAY_RELEASE))
    given = [one.user for one in four_eyes.valid_approvals(batch.id)]
    if not given:
        return everyone
    return four_eyes.signers(client, *given) or [one for one in everyone if one not in given]


def _tell_of_missing_run(client: Client, coming: ComingPayday) -> None:
    """Tell whoever prepares the run, else the owners, once for this payday."""
    once, path = f"run_late:{coming.company.id}:{coming.day}", f"/{client.public_id}/apps/nmbrs"
    people = _members(client, (Role.PREPARER,)) or mail.owners_of(client)
    push.enqueue_push(client, "run_late", once, path, people)
    for user in people:
        mail.enqueue_mail(
            user, "run_late", once=f"{once}:{user.id}", client=client, path=path, company=coming.company.name,
            day=coming.day.isoformat(),
        )  # fmt: skip


def _members(client: Client, roles) -> list[User]:
    query = User.select().join(Membership).where(Membership.client == client.id, Membership.role.in_(roles))
    return list(query.order_by(User.id))
