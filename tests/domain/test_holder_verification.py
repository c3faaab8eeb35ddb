"""Holder verification: the bank's name compared with the register's, and an operator's decision where they differ."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import app as program
import commands
import config
import models
from domain.banking import account_sync, bank_accounts, holder_verification
from domain.common import audit
from domain.common.services import Services
from models import AuditEvent, BankAccount, BankConsent, Membership
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
    """Set the holder's name of the bank's first account."""
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
def test_matching_names(bank: str, register: str):
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
def test_different_names(bank: str, register: str):
    assert not holder_verification.names_match(bank, register)


# --- automatic comparison -------------------------------------------------------------------------
def test_the_registered_name_is_approved(owner: Membership):
    linked(owner.client, owner.user)
    shown = [(row.holder_check, holder_verification.transactions_visible(row)) for row in BankAccount.select()]
    assert shown == [("matched", True)] * 2


def test_the_name_given_at_registration_is_not_used(owner: Membership, sandbox: Sandbox):
    models.Client.update(name="Duinrand Catering BV").execute()
    own(sandbox, "Duinrand Catering BV")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check is None
    assert [row.iban for row in holder_verification.pending_holder_reviews()] == [DEMO_IBAN]


def test_another_name_waits_for_an_operator_and_can_pay(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert not holder_verification.transactions_visible(account())
    assert [view.iban for view in bank_accounts.payable_accounts(owner.client)] == [DEMO_IBAN]


def test_a_missing_name_waits_for_an_operator(owner: Membership, sandbox: Sandbox):
    sandbox.fault(bank_no_owner_name=True)
    linked(owner.client, owner.user)
    assert not any(holder_verification.transactions_visible(row) for row in BankAccount.select())
    assert len(holder_verification.pending_holder_reviews()) == 2


def test_the_job_asks_the_register_again(owner: Membership, sandbox: Sandbox):
    sandbox.fault(kvk_down=True)
    consent = linked(owner.client, owner.user)
    assert account().holder_checked_at is None
    sandbox.fault(kvk_down=False)
    assert consent.due_at is not None
    assert account_sync.sync_consent(consent.id)
    assert account().holder_check == "matched"


def test_an_unconfirmed_holder_is_not_reviewed(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    begin(owner.client, owner.user).allow(DEMO_IBAN)
    assert holder_verification.pending_holder_reviews() == []


def test_a_new_holder_at_renewal_is_compared_again(owner: Membership, sandbox: Sandbox):
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    holder_verification.decide_holder(account(), "approved", "statuten gezien", "eva")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check == "approved", "the operator's decision stands for the same name"
    own(sandbox, "Iemand Anders")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    assert account().holder_check is None


# --- an operator decides --------------------------------------------------------------------------
@pytest.fixture
def flask_app(owner: Membership, sandbox: Sandbox, keys: Path) -> Flask:
    made = program.bare_app(config.load({"BIZCUIT_HOME": str(keys), "BIZCUIT_SANDBOX_URL": sandbox.url}))
    commands.register(made)
    own(sandbox, "W. de Jong")
    linked(owner.client, owner.user, "redirect", DEMO_IBAN)
    models.database.close()  # each command opens its own connection
    return made


def run(made: Flask, *words: str) -> Result:
    return made.test_cli_runner().invoke(args=["accounts", *words])


def test_the_command_lists_and_approves(flask_app: Flask, owner: Membership):
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
        "account.holder_decided", "approved", "uittreksel gezien",
    )  # fmt: skip
    assert event.details["by"]
    assert audit.verify_chain(owner.client_id) == []


def test_a_no_hides_the_transactions(flask_app: Flask, owner: Membership):
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
def test_an_incomplete_command_decides_nothing(flask_app: Flask, owner: Membership, words: tuple[str, ...]):
    said = run(flask_app, *[word.format(client=owner.client.public_id) for word in words])
    assert said.exit_code != 0
    models.database.connect(reuse_if_open=True)
    assert account().holder_check is None
    assert BankConsent.select().count() == 1
