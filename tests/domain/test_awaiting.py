"""Which payments wait for somebody: a payment that its bank did not execute only while it has something to pay."""

import pytest

from domain.operations import integrity
from domain.overview.worklist import load_navigation, pending_count, worklist_for
from domain.payments import queries
from domain.payments.awaiting import NOT_EXECUTED
from domain.payments.putting_away import PutAway, put_away
from domain.payments.state_machine import NEEDS_ACTION
from domain.payroll import reopening
from domain.payroll.unpaid_payment import Choice, pay_unpaid
from models import Batch, BatchLine, Due, OrderLine
from models.states import BatchState
from tests.support.factories import LINES, Demo
from tests.support.orders import put_at_bank, set_line


def refused(demo: Demo, state: str = "rejected") -> Batch:
    """A payment whose bank did not execute any line of it, because of the account of each."""
    batch = demo.batch()
    put_at_bank(batch, state, "unpaid")
    OrderLine.update(reason="AC04").execute()
    return batch


def again(demo: Demo, batch: Batch, iban: str) -> Batch:
    """The line of this account in another payment of the same run, as after *Toch deze rekening gebruiken*."""
    line = BatchLine.get(BatchLine.batch == batch.id, BatchLine.creditor_iban == iban)
    other = demo.batch([(line.creditor_name, iban, line.amount_cents)], number=Batch.select().count() + 1)
    BatchLine.update(due=line.due_id).where(BatchLine.batch == other.id).execute()
    Batch.update(run=batch.run_id).where(Batch.id == other.id).execute()
    return other


def waits(demo: Demo, batch: Batch) -> bool:
    """Whether it waits, in which badge, worklist and list agree."""
    listed = {row.reference for row in queries.list_waiting(demo.client)}
    told = {row.reference for row in queries.list_batches(demo.client) if row.awaits_action}
    count = pending_count(demo.user)
    assert told == listed and count == len(listed)
    assert (load_navigation(demo.membership)[1], worklist_for(demo.user)[0].payments) == (count, count)
    return batch.reference in listed


@pytest.mark.parametrize("state", NOT_EXECUTED)
def test_what_was_not_executed_waits(demo: Demo, state: str):
    assert waits(demo, refused(demo, state))


@pytest.mark.parametrize("state", list(BatchState))
def test_every_other_state_is_as_the_table_says(demo: Demo, state: str):
    batch = demo.batch()
    Batch.update(state=state).where(Batch.id == batch.id).execute()
    assert waits(demo, batch) == (state in NEEDS_ACTION)


def test_it_waits_until_the_last_line_is_paid_elsewhere(demo: Demo):
    batch = refused(demo)
    for _name, iban, _cents in LINES:
        assert waits(demo, batch)
        put_at_bank(again(demo, batch, iban), "executed", "paid")
    assert not waits(demo, batch)


def test_what_waits_in_another_payment_does_not_wait_twice(demo: Demo):
    batch = refused(demo)
    others = [again(demo, batch, iban) for _name, iban, _cents in LINES]
    assert not waits(demo, batch) and waits(demo, others[0])


def test_it_waits_again_when_the_other_payment_fails_too(demo: Demo):
    batch = refused(demo)
    others = [again(demo, batch, iban) for _name, iban, _cents in LINES]
    for other in others:
        put_at_bank(other, "executed", "paid")
    assert not waits(demo, batch)
    set_line(others[1], LINES[1][1], "returned")
    assert waits(demo, batch)


def test_what_was_put_away_since_does_not_wait(demo: Demo):
    batch = refused(demo)
    for _name, iban, _cents in LINES:
        put_away(demo.client, demo.user, again(demo, batch, iban).reference, PutAway.OTHER)
    assert not waits(demo, batch)


def test_a_line_that_was_left_out_before_does_not_settle_a_later_refusal(demo: Demo):
    """A person has two lines; the older payment left one of them out."""
    earlier = demo.batch(LINES[:1], number=7)
    put_away(demo.client, demo.user, earlier.reference, PutAway.OTHER)
    batch = demo.batch(LINES[:1], number=8)
    BatchLine.update(due=BatchLine.get(BatchLine.batch == earlier.id).due_id).where(
        BatchLine.batch == batch.id
    ).execute()
    put_at_bank(batch, "rejected", "unpaid")
    assert waits(demo, batch)


def test_what_is_no_longer_owed_does_not_wait(demo: Demo):
    batch = refused(demo)
    Due.update(owed_cents=0).where(Due.run == batch.run_id).execute()
    assert not waits(demo, batch)


@pytest.mark.parametrize("state", NOT_EXECUTED)
def test_it_can_be_put_away_and_prepared_again(demo: Demo, state: str):
    batch = refused(demo, state)
    put_away(demo.client, demo.user, batch.reference, PutAway.PAID_ELSEWHERE)
    held = Batch.get_by_id(batch.id)
    assert (held.state, held.state_reason) == ("discarded", PutAway.PAID_ELSEWHERE)
    assert {line.state for line in BatchLine.select()} == {"excluded"}
    assert not waits(demo, batch)
    assert pay_unpaid(demo.client, demo.user, batch.run_id, Choice.EXCLUDED).new


def test_prepared_again_it_waits_as_an_open_payment(demo: Demo):
    batch = refused(demo)
    reopening.reopen_payment(demo.client, demo.user, batch.reference)
    assert Batch.get_by_id(batch.id).state == "open" and waits(demo, batch)


def test_the_books_are_right_after_it(demo: Demo):
    batch = refused(demo)
    before = list(integrity.find_inconsistencies())
    put_away(demo.client, demo.user, batch.reference, PutAway.DOUBLE)
    assert [one for one in integrity.find_inconsistencies() if one not in before] == []
