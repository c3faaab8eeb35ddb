"""New and changed accounts are answered before a payment is approved, and the answer is part of what is approved."""

from datetime import UTC, datetime, timedelta

import pytest
from peewee import DatabaseError

import models
from core.clock import utcnow
from domain.common.errors import (
    AnsweredByApprover,
    BatchChanged,
    InsufficientRole,
    NotIdentified,
    UnansweredPayees,
)
from domain.operations import integrity
from domain.orders import obstacles, order_building, submission
from domain.payments import payee_answers, payee_checks
from domain.payments.queries import get_batch
from domain.payments.release import release
from domain.payroll import intake
from models import (
    Approval,
    AuditEvent,
    Batch,
    BatchLine,
    Client,
    Membership,
    PayeeAnswer,
    Release,
)
from tests.support.books import require_right_books
from tests.support.factories import LINES, PSU, Demo, authorise, make_file, make_user
from tests.support.large_batches import iban
from tests.support.orders import put_at_bank, set_line
from tests.support.payees import answer_all, open_questions

pytestmark = pytest.mark.asks_payees
CHANGED = ((LINES[0][0], iban(7), LINES[0][2]), *LINES[1:])  # Wouter, on another account
NEW = (*LINES, ("Bakker, Jan", iban(8), 2_000_00))


@pytest.fixture
def right_books(demo: Demo, request: pytest.FixtureRequest):
    yield
    require_right_books(request)


def approve(demo: Demo, batch: Batch, who: Membership | None = None) -> Release | Approval:
    return release(who or demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)


def paid(demo: Demo, number: int = 1, standing: str = "paid", lines=LINES) -> Batch:
    """A payment of an earlier month, whose lines stand so."""
    batch = demo.batch(lines, number)
    put_at_bank(batch, "executed" if standing == "paid" else "signed", standing)
    return batch


def asked(demo: Demo, batch: Batch) -> list[tuple[str, str]]:
    """What is asked of a payment: concern and name."""
    checks = payee_checks.checks_of(get_batch(demo.client, batch.reference))
    return [(str(one.finding.concern), one.name) for one in checks if one.waits]


def colleague(demo: Demo, role: str = "approver", name: str = "Naomi Meijer", identified: bool = True) -> Membership:
    user = make_user(name=name)
    if identified:
        authorise(demo.client, user)
    return Membership.create(user=user, client=demo.client, role=role)


# --- what is asked --------------------------------------------------------------------------------
@pytest.mark.usefixtures("right_books")
def test_the_first_payment_of_a_client_asks_about_everybody_at_once(demo: Demo):
    batch = demo.batch()
    assert asked(demo, batch) == [("new", name) for name, *_ in LINES]
    with pytest.raises(UnansweredPayees):
        approve(demo, batch)
    count = payee_answers.answer_payees(demo.membership, batch.reference, open_questions(batch, "new"), "records")
    assert (count, asked(demo, batch)) == (3, [])
    assert isinstance(approve(demo, batch), Release)


@pytest.mark.parametrize("standing", ["possible", "disputed", "unpaid", "unsent"])
def test_only_an_executed_payment_makes_an_account_known(demo: Demo, standing: str):
    paid(demo, 1, standing)
    assert len(asked(demo, demo.batch(number=2))) == 3


def test_after_it_was_executed_nothing_is_asked(demo: Demo):
    paid(demo)
    batch = demo.batch(number=2)
    assert asked(demo, batch) == []
    assert isinstance(approve(demo, batch), Release)
    assert PayeeAnswer.select().count() == 0


def test_a_changed_account_is_asked_about_with_the_old_one(demo: Demo):
    paid(demo)
    batch = demo.batch(CHANGED, number=2)
    assert asked(demo, batch) == [("changed", "Jong, Wouter de")]
    (one,) = payee_checks.checks_of(get_batch(demo.client, batch.reference))
    assert [old.iban for old in one.finding.before] == [LINES[0][1]]
    with pytest.raises(UnansweredPayees):
        approve(demo, batch)


def test_a_payment_that_came_back_is_told_and_not_asked(demo: Demo):
    paid(demo)
    back = demo.batch(number=2)
    put_at_bank(back, "executed", "paid")
    set_line(back, LINES[0][1], "returned")
    batch = demo.batch(number=3)
    checks = payee_checks.checks_of(get_batch(demo.client, batch.reference))
    assert [(str(one.finding.concern), one.name, one.waits) for one in checks] == [
        ("came_back", "Jong, Wouter de", False)
    ]
    assert isinstance(approve(demo, batch), Release)


def test_another_client_is_no_history(demo: Demo):
    other = models.Client.create(public_id="elsewhere000", name="Elders BV", kvk_number="12345678")
    batch = paid(demo)
    Batch.update(client=other.id).where(Batch.id == batch.id).execute()
    assert len(asked(demo, demo.batch(number=2))) == 3
    Batch.update(client=demo.client.id).where(Batch.id == batch.id).execute()


