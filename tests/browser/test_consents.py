"""A consent on a phone: about to expire, expired and renewed; and the account holder."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import known
from tests.support.mobile_page import Phone, newcomer
from tools.demo_journey import ONBOARDING, DemoJourney, wait_for
from tools.dev_stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.thorough]


@pytest.fixture
def stranger_with_a_short_consent(house: Stack, take: Callable[..., Phone]) -> Phone:
    """An entrepreneur who has finished setup, at a bank with consents of five days; not logged in."""
    story = DemoJourney(house.base_url, house.sandbox_url)
    story.person = newcomer(house, "kort@demobv.example")
    story.visitor.json("POST", f"{house.sandbox_url}/control/faults", {"bank_consent_short": True})
    for step in ONBOARDING:
        step(story)
    return known(take, story)


def test_a_consent_that_ends_is_renewed(stranger_with_a_short_consent: Phone):
    phone = stranger_with_a_short_consent
    phone.open("/overzicht")
    phone.sign_in()
    phone.sees("er is één ding te doen", "verloopt", "Nog 5 dagen")
    phone.shot("80-overzicht-verlengen")
    phone.expect_accessible()
    wait_for("the mail about the end", lambda: phone.mailed("/saldo"))
    phone.open_mail("/saldo")
    phone.shot("81-mail")
    phone.press_mail_button("Verlengen")
    phone.heading("Saldo")
    phone.sees("verloopt", "NL95 INGB 0004 9218 36")
    phone.shot("82-saldo-verlengen", whole=True)
    phone.expect_accessible()
    phone.control("POST", "faults", {"bank_consent_short": False})
    phone.button("Verlengen").click()
    phone.heading("Toestemming geven")
    phone.button("Toestaan").click()
    phone.heading("Saldo")
    phone.sees("Je bankrekening is gekoppeld", "NL95 INGB 0004 9218 36")
    expect(phone.page.get_by_text("verloopt")).to_have_count(0)
    phone.shot("83-saldo-verlengd", whole=True)
    phone.expect_accessible()
