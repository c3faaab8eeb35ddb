"""Team pages: members, invitations, dual approval, several clients, hidden lines."""

import json
import logging
import re

import pytest
from flask import Flask, url_for

from core.iban import format_iban
from core.money import format_dutch
from domain.common.encryption import decrypt
from domain.outbox import mail
from jobs import mail_rendering
from models import (
    Approval,
    ApprovalThresholdChange,
    Batch,
    BatchLine,
    Client,
    Invitation,
    Membership,
    OutgoingMail,
    PayrollRun,
    Pin,
    Release,
    User,
)
from tests.support import names
from tests.support.factories import LINES, Demo, authorise, make_client, make_user
from tests.support.register import register_directors
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient


def joined(demo: Demo, name: str, role: str) -> User:
    user = make_user(name=name)
    Membership.create(user=user, client=demo.client, role=role)
    Pin.create(user=user, pin_hash="-")
    if role != "preparer":
        authorise(demo.client, user)
    return user


@pytest.fixture
def naomi(site: Site, demo: Demo) -> WebClient:
    return site.person(joined(demo, "Naomi Meijer", "approver"))


@pytest.fixture
def lisanne(site: Site, demo: Demo) -> WebClient:
    """A preparer."""
    return site.person(joined(demo, "Lisanne", "preparer"))


def people(demo: Demo, tail: str = "") -> str:
    return f"/{demo.client.public_id}/mensen{tail}"


def link() -> str:
    """Return the path of the newest invitation."""
    row = OutgoingMail.select().where(OutgoingMail.kind == "invitation").order_by(OutgoingMail.id.desc()).get()
    return json.loads(decrypt(row.payload_encrypted, "outgoing_mail", row.user_id, row.dedupe_key))["path"]


# --- members and invitations ---
def test_members_are_listed_and_only_an_owner_gets_links(owner: WebClient, lisanne: WebClient, demo: Demo):
    page = owner.open(people(demo))
    assert "Wouter de Jong (jij)" in page.text
    assert "voorbereider · niet geïdentificeerd · laatst gezien" in page.text
    assert len(page.all(f"a.task[href^='{people(demo)}/']")) == 3
    assert lisanne.open(people(demo)).all(f"a.task[href^='{people(demo)}/']") == []
    assert "Team" in owner.open(f"/{demo.client.public_id}/instellingen").text


def test_an_invitation_is_sent_accepted_and_listed(owner: WebClient, site: Site, demo: Demo):
    owner.open(people(demo, "/uitnodigen"))
    owner.post(people(demo, "/uitnodigen"), email="Alek@DemoBV.example", role="approver")
    assert "alek@demobv.example" in owner.open(people(demo)).text
    guest = site.person(None)
    page = guest.open(link())
    assert "Je rol: goedkeurder" in page.text
    assert page.value("#invited") == "alek@demobv.example"
    assert page.one("#invited").get("readonly") is not None
    assert Invitation.get().accepted_at is None
    guest.post(link(), name="Alek Nowak", password="een zin die niemand raadt", email="else@demobv.example")
    assert Membership.get(Membership.role == "approver").user.email == "alek@demobv.example"
    assert "Alek Nowak" in owner.open(people(demo)).text


def test_another_account_gets_an_explanation_without_the_address(owner: WebClient, charlie: WebClient, demo: Demo):
    owner.open(people(demo, "/uitnodigen"))
    owner.post(people(demo, "/uitnodigen"), email="alek@demobv.example", role="approver")
    page = charlie.open(link())
    assert "Deze uitnodiging is voor iemand anders" in page.text
    assert "a…@d….example" in page.text
    assert "alek@demobv.example" not in page.html
    charlie.post(link())
    assert Invitation.get().accepted_at is None


def test_errors_of_an_invitation_are_shown_at_the_field(owner: WebClient, demo: Demo):
    owner.open(people(demo, "/uitnodigen"))
    page = owner.post(people(demo, "/uitnodigen"), email=demo.user.email, role="approver")
    assert (page.status_code, "je eigen e-mailadres" in page.text) == (422, True)


