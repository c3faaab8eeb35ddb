"""The automatic webhook, its URL and its status on the page."""

import re
from datetime import timedelta

import pytest

from core.clock import utcnow
from domain.payroll import permission_check, webhook_keys, webhook_registration
from models import NmbrsConnection, NmbrsDebtor, PayrollCompany, WebhookDelivery, WebhookKey
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient

SIGNAL = {"HX-Request": "true", "HX-Target": "seintje"}


@pytest.fixture
def path(demo: Demo) -> str:
    """The path of a connection with known debtors."""
    connection = NmbrsConnection.get_by_id(demo.connection.id)
    permission_check.schedule_permission_checks(connection)
    permission_check.run_permission_checks(connection.id)
    return f"/{demo.client.public_id}/apps/nmbrs/{demo.connection.id}/instellingen"


def part(owner: WebClient, path: str) -> str:
    """Return what htmx polls."""
    return re.sub(r"\s+", " ", owner.get(path, headers=SIGNAL).html)


def worked(demo: Demo) -> None:
    """Run the worker's jobs for the scheduled debtors."""
    for debtor_id in webhook_registration.due_webhook_debtors():
        webhook_registration.reconcile_webhook(debtor_id)


def installed_at_nmbrs(sandbox: Sandbox) -> list[str]:
    told = sandbox.control("GET", "nmbrs/webhooks")
    return [hook["endpoint"] for debtor in told for hook in debtor["settings"]]


# --- installation ---
def test_one_tap_installs_it_and_the_page_polls(owner: WebClient, demo: Demo, path: str, sandbox: Sandbox):
    page = owner.get(path).html
    assert "Automatische melding aanzetten" in page
    assert "<details open>" in page
    assert webhook_keys.webhook_url(demo.client) in page
    answer = owner.post(path, {"daarna": "seintje"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}#seintje")
    going = part(owner, path)
    assert ("wordt aangezet" in going, 'hx-trigger="every 2s"' in going) == (True, True)
    worked(demo)
    done = part(owner, path)
    assert "geïnstalleerd, gecontroleerd" in done
    assert 'hx-trigger="every 5s"' in done
    assert installed_at_nmbrs(sandbox) == [webhook_keys.webhook_url(demo.client)]
    assert "Automatische melding aanzetten" not in done
    assert "<details open>" not in owner.get(path).html


def test_the_same_tap_saves_the_mapping(owner: WebClient, demo: Demo, path: str):
    PayrollCompany.update(bank_account=None, mapped_at=None).execute()
    assert "Kies eerst een bankrekening hierboven" in part(owner, path)
    owner.post(path, {"daarna": "seintje", f"company-{demo.company.id}": str(demo.account.id)})
    assert PayrollCompany.get_by_id(demo.company.id).bank_account_id == demo.account.id
    worked(demo)
    assert "geïnstalleerd" in part(owner, path)


def test_without_a_mapped_company_there_is_nothing_to_install(owner: WebClient, demo: Demo, path: str):
    PayrollCompany.update(bank_account=None, mapped_at=None).execute()
    owner.post(path, {"daarna": "seintje"})
    assert "Kies hierboven een bankrekening bij een administratie." in part(owner, path)


def test_an_unknown_debtor_needs_manual_steps(owner: WebClient, demo: Demo, path: str):
    PayrollCompany.update(debtor=None).execute()
    owner.post(path, {"daarna": "seintje"})
    assert "De debiteur van je administratie is niet zichtbaar" in part(owner, path)
    assert "<details open>" in owner.get(path).html


def test_without_permission_the_manual_steps_are_open(owner: WebClient, demo: Demo, path: str, sandbox: Sandbox):
    sandbox.fault(nmbrs_no_webhook_right=True)
    owner.post(path, {"daarna": "seintje"})
    worked(demo)
    told = part(owner, path)
    assert "recht ontbreekt" in told
    assert "DebtorService › WebhookSettings_Get aan te vinken." in told
    assert "Probeer opnieuw" in told
    page = owner.get(path).html
    assert "<details open>" in page
    assert all(step in page for step in ("Zoek debiteur", "Webhook instellingen", "Kopieer", "Run Einde op Actief"))


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("2044", "Nmbrs accepteert alleen een adres dat met https:// begint."),
        ("try_again", "Nmbrs was niet bereikbaar."),
        ("bad_credentials", "De combinatie van e-mailadres en token werkt niet meer in Nmbrs."),
    ],
)
def test_failures_are_shown(owner: WebClient, demo: Demo, path: str, problem: str, said: str):
    NmbrsConnection.update(webhooks_requested_at=utcnow()).execute()
    NmbrsDebtor.update(webhook_status="failed", webhook_problem=problem, webhook_checked_at=utcnow()).execute()
    told = part(owner, path)
    assert "mislukt" in told
    assert said in told


