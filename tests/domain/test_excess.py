"""What two people allow beyond what is owed: what the database refuses, and what comes of it when dues change."""

from pathlib import Path

import pytest
from peewee import DatabaseError

from core.clock import utcnow
from domain.accounts import passwords
from domain.common.errors import (
    ExcessOutdated,
    ExcessUnderWay,
    MoreThanOwed,
    NoPendingRequest,
    NotCounting,
    NotOpen,
    UnacknowledgedWarnings,
)
from domain.operations import integrity
from domain.orders import recovery, submission
from domain.payments import amendments, commitments, excess, queries
from domain.payments.references import message_id
from domain.payments.release import release
from domain.payments.totals import lines_of
from domain.payroll import excess_payment, payment_creation, run_dues, unpaid
from domain.payroll.run_dues import OwedLine
from models import (
    Batch,
    BatchLine,
    Due,
    ExcessAllowance,
    Membership,
    OrderLine,
    PayrollRun,
    Pin,
    transaction,
)
from tests.conftest import POSTGRES
from tests.support.backups import Backup
from tests.support.factories import PIN, PSU, Demo, authorise, here, make_user
from tests.support.names import follow, sign
from tests.support.orders import put_at_bank, set_line


@pytest.fixture
def naomi(demo: Demo) -> Membership:
    user = make_user(name="Naomi Peters")
    authorise(demo.client, user)
    Pin.create(user=user, pin_hash=passwords.hash_pin(user.id, PIN))
    return Membership.create(user=user, client=demo.client, role="approver")


@pytest.fixture
def paid(demo: Demo) -> Batch:
    """A payment of which every line was paid."""
    batch = demo.batch()
    put_at_bank(batch, "executed", "paid")
    PayrollRun.update(state="imported").execute()
    return Batch.get_by_id(batch.id)


def asked(demo: Demo, batch: Batch, cents: int = 10_000, at: int = 0) -> ExcessAllowance:
    line = lines_of(batch)[at]
    return excess_payment.ask(
        demo.membership, batch.reference, line.id, cents, "It did not arrive", PIN, here(demo.membership)
    )


def allow(naomi: Membership, row: ExcessAllowance) -> Batch:
    return excess_payment.allow(naomi, row.id, PIN, here(naomi))


def read(demo: Demo, batch: Batch) -> None:
    names = [f"{one.kind}:{one.about}" for one in demo.view(batch).cautions]
    amendments.open_cautions(demo.client, demo.user, batch.reference, names)


