"""An owner closes the account of a company: what ends at once, what is refused, how it is undone or becomes final."""

from datetime import timedelta

import pytest
import time_machine
from peewee import DatabaseError

from blueprints.web import authorization
from core.clock import utcnow
from core.ids import uuid
from domain.accounts import passwords
from domain.banking import consents
from domain.banking.bank_configs import bank_config_of
from domain.common import audit
from domain.common.errors import ClientBusy, InsufficientRole, PaymentsHeld, StateConflict
from domain.common.services import services
from domain.operations import integrity
from domain.outbox import mail
from domain.payments import holds, release
from domain.payroll import run_discovery, unpaid
from domain.team import account_removal, client_closing, invitations
from jobs import mail_rendering
from models import (
    AuditEvent,
    BankAccount,
    BankConsent,
    BankOrder,
    Batch,
    Client,
    Invitation,
    Membership,
    NmbrsConnection,
    OutgoingMail,
    PaymentHold,
    PayrollCompany,
    Pin,
    User,
    WebhookKey,
)
from models.states import ClientState
from tests.support.consents import linked
from tests.support.factories import PIN, Demo, authorise, here, make_user
from tests.support.orders import put_at_bank
from tests.support.web_client import WebClient


@pytest.fixture(autouse=True)
def with_pin(demo: Demo) -> None:
    Pin.delete().where(Pin.user == demo.user.id).execute()
    Pin.create(user=demo.user, pin_hash=passwords.hash_pin(demo.user.id, PIN))


@pytest.fixture
def second(demo: Demo) -> Membership:
    user = make_user(name="Second Owner")
    authorise(demo.client, user)
    return Membership.create(user=user, client=demo.client, role="owner")


def at(demo: Demo, path: str = "") -> str:
    return f"/{demo.client.public_id}/instellingen/sluiten{path}"


def close(demo: Demo) -> None:
    client_closing.close_client(demo.membership, PIN, here(demo.membership))


def state(demo: Demo) -> str:
    return Client.get_by_id(demo.client.id).state


def events() -> list[str]:
    return [row.kind for row in AuditEvent.select().order_by(AuditEvent.number) if row.kind.startswith("client.")]


def test_closing_puts_waiting_payments_away_and_tells_all_owners(owner: WebClient, demo: Demo, second: Membership):
    batch = demo.batch()
    invitations.invite_member(demo.client, demo.user, "alek@demobv.example", "preparer")
    page = owner.open(at(demo))
    assert "Demo BV sluiten?" in page.text and page.all('form[action$="/gegevens/bedrijf"]')
    assert owner.post(at(demo), {"pin": PIN}).location == f"/{demo.client.public_id}/overzicht"
    row = Client.get_by_id(demo.client.id)
    assert row.state == ClientState.CLOSING and row.ends_at and row.ends_at > utcnow() + timedelta(days=29)
    assert (Batch.get_by_id(batch.id).state, Batch.get_by_id(batch.id).state_reason) == ("replaced", "client_closed")
    assert Invitation.get().revoked_at
    told = OutgoingMail.select().where(OutgoingMail.kind == "client_closing")
    assert {one.user_id for one in told} == {demo.user.id, second.user_id}
    assert events() == ["client.closing"]
    assert list(integrity.find_inconsistencies()) == [] and audit.verify_chain(demo.client.id) == []
    assert "Het account van het bedrijf is gesloten" in owner.open(
        f"/{demo.client.public_id}/betalingen/{batch.reference}").text


def test_every_page_says_so_and_nothing_can_be_done(owner: WebClient, demo: Demo):
    close(demo)
    client_closing.end_links(demo.client.id)
    overview = owner.open(f"/{demo.client.public_id}/overzicht")
    assert "Dit account is gesloten" in overview.text
    assert not [word for word in ("Maak je account af", "Vernieuwen", "opnieuw betaald") if word in overview.text]
    page = owner.open(f"/{demo.client.public_id}/saldo")
    assert "Dit account is gesloten" in page.text
    home = f"/{demo.client.public_id}"
    for path in ("/saldo/toevoegen", "/apps/nmbrs/toevoegen", "/mensen/uitnodigen", "/instellingen/bank"):
        assert owner.post(f"{home}{path}", {}).location == f"{home}/overzicht", path
    assert owner.post(f"{home}/instellingen/gegevens/mijn", {}).status_code == 200
    assert owner.post(f"{home}/instellingen/gegevens/bedrijf", {}).status_code == 200


def test_links_end_at_the_bank_and_at_nmbrs(demo: Demo, sandbox):
    demo.batch()
    consent = linked(demo.client, demo.user)
    close(demo)
    for _twice in range(2):
        client_closing.end_links(demo.client.id)
    ended = BankConsent.get_by_id(consent.id)
    assert (ended.status, ended.bank_consent_status) == ("ended", "terminatedByTpp")
    at_bank = services().bank.consent(bank_config_of(ended.bank), str(ended.consent_id), uuid())
    assert at_bank.status == "terminatedByTpp"
    assert NmbrsConnection.get().removed_at and NmbrsConnection.get().token_encrypted == ""
    assert PayrollCompany.get().mapped_at is None and run_discovery.due_companies() == []
    assert not OutgoingMail.select().where(OutgoingMail.kind == "consent_ended").exists()
    assert list(integrity.find_inconsistencies()) == []


