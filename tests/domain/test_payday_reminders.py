"""A payday is proposed from what was executed, set by a person, proposed as execution date, and reminded of in time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

import models
from core.clock import AMSTERDAM
from domain.accounts import push_subscriptions
from domain.common.encryption import decrypt
from domain.common.errors import BatchChanged, NotFound
from domain.outbox import push
from domain.payments import amendments
from domain.payments.paydays import Payday
from domain.payments.proposed_dates import execution_date
from domain.payments.queries import get_batch
from domain.payments.release import release
from domain.payroll import payday_reminders, paydays
from models import (
    AuditEvent,
    BankOrder,
    Batch,
    Client,
    OutgoingMail,
    PayrollCompany,
    PayrollRun,
    PushNotification,
    User,
)
from models.states import RunKind
from tests.support.books import require_right_books
from tests.support.factories import LINES, PSU, Demo, authorise, make_client, make_device, make_user
from tests.support.orders import put_at_bank
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox

DAY_25 = Payday("day", 25)  # Wednesday 25 November 2026
ADDED = datetime(2026, 11, 16, 9, tzinfo=AMSTERDAM)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=AMSTERDAM)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(ADDED, tick=False) as travelled:
        yield travelled


def choose(demo: Demo, payday: Payday | None = DAY_25) -> None:
    paydays.set_payday(demo.client, demo.user, demo.company.id, payday)


def paid_on(demo: Demo, *days: date) -> None:
    """A whole salary payment was executed on each of these days."""
    for number, day in enumerate(days, 50):
        order = put_at_bank(demo.batch(number=number), "executed", "paid")
        BankOrder.update(execution_date=day).where(BankOrder.id == order.id).execute()


def sweep() -> list[int]:
    done = payday_reminders.companies_to_remind()
    for company_id in done:
        assert payday_reminders.remind_of_payday(company_id)
    return done


def told(kind: str = "payday") -> list[int]:
    """Return whom mails of this kind went to, in their order."""
    return [mail.user_id for mail in OutgoingMail.select().order_by(OutgoingMail.id) if mail.kind == kind]


def joined(demo: Demo, name: str, role: str) -> User:
    user = make_user(name=name)
    models.Membership.create(user=user, client=demo.client, role=role)
    if role == "approver":
        authorise(demo.client, user)
    return user


# --- proposing and setting ---
def test_three_executed_payments_propose_a_payday_until_somebody_decides(demo: Demo, clock):
    paid_on(demo, date(2026, 8, 25), date(2026, 9, 25))
    assert paydays.proposed_paydays(demo.client) == []
    paid_on_third = put_at_bank(demo.batch(number=60), "executed", "paid")
    BankOrder.update(execution_date=date(2026, 10, 23)).where(BankOrder.id == paid_on_third.id).execute()
    (found,) = paydays.proposed_paydays(demo.client)
    assert (found.company.id, found.payday) == (demo.company.id, DAY_25)
    assert found.days == (date(2026, 8, 25), date(2026, 9, 25), date(2026, 10, 23))
    choose(demo, None)
    assert paydays.proposed_paydays(demo.client) == []


def test_what_was_not_executed_or_is_no_whole_run_of_salaries_proposes_nothing(demo: Demo, clock):
    paid_on(demo, date(2026, 8, 25), date(2026, 9, 25), date(2026, 10, 23))
    for change in ({"kind": RunKind.WAGE_TAX}, {"is_supplement": True}, {"state": "signed"}):
        with models.database.atomic() as undone:
            Batch.update(**change).where(Batch.run_number == 51).execute()
            assert paydays.proposed_paydays(demo.client) == []
            undone.rollback()
    assert len(paydays.proposed_paydays(demo.client)) == 1


def test_a_payday_is_in_the_log_and_in_the_books(demo: Demo, request: pytest.FixtureRequest):
    choose(demo)
    choose(demo)  # the same again is nothing new
    (event,) = AuditEvent.select().where(AuditEvent.kind == "nmbrs.payday")
    assert (event.subject, event.details) == (f"company:{demo.company.id}", {"payday": "day:25"})
    require_right_books(request)


def test_a_company_of_another_client_has_no_payday_here(demo: Demo):
    stranger = make_client(make_user())
    with pytest.raises(NotFound):
        paydays.set_payday(stranger.client, stranger.user, demo.company.id, DAY_25)
    PayrollCompany.update(bank_account=None, mapped_at=None).where(PayrollCompany.id == demo.company.id).execute()
    with pytest.raises(NotFound):
        choose(demo)


# --- the execution date ---
def day_of(batch: Batch) -> date:
    return execution_date(get_batch(batch.client, batch.reference))


def test_a_new_payment_proposes_the_payday_while_its_cut_off_can_be_met(demo: Demo, clock):
    batch = demo.batch()
    assert day_of(batch) == date(2026, 11, 16)
    choose(demo)
    assert day_of(batch) == date(2026, 11, 25)
    assert demo.view(batch).is_payday
    clock.move_to(at(25, 9))
    assert day_of(batch) == date(2026, 11, 25)
    clock.move_to(at(25, 22))
    assert day_of(batch) == date(2026, 11, 26)  # and not a month later
    assert not demo.view(batch).is_payday


def test_a_person_may_always_choose_otherwise(demo: Demo, clock):
    choose(demo)
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, date(2026, 11, 18), demo.account.id)
    assert day_of(batch) == date(2026, 11, 18)
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, demo.account.id)
    assert day_of(batch) == date(2026, 11, 25)


@pytest.mark.parametrize("other", [{"kind": RunKind.WAGE_TAX}, {"is_supplement": True}])
def test_only_the_salaries_of_a_whole_run_wait_for_payday(demo: Demo, clock, other: dict):
    choose(demo)
    batch = demo.batch()
    Batch.update(**other).where(Batch.id == batch.id).execute()
    assert day_of(batch) == date(2026, 11, 16)


def test_what_was_shown_for_another_day_is_not_approved(demo: Demo, clock):
    batch = demo.batch()
    shown = demo.view(batch).digest
    choose(demo)
    with pytest.raises(BatchChanged):
        release(demo.membership, batch.reference, shown, "session", PSU)
    approved = release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(approved, models.Release) and approved.execution_date == date(2026, 11, 25)
    choose(demo, Payday("day", 20))
    assert day_of(batch) == date(2026, 11, 25)  # what was approved stays


# --- reminders ---
def test_a_waiting_payment_is_reminded_of_three_two_and_one_bank_days_before(demo: Demo, clock):
    choose(demo)
    demo.batch()
    counts = []
    for day in range(17, 28):
        clock.move_to(at(day))
        sweep()
        sweep()
        counts.append(len(told()))
    #                 17 18 19 20 21 22 23 24 25 26 27
    assert counts == [0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3]


def test_nothing_is_sent_before_eight_and_each_company_is_looked_at_once_a_day(demo: Demo, clock):
    choose(demo)
    demo.batch()
    clock.move_to(at(20, 7))
    assert payday_reminders.companies_to_remind() == []
    clock.move_to(at(20, 8))
    assert sweep() == [demo.company.id]
    assert payday_reminders.companies_to_remind() == []
    assert not payday_reminders.remind_of_payday(demo.company.id)
    assert len(told()) == 1


def test_a_worker_that_dies_in_between_leaves_it_all_to_the_next(demo: Demo, clock, monkeypatch: pytest.MonkeyPatch):
    choose(demo)
    demo.batch()
    clock.move_to(at(20))

    def die(*_args: object, **_facts: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(payday_reminders.mail, "enqueue_mail", die)
        payday_reminders.remind_of_payday(demo.company.id)
    assert told() == []
    assert sweep() == [demo.company.id]
    assert told() == [demo.user.id]


def test_a_payment_that_is_paid_or_was_moved_past_payday_is_not_reminded_of(demo: Demo, clock):
    choose(demo)
    paid, later = demo.batch(number=1), demo.batch(number=2)
    put_at_bank(paid, "signed")
    amendments.change_date_and_account(demo.client, demo.user, later.reference, date(2026, 11, 30), demo.account.id)
    clock.move_to(at(24))
    sweep()
    assert told() == []


def test_who_must_act_is_told_first_the_approvers_then_the_second_then_who_prepares(demo: Demo, clock):
    choose(demo)
    second, preparer = joined(demo, "Naomi Meijer", "approver"), joined(demo, "Piet Boek", "preparer")
    Client.update(dual_approval_from_cents=0).where(Client.id == demo.client.id).execute()
    batch = demo.batch()
    clock.move_to(at(20))
    sweep()
    assert told() == [demo.user.id, second.id]
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    clock.move_to(at(23))
    sweep()
    assert told()[2:] == [second.id]
    clock.move_to(at(24))
    sweep()
    assert told()[3:] == [second.id, preparer.id]


def test_a_push_goes_with_it_to_who_wants_it(demo: Demo, clock, sandbox: Sandbox):
    choose(demo)
    push_subscriptions.subscribe(demo.user, make_device(demo.user), Receiver(sandbox).written)
    demo.batch()
    clock.move_to(at(24))
    sweep()
    assert [one.event for one in PushNotification.select().where(PushNotification.event == "payday")] == ["payday"]
    push.set_enabled_kinds(demo.user, {"executed"})
    demo.batch(number=2)
    assert PushNotification.select().where(PushNotification.event == "payday").count() == 1


def test_reminders_hold_no_name_and_no_amount(demo: Demo, clock):
    choose(demo)
    demo.batch()
    clock.move_to(at(24))
    sweep()
    (mail,) = [one for one in OutgoingMail.select() if one.kind == "payday"]
    text = decrypt(mail.payload_encrypted, "outgoing_mail", mail.user_id, mail.dedupe_key)
    assert all(name.split(",")[0] not in text and str(cents) not in text for name, _iban, cents in LINES)


# --- a run that is missing ---
def test_a_run_that_is_not_there_five_bank_days_before_is_told_once_to_who_prepares_it(demo: Demo, clock):
    choose(demo)
    preparer = joined(demo, "Piet Boek", "preparer")
    clock.move_to(at(17))
    sweep()
    assert told("run_late") == []
    for day in (18, 19, 20, 23, 24, 25):
        clock.move_to(at(day))
        sweep()
    assert told("run_late") == [preparer.id]


def test_without_a_preparer_the_owner_is_told(demo: Demo, clock):
    choose(demo)
    clock.move_to(at(18))
    sweep()
    assert told("run_late") == [demo.user.id]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"held_count": 0}, 0),
        ({"found_at": at(1).astimezone(UTC) - timedelta(days=9), "period_start": 10, "period_end": 10}, 1),
        ({"found_at": at(1).astimezone(UTC) - timedelta(days=9), "period_start": 11, "period_end": 11}, 0),
        ({"kind": RunKind.WAGE_TAX}, 1),
        ({"state": "before_connection"}, 1),
    ],
)  # fmt: skip
def test_a_run_of_this_payday_is_not_missed(demo: Demo, clock, change: dict, expected: int):
    choose(demo)
    demo.batch()
    PayrollRun.update(**change).where(PayrollRun.company == demo.company.id).execute()
    clock.move_to(at(18))
    sweep()
    assert len(told("run_late")) == expected


def test_a_weekly_run_is_never_called_late(demo: Demo, clock):
    choose(demo, Payday("weekday", 4))
    clock.move_to(at(23))
    sweep()
    assert told("run_late") == []


def test_a_closed_client_or_a_company_without_account_or_payday_is_left_alone(demo: Demo, clock):
    clock.move_to(at(18))
    assert payday_reminders.companies_to_remind() == []
    choose(demo, None)
    assert payday_reminders.companies_to_remind() == []
    choose(demo)
    assert payday_reminders.companies_to_remind() == [demo.company.id]
    Client.update(state="closing", ends_at=at(30)).where(Client.id == demo.client.id).execute()
    assert payday_reminders.companies_to_remind() == []


# --- notifications of allowances ---
def test_the_database_takes_every_event_of_a_notification(demo: Demo, sandbox: Sandbox):
    push_subscriptions.subscribe(demo.user, make_device(demo.user), Receiver(sandbox).written)
    events = [what for whats in push.KINDS.values() for what in whats]
    for what in events:
        push.enqueue_push(demo.client, what, f"test:{what}", "/", [demo.user])
    assert {one.event for one in PushNotification.select()} == set(events)


