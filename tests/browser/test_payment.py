"""From a payroll run to an executed payment, on a phone."""

import subprocess
import sys
from datetime import date

import pytest
from playwright.sync_api import expect

from tests.support.mobile_page import Phone, is_marked, mark
from tools.dev_stack import ROOT

pytestmark = pytest.mark.browser

WHOLE, WITHOUT_FIRST = "€ 19.806,08", "€ 16.358,00"  # 3,448.08 less
MAIN, SECOND = "NL95 INGB 0004 9218 36", "NL64 TRIO 0379 5016 86"


def test_a_payroll_run_is_paid(returning: Phone):
    phone = returning
    phone.from_the_mailbox()
    checks_the_new_accounts(phone)
    sees_the_payment(phone)
    strikes_a_line_and_takes_it_back(phone)
    day = changes_day_and_account(phone)
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.shot("36-wacht-op-ondertekening")
    signs_at_the_bank(phone)
    phone.state("Ondertekend")
    phone.shot("38-ondertekend", whole=True)
    mark(phone)
    executes(phone, day)
    phone.state("Uitgevoerd")
    assert is_marked(phone)
    phone.shot("39-uitgevoerd", whole=True)
    phone.expect_accessible()
    sees_it_everywhere(phone)


def checks_the_new_accounts(phone: Phone) -> None:
    """The first payment: one box, which opens, and one tap that answers all of it."""
    mark(phone)
    phone.sees("8 nieuwe rekeningnummers", "Aan deze mensen betaal je hier voor het eerst.")
    phone.shot("29-nieuwe-rekeningen")
    phone.shot_both("29-nieuwe-rekeningen")
    phone.expect_accessible()
    phone.page.get_by_text("Bekijk de 8 mensen").click()
    phone.sees("Eerste betaling: € 3.448,08 naar NL42 INGB 2268 3524 12.")
    phone.shot("29-nieuwe-rekeningen-open", whole=True)
    phone.expect_accessible()
    phone.button("Telefonisch").first.click()
    phone.sees("8 nieuwe rekeningnummers. Nagevraagd (")
    assert is_marked(phone)


def sees_the_payment(phone: Phone) -> None:
    expect(phone.page).to_have_title("Betaling 19.806,08 · Demo BV · Bizcuit")
    phone.sees("Demo BV", "Goedkeuring vereist", "Jong, Wouter de", "NL42 INGB 2268 3524 12")
    expect(phone.page.get_by_role("heading", name="Betaling 19.806,08")).to_be_attached()
    expect(phone.page.locator("li.line")).to_have_count(8)
    expect(phone.pay_button).to_have_text(f"Betaal {WHOLE}")
    expect(phone.pay_button).to_be_in_viewport()
    phone.shot("30-betaling")
    phone.shot("30-betaling-heel", whole=True)
    phone.shot_both("30-betaling")
    phone.expect_accessible()


def strikes_a_line_and_takes_it_back(phone: Phone) -> None:
    mark(phone)
    first = phone.line("Jong, Wouter de")
    first.get_by_role("button", name="Niet betalen").click()
    expect(phone.pay_button).to_have_text(f"Betaal {WITHOUT_FIRST}")
    expect(phone.page.locator("#hero")).to_contain_text("16.358,00")
    expect(phone.page.locator("#hero")).to_contain_text("7 van 8 regels")
    expect(first).to_contain_text("Later betalen")
    phone.shot("31-weggestreept", whole=True)
    phone.expect_accessible()
    first.get_by_role("button", name="Betalen: Jong, Wouter de", exact=True).click()
    expect(phone.pay_button).to_have_text(f"Betaal {WHOLE}")
    expect(phone.page.locator("#hero")).to_contain_text("8 regels")
    expect(phone.button("Alle regels toch betalen")).to_be_hidden()
    assert is_marked(phone)


def changes_day_and_account(phone: Phone) -> str:
    """Change date and account; return the chosen date, as 2026-11-24."""
    phone.link("Datum en rekening wijzigen").click()
    phone.heading("Betaling aanpassen")
    phone.shot("32-kalender", whole=True)
    day = chooses_a_later_day(phone)
    account = phone.page.get_by_role("radio", name=SECOND)
    expect(account.locator("xpath=..")).to_contain_text("€")
    account.check()
    phone.shot("33-andere-dag", whole=True)
    phone.button("Bevestig wijzigingen").click()
    phone.heading("Betaalopdracht")
    phone.sees("De betaling is aangepast.")
    chosen = date.fromisoformat(day)
    expect(phone.link("Uitvoeren op")).to_contain_text(str(chosen.day))
    phone.sees("In Nmbrs staat een andere bankrekening")
    phone.shot("34-aangepast", whole=True)
    return day


