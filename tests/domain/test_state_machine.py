"""The transition table of states, and the one function that applies it."""

import pytest

import models
from domain.common import audit
from domain.common.errors import StateConflict
from domain.payments import state_machine
from models import AuditEvent, Batch
from models.states import BatchState
from tests.support.factories import Demo


def test_every_state_is_in_the_table():
    named = {before for before, _ in state_machine.TRANSITIONS} | set(state_machine.TRANSITIONS.values())
    assert named == set(BatchState)


def test_sending_ends_only_by_an_answer_of_the_bank_or_a_person():
    events = {event for before, event in state_machine.TRANSITIONS if before == "sending"}
    assert events == set(state_machine.CONCLUDED) | {"bank_did_not_take"}


def test_an_executed_payment_never_becomes_payable_again():
    reachable, todo = set(), ["executed", "partly_executed"]
    while todo:
        state = todo.pop()
        reachable.add(state)
        if state in ("disputed", "returned"):
            continue  # one is settled by two operators, the other came back whole
        todo += [to for (before, _), to in state_machine.TRANSITIONS.items() if before == state and to not in reachable]
    assert reachable == {"executed", "partly_executed", "returned", "disputed"}


def test_a_transition_writes_state_and_event_together(demo: Demo):
    batch = demo.batch()
    with models.transaction(demo.client.id):
        state_machine.transition(batch, "release", "user:1", total=5)
    assert Batch.get_by_id(batch.id).state == "approved"
    event = AuditEvent.select().order_by(AuditEvent.id.desc()).get()
    assert (event.kind, event.details["before"], event.details["after"]) == ("batch.release", "open", "approved")


def test_an_unknown_transition_is_refused(demo: Demo):
    batch = demo.batch()
    with pytest.raises(StateConflict), models.transaction(demo.client.id):
        state_machine.transition(batch, "bank_signed", "worker")
    assert Batch.get_by_id(batch.id).state == "open"


def test_a_concurrent_transition_is_refused(demo: Demo):
    batch, stale = demo.batch(), None
    stale = Batch.get_by_id(batch.id)
    with models.transaction(demo.client.id):
        state_machine.transition(batch, "release", "user:1")
    with pytest.raises(StateConflict), models.transaction(demo.client.id):
        state_machine.transition(stale, "release", "user:2")


def test_a_transition_outside_a_transaction_is_refused(demo: Demo):
    with pytest.raises(RuntimeError):
        state_machine.transition(demo.batch(), "release", "user:1")


def test_a_changed_event_breaks_the_audit_chain(demo: Demo):
    demo.batch()
    assert audit.verify_chain(demo.client.id) == []
    event = AuditEvent.select().order_by(AuditEvent.id).get()
    event.details = {"total": 1}
    assert audit._keyed_hash(event) != event.hash