def test_a_role_is_changed_and_a_member_removed(owner: WebClient, naomi: WebClient, demo: Demo):
    row = Membership.get(Membership.role == "approver")
    owner.open(people(demo, f"/{row.id}"))
    owner.post(people(demo, f"/{row.id}"), role="preparer")
    assert Membership.get_by_id(row.id).role == "preparer"
    assert "heeft hierna meteen geen toegang meer" in owner.open(people(demo, f"/{row.id}/verwijderen")).text
    assert Membership.select().where(Membership.id == row.id).exists()
    owner.post(people(demo, f"/{row.id}/verwijderen"))
    assert naomi.client.get(people(demo)).status_code == 404


def test_the_last_owner_cannot_leave(owner: WebClient, demo: Demo):
    mine = people(demo, f"/{demo.membership.id}")
    owner.open(mine)
    page = owner.post(mine, role="approver")
    assert (page.status_code, "enige eigenaar" in page.text) == (422, True)


@pytest.mark.parametrize(
    "kind", ["invitation", "member_changed", "approval_asked", "four_eyes_asked", "names_asked", "attest_asked"]
)
def test_mails_contain_no_employee_names(app: Flask, demo: Demo, kind: str):
    mail_rendering.set_app(app)
    facts = {"by": "Wouter", "name": "Naomi", "what": "joined", "role": "approver", "total_cents": 1, "from_cents": 0,
             "is_file": True}  # fmt: skip
    wrote = mail_rendering.write(mail.MailMessage(kind, demo.user, demo.client, "/x", facts))
    assert demo.client.name in wrote.subject
    assert not any(name in wrote.text + wrote.html for name, _iban, _cents in LINES)


# --- dual approval ---
def test_a_weaker_threshold_needs_another_person(
    owner: WebClient, naomi: WebClient, demo: Demo, sandbox: Sandbox
):
    naomi_meijer = {"voornamen": "Naomi", "geslachtsnaam": "Meijer", "geboortedatum": "19850203"}
    register_directors(sandbox.control, naomi_meijer)
    page = people(demo, "/vier-ogen")
    owner.open(page)
    assert owner.post(page, amount="tien").status_code == 422
    owner.post(page, amount="10.000,00")
    assert "Vanaf € 10.000,00 moeten twee mensen" in owner.open(people(demo)).text
    owner.open(page)
    owner.post(page, uit="1")
    assert "wil de dubbele goedkeuring versoepelen" in owner.open(people(demo)).text
    seen = naomi.open(people(demo))
    naomi.post(seen.value("form[action$='/akkoord']", "action"))
    assert (Client.get_by_id(demo.client.id).dual_approval_from_cents, ApprovalThresholdChange.select().count()) == (
        None,
        0,
    )


def test_a_threshold_requires_a_second_approver(owner: WebClient, demo: Demo):
    page = people(demo, "/vier-ogen")
    owner.open(page)
    answer = owner.post(page, amount="0")
    assert (answer.status_code, "Nodig eerst iemand uit" in answer.text) == (422, True)


def test_two_approve_and_each_sees_who_is_next(owner: WebClient, naomi: WebClient, lisanne: WebClient, demo: Demo):
    Client.update(dual_approval_from_cents=0).execute()
    batch = demo.batch()
    here = f"/{demo.client.public_id}/betalingen/{batch.reference}"
    page = owner.open(here)
    assert "Twee mensen moeten deze betaling goedkeuren" in page.text
    owner.post(f"{here}/betalen", shown=page.value("#payment > [name=shown]"))
    after = owner.open(here)
    assert "Er is nog een goedkeuring nodig, van Naomi Meijer." in after.text
    assert after.says("#pay-place") == "Wacht op een tweede goedkeuring"
    assert "Wacht op iemand anders" in owner.open(f"/{demo.client.public_id}/overzicht").text
    assert "Wacht op iemand anders" in owner.open(f"/{demo.client.public_id}/betalingen").text
    assert "Wacht op jou" in naomi.open(f"/{demo.client.public_id}/betalingen").text
    assert "Goedgekeurd door Wouter de Jong" in lisanne.open(here).text
    theirs = naomi.open(here)
    assert "Goedgekeurd door Wouter de Jong" in theirs.text
    assert "er staat één betaling klaar" in naomi.open(f"/{demo.client.public_id}/overzicht").text
    naomi.open(here)
    naomi.post(f"{here}/betalen", shown=theirs.value("#payment > [name=shown]"))
    assert (Release.select().count(), Batch.get().state) == (1, "approved")
    assert "Goedgekeurd door Wouter de Jong en Naomi Meijer" in naomi.open(here).text


