"""The connection to Nmbrs on a phone: from nothing to a working webhook, and a missing permission."""

import itertools
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import known
from tests.support.mobile_page import PATIENCE, Phone, is_marked, mark, newcomer
from tools.demo_journey import ONBOARDING, DemoJourney
from tools.dev_stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

_emails = (f"nmbrs{number}@demobv.example" for number in itertools.count(1))


@pytest.fixture(params=[True, False], ids=["scripts", "plain"])
def phone(request, house: Stack, take: Callable[..., Phone]) -> Phone:
    """The phone of someone with a linked bank and no connection to Nmbrs."""
    story = DemoJourney(house.base_url, house.sandbox_url)
    story.person = newcomer(house, next(_emails))
    for step in itertools.takewhile(lambda step: step is not DemoJourney.connect_nmbrs, ONBOARDING):
        step(story)
    return known(take, story, scripts=request.param)


def test_the_connection_is_set_up_and_works(phone: Phone):
    connects(phone)
    sees_what_it_may(phone)
    chooses_an_account_and_the_webhook(phone)
    sees_the_webhook_work(phone)
    opens_the_run(phone)
    looks_at_what_keeps_it(phone)
    moves_to_the_later_interface(phone)


def test_a_missing_permission_is_shown_and_solved(phone: Phone):
    phone.control("POST", "faults", {"nmbrs_no_sepa_right": True})
    phone.control("POST", "runs", {"company": "9969", "lines": 3})
    connects(phone)
    row = phone.page.locator("#recht-sepa_file")
    shows(phone, row, "CompanyService › SalaryDocuments_GetSEPA aan te vinken")
    row.get_by_text("In English").click()
    expect(row.locator("[lang=en]")).to_be_visible()
    phone.shot("52-recht-ontbreekt", whole=True)
    phone.expect_accessible()
    phone.control("POST", "faults", {"nmbrs_no_sepa_right": False})
    phone.button("Opnieuw controleren").click()
    shows(phone, row, "in orde")


def connects(phone: Phone) -> None:
    phone.open("/apps/nmbrs")
    phone.sign_in()
    phone.link("Verbind je Nmbrs account").click()
    phone.page.get_by_label("E-mailadres").fill(phone.person.nmbrs_user)
    phone.page.locator("#token").fill(phone.person.nmbrs_token)
    phone.shot("50-nmbrs-toevoegen", whole=True)
    phone.expect_accessible()
    phone.button("Test en sla op").click()
    phone.sees("Verbinding maken gelukt!")
    phone.heading("Rechten in Nmbrs")


def shows(phone: Phone, place, text: str) -> None:
    """Wait for a text: the page polls; without JavaScript it is reloaded."""
    if phone.scripts:
        expect(place).to_contain_text(text, timeout=PATIENCE)
    else:
        phone.until(lambda: text in (place.text_content() or ""))


def sees_what_it_may(phone: Phone) -> None:
    if phone.scripts:
        mark(phone)
    shows(phone, phone.page.locator("#recht-runs"), "in orde")
    shows(phone, phone.page.locator("#rechten"), "Alle rechten zijn in orde")
    assert not phone.scripts or is_marked(phone)
    phone.shot("51-rechten", whole=True)
    phone.expect_accessible()
    phone.link("Verder").click()


def chooses_an_account_and_the_webhook(phone: Phone) -> None:
    phone.sees("We gebruiken je Nmbrs account genaamd", "jouw KvK-nummer")
    choice = phone.page.get_by_label("9969")
    choice.select_option(choice.locator("option").filter(has_text="NL95").get_attribute("value"))
    phone.shot("53-instellingen", whole=True)
    phone.expect_accessible()
    phone.button("Automatische melding aanzetten").click()
    shows(phone, phone.page.locator("#seintje"), "geïnstalleerd, gecontroleerd")
    expect(phone.page.get_by_label("9969").locator("option:checked")).to_contain_text("NL95")
    expect(phone.page.locator("#seintje")).to_contain_text("Nog geen automatische melding")
    phone.shot("54-geinstalleerd", whole=True)
    phone.expect_accessible()


def sees_the_webhook_work(phone: Phone) -> None:
    phone.control("POST", "runs", {"company": "9969", "lines": 8, "description": "april"})
    shows(phone, phone.page.locator("#seintje"), "De automatische melding werkt")
    phone.shot("55-seintje-werkt", whole=True)
    phone.button("Opslaan en terug").click()
    phone.sees("Er is een actieve verbinding met Nmbrs")


def opens_the_run(phone: Phone) -> None:
    shows(phone, phone.page.locator("#historie"), "Klaargezet om te betalen")
    phone.shot("56-nmbrs", whole=True)
    phone.expect_accessible()
    phone.page.locator("#historie a.task").first.click()
    phone.heading("Salarisrun")
    phone.sees("RunFinish", "CompanyService.SalaryDocuments_GetSEPA", "19.806,08")
    phone.shot("57-salarisrun", whole=True)
    phone.expect_accessible()


def looks_at_what_keeps_it(phone: Phone) -> None:
    phone.open("/apps/nmbrs")
    for name in ("Adres vernieuwen", "Nieuw token", "Verbinding verwijderen"):
        phone.link("App instellingen tonen").click()
        phone.link(name).click()
        phone.heading(name)
        phone.expect_accessible()
        phone.link("Annuleren").click()
        phone.link("Terug").click()


def moves_to_the_later_interface(phone: Phone) -> None:
    """Migrate to REST through Nmbrs's own page, which the CSP must allow."""
    phone.link("App instellingen tonen").click()
    phone.link("Overstappen naar de nieuwe Nmbrs-koppeling").click()
    phone.expect_accessible()
    phone.button("Ga naar Nmbrs").click()
    phone.button("Toestaan").click()
    phone.sees("Verbinding maken gelukt!", "op werkdagen van 7 tot 19 uur elke 5 minuten")
    expect(phone.page.get_by_label("9969").locator("option:checked")).to_contain_text("NL95")
    phone.shot("58-overgestapt", whole=True)
    phone.expect_accessible()
