"""Personal data: the page that says what is kept, a copy of it, and what is removed when its time is over."""

import csv
import io
import json
import zipfile
from datetime import date, timedelta

import pytest
import time_machine

from core.clock import utcnow
from domain.common import audit
from domain.operations import integrity, redaction
from domain.outbox import mail
from domain.payroll import run_discovery
from domain.privacy import retention
from models import AuditEvent, Client, EmailToken, HeldLine, Invitation, LoginSession, OutgoingMail
from tests.support.factories import LINES, Demo, make_client, make_demo, make_user
from tests.support.web_client import Page, Site, WebClient

NAME, IBAN, CENTS = LINES[0]


def at(demo: Demo, path: str = "") -> str:
    return f"/{demo.client.public_id}/instellingen/gegevens{path}"


def of_employee(who: WebClient, demo: Demo, employee: str, form: str = "json") -> Page:
    return who.post(at(demo, "/medewerker"), {"employee": employee, "vorm": form})


@pytest.mark.parametrize(("language", "said"), [("nl", "zeven jaar"), ("en", "seven years")])
def test_everybody_can_read_what_is_kept(site: Site, language: str, said: str):
    nobody = site.person()
    page = nobody.client.get("/privacy", headers={"Accept-Language": language})
    assert page.status_code == 200 and said in page.text
    assert f"{retention.MESSAGES.days} da" in page.text and f"{retention.REQUESTS.days} da" in page.text


def test_settings_and_every_foot_lead_there(owner: WebClient, demo: Demo):
    page = owner.open(f"/{demo.client.public_id}/instellingen")
    links = [link.get("href") for link in page.all("a")]
    assert at(demo) in links and "/privacy" in links


def test_a_member_gets_everything_of_their_own_and_no_secret(owner: WebClient, demo: Demo):
    other = make_client(make_user(name="Charlie"))
    answer = owner.post(at(demo, "/mijn"), {})
    assert answer.headers["Content-Disposition"] == "attachment; filename=mijn-gegevens.json"
    found = json.loads(answer.html)
    assert found["account"]["email"] == demo.user.email
    assert found["memberships"] == [{"client": "Demo BV", "kvk_number": "68750110", "role": "owner",
                                     "last_used_at": found["memberships"][0]["last_used_at"]}]  # fmt: skip
    assert found["identifications"][0]["person"]["birth_date"]
    assert found["signing_authority"][0]["answer"] == "authorised"
    assert len(found["sessions"]) == LoginSession.select().where(LoginSession.user == demo.user.id).count()
    secrets = {row.token_hash for row in LoginSession.select()} | {demo.user.password_hash + "x", other.user.email}
    assert not any(secret in answer.html for secret in secrets)
    assert not any(word in answer.html for word in ("hash", "encrypted", "v1:"))


def test_what_somebody_did_is_in_their_copy(owner: WebClient, demo: Demo):
    line = demo.view(batch := demo.batch()).lines[0].id
    owner.post(f"/{demo.client.public_id}/betalingen/{batch.reference}/regel/{line}?verdict=refuse", {})
    mine = AuditEvent.select().where(AuditEvent.actor == audit.by_user(demo.user)).count()
    log = json.loads(owner.post(at(demo, "/mijn"), {}).html)["log"]
    assert sum(row["by_you"] for row in log) == mine


@pytest.mark.parametrize("asked", [NAME, "wouter de jong", IBAN, "nl42 ingb 2268 3524 12"])
def test_an_owner_copies_all_lines_of_one_employee(owner: WebClient, demo: Demo, asked: str):
    first, second = demo.batch(), demo.batch(number=2)
    HeldLine.create(run=first.run_id, version="1", number=9, reason="bad_iban", name="JONG, Wouter de", iban=IBAN,
                    description="Bonus", amount_cents=5, currency="EUR")  # fmt: skip
    rows = json.loads(of_employee(owner, demo, asked).html)
    assert [(row["payment"], row["name"], row["cents"]) for row in rows] == [
        (first.reference, NAME, CENTS), (second.reference, NAME, CENTS), ("", "JONG, Wouter de", 5),
    ]  # fmt: skip
    event = AuditEvent.select().where(AuditEvent.kind == "employee_data.copied").get()
    assert event.details == {"count": 3} and event.actor == audit.by_user(demo.user)
    assert audit.verify_chain(demo.client.id) == []


def test_another_clients_employees_are_not_in_it(owner: WebClient, demo: Demo, charlie: WebClient):
    demo.batch()
    theirs = Client.get(Client.id != demo.client.id)
    answer = charlie.post(f"/{theirs.public_id}/instellingen/gegevens/medewerker", {"employee": NAME})
    assert answer.status_code == 303
    assert charlie.get(at(demo)).status_code == 404


def test_a_spreadsheet_computes_nothing_and_shows_what_is_hidden(owner: WebClient, demo: Demo):
    demo.batch([("=HYPERLINK(1)", IBAN, 100), ("Jan\u202esen", IBAN, 12345)])
    answer = of_employee(owner, demo, IBAN, "csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.html.removeprefix("\ufeff")))
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["name"] for row in found] == ["'=HYPERLINK(1)", "Jan⟨U+202E⟩sen"]
    assert [row["amount"] for row in found] == ["1.00", "123.45"]