# --- the database refuses -------------------------------------------------------------------------
def test_an_order_line_of_what_was_allowed_is_taken(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    assert put_at_bank(batch, "at_bank").total_cents == 10_000


def test_the_excess_of_one_line_pays_no_other(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    other = lines_of(paid)[1]
    BatchLine.update(due=other.due_id).where(BatchLine.batch == batch.id).execute()
    with pytest.raises(DatabaseError, match="not what two people allowed"):
        put_at_bank(batch, "at_bank")


def test_a_withdrawn_allowance_pays_nothing(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    ExcessAllowance.update(withdrawn_at=paid.created_at, withdrawn_reason="withdrawn").execute()
    with pytest.raises(DatabaseError, match="not what two people allowed"):
        put_at_bank(batch, "at_bank")


def test_a_payment_that_nobody_allowed_is_not_beyond(demo: Demo, paid: Batch):
    """The mark in the version alone changes nothing."""
    due = Due.get_by_id(lines_of(paid)[0].due_id)
    owed = [OwedLine(due.id, position, line) for position, line in run_dues.placed_lines(due)]
    with transaction(demo.client.id):
        run = PayrollRun.get_by_id(paid.run_id)
        batch = payment_creation.create_payment(run, owed, "v", False, None, None, attempt="v:extra:nobody")
    assert commitments.exceeding_dues(batch, lines_of(batch)) == {owed[0].due}
    with pytest.raises(DatabaseError, match="more than is owed to this person"):
        put_at_bank(batch, "at_bank")
    assert any("nobody allowed it" in one for one in integrity.find_inconsistencies())


@pytest.mark.parametrize(
    "change",
    [{"amount_cents": 1}, {"creditor_iban": "x"}, {"creditor_name": "x"}, {"reason": "x"}, {"beside": 2}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_was_asked_never_changes(demo: Demo, naomi: Membership, paid: Batch, change: dict):
    asked(demo, paid)
    with pytest.raises(DatabaseError, match="what was asked never changes"):
        ExcessAllowance.update(**change).execute()


def test_each_step_is_taken_once(demo: Demo, naomi: Membership, paid: Batch):
    row = asked(demo, paid)
    with pytest.raises(DatabaseError, match="not what was asked"):
        ExcessAllowance.update(allowed_by=naomi.user_id, allowed_at=row.asked_at, batch=paid.id).execute()
    allow(naomi, row)
    with pytest.raises(DatabaseError, match="it is allowed once"):
        ExcessAllowance.update(allowed_by=None, allowed_at=None, batch=None).execute()
    excess_payment.withdraw(naomi, row.id)
    with pytest.raises(DatabaseError, match="it is withdrawn"):
        ExcessAllowance.update(withdrawn_by=None, withdrawn_at=None, withdrawn_reason=None).execute()
    with pytest.raises(DatabaseError, match="never deleted"):
        ExcessAllowance.delete().execute()


def test_nothing_is_allowed_that_was_not_asked(demo: Demo, naomi: Membership, paid: Batch):
    row = asked(demo, paid)
    values = {**row.__data__, "id": None, "allowed_by": naomi.user_id, "allowed_at": row.asked_at, "batch": paid.id}
    with pytest.raises(DatabaseError, match="asked before it is allowed"):
        ExcessAllowance.insert(**values).execute()


# --- the reckoning --------------------------------------------------------------------------------
def test_it_must_be_read_before_it_is_approved(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    with pytest.raises(UnacknowledgedWarnings):
        release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    read(demo, batch)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert Batch.get_by_id(batch.id).state == "approved"


def test_a_line_that_was_not_paid_is_no_reason(demo: Demo, naomi: Membership):
    batch = demo.batch()
    PayrollRun.update(state="imported").execute()
    with pytest.raises(NotCounting):
        asked(demo, batch)
    put_at_bank(batch, "rejected", "unpaid")
    with pytest.raises(NotCounting):
        asked(demo, batch)


def test_of_a_run_that_is_gone_nothing_is_asked(demo: Demo, naomi: Membership, paid: Batch):
    row = asked(demo, paid)
    PayrollRun.update(unlisted_since=paid.created_at).execute()
    with pytest.raises(ExcessOutdated):
        allow(naomi, row)
    with pytest.raises(ExcessOutdated):
        asked(demo, paid, at=1)


def test_one_at_a_time_beside_a_line(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    with pytest.raises(ExcessUnderWay):
        asked(demo, paid)
    put_at_bank(batch, "executed", "paid")
    assert asked(demo, batch).beside_id == ExcessAllowance.get().beside_id


def test_it_is_allowed_once(demo: Demo, naomi: Membership, paid: Batch):
    row = asked(demo, paid)
    batch = allow(naomi, row)
    with pytest.raises(NoPendingRequest):
        allow(naomi, row)
    put_at_bank(batch, "at_bank")
    with pytest.raises(NotOpen):
        excess_payment.withdraw(demo.membership, row.id)


def test_while_the_line_beside_it_counts_it_leaves_what_is_owed_as_it_is(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    put_at_bank(batch, "executed", "paid")
    line, due = lines_of(paid)[0], Due.get_by_id(lines_of(paid)[0].due_id)
    Due.update(owed_cents=due.owed_cents + 500).where(Due.id == due.id).execute()
    with transaction(demo.client.id):
        assert due.id not in commitments.exceeding_dues(paid, [])
        assert [one.amount_cents for one in commitments.committed_lines(paid.run_id) if one.due_id == due.id] == [
            line.amount_cents
        ]  # fmt: skip
    assert excess.is_beyond(batch)
    set_line(paid, line.creditor_iban, "returned")
    assert not excess.is_beyond(batch)
    assert [one.amount_cents for one in commitments.committed_lines(paid.run_id) if one.due_id == due.id] == [10_000]


def test_what_came_back_is_payable_but_for_what_was_paid_beyond_it(demo: Demo, naomi: Membership, paid: Batch):
    batch = allow(naomi, asked(demo, paid))
    put_at_bank(batch, "executed", "paid")
    line = lines_of(paid)[0]
    set_line(paid, line.creditor_iban, "returned")
    Batch.update(state="partly_executed").where(Batch.id == paid.id).execute()
    (found,) = unpaid.unpaid_lines(demo.client)
    assert found.amount_cents == line.amount_cents - 10_000


def test_it_moves_with_a_due_that_is_merged(demo: Demo, naomi: Membership, paid: Batch):
    """Two people who can no longer be told apart share one due."""
    batch = allow(naomi, asked(demo, paid, at=1))
    run = PayrollRun.get_by_id(paid.run_id)
    first, second = (Due.get_by_id(line.due_id) for line in lines_of(paid)[:2])
    one = run_dues.placed_lines(first)[0][1]
    other = run_dues.placed_lines(second)[0][1]
    with transaction(demo.client.id):
        dues = {row.id: row for row in (first, second)}
        person = run_dues.Person((one, other), (first.id, second.id))
        run_dues._merge(person, dues, {first.id: [], second.id: []})
    assert ExcessAllowance.get().due_id == first.id == BatchLine.get(BatchLine.batch == batch.id).due_id
    assert run.id and excess.is_beyond(batch)


# --- a restored backup ----------------------------------------------------------------------------
@pytest.mark.skipif(bool(POSTGRES), reason="the backup is a copy of the file; the ids are made in Python")
def test_made_again_from_a_backup_it_has_the_same_ids(demo: Demo, naomi: Membership, database: str):
    backup = Backup(database)
    first = demo.batch()
    PayrollRun.update(state="imported").execute()
    release(demo.membership, first.reference, demo.view(first).digest, "session", PSU)
    submission.submit_order(first.id)
    sign(demo, first)
    follow(first)
    before: Path = backup.take()
    made = sent(demo, naomi, first)
    backup.restore(before)
    again = sent(demo, naomi, first)
    assert again == made


def sent(demo: Demo, naomi: Membership, first: Batch) -> tuple[str, str]:
    batch = allow(naomi, asked(demo, Batch.get_by_id(first.id)))
    read(demo, batch)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    submission.submit_order(batch.id)
    line = OrderLine.select().order_by(OrderLine.id.desc()).get()
    return queries.get_batch(demo.client, batch.reference).reference, line.end_to_end_id


@pytest.mark.parametrize("attempt", [2, 3])
def test_a_lost_order_of_it_that_is_not_its_next_one_keeps_it_from_going(
    demo: Demo, naomi: Membership, paid: Batch, attempt: int
):
    """The bank has an order of it that this database, restored since, does not know: it would be paid once more."""
    batch = allow(naomi, asked(demo, paid))
    read(demo, batch)
    shown, counted = demo.view(batch).digest, commitments.committed_lines(paid.run_id)
    with transaction(demo.client.id):
        recovery.note_lost_order(demo.client.id, message_id(batch.reference, attempt), recovery.MARK, utcnow())
    assert commitments.committed_lines(paid.run_id) == counted, "beyond what is owed, it does not count against it"
    with pytest.raises(MoreThanOwed):
        release(demo.membership, batch.reference, shown, "session", PSU)
