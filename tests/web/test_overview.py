"""The overview: what needs attention, what is blocked, and what is in progress."""

import re
from datetime import timedelta
from typing import Any

import html5lib
import pytest

from core.clock import utcnow
from domain.payroll import intake, run_discovery
from models import Batch, Client, NmbrsConnection, PayrollRun
from tests.support.factories import LINES, Demo, make_client, make_demo, make_user
from tests.support.intake import now_due
from tests.support.orders import put_at_bank, set_line
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient
from tests.web.test_team import joined

PART = {"HX-Request": "true", "HX-Target": "nu"}
DONE = "je bent helemaal bij."


@pytest.fixture
def here(demo: Demo) -> str:
    return f"/{demo.client.public_id}/overzicht"


def read(owner: WebClient, path: str) -> str:
    answer = owner.get(path)
    assert answer.status_code == 200
    root = html5lib.parse(answer.html, treebuilder="lxml", namespaceHTMLElements=False)
    return re.sub(r"\s+", " ", " ".join(root.getroot().find(".//main").itertext()))


def run(demo: Demo, number: int = 1, **values: Any) -> PayrollRun:
    usual = {
        "client": demo.client, "company": demo.company, "nmbrs_id": str(number), "number": number, "year": 2026,
        "description": f"run-{number}", "state": "invalid", "reason": "bad_amount", "error_line": 7, "due_at": None,
    }  # fmt: skip
    return PayrollRun.create(**(usual | values))


def test_nothing_to_do(owner: WebClient, here: str):
    assert DONE in read(owner, here)


# --- blocked ---
def test_a_failing_connection_needs_attention(owner: WebClient, demo: Demo, here: str):
    NmbrsConnection.update(status="failing", error_code="bad_credentials").execute()
    page = read(owner, here)
    assert "er is één ding te doen." in page
    assert "De verbinding met Nmbrs is verbroken" in page
    assert "Maak in Nmbrs een nieuw token en vul het hier in." in page
    NmbrsConnection.update(removed_at=utcnow()).execute()
    assert "verbroken" not in read(owner, here)


def test_a_temporary_failure_needs_no_action(owner: WebClient, here: str):
    NmbrsConnection.update(status="failing", error_code="unreachable").execute()
    page = read(owner, here)
    assert "De verbinding met Nmbrs is verbroken" in page
    assert "We blijven het proberen." in page
    assert DONE in page


def test_a_failed_run_is_shown(owner: WebClient, demo: Demo, here: str):
    refused = run(demo)
    page = read(owner, here)
    assert "er is één ding te doen." in page
    assert "Demo BV, run-1 is niet klaargezet" in page
    assert "Regel 7: Het betaalbestand bevat een ongeldig bedrag. Er is niets betaald." in page
    links = re.findall(r'href="([^"]+historie[^"]+)"', owner.get(here).html)
    assert links == [f"/{demo.client.public_id}/apps/nmbrs/historie/{refused.id}"]


@pytest.mark.parametrize(
    "after",
    [
        {"number": 2, "state": "imported"},
        {"number": 1, "year": 2027, "state": "imported"},
        {"number": 3, "state": "pending"},
    ],
)
def test_a_newer_run_settles_a_failed_one(owner: WebClient, demo: Demo, here: str, after: dict[str, Any]):
    run(demo)
    run(demo, nmbrs_id="9", **after)
    assert "is niet klaargezet" not in read(owner, here)


@pytest.mark.parametrize(
    "other", [{"number": 2, "kind": "wage_tax", "state": "imported"}, {"number": 0, "state": "imported"}]
)
def test_a_run_of_another_period_does_not_settle_it(owner: WebClient, demo: Demo, here: str, other: dict[str, Any]):
    run(demo)
    run(demo, nmbrs_id="9", **other)
    assert "is niet klaargezet" in read(owner, here)


def test_a_failed_run_is_shown_for_two_weeks(owner: WebClient, demo: Demo, here: str):
    run(demo, changed_at=utcnow() - timedelta(days=13))
    assert "is niet klaargezet" in read(owner, here)
    PayrollRun.update(changed_at=utcnow() - timedelta(days=15)).execute()
    assert "is niet klaargezet" not in read(owner, here)


def test_runs_of_unmapped_companies(owner: WebClient, demo: Demo, here: str):
    run(demo, 1, state="unmapped", reason=None)
    run(demo, 2, state="unmapped", reason=None)
    page = read(owner, here)
    assert "er is één ding te doen." in page
    assert "Voor 2 runs is nog geen bankrekening gekozen." in page


