"""The run history: filters and pages, one run, reimport, pending runs, and runs from before the connection."""

import re
from datetime import datetime, timedelta

import html5lib
import pytest

from core.clock import utcnow
from domain.outbox import mail as mails
from domain.payroll import intake
from jobs import mail_rendering
from models import (
    Batch,
    NmbrsCall,
    NmbrsConnection,
    OutgoingMail,
    PayrollCompany,
    PayrollRun,
    WebhookDelivery,
)
from tests.support.factories import Demo
from tests.support.intake import now_due, work
from tests.support.sandbox import Sandbox
from tests.support.web_client import WebClient

PART = {"HX-Request": "true"}


@pytest.fixture
def here(demo: Demo) -> str:
    return f"/{demo.client.public_id}/apps/nmbrs"


def text_of(page: str) -> str:
    root = html5lib.parse(page, treebuilder="lxml", namespaceHTMLElements=False)
    return re.sub(r"\s+", " ", " ".join(root.getroot().itertext()))


def read(owner: WebClient, path: str, **options) -> str:
    answer = owner.get(path, **options)
    assert answer.status_code == 200
    return text_of(answer.html)


def make_run(demo: Demo, number: int, company: PayrollCompany | None = None, **values) -> PayrollRun:
    usual = {
        "client": demo.client, "company": company or demo.company, "nmbrs_id": str(number), "number": number,
        "year": 2026, "description": f"run-{number}.", "state": "imported", "line_count": 3, "due_at": None,
        "period_start": 4, "period_end": 4,
    }  # fmt: skip
    return PayrollRun.create(**(usual | values))


# --- the list ---
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "imported"}, ("Klaargezet om te betalen",)),
        ({"state": "empty", "line_count": 0}, ("Geen betalingen in deze run",)),
        ({"state": "invalid", "reason": "bad_iban", "error_line": 7}, ("Niet klaargezet", "Regel 7:")),
        ({"state": "retrying", "reason": "try_again"}, ("Wordt opnieuw geprobeerd", "Nmbrs was niet bereikbaar.")),
        ({"state": "pending"}, ("Wordt opgehaald",)),
        ({"state": "deleted"}, ("Staat niet meer in Nmbrs", "Er is niets betaald.")),
        ({"state": "imported", "reason": "nothing_more"}, ("Niets meer te betalen", "opnieuw gedraaid")),
        ({"state": "imported", "reason": "overpaid"}, ("Te veel betaald", "al meer betaald")),
        ({"state": "imported", "reason": "try_again"}, ("Ophalen is nog niet gelukt",)),
        (
            {"state": "invalid", "reason": "not_allowed:CompanyService.SalaryDocuments_GetSEPA"},
            ("Dit account mag in Nmbrs niet: het betaalbestand ophalen.",),
        ),
    ],
)  # fmt: skip
def test_the_result_of_a_run(owner: WebClient, demo: Demo, here: str, values: dict, said: tuple[str, ...]):
    run = make_run(demo, 1, **values)
    for path in (here, f"{here}/historie/{run.id}"):
        shown = read(owner, path)
        assert [text for text in said if text not in shown] == []


def test_an_unlisted_run_is_marked(owner: WebClient, demo: Demo, here: str):
    make_run(demo, 1, unlisted_since=utcnow())
    assert "Staat niet meer in Nmbrs. De betaling kan nu niet doorgaan." in read(owner, here)


@pytest.fixture
def mixed(demo: Demo) -> PayrollCompany:
    """Runs of two companies, three periods and two results; returns the second company."""
    second = PayrollCompany.create(
        connection=demo.connection, client=demo.client, nmbrs_id="4410", stable_key="4410", number="4410",
        name="Duinrand",
    )  # fmt: skip
    make_run(demo, 1)
    make_run(demo, 2, period_start=5, period_end=5)
    make_run(demo, 3, second, state="invalid", reason="empty", period_start=4, period_end=5)
    make_run(demo, 4, state="before_connection")
    return second


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {1, 2, 3}),
        ("administratie={second}", {3}),
        ("administratie={first}", {1, 2}),
        ("periode=2026-4", {1, 3}),
        ("periode=2026-5", {2, 3}),
        ("resultaat=taken", {1, 2}),
        ("resultaat=taken&periode=2026-5", {2}),
        ("resultaat=older", {1, 2, 3}),
        ("administratie=&periode=&resultaat=", {1, 2, 3}),
        ("administratie=x&periode=2026&resultaat=y&toon=-3", {1, 2, 3}),
        ("administratie=99999999999999999999999&periode=2026-99999999999999999", {1, 2, 3}),
    ],
)
def test_the_filters(owner: WebClient, demo: Demo, here: str, mixed: PayrollCompany, query: str, shown: set[int]):
    path = f"{here}?{query.format(first=demo.company.id, second=mixed.id)}"
    for options in ({}, {"headers": PART}):
        page = read(owner, path, **options)
        assert {number for number in range(1, 5) if f"run-{number}." in page} == shown


