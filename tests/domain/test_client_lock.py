"""One writer per client: concurrent changes run one after the other, without deadlocks."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

import models
from core.bank_days import next_bank_day
from core.clock import today_amsterdam
from domain.common import audit
from domain.common.errors import DomainError
from domain.payments import amendments, four_eyes, state_machine
from domain.payments.release import release
from domain.payroll import supersession
from domain.team import members
from models import Batch, Client, ClientNotLocked, Membership, NestedTransaction, Release, User, transaction
from models.dialect import is_postgres
from tests.support.factories import PSU, Demo, authorise, make_client, make_user

ROUNDS = 6


@pytest.fixture
def elsewhere(demo: Demo) -> Client:
    """Another user's client."""
    return make_client(make_user()).client


# --- locking --------------------------------------------------------------------------------------
def test_a_change_requires_the_clients_lock(demo: Demo, elsewhere: Client):
    batch = demo.batch()
    for clients in ((), (elsewhere.id,)):
        with pytest.raises(ClientNotLocked), transaction(*clients):
            state_machine.transition(batch, "release", "user:1")
        with pytest.raises(ClientNotLocked), transaction(*clients):
            audit.record_event(demo.client.id, "user:1", "x", "y")
    with pytest.raises(ClientNotLocked):
        audit.record_event(demo.client.id, "user:1", "x", "y")
    assert Batch.get_by_id(batch.id).state == "open"


def test_the_test_guard_finds_a_change_without_a_lock(demo: Demo):
    batch = demo.batch()
    with pytest.raises(AssertionError, match="batch is changed"), transaction():
        Batch.update(is_supplement=True).where(Batch.id == batch.id).execute()
    assert not Batch.get_by_id(batch.id).is_supplement
    with transaction():
        User.update(name="Wouter").where(User.id == demo.user.id).execute()


def test_all_clients_are_locked_at_once_in_a_transaction(demo: Demo, elsewhere: Client):
    with transaction(elsewhere.id, demo.client.id):
        for client in (demo.client, elsewhere):
            audit.record_event(client.id, "user:1", "x", "y")
        with pytest.raises(ClientNotLocked):
            models.lock_clients(demo.client.id)
        with pytest.raises(NestedTransaction), transaction(demo.client.id):
            pass
    with pytest.raises(ClientNotLocked):
        models.lock_clients(demo.client.id)
    with pytest.raises(ZeroDivisionError), transaction(demo.client.id):
        raise ZeroDivisionError
    with pytest.raises(ClientNotLocked), transaction():
        models.require_client_lock(demo.client.id)


# --- concurrency ----------------------------------------------------------------------------------
def test_the_second_writer_waits_for_the_first(demo: Demo, elsewhere: Client):
    inside, seen = Event(), []

    def second() -> None:
        inside.wait(10)
        with models.database.connection_context(), transaction(demo.client.id):
            seen.append(Client.get_by_id(demo.client.id).name)

    def of_another_client() -> None:
        with models.database.connection_context(), transaction(elsewhere.id):
            seen.append("another")

    with ThreadPoolExecutor(2) as pool:
        waits = pool.submit(second)
        with transaction(demo.client.id):
            inside.set()
            if is_postgres():  # SQLite has one writer for all clients
                pool.submit(of_another_client).result(10)
            assert not waits.done()
            Client.update(name="Nieuw").where(Client.id == demo.client.id).execute()
        waits.result(10)
    assert seen == [*(["another"] if is_postgres() else []), "Nieuw"]


def test_concurrent_actions_cause_no_deadlock(demo: Demo):
    """Each action takes other rows in its own order.

    A database that detects a deadlock aborts one transaction with an error, which would fail this test.
    """
    user = make_user(name="Naomi")
    authorise(demo.client, user)
    naomi = Membership.create(user=user, client=demo.client, role="approver")
    Client.update(dual_approval_from_cents=10_00).execute()
    batches = [demo.batch(number=number) for number in (1, 2)]
    later = next_bank_day(today_amsterdam() + timedelta(days=7))

    def pay(who: Membership, batch: Batch) -> None:
        release(Membership.get_by_id(who.id), batch.reference, demo.view(batch).digest, "session", PSU)

    def run_is_gone(batch: Batch) -> None:
        with transaction(demo.client.id):
            supersession.revoke_approval(batch.run, "run_missing")

    def once(act) -> None:
        with models.database.connection_context(), contextlib.suppress(DomainError):
            act()

    first, second = batches
    acts = [
        lambda: pay(demo.membership, first),
        lambda: pay(naomi, first),
        lambda: pay(naomi, second),
        lambda: amendments.exclude_line(demo.client, user, first.reference, demo.view(first).lines[0].id),
        lambda: amendments.include_all_lines(demo.client, user, first.reference),
        lambda: amendments.change_date_and_account(demo.client, demo.user, second.reference, later, demo.other.id),
        lambda: members.change_role(demo.client, demo.user, naomi.id, "preparer"),
        lambda: members.change_role(demo.client, demo.user, naomi.id, "owner"),
        lambda: four_eyes.set_threshold(Membership.get_by_id(demo.membership.id), None),
        lambda: four_eyes.set_threshold(Membership.get_by_id(demo.membership.id), 10_00),
        lambda: run_is_gone(first),
        lambda: run_is_gone(second),
    ]
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(once, act) for _ in range(ROUNDS) for act in acts]:
            done.result()
    assert audit.verify_chain(demo.client.id) == []
    for batch in batches:
        valid_releases = Release.select().where(Release.batch == batch.id, Release.voided_at.is_null()).count()
        assert valid_releases == (demo.view(batch).state == "approved")