def test_copies_are_limited_by_person(owner: WebClient, demo: Demo, charlie: WebClient):
    for _ in range(20):
        assert owner.post(at(demo, "/mijn"), {}).status_code == 200
    for path in ("/mijn", "/bedrijf", "/medewerker"):
        refused = owner.post(at(demo, path), {"employee": NAME})
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    with time_machine.travel(utcnow() + timedelta(minutes=2), tick=False):
        assert owner.post(at(demo, "/mijn"), {}).status_code == 200


def test_nobody_by_that_name(owner: WebClient, demo: Demo):
    demo.batch()
    assert of_employee(owner, demo, "Piet").location == at(demo)
    assert "geen regel met deze naam" in owner.open(at(demo)).text
    assert of_employee(owner, demo, " ").status_code == 422


# --- the company -----------------------------------------------------------------------------------
def tables(page: Page) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(page.get_data())) as archive:
        texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    return {name: list(csv.DictReader(io.StringIO(text))) for name, text in texts.items()}


def test_an_owner_copies_the_books_of_the_company(owner: WebClient, demo: Demo):
    batch, other = demo.batch([("=1+1", IBAN, 100), (NAME, IBAN, CENTS)]), make_demo()
    theirs = other.batch()
    answer = owner.post(at(demo, "/bedrijf"), {})
    assert answer.headers["Content-Disposition"] == f"attachment; filename=bizcuit-{demo.client.public_id}.zip"
    assert answer.headers["Cache-Control"] == "no-store"
    found = tables(answer)
    assert list(found) == ["payments.csv", "lines.csv", "people.csv", "log.csv"]
    assert [(row["payment"], row["total_cents"]) for row in found["payments.csv"]] == [
        (batch.reference, str(100 + CENTS))
    ]
    assert [(row["name"], row["iban"], row["amount_cents"], row["removed_on"]) for row in found["lines.csv"]] == [
        ("'=1+1", IBAN, "100", ""), (NAME, IBAN, str(CENTS), ""),
    ]  # fmt: skip
    assert [row["role"] for row in found["people.csv"]] == ["owner"]
    log = AuditEvent.select().where(AuditEvent.client == demo.client.id).order_by(AuditEvent.number)
    assert [row["hash"] for row in found["log.csv"]] == [event.hash for event in log]
    assert found["log.csv"][-1]["what"] == "company_data.copied"
    assert theirs.reference not in str(found)


def test_lines_whose_details_were_removed_say_when(owner: WebClient, demo: Demo):
    batch = demo.batch()
    run_discovery._mark_deleted(batch.run)
    with time_machine.travel(date(2034, 1, 2), tick=False):
        assert redaction.redact_run(batch.run_id)
    rows = tables(owner.post(at(demo, "/bedrijf"), {}))["lines.csv"]
    assert [(row["name"], row["iban"], row["description"], row["removed_on"]) for row in rows] == [
        ("", "", "", "2034-01-02")
    ] * len(LINES)
    assert [int(row["amount_cents"]) for row in rows] == [cents for _, _, cents in LINES]


# --- what is removed ------------------------------------------------------------------------------
def test_what_is_past_its_time_is_removed_and_the_rest_stays(demo: Demo):
    demo.batch()
    long_ago = utcnow() - timedelta(days=91)
    mails = OutgoingMail.select().count()
    mail.enqueue_mail(demo.user, "passkey_added", once="old", name="x")
    OutgoingMail.update(created_at=long_ago, sent_at=long_ago, due_at=None).where(
        OutgoingMail.dedupe_key == "old"
    ).execute()
    EmailToken.create(token_hash="t", user=demo.user, purpose="x", expires_at=long_ago)
    EmailToken.create(token_hash="u", user=demo.user, purpose="x", expires_at=utcnow())
    old, new = (
        Invitation.create(client=demo.client, invited_by=demo.user, email=f"{name}@x.example", role="preparer",
                          token_hash=name, expires_at=until)
        for name, until in (("a", long_ago - timedelta(days=1)), ("b", utcnow()))
    )  # fmt: skip
    assert retention.remove_expired() == 3
    assert retention.remove_expired() == 0, "a second time there is nothing to do"
    assert OutgoingMail.get(OutgoingMail.dedupe_key == "old").payload_encrypted == ""
    assert OutgoingMail.select().where(OutgoingMail.payload_encrypted != "").count() == mails
    assert [row.token_hash for row in EmailToken.select()] == ["u"]
    assert [row.id for row in Invitation.select()] == [new.id] != [old.id]
    mail.enqueue_mail(demo.user, "passkey_added", once="old", name="x")
    assert mail.due_mails() == [row.id for row in OutgoingMail.select().where(OutgoingMail.due_at.is_null(False))]
    assert OutgoingMail.get(OutgoingMail.dedupe_key == "old").sent_at == long_ago, "the same mail is not sent again"
    assert list(integrity.find_inconsistencies()) == []