def test_the_last_editor_sees_why_approval_is_refused(owner: WebClient, naomi: WebClient, demo: Demo):
    Client.update(dual_approval_from_cents=0).execute()
    batch = demo.batch()
    here = f"/{demo.client.public_id}/betalingen/{batch.reference}"
    owner.open(here)
    owner.post(f"{here}/regels/{demo.view(batch).lines[0].id}?verdict=refuse")
    page = owner.open(here)
    assert "Je hebt deze betaling als laatste gewijzigd" in page.says("#pay-place")
    assert "Te weinig mensen" in page.text
    owner.post(f"{here}/betalen", shown=demo.view(batch).digest)
    assert Approval.select().count() == 0


def test_without_dual_approval_nothing_changes(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = owner.open(f"/{demo.client.public_id}/betalingen/{batch.reference}")
    assert not re.search("goedkeuring nodig|Twee mensen", page.text)


# --- several clients ---
def test_a_bookkeeper_switches_clients_in_one_tap(lisanne: WebClient, demo: Demo):
    other = make_client(make_user()).client
    Client.update(name="Duinrand Catering BV").where(Client.id == other.id).execute()
    user = User.get(User.name == "Lisanne")
    Membership.create(user=user, client=other, role="preparer")
    demo.batch()
    page = lisanne.open("/overzicht")
    assert "er is iets te doen bij 1 klant." in page.text
    assert "1 betaling wacht, de oudste sinds" in page.text
    assert "Alles afgerond Duinrand Catering BV" in page.text
    within = lisanne.open(f"/{demo.client.public_id}/betalingen")
    assert within.says("h1 small") == "Demo BV"
    assert within.says("title") == "Betalingen · Demo BV · Bizcuit"
    assert [one.get("href") for one in within.all(".clients a")] == [
        f"/{demo.client.public_id}/overzicht", f"/{other.public_id}/overzicht", "/overzicht",
    ]  # fmt: skip


def test_with_one_client_there_is_no_list(owner: WebClient, demo: Demo):
    answer = owner.client.get("/overzicht")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/{demo.client.public_id}/overzicht")
    page = owner.open(f"/{demo.client.public_id}/betalingen")
    assert page.all(".clients") == []
    assert page.says("title") == "Betalingen · Demo BV · Bizcuit"


@pytest.mark.parametrize("more", [1, 58])
def test_the_page_takes_eight_statements(
    lisanne: WebClient, demo: Demo, caplog: pytest.LogCaptureFixture, more: int
):
    user = User.get(User.name == "Lisanne")
    for _ in range(more):
        Membership.create(user=user, client=make_client(make_user()).client, role="preparer")
    lisanne.open("/overzicht")
    with caplog.at_level(logging.DEBUG, logger="peewee"):
        lisanne.open("/overzicht")
    assert len([one for one in caplog.records if one.name == "peewee"]) <= 8


# --- hidden lines ---
def secrets_of(batch: Batch) -> list[str]:
    """Return every name, IBAN and amount of its lines, in every form a page may use."""
    found: list[str] = []
    for line in BatchLine.select().where(BatchLine.batch == batch.id):
        surname, _comma, _first = line.creditor_name.partition(",")
        found += [
            line.creditor_name,
            line.creditor_iban,
            format_iban(line.creditor_iban),
            format_dutch(line.amount_cents),
        ]
        found += [surname] if surname != "Jong" else []  # the owner's own name is no secret
    return found


def pages_of(app: Flask, demo: Demo, batch: Batch) -> list[str]:
    """Return the URL of every route to check, with the ids of this client."""
    known = {
        "client": demo.client.public_id, "reference": batch.reference, "line_id": BatchLine.get().id,
        "consent_id": demo.consent.id, "connection_id": demo.connection.id, "run_id": batch.run_id,
        "account_id": demo.account.id, "verdict": "betaald", "member_id": demo.membership.id, "document": "0" * 64,
        "allowance_id": 1, "company_id": demo.company.id,
    }  # fmt: skip
    with app.test_request_context():
        return sorted(
            url_for(rule.endpoint, **{name: known[name] for name in rule.arguments})
            for rule in app.url_map.iter_rules()
            if "client" in rule.arguments and "GET" in (rule.methods or ())
        )


@pytest.mark.parametrize("state", ["open", "rejected", "partly_executed"])
def test_no_page_shows_a_preparer_hidden_lines(app: Flask, lisanne: WebClient, demo: Demo, state: str):
    batch = demo.batch()
    told = [[name, iban, cents] for name, iban, cents in LINES]
    PayrollRun.update(overpaid=told).execute()
    Batch.update(
        unpaid_employee_count=1, unpaid_employee_names=[LINES[0][0]], is_supplement=True, state=state
    ).execute()
    if state != "open":
        BatchLine.update(state="rejected", bank_reason_code="AC04", vop_result="NMTC").execute()
    Client.update(hide_lines_from_preparers=True).execute()
    read = []
    for path in pages_of(app, demo, batch):
        for headers in ({}, {"HX-Request": "true"}):
            answer = lisanne.client.get(path, headers=headers)
            read.append((path, answer.status_code))
            body = answer.get_data(as_text=True).replace("\u00a0", " ")
            assert [one for one in secrets_of(batch) if one in body] == [], path
    assert len([status for _path, status in read if status == 200]) > 20
    page = lisanne.open(f"/{demo.client.public_id}/betalingen/{batch.reference}")
    assert "3 regels" in page.text


def test_hidden_lines_include_mismatches(owner: WebClient, lisanne: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"vop": True})
    batch = names.send(demo)
    here = f"/{demo.client.public_id}/betalingen/{batch.reference}"
    assert batch.state == "name_check"
    assert "Piet Onbekend" in owner.open(here).text
    Client.update(hide_lines_from_preparers=True).execute()
    for page in (lisanne.open(here), lisanne.get(f"{here}/status", htmx=True)):
        assert [one for one in secrets_of(batch) if one in page.text] == []


