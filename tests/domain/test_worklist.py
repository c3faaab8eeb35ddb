"""The worklist over all clients: oldest payment first, with as many statements for sixty clients as for three."""

import logging
from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.overview import worklist
from models import Approval, BankConsent, Batch, Client, Membership, NmbrsConnection, User
from tests.support.factories import Demo, make_client, make_demo, make_user


@pytest.fixture
def bookkeeper(demo: Demo) -> User:
    """Prepares for three companies: one with two payments, one with an older payment, one without."""
    user = make_user(name="Boekhouder")
    other, quiet = make_demo(), make_demo()
    for name, one in (("Nieuw BV", demo), ("Oud BV", other), ("Stil BV", quiet)):
        Client.update(name=name).where(Client.id == one.client.id).execute()
        Membership.create(user=user, client=one.client, role="preparer")
    for number in (1, 2):
        demo.batch(number=number)
    old = other.batch()
    Batch.update(created_at=utcnow() - timedelta(days=3)).where(Batch.id == old.id).execute()
    make_client(make_user(name="Charlie"))
    return user


def found(user: User) -> list[tuple[str, int, bool, bool]]:
    return [(row.name, row.payments, row.bank, row.nmbrs) for row in worklist.worklist_for(user)]


def test_the_oldest_waiting_payment_is_first_and_finished_ones_are_last(bookkeeper: User):
    assert [row[:2] for row in found(bookkeeper)] == [("Oud BV", 1), ("Nieuw BV", 2), ("Stil BV", 0)]


def test_a_failing_connection_is_before_finished_clients(bookkeeper: User):
    quiet = Client.get(Client.name == "Stil BV")
    empty = Membership.create(user=bookkeeper, client=make_client(make_user()).client, role="preparer").client
    Client.update(name="Aap BV").where(Client.id == empty.id).execute()
    BankConsent.update(status="ended").where(BankConsent.client == quiet.id).execute()
    NmbrsConnection.update(status="failing").where(NmbrsConnection.client == quiet.id).execute()
    assert found(bookkeeper)[2:] == [("Stil BV", 0, True, True), ("Aap BV", 0, False, False)]


def test_a_consent_that_ends_within_a_week_is_reported(bookkeeper: User):
    soon = (utcnow() + timedelta(days=6)).date()
    BankConsent.update(valid_until=soon).where(BankConsent.client == Client.get(Client.name == "Oud BV").id).execute()
    assert [row[0] for row in found(bookkeeper) if row[2]] == ["Oud BV"]


def test_a_payment_approved_by_one_waits_for_another(bookkeeper: User, demo: Demo):
    first = Batch.select().where(Batch.client == demo.client.id).get()
    Approval.create(batch=first, user=bookkeeper, digest="-", total_cents=1, authentication_method="session", ip="-")
    assert ("Nieuw BV", 1, False, False) in found(bookkeeper)


@pytest.mark.parametrize("more", [0, 57])
def test_the_number_of_statements_does_not_grow(bookkeeper: User, caplog: pytest.LogCaptureFixture, more: int):
    for _ in range(more):
        Membership.create(user=bookkeeper, client=make_client(make_user()).client, role="preparer")
    with caplog.at_level(logging.DEBUG, logger="peewee"):
        assert len(worklist.worklist_for(bookkeeper)) == 3 + more
    assert len([one for one in caplog.records if one.name == "peewee"]) == 6
