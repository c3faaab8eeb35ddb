"""A changed name keeps the surname that was proved, takes nobody else's, and is logged and told to owners."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.identity.port import Identity
from domain.common import audit
from domain.common.encryption import decrypt
from domain.common.errors import InsufficientRole, NameRefused
from domain.identity.matching import bears_surname
from domain.team import renaming
from models import AuditEvent, Client, Identification, Membership, OutgoingMail, User
from tests.support.factories import Demo, make_client, make_user

JONG = Identity("broker", "s", "W", "Jong", "de", None, None, datetime(2026, 1, 1, tzinfo=UTC), "-")


def events(kind: str) -> list[AuditEvent]:
    return list(AuditEvent.select().where(AuditEvent.kind == kind))


def mailed(kind: str) -> list[dict]:
    rows = OutgoingMail.select().where(OutgoingMail.kind == kind)
    sealed = [(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key) for row in rows]
    return [json.loads(decrypt(*one))["facts"] for one in sealed]


# --- the rule ---
@pytest.mark.parametrize("name", [
    "Wim de Jong", "Jong", "W. DE JONG", "Jóng, Wim de", "Wim Jong-Bakker", "Wim Bakker-de Jong", "Wim de Jong (loon)",
])  # fmt: skip
def test_a_name_with_the_surname_is_the_persons(name: str):
    assert bears_surname(name, JONG)


@pytest.mark.parametrize("name", ["Anna Smit", "Wim de Jonge", "Wim Jongbloed", "Wim de J", "", "  "])
def test_a_name_without_it_is_not(name: str):
    assert not bears_surname(name, JONG)


@pytest.mark.parametrize(
    ("surname", "name", "holds"),
    [
        ("Jong-Bakker", "Wim Bakker", True), ("Jong-Bakker", "Wim de Jong", True), ("Jong-Bakker", "Wim Smit", False),
        ("Donkersloot Meijer", "Naomi Donkersloot Meijer", True), ("Donkersloot Meijer", "Naomi Meijer", False),
        ("de Jong", "Wim de Jong", True), ("Li", "Wei Li", True), ("Li", "Wei Lin", False), ("", "Wim", False),
        ("-", "Wim", False), ("Ng-", "Wim", False),
    ],
)  # fmt: skip
def test_double_short_and_missing_surnames(surname: str, name: str, holds: bool):
    assert bears_surname(name, replace(JONG, last_name=surname, prefix=None)) is holds


# --- the own name ---
def test_the_own_name_is_changed_logged_and_mailed_in_each_company(demo: Demo):
    anna = make_user(name="Anna Smit")
    Membership.create(user=anna, client=demo.client, role="owner")
    other = make_client(make_user(name="Charlie")).client
    Membership.create(user=demo.user, client=other, role="preparer")
    assert renaming.rename_user(demo.user, "Wim de Jong")
    assert User.get_by_id(demo.user.id).name == "Wim de Jong"
    found = events("user.renamed")
    assert sorted(one.client_id for one in found) == sorted((demo.client.id, other.id))
    assert {(one.actor, one.subject, str(one.details)) for one in found} == {
        (audit.by_user(demo.user), f"user:{demo.user.id}", "{}")
    }
    facts = mailed("user_renamed")
    assert len(facts) == 3 and {(one["before"], one["after"]) for one in facts} == {("Wouter de Jong", "Wim de Jong")}


def test_the_same_name_again_changes_nothing(demo: Demo):
    assert not renaming.rename_user(demo.user, demo.user.name)
    assert events("user.renamed") == [] and mailed("user_renamed") == []


@pytest.mark.parametrize(
    ("name", "reason"), [("Anna Smit", "other_surname"), ("de Jong, Piet", "colleague"), ("PIET de Jong", "colleague")]
)
def test_another_surname_and_a_colleagues_name_are_refused(demo: Demo, name: str, reason: str):
    Membership.create(user=make_user(name="Piet de Jong"), client=demo.client, role="approver")
    with pytest.raises(NameRefused) as refused:
        renaming.rename_user(demo.user, name)
    assert (refused.value.reason, User.get_by_id(demo.user.id).name) == (reason, "Wouter de Jong")
    assert events("user.renamed") == []


def test_who_has_not_identified_takes_any_other_name(demo: Demo):
    anna = make_user(name="Anna Smit")
    Membership.create(user=anna, client=demo.client, role="preparer")
    assert renaming.rename_user(anna, "Anna Bakker")
    with pytest.raises(NameRefused, match="colleague"):
        renaming.rename_user(anna, "Wouter de Jong")


def test_an_identification_that_cannot_be_read_refuses_every_name(demo: Demo):
    Identification.update(person_encrypted="v1:k1:broken").where(Identification.user == demo.user.id).execute()
    with pytest.raises(NameRefused, match="unreadable"):
        renaming.rename_user(demo.user, "Wim de Jong")


# --- the name of the company ---
def test_an_owner_changes_the_name_of_the_company(demo: Demo):
    assert renaming.rename_client(demo.membership, "Duinrand BV")
    assert Client.get_by_id(demo.client.id).name == "Duinrand BV"
    (event,) = events("client.renamed")
    assert (event.subject, event.details) == (f"client:{demo.client.id}", {})
    assert [(one["before"], one["after"]) for one in mailed("client_renamed")] == [("Demo BV", "Duinrand BV")]
    assert not renaming.rename_client(demo.membership, "Duinrand BV")
    assert len(events("client.renamed")) == 1


def test_who_is_no_owner_any_more_does_not(demo: Demo):
    Membership.update(role="approver").where(Membership.id == demo.membership.id).execute()
    with pytest.raises(InsufficientRole):
        renaming.rename_client(demo.membership, "Duinrand BV")
    assert Client.get_by_id(demo.client.id).name == "Demo BV"
