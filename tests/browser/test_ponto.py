"""A bank through Ponto, on a phone: linked, chosen for a payment, signed, executed."""

import pytest

from tests.support.mobile_page import Phone

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

ACCOUNT, TOTAL = "NL11 RABO 0391 8472 65", "19.806,08"


def test_a_payment_through_ponto(wouter: Phone):
    phone = wouter
    phone.to_the_payment()
    payment = phone.page.url
    links_it(phone)
    chooses_its_account(phone, payment)
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.shot("95-ponto-wacht", whole=True)
    signs(phone)
    phone.state("Ondertekend")
    phone.control("POST", "clock", {"advance_days": 10})
    phone.state("Uitgevoerd")
    phone.shot("97-ponto-uitgevoerd", whole=True)
    received = phone.page.request.get(f"{phone.house.sandbox_url}/control/orders").json()
    assert [(order["bank"], order["status"]) for order in received] == [("ponto", "ACSC")]


def test_a_refused_payment_waits_without_javascript(plain_wouter: Phone):
    phone = plain_wouter
    phone.to_the_payment()
    payment = phone.page.url
    links_it(phone)
    chooses_its_account(phone, payment)
    phone.pay_button.click()
    phone.until(lambda: phone.page.get_by_role("button", name="Onderteken bij").count())
    phone.button("Onderteken bij").click()
    phone.button("Weigeren").click()
    # The bank may still execute it: it is not offered again yet.
    phone.until(lambda: phone.page.get_by_text("Geweigerd, kan nog worden uitgevoerd").count())
    assert phone.page.get_by_role("button", name="Opnieuw klaarzetten").count() == 0
    phone.shot("98-ponto-geweigerd", whole=True)


def links_it(phone: Phone) -> None:
    client = phone.page.url.removeprefix(phone.house.base_url).split("/")[1]
    phone.open(f"/{client}/saldo/toevoegen")
    phone.sees("Ponto Connect", "Je bank ziet niet dat het salarissen zijn")
    phone.shot("90-kies-ponto", whole=True)
    phone.expect_accessible()
    phone.button("Ponto Connect").click()
    phone.heading("Toegang geven")
    phone.sees("Bizcuit vraagt toegang", ACCOUNT)
    phone.shot("91-ponto-toegang", whole=True)
    phone.expect_accessible()
    phone.button("Toestaan").click()
    phone.sees("Demo BV", ACCOUNT)
    phone.shot("92-ponto-bevestig", whole=True)
    phone.button("Bevestig").click()
    phone.sees("Je bankrekening is gekoppeld.", ACCOUNT, "72.500,00")
    phone.shot("93-ponto-saldo", whole=True)


def chooses_its_account(phone: Phone, payment: str) -> None:
    phone.page.goto(payment)
    phone.link("Datum en rekening wijzigen").click()
    phone.page.get_by_role("radio", name=ACCOUNT).check()
    phone.button("Bevestig wijzigingen").click()
    phone.heading("Betaalopdracht")
    phone.shot("94-ponto-betaling", whole=True)


def signs(phone: Phone) -> None:
    phone.button("Onderteken bij").click()
    phone.heading("Ondertekenen")
    phone.sees("Totaal", TOTAL, "8 betalingen", ACCOUNT)
    phone.shot("96-ponto-ondertekenen", whole=True)
    phone.expect_accessible()
    phone.button("Ondertekenen").click()
    phone.heading("Betaalopdracht")