def test_no_results_link_back_to_all(owner: WebClient, here: str, mixed: PayrollCompany):
    assert "Geen runs gevonden." in read(owner, f"{here}?resultaat=empty")


def test_the_form_shows_the_selected_filters(owner: WebClient, here: str, mixed: PayrollCompany):
    page = owner.get(f"{here}?administratie={mixed.id}&periode=2026-5&resultaat=refused").html
    for value in (mixed.id, "2026-5", "refused"):
        assert f'<option value="{value}" selected>' in page


def test_more_runs_can_be_shown(owner: WebClient, demo: Demo, here: str):
    for number in range(1, 31):
        make_run(demo, number, changed_at=utcnow() - timedelta(minutes=number))
    page = owner.get(f"{here}?resultaat=taken").html
    more = f"{here}?resultaat=taken&amp;toon=50"
    assert (page.count("/historie/"), f'href="{more}"' in page) == (25, True)
    rest = owner.get(more.replace("&amp;", "&"), headers=PART).html
    assert (rest.count("/historie/"), "Meer tonen" in rest) == (30, False)


def test_it_polls_only_during_an_import(owner: WebClient, demo: Demo, here: str):
    assert "every 5s" in owner.get(here).html
    run = make_run(demo, 1, state="pending")
    assert "every 5s" in owner.get(here).html
    PayrollRun.update(state="imported").where(PayrollRun.id == run.id).execute()
    assert "every 5s" not in owner.get(here).html


# --- one run ---
def test_a_run_shows_delivery_calls_and_results(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    body = b'{"Event": "<b>RunFinish</b>"}\x00'
    told = WebhookDelivery.create(
        client=demo.client, content_type="application/json", headers={"X": "secret"}, body=body
    )
    PayrollCompany.update(webhook_received_at=utcnow(), webhook_delivery_id=told.id).execute()
    (batch,) = work(demo)
    run = PayrollRun.get()
    page = owner.get(f"{here}/historie/{run.id}").html
    shown = text_of(page)
    assert "&lt;b&gt;RunFinish&lt;/b&gt;" in page
    assert "secret" not in page
    for text in (
        "april", "1 van", "Vergrendeld in Nmbrs ja", "application/json", "Salarisruns bekijken", "1 run",
        "CompanyService.SalaryDocuments_GetSEPA", f"CompanyId 9969 · RunID {run.nmbrs_id}", "bytes", "8 medewerkers",
        batch.reference, "Goedkeuring vereist", "Medewerkers zonder betaling 0",
    ):  # fmt: skip
        assert text in shown, text
    assert sandbox.credentials["nmbrs_token"] not in page
    assert f'href="/{demo.client.public_id}/betalingen/{batch.reference}"' in page


def test_what_is_technical_of_a_run_is_folded(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    work(demo)
    page = owner.open(f"{here}/historie/{PayrollRun.get().id}")
    folded = page.one("details:not([open])").text_content()
    plain = page.one("main").text_content().replace(folded, "")
    for text in ("Salarisruns bekijken", "CompanyService", "Vergrendeld", "Gevonden door", "Ontvangen gegevens"):
        assert text in folded and text not in plain, text
    for text in ("april", "Bankrekening", "Resultaat", "Goedkeuring vereist", "8 regels"):
        assert text in plain and text not in folded, text


def test_a_failure_shows_the_answer_of_nmbrs(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=3, webhook="none")
    sandbox.fault(nmbrs_no_sepa_right=True)
    assert work(demo) == []
    shown = read(owner, f"{here}/historie/{PayrollRun.get().id}")
    assert "Dit account mag in Nmbrs niet: het betaalbestand ophalen." in shown
    assert "1002" in shown or "Unauthorized" in shown
    assert "Er is geen betaling klaargezet. Er is niets betaald." in shown


def test_overpaid_employees_are_named(owner: WebClient, demo: Demo, here: str):
    run = make_run(demo, 1, reason="overpaid", overpaid=[["Jong, Wouter de", "NL42INGB2268352412", 344808]])
    shown = read(owner, f"{here}/historie/{run.id}")
    assert "Jong, Wouter de NL42 INGB 2268 3524 12" in shown
    assert "€ 3.448,08" in shown.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"count": 1}, "1 antwoord"), ({"bytes": 8214}, "8.214 bytes"), ({"empty": True}, "leeg"), ({}, "gelukt")],
)
def test_an_answer_is_summarised(owner: WebClient, demo: Demo, here: str, answer: dict, said: str):
    run = make_run(demo, 1)
    NmbrsCall.create(
        connection=demo.connection, company=demo.company, run=run, operation="DebtorService.WebhookSettings_Get",
        request={"DebtorId": "1"}, outcome="ok", response=answer, created_at=utcnow(),
    )  # fmt: skip
    shown = read(owner, f"{here}/historie/{run.id}")
    assert said in shown
    assert "DebtorId 1" in shown


