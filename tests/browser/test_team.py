"""Two people with phones: one invites the other, and both approve one payment."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import known
from tests.support.mobile_page import Phone, entrepreneur
from tests.support.register import register_directors
from tools.demo_journey import wait_for
from tools.dev_stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

NAOMI = {"voornamen": "Naomi", "geslachtsnaam": "Donkersloot", "geboortedatum": "19850923"}
GUEST = "naomi-twee@demobv.example"


@pytest.fixture
def naomi(take: Callable[..., Phone], wouter: Phone) -> Phone:
    """A phone without a login."""
    return take(replace(wouter.person, email=GUEST, name="Naomi Donkersloot"))


def test_two_people_approve_one_payment(wouter: Phone, naomi: Phone):
    register_directors(wouter.control, NAOMI)
    wouter.to_the_payment()
    payment = wouter.page.url
    here = payment.partition("/betalingen/")[0]
    invites(wouter, here)
    accepts(naomi)
    identifies(naomi)
    asks_for_two(wouter, here)
    approves_first(wouter, payment)
    approves_second(naomi, payment)
    wouter.state("Wacht op ondertekening bij de bank")
    wouter.sees("Goedgekeurd door Wouter de Jong en Naomi Donkersloot")
    wouter.shot("97-allebei", whole=True)


def test_a_member_of_two_clients_switches_between_them(house: Stack, take: Callable[..., Phone], returning: Phone):
    other = known(take, entrepreneur(house, "duinrand@demobv.example"))
    other.open("/inloggen")
    other.sign_in()
    other.heading("Demo BV")
    here = other.page.url.rpartition("/")[0]
    invites(other, here, returning.person.email, "preparer")
    wait_for("the invitation", lambda: returning.mailed("/uitnodiging/"))
    returning.page.goto(returning.mailed("/uitnodiging/")[0])
    returning.link("Inloggen").click()
    returning.sign_in()
    returning.button("Uitnodiging accepteren").click()
    returning.sees("Je hebt nu toegang tot Demo BV.")
    returning.shot("98-tweede-klant")
    returning.expect_accessible()
    returning.link("Alle klanten").click()
    returning.heading("Alle klanten")
    returning.shot("99-alle-klanten")
    returning.shot_both("99-alle-klanten")
    returning.expect_accessible()
    returning.page.locator("a.task").first.click()
    returning.page.locator(".clients a:not([aria-current])").first.click()
    expect(returning.page.locator(".clients [aria-current]")).to_have_count(1)
    returning.open(f"/{returning.page.url.split('/')[3]}/betalingen")
    expect(returning.page.locator("h1 small")).to_have_text("Demo BV")
    returning.shot("99-betalingen")


def invites(phone: Phone, here: str, email: str = GUEST, role: str = "approver") -> None:
    phone.page.goto(f"{here}/mensen")
    phone.heading("Team")
    phone.link("Iemand uitnodigen").click()
    phone.page.get_by_label("E-mailadres").fill(email)
    phone.page.get_by_label("Rol").select_option(role)
    phone.shot("90-uitnodigen")
    phone.expect_accessible()
    phone.button("Uitnodigen").click()
    phone.sees(f"{email} heeft een uitnodiging gekregen", "Uitgenodigd")
    phone.shot("91-mensen", whole=True)
    phone.shot_both("91-mensen")
    phone.expect_accessible()


def accepts(phone: Phone) -> None:
    wait_for("the invitation", lambda: phone.mailed("/uitnodiging/"))
    phone.page.goto(phone.mailed("/uitnodiging/")[0])
    phone.heading("Uitnodiging")
    expect(phone.page.get_by_label("E-mailadres")).to_have_value(GUEST)
    phone.page.get_by_label("Je naam").fill(phone.person.name)
    phone.page.get_by_label("Wachtwoord", exact=True).fill(phone.person.password)
    phone.shot("92-account-maken", whole=True)
    phone.expect_accessible()
    phone.button("Account aanmaken en uitnodiging accepteren").click()
    phone.sign_in()
    phone.sees("Stel nog een paar dingen in")


def identifies(phone: Phone) -> None:
    phone.page.goto(f"{phone.page.url.rpartition('/')[0]}/identificatie")
    phone.button("Identificeer met iDIN").click()
    phone.button("N. Donkersloot").click()
    phone.sees("mag voor Demo BV tekenen")


def asks_for_two(phone: Phone, here: str) -> None:
    phone.page.goto(f"{here}/mensen/vier-ogen")
    phone.page.get_by_label("Vanaf welk totaal is dubbele goedkeuring nodig?").fill("10.000,00")
    phone.shot("93-vier-ogen")
    phone.expect_accessible()
    phone.button("Opslaan").click()
    phone.sees("Vanaf € 10.000,00 moeten twee mensen een betaling goedkeuren.", "Naomi Donkersloot")


def approves_first(phone: Phone, payment: str) -> None:
    phone.page.goto(payment)
    phone.sees("Twee mensen moeten deze betaling goedkeuren")
    phone.pay_button.click()
    phone.sees("Er is nog een goedkeuring nodig, van Naomi Donkersloot.", "Wacht op een tweede goedkeuring")
    phone.state("Goedkeuring vereist")
    phone.shot("94-eerste", whole=True)
    phone.shot_both("94-eerste")
    phone.expect_accessible()


def approves_second(phone: Phone, payment: str) -> None:
    wait_for("the mail that asks", lambda: phone.mailed("/betalingen/"))
    phone.page.goto(payment)
    phone.sees("Goedgekeurd door Wouter de Jong", "Er is nog één goedkeuring nodig. Jij kunt goedkeuren.")
    phone.shot("95-tweede", whole=True)
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.shot("96-goedgekeurd", whole=True)