# --- what an answer is ----------------------------------------------------------------------------
@pytest.mark.usefixtures("right_books")
def test_the_answer_is_part_of_the_digest_and_of_the_log(demo: Demo):
    batch = demo.batch()
    before = demo.view(batch).digest
    answer_all(demo.membership, batch)
    after = demo.view(batch).digest
    assert before != after
    (told,) = AuditEvent.select().where(AuditEvent.kind == "payees.answered")
    assert (told.actor, told.details["answer"], told.details["count"]) == (f"user:{demo.user.id}", "phone", 3)
    with pytest.raises(BatchChanged):
        release(demo.membership, batch.reference, before, "session", PSU)
    made = approve(demo, batch)
    assert made.digest == after


def test_how_it_was_asked_and_by_whom_is_in_the_digest(demo: Demo):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    marks = payee_checks.answer_marks(batch.id)
    assert all(mark.split(":")[1:] == ["phone", str(demo.user.id)] for mark in marks.values())
    assert payee_checks.answer_marks(batch.id, utcnow() - timedelta(days=1)) == {}


def test_answers_hold_for_exactly_what_was_seen(demo: Demo):
    batch = demo.batch()
    seen = open_questions(batch, "new")
    BatchLine.update(state="excluded").where(BatchLine.batch == batch.id, BatchLine.position == 1).execute()
    with pytest.raises(BatchChanged):
        payee_answers.answer_payees(demo.membership, batch.reference, seen, "phone")
    with pytest.raises(BatchChanged):
        payee_answers.answer_payees(demo.membership, batch.reference, open_questions(batch, "new"), "by_mail")
    assert PayeeAnswer.select().count() == 0


@pytest.mark.usefixtures("right_books")
def test_one_line_is_answered_alone(demo: Demo):
    batch = demo.batch()
    line = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 2)
    seen = open_questions(batch, "new")
    assert payee_answers.answer_payees(demo.membership, batch.reference, seen, "in_person", line.id) == 1
    assert [name for _, name in asked(demo, batch)] == [LINES[0][0], LINES[2][0]]


def test_not_yet_leaves_the_line_out_and_the_rest_goes(demo: Demo):
    paid(demo)
    batch = demo.batch(NEW, number=2)
    payee_answers.answer_payees(demo.membership, batch.reference, open_questions(batch, "new"), "not_yet")
    assert asked(demo, batch) == []
    made = approve(demo, batch)
    assert isinstance(made, Release)
    assert (made.line_count, made.total_cents) == (3, sum(cents for *_, cents in LINES))


def test_a_line_that_was_left_out_is_asked_about_again_when_it_is_taken_back(demo: Demo):
    paid(demo)
    batch = demo.batch(NEW, number=2)
    payee_answers.answer_payees(demo.membership, batch.reference, open_questions(batch, "new"), "not_yet")
    BatchLine.update(state="open").where(BatchLine.batch == batch.id).execute()
    assert asked(demo, batch) == [("new", "Bakker, Jan")]


# --- the facts change -----------------------------------------------------------------------------
@pytest.mark.usefixtures("right_books")
def test_a_run_that_is_run_again_asks_only_about_what_is_different(demo: Demo):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    lines = [(LINES[0][0], LINES[0][1], LINES[0][2] + 1_00), (LINES[1][0], iban(9), LINES[1][2]), LINES[2]]
    file = make_file(lines)
    again = intake.create_batch_version(batch.run, file, [intake.to_payable_line(line) for line in file.lines])
    assert again is not None
    assert asked(demo, again) == [("new", LINES[1][0])]
    carried = PayeeAnswer.select().where(PayeeAnswer.batch == again.id)
    assert {(row.user_id, row.earlier.batch_id) for row in carried} == {(demo.user.id, batch.id)}
    with pytest.raises(UnansweredPayees):
        approve(demo, again)


def test_facts_that_change_after_the_approval_open_the_payment_again(demo: Demo):
    batch = demo.batch(NEW)
    answer_all(demo.membership, batch)
    approve(demo, batch)
    paid(demo, 2, lines=[("Vreemd, Piet", iban(8), 100)])  # meanwhile somebody else was paid on that account
    submission.submit_order(batch.id)
    now = Batch.get_by_id(batch.id)
    assert (now.state, now.state_reason) == ("open", "payees_changed")
    assert asked(demo, batch) == [("new", "Bakker, Jan")]
    assert models.BankOrder.select().where(models.BankOrder.batch == batch.id).count() == 0


def test_facts_that_change_after_the_order_was_made_stop_it_before_the_call(demo: Demo):
    batch = demo.batch(NEW)
    answer_all(demo.membership, batch)
    approve(demo, batch)
    order = order_building.build_order(get_batch(demo.client, batch.reference))
    assert order is not None
    paid(demo, 2, lines=[("Vreemd, Piet", iban(8), 100)])
    assert submission._mark_called(get_batch(demo.client, batch.reference), order) is None
    now, held = Batch.get_by_id(batch.id), models.BankOrder.get_by_id(order.id)
    assert (now.state, now.state_reason, held.submitted_at) == ("open", "payees_changed", None)


