"""Whose account it is: names compared with the register's, and a person where they differ."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import app as program
import commands
import config
import models
from domain.banking import account_sync, holder_verification, linking
from domain.common import audit
from domain.common.services import Services
from models import AuditEvent, BankAccount, BankLink, Membership
from tests.support.consents import begin, linked
from tests.support.factories import DEMO_IBAN, OTHER_IBAN, authorise, make_client, make_user
from tests.support.sandbox import Sandbox


@pytest.fixture
def owner(world: Services) -> Membership:
    user = make_user()
    membership = make_client(user)
    authorise(membership.client, user)
    return membership


def own(sandbox: Sandbox, name: str) -> None:
    """The first account of the bank stands in this name."""
    rows = [{"iban": DEMO_IBAN, "name": "Zakelijk", "balance": "1.00", "owner": name}]
    sandbox.control("PUT", "banks/redirect", {"accounts": rows})


def account(iban: str = DEMO_IBAN) -> BankAccount:
    return BankAccount.get(BankAccount.iban == iban)


# --- names ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("bank", "register"),
    [
        ("DEMO B.V.", "Demo BV"),
        ("Demo b.v", "Demo B V"),
        ("Café Zürich V.O.F.", "CAFE ZURICH VOF"),
        ("Jansen & Zn. Bouw", "Jansen Zn Bouw"),
        ("Stichting De Linde", "De Linde"),
        ("Coöperatie Noord U.A.", "Noord"),
        ("J.A. de Vries", "J A de Vries"),
        ("ACME-Works", "Acme Works B.V."),
        ("Besloten Vennootschap Demo", "Demo BV"),
        ("BV", "B.V."),
    ],
)
def test_names_that_agree(bank: str, register: str):
    assert holder_verification.names_match(bank, register)
    assert holder_verification.names_match(register, bank)


@pytest.mark.parametrize(
    ("bank", "register"),
    [
        ("Demo Holding BV", "Demo BV"),
        ("W. de Jong", "Demo BV"),
        ("Bouw Jansen", "Jansen Bouw"),
        ("", "Demo BV"),
        ("", ""),
        ("...", "Demo BV"),
        ("Demo 2 BV", "Demo BV"),
        ("NVT Groep", "T Groep"),
    ],
)
def test_names_that_do_not(bank: str, register: str):
    assert not holder_verification.names_match(bank, register)


# --- settled by itself ----------------------------------------------------------------------------
def test_the_registers_own_name_settles_it(owner: Membership):
    linked(owner.client, owner.user)
    shown = [(row.holder_check, holder_verification.transactions_visible(row)) for row in BankAccount.select()]
    assert shown == [("agrees", True)] * 2


def test_what_somebody_typed_when_registering_settles_nothing(owner: Membership, sandbox: Sandbox):
    models.Client.update(name="Duinrand Catering BV").execute()
    own(sandbox, "Duinrand Catering BV")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check is None
    assert [row.iban for row in holder_verification.pending_holder_reviews()] == [DEMO_IBAN]


def test_another_name_waits_for_a_person_and_may_pay_meanwhile(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert not holder_verification.transactions_visible(account())
    assert [view.iban for view in linking.payable_accounts(owner.client)] == [DEMO_IBAN]


def test_a_bank_that_gives_no_name_waits_for_a_person(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_no_owner_name=True)
    linked(owner.client, owner.user)
    assert not any(holder_verification.transactions_visible(row) for row in BankAccount.select())
    assert len(holder_verification.pending_holder_reviews()) == 2


def test_the_register_away_is_asked_again_by_the_job(owner: Membership, sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    link = linked(owner.client, owner.user)
    assert account().holder_checked_at is None
    sandbox.fault(kvk_down=False)
    assert link.due_at is not None
    assert account_sync.sync_consent(link.id)
    assert account().holder_check == "agrees"


def test_nothing_waits_for_us_while_the_customer_has_not_confirmed(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    begin(owner.client, owner.user).allow(DEMO_IBAN)
    assert holder_verification.pending_holder_reviews() == []


def test_another_holder_at_a_renewal_is_checked_anew(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    holder_verification.decide_holder(account(), "yes", "statuten gezien", "eva")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check == "yes", "the same name keeps the word of a person"
    own(sandbox, "Iemand Anders")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check is None


# --- a person decides -----------------------------------------------------------------------------
@pytest.fixture
def flask_app(owner: Membership, sandbox: Sandbox, keys: Path) -> Flask:
    made = program.bare_app(config.load({"BIZCUIT_HOME": str(keys), "BIZCUIT_SANDBOX_URL": sandbox.url}))
    commands.register(made)
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    models.database.close()  # each command opens its own
    return made


def run(made: Flask, *words: str) -> Result:
    return made.test_cli_runner().invoke(args=["accounts", *words])


def test_the_command_lists_what_waits_and_a_yes_settles_it(flask_app: Flask, owner: Membership):
    client = owner.client.public_id
    listed = run(flask_app, "list").output
    assert all(word in listed for word in (client, DEMO_IBAN, "W. de Jong", "Demo BV"))
    done = run(flask_app, "check", client, "NL95 INGB 0004 9218 36", "--yes", "--reason", "uittreksel gezien")
    assert (done.exit_code, done.output) == (0, f"{DEMO_IBAN} is of Demo BV\n")
    assert run(flask_app, "list").output == ""
    models.database.connect(reuse_if_open=True)
    assert holder_verification.transactions_visible(account())
    event = AuditEvent.select().order_by(AuditEvent.id.desc()).get()
    assert (event.kind, event.details["answer"], event.details["reason"]) == (
        "account.holder_decided", "yes", "uittreksel gezien",
    )  # fmt: skip
    assert event.details["by"]
    assert audit.verify_chain(owner.client_id) == []


def test_a_no_hides_the_transactions_and_waits_no_longer(flask_app: Flask, owner: Membership):
    done = run(flask_app, "check", owner.client.public_id, DEMO_IBAN, "--no", "--reason", "van een ander")
    assert done.output == f"{DEMO_IBAN} is not of Demo BV\n"
    assert run(flask_app, "list").output == ""
    models.database.connect(reuse_if_open=True)
    assert not holder_verification.transactions_visible(account())


@pytest.mark.parametrize(
    "words", [("check",), ("check", "{client}", DEMO_IBAN, "--yes"), ("check", "{client}", DEMO_IBAN, "--reason", "x"),
              ("check", "{client}", OTHER_IBAN, "--yes", "--reason", "x"),
              ("check", "nobody", DEMO_IBAN, "--yes", "--reason", "x")]
)  # fmt: skip
def test_half_a_command_decides_nothing(flask_app: Flask, owner: Membership, words: tuple[str, ...]):
    said = run(flask_app, *[word.format(client=owner.client.public_id) for word in words])
    assert said.exit_code != 0
    models.database.connect(reuse_if_open=True)
    assert account().holder_check is None
    assert BankLink.select().count() == 1