def test_other_clients_are_not_shown(owner: WebClient, here: str):
    other = make_demo()
    run(other)
    run(other, 2, state="unmapped")
    run(other, 3, state="pending")
    NmbrsConnection.update(status="failing", error_code="bad_credentials").where(
        NmbrsConnection.client == other.client.id
    ).execute()
    assert DONE in read(owner, here)
    assert make_client(make_user()).client.public_id not in read(owner, here)


# --- in progress ---
def test_the_page_polls_during_an_import(owner: WebClient, demo: Demo, sandbox: Sandbox, here: str):
    sandbox.run_payroll(lines=8, description="april", webhook="none")
    now_due(demo)
    run_discovery.discover_runs(demo.company.id)
    page = owner.get(here).html
    assert "Wordt opgehaald uit Nmbrs" in page
    assert "Wordt opgehaald" in page
    [again] = re.findall(rf'hx-get="({here}\?seen=\w+)"', page)
    quiet = owner.get(again, headers=PART)
    assert (quiet.status_code, quiet.get_data()) == (204, b"")
    assert owner.get(again).status_code == 200, "a page that is opened there is a page"
    [made] = [one for run_id in intake.due_runs() if (one := intake.import_run(run_id))]
    part = owner.get(again, headers=PART).html
    assert 'id="nu"' in part
    assert "<main" not in part
    assert "er staat één betaling klaar." in part
    assert "Je betaling staat klaar." in part
    assert made.reference in part
    assert "hx-trigger" not in part, "nothing more is coming"
    assert Batch.select().count() == 1


# --- iOS splash images ---
def test_an_iphone_gets_splash_images(owner: WebClient, here: str):
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
    page = owner.get(here, headers={"User-Agent": agent}).html
    found = re.findall(r'<link rel="apple-touch-startup-image" media="([^"]+)" href="([^"]+)">', page)
    assert len(found) == 42
    assert "startup-image" not in owner.get(here).html


# --- what was paid ---
def paid(demo: Demo, number: int = 1) -> Batch:
    batch = demo.batch(number=number)
    put_at_bank(batch, "executed", "paid")
    return batch


def test_what_was_paid_stands_per_month(owner: WebClient, demo: Demo, here: str):
    assert not owner.open(here).all(".plot")
    paid(demo)
    page = owner.open(here)
    assert "€ 8.559,16" in page.says(".plot .latest")
    assert len(page.all(".plot tbody tr")) == 6
    assert "€ 8.559,16" in page.says(".plot tbody tr:first-child")
    assert "Loonheffing" not in page.says(".plot")


def test_bars_stay_in_the_drawing(owner: WebClient, demo: Demo, here: str):
    Batch.update(kind="wage_tax").where(Batch.id == paid(demo).id).execute()
    paid(demo, 2)
    page = owner.open(here)
    bars = [{name: int(bar.get(name, "")) for name in ("y", "height")} for bar in page.all(".plot rect")]
    assert [(bar["y"], bar["height"]) for bar in bars] == [(50, 50), (0, 50)]
    assert "Loonheffing" in page.says(".plot .legend")


def test_members_who_see_no_salaries_see_no_plot(site: Site, demo: Demo, here: str):
    paid(demo)
    preparer = joined(demo, "Naomi Meijer", "preparer")
    assert site.person(preparer).open(here).all(".plot")
    Client.update(hide_lines_from_preparers=True).execute()
    assert not site.person(preparer).open(here).all(".plot")


def test_a_paid_payment_says_how_many_were_not(owner: WebClient, demo: Demo, here: str):
    whole, partly = paid(demo), paid(demo, 2)
    for line in LINES[:2]:
        set_line(partly, line[1], "unpaid")
    Batch.update(state="partly_executed").where(Batch.id == partly.id).execute()
    page = owner.open(here)
    assert page.says(".beneath a") == "2 niet betaald"
    assert page.value(".beneath a", "href").endswith("/betalingen/niet-betaald")
    assert partly.reference in page.value("a.task:has(+ .beneath)", "href")
    assert whole.reference in page.html


def test_nobody_is_greeted_by_the_clock(owner: WebClient, here: str):
    assert "Hallo Wouter, je bent helemaal bij." in read(owner, here)
