"""Transactions on a phone: from the payment to its transaction and back."""

import pytest

from tests.support.mobile_page import Phone
from tests.support.pain001_builder import Line, file_of

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

FILE = file_of(Line(344808, "Jong, Wouter de", "NL42INGB2268352412"), Line(231250, "Bruno", "NL27RABO0315273237")).xml()


def test_a_payment_and_its_transaction(wouter: Phone):
    phone = wouter
    phone.to_the_payment(sepa=FILE)
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.button("Onderteken bij").click()
    phone.button("Ondertekenen").click()
    phone.control("POST", "clock", {"advance_days": 5})
    phone.until(lambda: phone.page.locator("#hero .badge").filter(has_text="Uitgevoerd").count())
    payment = phone.page.url
    phone.link("Saldo", exact=True).click()
    phone.page.locator("a.task").first.click()
    phone.sees("Verzamelbetaling", "2 betalingen", "Naar deze betaalopdracht")
    phone.expect_accessible()
    phone.shot("70-transacties", whole=True)
    phone.shot_both("70-transacties")
    phone.page.emulate_media(color_scheme="dark")
    phone.page.set_viewport_size({"width": 1024, "height": 768})
    phone.shot("70-transacties-1024-dark", whole=True)
    phone.page.emulate_media(color_scheme="light")
    phone.page.set_viewport_size({"width": 390, "height": 844})
    phone.link("Naar deze betaalopdracht").first.click()
    assert phone.page.url == payment
    phone.sees("Geboekt op")
    phone.shot("71-geboekt", whole=True)
    phone.link("Geboekt op").click()
    phone.page.wait_for_url("**/saldo/*#boeking-*")
