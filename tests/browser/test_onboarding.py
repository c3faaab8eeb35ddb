"""From registration to a webhook URL, on a phone."""

import pytest
from playwright.sync_api import expect

from tests.support.mobile_page import Phone

pytestmark = pytest.mark.browser


def test_the_whole_setup(stranger: Phone):
    phone = stranger
    register(phone)
    confirm_by_mail(phone)
    choose_pin(phone)
    identify(phone)
    link_bank(phone)
    connect_nmbrs(phone)
    choose_account(phone)
    copy_webhook_address(phone)


def register(phone: Phone) -> None:
    phone.open("/registreren")
    phone.shot("01-registreren")
    phone.page.get_by_label("Je naam").fill(phone.person.name)
    phone.page.get_by_label("E-mailadres").fill(phone.person.email)
    phone.page.get_by_label("Wachtwoord", exact=True).fill(phone.person.password)
    phone.page.get_by_label("Naam van je bedrijf").fill(phone.person.company_name)
    phone.page.get_by_label("KvK-nummer").fill("6875011")
    phone.button("Account aanmaken").click()
    expect(phone.error_of("KvK-nummer")).to_contain_text("acht cijfers")
    expect(phone.page.get_by_label("Naam van je bedrijf")).to_have_value("Demo BV")
    expect(phone.page.get_by_label("Wachtwoord", exact=True)).to_have_value("")
    phone.shot("02-registreren-fout", whole=True)
    phone.page.get_by_label("Wachtwoord", exact=True).fill(phone.person.password)
    phone.page.get_by_label("KvK-nummer").fill(phone.person.kvk_number)
    phone.button("Account aanmaken").click()
    phone.heading("Open je mail")
    phone.shot("03-kijk-in-je-mail")


def confirm_by_mail(phone: Phone) -> None:
    phone.open_mail("/bevestigen/")
    phone.press_mail_button("Bevestig mijn e-mailadres")
    phone.shot("05-bevestigen")
    phone.page.get_by_role("button", name="Bevestig").click()
    phone.sees("Je e-mailadres is bevestigd")
    phone.shot("06-inloggen")
    phone.sign_in()
    phone.sees("Stel nog een paar dingen in, dan kun je betalen.")
    phone.shot("07-welkom", whole=True)


def choose_pin(phone: Phone) -> None:
    phone.link("Pincode kiezen").last.click()
    types_twice(phone, "123456", "123456")
    expect(phone.page.locator("#pad-pin .error")).to_be_visible()
    phone.shot("08-pincode-te-makkelijk")
    types_twice(phone, phone.person.pin, "274917")
    expect(phone.page.locator("#pad-pin .error")).to_contain_text("niet gelijk")
    types_twice(phone, phone.person.pin, phone.person.pin)


def types_twice(phone: Phone, chosen: str, repeated: str) -> None:
    """Type the PIN on the keypad, and on the one that takes its place; both keypads are whole on the screen."""
    if not phone.scripts:
        phone.page.get_by_label("Kies een pincode").fill(chosen)
        phone.page.get_by_label("Herhaal de pincode").fill(repeated)
        phone.button("Pincode instellen").click()
        return
    for pad, digits in (("#pad-pin", chosen), ("#pad-again", repeated)):
        expect(phone.page.locator(f"{pad} [data-key='0']")).to_be_in_viewport(ratio=1)
        for digit in digits:
            phone.page.locator(f"{pad} [data-key='{digit}']").click()
    expect(phone.button("Pincode instellen")).to_be_in_viewport(ratio=1)
    phone.button("Pincode instellen").click()


def identify(phone: Phone) -> None:
    phone.link("Identificeren met iDIN").last.click()
    phone.sees("Gebruik je privé bankpas", "Alleen je naam en geboortedatum worden gedeeld", "KvK 68750110")
    phone.shot("09-identificatie")
    phone.button("Identificeer met iDIN").click()
    phone.heading("Wie ben je?")
    phone.shot("10-broker")
    phone.button("W. de Jong").click()
    phone.sees("mag voor Demo BV tekenen")
    phone.shot("11-geidentificeerd")


def link_bank(phone: Phone) -> None:
    phone.link("Saldo", exact=True).click()
    phone.sees("Nog geen bankrekening")
    phone.shot("12-saldo-leeg")
    phone.link("Bankrekening toevoegen").last.click()
    phone.heading("Kies je bank")
    phone.shot("12-kies-je-bank")
    phone.page.locator("button[value=redirect]").click()
    phone.heading("Toestemming geven")
    phone.shot("13-toestemming")
    phone.button("Toestaan").click()
    phone.heading("Tenaamstelling bevestigen")
    phone.sees("Demo BV", "NL95 INGB 0004 9218 36", "NL64 TRIO 0379 5016 86")
    phone.shot("14-tenaamstelling")
    phone.button("Bevestig tenaamstelling").click()
    phone.link("Saldo", exact=True).click()
    phone.sees("NL95 INGB 0004 9218 36", "saldo van")
    phone.shot("15-saldo")


def connect_nmbrs(phone: Phone) -> None:
    phone.link("Apps").click()
    phone.shot("16-apps")
    phone.link("Nmbrs").first.click()
    phone.sees("Er is nog geen verbinding met Nmbrs")
    phone.shot("17-nmbrs-leeg")
    phone.link("Verbind je Nmbrs account").click()
    phone.heading("Nmbrs account toevoegen")
    phone.page.get_by_text("Ophalen token per bedrijf").click()
    phone.sees("Klik op de + in de kolom “Api token”")
    phone.shot("18-nmbrs-toevoegen", whole=True)
    email, token = phone.page.get_by_label("E-mailadres"), phone.page.locator("#token")
    email.fill(phone.person.nmbrs_user)
    token.fill("0000000000000000")
    phone.button("Toon wachtwoord").click()
    expect(token).to_have_attribute("type", "text")
    phone.button("Test en sla op").click()
    expect(phone.page.locator(".error, [role=alert]").filter(has_text="token").first).to_be_visible()
    expect(email).to_have_value(phone.person.nmbrs_user)
    expect(token).to_have_value("")
    phone.shot("19-nmbrs-verkeerd-token")
    token.fill(phone.person.nmbrs_token)
    phone.button("Test en sla op").click()
    phone.sees("Verbinding maken gelukt!")
    phone.shot("20-verbinding-gelukt", whole=True)


def choose_account(phone: Phone) -> None:
    if "/instellingen" not in phone.page.url:
        phone.open("/apps/nmbrs")
        phone.link("App instellingen tonen").click()
    phone.sees("We gebruiken je Nmbrs account genaamd")
    choice = phone.page.get_by_label("9969")
    value = choice.locator("option").filter(has_text="NL95").get_attribute("value")
    choice.select_option(value)
    phone.shot("21-instellingen", whole=True)
    phone.button("Opslaan en terug").click()
    phone.sees("Er is een actieve verbinding met Nmbrs")
    phone.shot("22-nmbrs")


def copy_webhook_address(phone: Phone) -> None:
    phone.link("App instellingen tonen").click()
    expect(phone.page.get_by_label("9969").locator("option:checked")).to_contain_text("NL95")
    phone.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=phone.house.base_url)
    phone.button("Kopieer").click()
    expect(phone.button("Gekopieerd")).to_be_visible()
    phone.shot("23-gekopieerd")
    copied = phone.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"http://127.0.0.1:{phone.house.ports.web}/client/")
    assert copied.endswith("/webhooks/paymentsbatch")