def test_the_same_pages_show_unhidden_lines(lisanne: WebClient, demo: Demo):
    """So that the test above cannot pass by checking the wrong pages."""
    batch = demo.batch()
    page = lisanne.open(f"/{demo.client.public_id}/betalingen/{batch.reference}")
    assert "Schuurman, Lisanne" in page.text
    Client.update(hide_lines_from_preparers=True).execute()
    assert "Schuurman, Lisanne" not in lisanne.open(f"/{demo.client.public_id}/betalingen/{batch.reference}").text


def test_hidden_lines_cannot_be_decided(lisanne: WebClient, demo: Demo):
    batch = demo.batch()
    Client.update(hide_lines_from_preparers=True).execute()
    here = f"/{demo.client.public_id}/betalingen/{batch.reference}"
    lisanne.open(here)
    line = demo.view(batch).lines[0]
    for path in (f"{here}/regels/{line.id}?verdict=refuse", f"{here}/alles"):
        answer = lisanne.client.post(path, data={"csrf_token": lisanne.token})
        assert answer.status_code == 403
        assert line.name not in answer.get_data(as_text=True)
    assert demo.view(batch).lines_payable == 3


def test_an_owner_hides_lines_and_sees_who_can_see_them(owner: WebClient, lisanne: WebClient, demo: Demo):
    assert "regels: Wouter de Jong, Lisanne." in owner.open(people(demo)).text
    owner.post(people(demo, "/regels"), hidden="y")
    page = owner.open(people(demo))
    assert "regels: Wouter de Jong." in page.text
    assert "Zien alleen totaal en aantal: Lisanne." in page.text
    owner.post(people(demo, "/regels"))
    assert not Client.get_by_id(demo.client.id).hide_lines_from_preparers
