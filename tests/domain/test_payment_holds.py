"""Held payments: nothing goes to the bank, nothing gets lost, and everything else goes on."""

import threading
from datetime import timedelta

import pytest
import time_machine
from peewee import IntegrityError

import models
from core.clock import utcnow
from domain.common import audit
from domain.common.errors import NotFound, PaymentsHeld, StateConflict
from domain.operations import payment_holds
from domain.orders import order_building, sca, submission
from domain.payments import holds
from domain.payments.release import release
from models import AuditEvent, BankOrder, Batch
from models.states import HoldCause
from tests.support.factories import PSU, Demo, make_demo
from tests.support.names import follow, send, sign
from tests.support.sandbox import Sandbox

SCOPES = [{}, {"bank": "redirect"}, {"client": True}]


def approved(demo: Demo, number: int = 1) -> Batch:
    batch = demo.batch(number=number)
    release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    return Batch.get_by_id(batch.id)


def hold(demo: Demo, **scope: object) -> int:
    named = {name: demo.client.public_id if name == "client" else value for name, value in scope.items()}
    return payment_holds.hold("olga", None, "the bank is being repaired", **named).id  # type: ignore[arg-type]


def at_bank(sandbox: Sandbox) -> list[str]:
    return [order["msg_id"] for order in sandbox.control("GET", "orders")]


@pytest.mark.parametrize("scope", SCOPES, ids=["all", "bank", "client"])
def test_a_held_payment_waits_and_goes_once_it_is_lifted(demo: Demo, sandbox: Sandbox, scope: dict):
    batch = approved(demo)
    number = hold(demo, **scope)
    for _ in range(2):
        submission.submit_order(batch.id)
    assert (at_bank(sandbox), Batch.get_by_id(batch.id).state) == ([], "approved")
    (waits,) = payment_holds.waiting()
    assert (waits.payments, waits.cents) == (1, batch.total_cents)
    assert payment_holds.lift(number, "olga", None, "repaired") == f"hold {number} is lifted"
    assert submission.due_batches() == [batch.id]
    for _ in range(2):
        submission.submit_order(batch.id)
    assert at_bank(sandbox) == [batch.reference]
    assert Batch.get_by_id(batch.id).state == "at_bank"


@pytest.mark.parametrize("scope", [{"bank": "decoupled"}, {"client": "other"}], ids=["bank", "client"])
def test_payments_that_a_hold_does_not_concern_go(demo: Demo, sandbox: Sandbox, scope: dict):
    other = make_demo()
    named = {"client": other.client.public_id} if "client" in scope else scope
    payment_holds.hold("olga", None, "for some", **named)
    batch = approved(demo)
    assert submission.due_batches() == [batch.id]
    submission.submit_order(batch.id)
    assert at_bank(sandbox) == [batch.reference]


def test_a_payment_can_be_approved_while_it_is_held(demo: Demo, sandbox: Sandbox):
    number = hold(demo)
    batch = approved(demo)
    submission.submit_order(batch.id)
    assert at_bank(sandbox) == []
    payment_holds.lift(number, "olga", None, "over")
    submission.submit_order(batch.id)
    assert at_bank(sandbox) == [batch.reference]


def test_an_order_that_was_stored_before_the_hold_is_not_sent(demo: Demo, sandbox: Sandbox):
    batch = approved(demo)
    order = order_building.build_order(batch)
    assert order is not None
    number = hold(demo)
    submission.submit_order(batch.id)
    row = BankOrder.get_by_id(order.id)
    assert (at_bank(sandbox), row.state, row.submitted_at, row.lease_until) == ([], "prepared", None, None)
    payment_holds.lift(number, "olga", None, "over")
    submission.submit_order(batch.id)
    assert at_bank(sandbox) == [batch.reference]


def test_a_hold_waits_for_an_order_that_is_being_claimed_and_stops_the_next(demo: Demo, sandbox: Sandbox):
    """The hold takes the lock under which an order is claimed: after `hold` returns, none is given to a bank."""
    first, second = approved(demo), approved(demo, 2)
    placed = threading.Event()

    def place() -> None:
        with models.database.connection_context():
            hold(demo)
            placed.set()

    with models.transaction(demo.client.id):
        other = threading.Thread(target=place)
        other.start()
        assert not placed.wait(0.5), "somebody holds the lock of the client"
    other.join(20)
    assert placed.is_set()
    for batch in (first, second):
        submission.submit_order(batch.id)
    assert at_bank(sandbox) == []


def test_nothing_is_signed_while_it_is_held_and_its_status_is_followed(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    hold(demo)
    with pytest.raises(PaymentsHeld):
        sca.start_sca(demo.client, demo.user, batch.reference, PSU)
    asked = BankOrder.get().status_checked_at
    follow(batch)
    assert BankOrder.get().status_checked_at != asked


def test_a_held_payment_whose_day_passes_is_opened_again(demo: Demo, sandbox: Sandbox):
    batch = approved(demo)
    hold(demo)
    with time_machine.travel(utcnow() + timedelta(days=12)):
        assert submission.due_batches() == [batch.id]
        submission.submit_order(batch.id)
        assert (Batch.get_by_id(batch.id).state, at_bank(sandbox)) == ("open", [])


def test_a_hold_is_in_the_log_of_whom_it_concerns_with_the_operator(demo: Demo):
    other = make_demo()
    number = hold(demo, client=True)
    payment_holds.lift(number, " OLGA ", None, "over")
    events = AuditEvent.select().where(AuditEvent.subject == f"hold:{number}").order_by(AuditEvent.id)
    assert [(row.client_id, row.kind, row.details["by"]) for row in events] == [
        (demo.client.id, "hold.placed", "olga"), (demo.client.id, "hold.lifted", "olga"),
    ]  # fmt: skip
    assert audit.verify_chain(demo.client.id) == audit.verify_chain(other.client.id) == []


def test_an_unknown_client_bank_or_hold_is_not_found(demo: Demo):
    for call in (
        lambda: payment_holds.hold("olga", None, "x", client="nobody"),
        lambda: payment_holds.hold("olga", None, "x", bank="nobank"),
        lambda: payment_holds.lift(7, "olga", None, "x"),
    ):
        with pytest.raises(NotFound):
            call()
    number = hold(demo)
    payment_holds.lift(number, "olga", None, "over")
    with pytest.raises((NotFound, StateConflict)):
        payment_holds.lift(number, "olga", None, "again")


def test_a_hold_of_a_client_and_a_bank_at_once_is_refused_by_the_database(demo: Demo):
    with pytest.raises(IntegrityError):
        holds.place_hold(HoldCause.OPERATOR, "both", "olga", demo.client, "redirect")


def test_signing_goes_on_after_the_hold(demo: Demo, sandbox: Sandbox):
    batch = send(demo)
    payment_holds.lift(hold(demo), "olga", None, "over")
    sign(demo, batch)
    assert follow(batch).state == "signed"