def test_an_account_that_becomes_known_meanwhile_is_no_obstacle(demo: Demo):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    made = approve(demo, batch)
    paid(demo, 2)
    assert isinstance(made, Release)
    assert obstacles.obstacle(get_batch(demo.client, batch.reference), made) is None
    submission.submit_order(batch.id)
    assert Batch.get_by_id(batch.id).state == "at_bank"


def test_an_answer_voids_what_a_first_person_approved(demo: Demo):
    """Two questions: the second one comes up after the first person approved."""
    other = colleague(demo)
    Client.update(dual_approval_from_cents=0).execute()
    demo.membership = Membership.get_by_id(demo.membership.id)
    batch = demo.batch()
    answer_all(demo.membership, batch)
    assert isinstance(approve(demo, batch), Approval)
    paid(demo, 2, lines=[("Vreemd, Piet", LINES[0][1], 100)])
    with pytest.raises(UnansweredPayees):
        approve(demo, batch, Membership.get_by_id(other.id))
    answer_all(demo.membership, batch)
    assert [one.void_reason for one in Approval.select()] == ["changed"]


# --- another person -------------------------------------------------------------------------------
@pytest.fixture
def by_other(demo: Demo) -> Membership:
    """A colleague who may pay; who answers may not approve."""
    made = colleague(demo)
    assert payee_answers.set_asked_by_other(demo.membership, True) is True
    return Membership.get_by_id(made.id)


@pytest.mark.usefixtures("right_books")
def test_who_answered_does_not_approve_where_the_client_wants_two(demo: Demo, by_other: Membership):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    with pytest.raises(AnsweredByApprover):
        approve(demo, batch)
    assert isinstance(approve(demo, batch, by_other), Release)


def test_the_same_person_with_a_second_account_does_not_count_as_another(demo: Demo, by_other: Membership):
    twin = colleague(demo, name="Wouter de Jong")
    batch = demo.batch()
    answer_all(twin, batch)
    with pytest.raises(AnsweredByApprover):
        approve(demo, batch)


def test_a_preparer_answers_only_where_another_person_must(demo: Demo):
    preparer = colleague(demo, "preparer", "Anna Smit")
    batch = demo.batch()
    with pytest.raises(InsufficientRole):
        answer_all(preparer, batch)
    payee_answers.set_asked_by_other(demo.membership, True)
    answer_all(Membership.get_by_id(preparer.id), batch)
    assert isinstance(approve(demo, batch), Release)


def test_somebody_whom_nobody_knows_is_no_other_person(demo: Demo, by_other: Membership):
    stranger = colleague(demo, "preparer", "Anna Smit", identified=False)
    batch = demo.batch()
    with pytest.raises(NotIdentified):
        answer_all(stranger, batch)
    assert PayeeAnswer.select().count() == 0


@pytest.mark.usefixtures("right_books")
def test_the_setting_voids_what_was_approved_and_is_in_the_log(demo: Demo):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    approve(demo, batch)
    assert payee_answers.set_asked_by_other(demo.membership, True) is True
    assert payee_answers.set_asked_by_other(demo.membership, True) is False
    assert Batch.get_by_id(batch.id).state == "open"
    (told,) = AuditEvent.select().where(AuditEvent.kind == "payees_asked_by_other.changed")
    assert told.details == {"on": True}
    with pytest.raises(InsufficientRole):
        payee_answers.set_asked_by_other(colleague(demo), False)


# --- the books ------------------------------------------------------------------------------------
def test_the_database_keeps_every_answer(demo: Demo):
    batch = demo.batch()
    answer_all(demo.membership, batch)
    other = demo.batch(number=2)
    columns = "line_id, concern, question, answer, user_id, answered_at, act"
    moved = f"insert into payee_answer (batch_id, {columns}) select {other.id}, {columns} from payee_answer"
    changes = {"update payee_answer set answer = 'in_person'": "append-only", "delete from payee_answer": "append-only",
               moved: "another payment"}  # fmt: skip
    for statement, said in changes.items():
        with models.database.atomic() as change:
            with pytest.raises(DatabaseError, match=said):
                models.database.execute_sql(statement)
            change.rollback()


@pytest.mark.planted
def test_an_answer_that_the_log_does_not_know_is_found(demo: Demo):
    batch = demo.batch()
    line = BatchLine.get(BatchLine.batch == batch.id)
    PayeeAnswer.create(
        batch=batch, line=line, concern="new", question="q", answer="phone", user=demo.user, act="forged",
        answered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert any("the log does not know the answers" in one for one in integrity.find_inconsistencies())
