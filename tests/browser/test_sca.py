"""SCA in the bank's app and with the bank's card reader, on a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

TOTAL = "19.806,08"


def pays(phone: Phone, way: str) -> None:
    """Approve a payment that then waits for SCA at a bank with this approach."""
    phone.control("PUT", "banks/redirect", {"signing": way})
    phone.to_the_payment()
    phone.pay_button.click()
    phone.until(lambda: "Wacht op ondertekening" in phone.page.locator("#hero .badge").inner_text())


def test_decoupled_sca(wouter: Phone):
    phone = wouter
    pays(phone, "decoupled")
    phone.sees("Open de app van je bank", "Deze pagina wordt vanzelf bijgewerkt")
    phone.shot("80-open-de-app")
    phone.expect_accessible()
    mark(phone)
    app = phone.page.context.new_page()
    app.goto(f"{phone.house.sandbox_url}/bank/redirect/app")
    approve = app.get_by_role("button", name="Goedkeuren")
    waiting = approve.count()
    approve.first.click()
    expect(approve).to_have_count(waiting - 1)
    phone.page.bring_to_front()
    phone.state("Ondertekend")
    assert is_marked(phone), "the page followed by itself"
    phone.shot("81-in-de-app-getekend", whole=True)


def signs_with_the_reader(phone: Phone) -> None:
    phone.pay_button.click()
    phone.heading("Hoe wil je ondertekenen?")
    phone.sees(TOTAL, "Bankpas en lezer", "Sms naar")
    phone.shot("82-methode", whole=True)
    phone.page.get_by_role("radio", name="Bankpas en lezer").check()
    phone.button("Verder").click()
    phone.heading("Bankpas en lezer")
    phone.sees(f"U tekent voor EUR {TOTAL}, 8 betalingen")
    challenge = phone.page.locator("#challenge-1").inner_text()
    assert re.fullmatch(r"\d{4} \d{4}", challenge), challenge
    phone.shot("83-uitdaging")
    phone.shot_both("83-uitdaging")
    phone.expect_accessible()
    code = reads(phone, challenge)
    types(phone, f"{(int(code) + 1) % 10**6:06d}")
    expect(phone.error_of("Code van je bank")).to_contain_text("Nog 2 keer proberen")
    expect(phone.page.get_by_label("Code van je bank")).to_have_value("")
    phone.shot("84-verkeerde-code", whole=True)
    types(phone, code)
    phone.heading("Betaalopdracht")


def reads(phone: Phone, challenge: str) -> str:
    """Enter the challenge on the card reader's page and return the code."""
    address = f"{phone.house.sandbox_url}/bank/redirect/reader"
    page = phone.page.request.get(address, params={"uitdaging": challenge.replace(" ", "")}).text()
    return re.findall(r"(?<![\d-])\d{6}(?![\d-])", page)[0]


def types(phone: Phone, code: str) -> None:
    phone.page.get_by_label("Code van je bank").fill(code)
    phone.page.locator(".pay button").click()


def test_embedded_sca(wouter: Phone):
    phone = wouter
    pays(phone, "embedded")
    phone.shot("82-pak-je-reader")
    signs_with_the_reader(phone)
    phone.state("Ondertekend")
    phone.shot("85-met-de-reader-getekend", whole=True)


@pytest.mark.thorough
def test_embedded_sca_without_javascript(plain_wouter: Phone):
    phone = plain_wouter
    pays(phone, "embedded")
    signs_with_the_reader(phone)
    phone.until(lambda: "Ondertekend" in phone.page.locator("#hero .badge").inner_text())