def test_a_run_is_reimported(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=3, webhook="none")
    sandbox.fault(nmbrs_sepa_empty=True)
    assert work(demo) == []
    run = PayrollRun.get()
    path = f"{here}/historie/{run.id}"
    assert "Geen betalingen in deze run" in read(owner, path)
    sandbox.fault(nmbrs_sepa_empty=False)
    answer = owner.post(path)
    before = NmbrsCall.select().where(NmbrsCall.run == run.id).count()
    assert answer.status_code == 303
    follow = answer.headers["Location"]
    assert "every 2s" in owner.get(follow).html
    intake.import_run(run.id)
    assert NmbrsCall.select().where(NmbrsCall.run == run.id).count() > before
    page = owner.get(follow, headers=PART).html
    assert ("every 2s" in page, "Klaargezet om te betalen" in page) == (False, True)
    assert Batch.select().count() == 1
    owner.post(path)
    intake.import_run(run.id)
    assert Batch.select().count() == 1


def test_an_unknown_run_cannot_be_imported(owner: WebClient, demo: Demo, here: str):
    assert owner.get(f"{here}/historie/999").status_code == 404
    assert owner.post(f"{here}/historie/999").status_code == 404
    run = make_run(demo, 1, state="deleted")
    assert owner.post(f"{here}/historie/{run.id}").status_code == 404
    assert "Opnieuw ophalen" not in read(owner, f"{here}/historie/{run.id}")


# --- runs that need attention ---
def test_runs_of_unmapped_companies_are_shown(owner: WebClient, demo: Demo, here: str):
    company = PayrollCompany.create(
        connection=demo.connection, client=demo.client, nmbrs_id="4410", stable_key="4410", number="4410",
        name="Duinrand",
    )  # fmt: skip
    make_run(demo, 1, company, state="unmapped", description="april")
    page = owner.get(here).html
    assert "Nog niet gekoppeld" in page
    assert "4410 Duinrand" in page
    assert f'href="{here}/{demo.connection.id}/instellingen"' in page
    assert "1 run wacht op je keuze." in read(owner, f"{here}/{demo.connection.id}/instellingen")


def test_an_older_run_can_be_imported_after_a_warning(owner: WebClient, demo: Demo, here: str, sandbox: Sandbox):
    sandbox.run_payroll(lines=3, description="januari", webhook="none")
    NmbrsConnection.update(created_at=utcnow() + timedelta(days=1)).execute()
    assert work(demo) == []
    run = PayrollRun.get()
    assert run.state == "before_connection"
    assert "1 run van voor de koppeling." in read(owner, here)
    shown = read(owner, f"{here}/eerder")
    assert "Misschien al betaald" in shown
    assert "januari" in shown
    answer = owner.post(f"{here}/eerder", {"run": str(run.id)})
    assert (answer.status_code, answer.headers["Location"]) == (303, here)
    now_due(demo)
    assert intake.import_run(run.id) is not None
    assert "Er zijn geen eerdere runs" in read(owner, f"{here}/eerder")
    assert owner.post(f"{here}/eerder", {"run": str(run.id)}).status_code == 404
    assert owner.post(f"{here}/eerder", {"run": "x"}).headers["Location"] == f"{here}/eerder"


# --- mail ---
@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("bad_credentials", "Maak in Nmbrs een nieuw token"),
        ("not_allowed:CompanyService.Run_GetList", "heeft het recht CompanyService.Run_GetList niet meer"),
        ("disabled", "Neem contact op met Nmbrs"),
        ("quota_used_up", "De limiet voor verzoeken aan Nmbrs is bereikt"),
        ("something_new", "geen toegang meer"),
    ],
)
def test_the_owner_gets_a_mail_with_advice(
    owner: WebClient, demo: Demo, here: str, sandbox: Sandbox, problem: str, said: str
):
    mails.enqueue_mail(
        demo.user, "nmbrs_disturbed", once="x", client=demo.client, path=here, account="demo", problem=problem
    )  # fmt: skip
    assert mails.deliver_mail(OutgoingMail.get().id, mail_rendering.write)
    (mail, *_) = sandbox.control("GET", "inbox")
    assert mail["subject"] == "De verbinding van Demo BV met Nmbrs is verbroken"
    for text in (mail["text"], text_of(mail["html"])):
        assert "worden nu niet opgehaald uit Nmbrs" in re.sub(r"\s+", " ", text)
        assert said in re.sub(r"\s+", " ", text)
    assert f"http://localhost:8000{here}" in mail["links"]


def test_times_are_in_amsterdam_time(owner: WebClient, demo: Demo, here: str):
    run = make_run(demo, 1, run_at=datetime.fromisoformat("2026-07-01T10:00:00+00:00"))
    assert "01-07-2026 12:00:00" in read(owner, f"{here}/historie/{run.id}")
