"""The pin pad on small phones: whole on the screen, and where an act cannot be undone it waits for the button."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_payment import types_pin
from tests.support.mobile_page import Phone

pytestmark = pytest.mark.browser

SMALL = ((375, 667), (390, 664))  # the second: Safari with its bars


def test_the_last_digit_does_not_close_an_account(wouter: Phone):
    phone = wouter
    phone.open("/overzicht")
    phone.link("Instellingen").click()
    phone.heading("Instellingen")
    here = phone.page.url.removeprefix(phone.house.base_url)
    for width, height in SMALL:
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.open(f"{here}/sluiten")
        for key in ("1", "0", "back"):
            expect(phone.page.locator(f"[data-key='{key}']")).to_be_in_viewport(ratio=1)
        expect(phone.button("Sluit met je pincode")).to_be_in_viewport(ratio=1)
    types_pin(phone, phone.person.pin)
    phone.shot("64-sluiten", whole=False)
    expect(phone.page.get_by_label("Pincode")).to_have_value(phone.person.pin)
    phone.heading("Demo BV sluiten?")
    phone.link("Niet sluiten").click()
    phone.heading("Instellingen")