def test_a_payment_that_came_in_meanwhile_is_put_away_too(demo: Demo):
    close(demo)
    batch = demo.batch()
    with pytest.raises(PaymentsHeld):
        holds.require_no_hold(demo.client.id, "redirect")
    client_closing.end_links(demo.client.id)
    assert Batch.get_by_id(batch.id).state == "replaced"


def test_a_bank_that_does_not_answer_is_asked_again(demo: Demo, sandbox):
    close(demo)
    sandbox.fault(bank_down=True)
    assert not consents.revoke_consent(BankConsent.get_by_id(demo.consent.id))
    assert BankConsent.get_by_id(demo.consent.id).status == "valid"
    sandbox.fault(bank_down=False)
    client_closing.end_links(demo.client.id)
    assert BankConsent.get_by_id(demo.consent.id).status == "ended"


# --- refused ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("put", "why"), [("at_bank", "in_flight"), ("signed", "in_flight"), ("disputed", "disputed")])
def test_while_money_is_on_its_way_it_stays_open(owner: WebClient, demo: Demo, put: str, why: str):
    put_at_bank(demo.batch(), put, "disputed" if put == "disputed" else "possible")
    if put == "disputed":
        BankOrder.update(state="executed").execute()
    with pytest.raises(ClientBusy) as refused:
        close(demo)
    assert refused.value.why == why and state(demo) == ClientState.OPEN
    assert not owner.open(at(demo)).all("[data-pinpad]")


def test_while_payments_are_held_it_stays_open(demo: Demo):
    PaymentHold.create(cause="operator", reason="test", placed_by="root", client=demo.client)
    with pytest.raises(ClientBusy):
        close(demo)


def test_a_wrong_pin_closes_nothing(owner: WebClient, demo: Demo):
    assert "nog 4 keer" in owner.open(owner.post(at(demo), {"pin": "111222"}).location).says("#pin-error")
    assert state(demo) == ClientState.OPEN


# --- undone, or final ------------------------------------------------------------------------------
def test_another_owner_undoes_it(owner: WebClient, demo: Demo, second: Membership):
    batch = demo.batch()
    close(demo)
    client_closing.end_links(demo.client.id)
    client_closing.reopen_client(second)
    row = Client.get_by_id(demo.client.id)
    assert (row.state, row.ends_at) == (ClientState.OPEN, None)
    assert events() == ["client.closing", "client.reopened"]
    client_closing.end_links(demo.client.id)
    assert BankAccount.select().where(BankAccount.client == demo.client.id).count() == 2
    assert len(unpaid.unpaid_lines(row)) == batch.line_count, "what was put away can be paid again"
    with pytest.raises(StateConflict):
        client_closing.reopen_client(second)


def test_the_owner_undoes_it_in_the_settings(owner: WebClient, demo: Demo):
    close(demo)
    page = owner.open(f"/{demo.client.public_id}/instellingen")
    assert page.all('form[action$="/sluiten/ongedaan"]')
    owner.post(at(demo, "/ongedaan"), {})
    assert state(demo) == ClientState.OPEN


def test_after_thirty_days_nobody_is_a_member(owner: WebClient, demo: Demo, second: Membership):
    close(demo)
    client_closing.end_links(demo.client.id)
    assert account_removal.obstacles(demo.user) == [], "an owner of a closed company can leave"
    with time_machine.travel(utcnow() + timedelta(days=31), tick=False):
        assert client_closing.clients_to_end() == [demo.client.id]
        client_closing.end_links(demo.client.id)
        client_closing.end_links(demo.client.id)
    assert state(demo) == ClientState.CLOSED and client_closing.clients_to_end() == []
    assert not Membership.select().where(Membership.client == demo.client.id).exists()
    assert not WebhookKey.select().where(WebhookKey.client == demo.client.id).exists()
    assert owner.get(f"/{demo.client.public_id}/overzicht").status_code == 404
    assert OutgoingMail.select().where(OutgoingMail.kind == "client_closed").count() == 2
    assert events() == ["client.closing", "client.closed"]
    assert list(integrity.find_inconsistencies()) == [] and audit.verify_chain(demo.client.id) == []


def test_a_payment_cannot_be_released_meanwhile(demo: Demo):
    close(demo)
    with pytest.raises(InsufficientRole):
        release.require_still_may(Membership.get_by_id(demo.membership.id))


def test_what_may_be_done_meanwhile_are_routes(app):
    assert set(app.view_functions) >= authorization.WHILE_CLOSING


def test_only_the_table_of_transitions_moves_a_client(demo: Demo):
    reached = {target for _, target in client_closing.TRANSITIONS.items()}
    assert reached == set(ClientState) and (ClientState.CLOSED, "reopened") not in client_closing.TRANSITIONS
    with pytest.raises(DatabaseError):
        Client.update(state="closing").where(Client.id == demo.client.id).execute()


@pytest.mark.parametrize("kind", ["client_closing", "client_reopened", "client_closed"])
def test_the_mails_can_be_read(app, demo: Demo, kind: str):
    path = None if kind == "client_closed" else "/x"
    facts = {"by": "Wouter", "until": "2026-12-30"}
    made = mail_rendering.write(mail.MailMessage(kind, User.get(), demo.client, path, facts))
    assert "Demo BV" in made.subject + made.text