def chooses_a_later_day(phone: Phone) -> str:
    """View the later weeks and return; choose the first possible later date."""
    month = phone.page.locator("#calendar .month b")
    here = month.inner_text()
    mark(phone)
    phone.link("Latere weken").click()
    expect(month).not_to_have_text(here)
    beyond = phone.days()
    phone.link("Eerdere weken").click()
    expect(month).to_have_text(here)
    days = [day for day in phone.days() if day > phone.chosen_day()]
    if not days:
        phone.link("Latere weken").click()
        expect(month).not_to_have_text(here)
        days = beyond
    phone.page.locator(f"#dag-{days[0]}").check()
    assert is_marked(phone)
    return days[0]


def signs_at_the_bank(phone: Phone) -> None:
    phone.button("Onderteken bij").click()
    phone.heading("Ondertekenen")
    phone.sees("Totaal", "19.806,08", "8 betalingen")
    phone.shot("37-bank")
    phone.button("Ondertekenen").click()
    phone.heading("Betaalopdracht")


def executes(phone: Phone, day: str) -> None:
    """Advance the bank's day to the chosen date."""
    today = phone.page.request.get(f"{phone.house.sandbox_url}/control/clock").json()["bank_day"]
    days = (date.fromisoformat(day) - date.fromisoformat(today)).days
    phone.control("POST", "clock", {"advance_days": days})


def sees_it_everywhere(phone: Phone) -> None:
    phone.page.get_by_role("navigation").get_by_role("link", name="Betalingen").click()
    phone.heading("Betalingen")
    phone.sees("Uitgevoerd", "19.806,08")
    phone.shot("40-betalingen")
    phone.link("Overzicht").click()
    phone.shot("41-overzicht")
    phone.link("Instellingen").click()
    phone.shot("42-instellingen", whole=True)


def test_delegated_sca_uses_the_pin(wouter: Phone):
    phone = wouter
    phone.control("PUT", "banks/redirect", {"signing": "delegated"})
    phone.to_the_payment()
    phone.until(lambda: phone.page.locator("#pay-place a.button").is_visible())
    phone.pay_button.click()
    phone.heading("Keur de betaling goed met je pincode")
    phone.sees("19.806,08", "Aantal posten", MAIN, "Referentie")
    phone.shot("60-pincode")
    phone.page.set_viewport_size({"width": 375, "height": 667})
    expect(phone.page.locator("[data-key='0']")).to_be_in_viewport(ratio=1)
    phone.expect_accessible()
    types_pin(phone, "135790")
    phone.sees("Deze pincode klopt niet. Je kunt het nog 4 keer proberen")
    expect(phone.page.get_by_label("Pincode")).to_have_value("")
    phone.shot("61-pincode-verkeerd")
    types_pin(phone, phone.person.pin)
    phone.heading("Betaalopdracht")
    phone.state("Ondertekend")
    phone.shot("62-getekend-met-pincode")


def types_pin(phone: Phone, pin: str) -> None:
    """Type the PIN on the keypad; the sixth digit submits it."""
    for digit in pin:
        phone.page.locator(f"[data-key='{digit}']").click()


@pytest.mark.thorough
def test_a_payment_over_the_limit_shows_a_contact(wouter: Phone):
    phone = wouter
    phone.to_the_payment()
    client = phone.page.url.removeprefix(phone.house.base_url).split("/")[1]
    set_limit(phone, client, "19806.07")
    phone.pay_button.click()
    phone.sees("De betaallimiet wordt overschreden", "Er is niets betaald", "€ 19.806,07 per betaling")
    expect(phone.page.locator("main").get_by_text("support@bizcuit.nl")).to_be_visible()
    phone.state("Goedkeuring vereist")
    phone.shot("70-betaallimiet")
    phone.expect_accessible()
    set_limit(phone, client, "19806.08")
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")


def set_limit(phone: Phone, client: str, euros: str) -> None:
    """Set a limit, as an operator does."""
    command = ["flask", "--app", "app", "limits", "set", client, MAIN.replace(" ", ""), "--payment", euros]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=phone.house.environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