def test_each_visit_checks_and_repairs(owner: WebClient, demo: Demo, path: str, sandbox: Sandbox):
    owner.post(path, {"daarna": "seintje"})
    worked(demo)
    (hook,) = sandbox.control("GET", "nmbrs/webhooks")
    assert webhook_registration.due_webhook_debtors() == []
    NmbrsDebtor.update(webhook_checked_at=utcnow() - timedelta(minutes=2)).execute()
    part(owner, path)
    assert webhook_registration.due_webhook_debtors() == []  # polling is not a visit
    owner.get(path)
    assert len(webhook_registration.due_webhook_debtors()) == 1
    worked(demo)
    assert sandbox.control("GET", "nmbrs/webhooks") == [hook]


# --- status ---
def test_the_first_delivery_is_shown(owner: WebClient, demo: Demo, path: str, site: Site):
    before = part(owner, path)
    assert ("Nog geen automatische melding" in before, "De automatische melding werkt" in before) == (True, False)
    address = webhook_keys.webhook_url(demo.client)
    site.person().client.post(address.removeprefix("http://localhost:8000"), data="rubbish")
    after = part(owner, path)
    assert ("Nog geen automatische melding" in after, "De automatische melding werkt" in after) == (False, True)
    overview = owner.get(f"/{demo.client.public_id}/apps/nmbrs").html
    assert f"{WebhookDelivery.get().received_at:%Y}" in overview
    assert "Automatische melding aanzetten" not in overview


def test_the_overview_offers_installation(owner: WebClient, demo: Demo, path: str):
    overview = f"/{demo.client.public_id}/apps/nmbrs"
    assert "Automatische melding aanzetten" in owner.get(overview).html
    owner.post(path, {"daarna": "seintje"})
    assert "Automatische melding aanzetten" not in owner.get(overview).html


def test_rest_shows_the_polling_interval(owner: WebClient, demo: Demo, path: str):
    NmbrsConnection.update(api="rest", token_encrypted="").execute()
    told = part(owner, path)
    assert "op werkdagen van 7 tot 19 uur elke 5 minuten" in told
    page = owner.get(path).html
    for text in ("Zelf instellen", (
        "Automatische melding aanzetten"
    ), "Adres vernieuwen", "Nieuw token", "Overstappen"):
        assert text not in page
    assert "Opnieuw toestemming geven" in page


# --- the URL ---
@pytest.mark.parametrize(("keep", "hours"), [("1", 1), ("24", 24), ("168", 168), ("720", 720)])
def test_the_old_url_remains_valid_for_the_chosen_time(owner: WebClient, demo: Demo, path: str, keep: str, hours: int):
    old = webhook_keys.webhook_url(demo.client)
    renew = path.replace("instellingen", "adres")
    answer = owner.post(renew, {"keep": keep})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}#seintje")
    assert webhook_keys.webhook_url(demo.client) != old
    until = webhook_keys.previous_key_expires_at(demo.client)
    assert until is not None
    assert abs(until - utcnow() - timedelta(hours=hours)) < timedelta(minutes=1)
    page = owner.get(path).html
    assert "Het oude adres werkt nog tot" in page
    assert (webhook_keys.webhook_url(demo.client) in page, old in page) == (True, False)
    assert "Het vorige adres werkt nog tot" in owner.get(renew).html


def test_the_old_url_can_end_at_once(owner: WebClient, demo: Demo, path: str):
    owner.post(path.replace("instellingen", "adres"), {"keep": "0"})
    assert webhook_keys.previous_key_expires_at(demo.client) is None
    assert "Het oude adres" not in owner.get(path).html


def test_installed_webhooks_get_the_new_url(owner: WebClient, demo: Demo, path: str, sandbox: Sandbox):
    owner.post(path, {"daarna": "seintje"})
    worked(demo)
    owner.post(path.replace("instellingen", "adres"), {"keep": "24"})
    worked(demo)
    assert installed_at_nmbrs(sandbox) == [webhook_keys.webhook_url(demo.client)]


@pytest.mark.parametrize("keep", ["", "2", "-1", "1e9", "x"])
def test_an_unknown_period_is_refused(owner: WebClient, demo: Demo, path: str, keep: str):
    answer = owner.post(path.replace("instellingen", "adres"), {"keep": keep})
    assert (answer.status_code, "Kies hoelang." in answer.html) == (422, True)
    assert WebhookKey.select().count() == 1
