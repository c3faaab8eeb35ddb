"""Payee names that do not match, on a phone: accepted, excluded, and confirmed."""

import pytest
from playwright.sync_api import Locator, expect

from tests.support.mobile_page import Phone, is_marked, mark
from tests.support.pain001_builder import Line, file_of

pytestmark = pytest.mark.browser

SAME, CLOSE, OTHER = "Jong, Wouter de", "Silva Jansen, Bruno", "Onbekend, Piet"
FILE = file_of(
    Line(344808, SAME, "NL42INGB2268352412"), Line(231250, CLOSE, "NL27RABO0315273237"),
    Line(261100, OTHER, "NL52ABNA7650143244"),
).xml()  # fmt: skip


def test_payees_are_verified_before_sca(wouter: Phone):
    phone = wouter
    phone.control("PUT", "banks/redirect", {"vop": True})
    phone.control("POST", "faults", {"bank_vop_slow": True})
    opens_the_payment(phone)
    mark(phone)
    phone.pay_button.click()
    waits_for_the_bank(phone)
    phone.control("POST", "faults", {"bank_vop_slow": False})
    phone.state("Controleer de namen")
    looks_at_the_names(phone)
    takes_a_name_over(phone)
    does_not_pay_the_other(phone)
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")  # the accepted name matches
    assert is_marked(phone)


@pytest.mark.thorough
def test_mismatches_can_be_confirmed(plain_wouter: Phone):
    """Without JavaScript."""
    phone = plain_wouter
    phone.control("PUT", "banks/redirect", {"vop": True})
    opens_the_payment(phone)
    phone.pay_button.click()
    phone.until(lambda: phone.page.get_by_role("button", name="Toch betalen").count())
    looks_at_the_names(phone)
    phone.button("Toch betalen").click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.button("Onderteken bij").click()
    phone.button("Ondertekenen").click()
    phone.until(lambda: phone.page.locator("#hero .badge").filter(has_text="Ondertekend").count())


def opens_the_payment(phone: Phone) -> None:
    """Open the payment of three people from its mail."""
    phone.to_the_payment(sepa=FILE)


def waits_for_the_bank(phone: Phone) -> None:
    phone.state("Namen worden gecontroleerd")
    phone.sees("Dit kan twintig minuten duren. Je kunt deze pagina sluiten.")
    phone.shot("50-namen-bezig", whole=True)


def looks_at_the_names(phone: Phone) -> None:
    expect(phone.page.locator("#namen form")).to_have_count(2)
    expect(of(phone, CLOSE)).to_contain_text("Silva, Jose")
    expect(of(phone, OTHER)).to_contain_text("hoort deze naam niet bij deze rekening")
    phone.shot("51-namen", whole=True)
    if phone.scripts:
        phone.shot_both("51-namen")


def takes_a_name_over(phone: Phone) -> None:
    of(phone, CLOSE).get_by_role("button", name="Naam van de bank overnemen").click()
    expect(of(phone, CLOSE)).to_contain_text("opgeslagen voor de volgende keer")
    expect(phone.page.locator("#live")).to_contain_text("opgeslagen voor de volgende keer")
    phone.shot("52-naam-overgenomen", whole=True)
    phone.expect_accessible()


def does_not_pay_the_other(phone: Phone) -> None:
    of(phone, OTHER).get_by_role("button", name="Regel niet betalen").click()
    phone.state("Goedkeuring vereist")
    phone.sees("Keur de betaling opnieuw goed.", "2 van 3 regels")
    expect(phone.line(CLOSE)).to_contain_text("Bij de bank: Silva, Jose")
    expect(phone.pay_button).to_have_text("Betaal € 5.760,58")
    phone.shot("53-opnieuw-goedkeuren", whole=True)
    phone.expect_accessible()


def of(phone: Phone, name: str) -> Locator:
    return phone.page.get_by_role("form", name=name)
