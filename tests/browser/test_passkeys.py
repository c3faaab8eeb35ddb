"""Passkeys in a real browser with a virtual authenticator: create, log in, approve, remove."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, expect

from tests.support.mobile_page import Phone

OVERVIEW = re.compile(r"/overzicht$")
pytestmark = pytest.mark.browser


@pytest.fixture
def finger(returning: Phone) -> Iterator[CDPSession]:
    """An authenticator that verifies its user and confirms."""
    session = returning.page.context.new_cdp_session(returning.page)
    session.send("WebAuthn.enable")
    yield session
    session.send("WebAuthn.disable")


def authenticator(finger: CDPSession, verified: bool = True) -> str:
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": verified, "automaticPresenceSimulation": True,
    }  # fmt: skip
    return finger.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def make_passkey(phone: Phone, name: str) -> None:
    """Create a passkey after login, in the settings."""
    phone.link("Instellingen").first.click()
    phone.link("Passkeys").click()
    phone.heading("Passkeys")
    phone.page.get_by_label("Naam van de passkey").fill(name)
    phone.button("Passkey maken").click()
    phone.sees("Je passkey is toegevoegd.", name)


def sign_out(phone: Phone) -> None:
    phone.link("Terug").click()
    phone.button("Uitloggen").last.click()


def signed_in(phone: Phone) -> None:
    phone.open("/inloggen")
    phone.sign_in()
    expect(phone.page).to_have_url(OVERVIEW)


def test_a_passkey_is_created_used_renamed_and_removed(returning: Phone, finger: CDPSession):
    phone = returning
    signed_in(phone)
    authenticator(finger)
    make_passkey(phone, "Mijn telefoon")
    phone.shot("90-passkeys", whole=True)
    phone.expect_accessible()
    phone.page.locator("summary", has_text="Wijzigen").click()
    phone.page.get_by_label("Naam", exact=True).fill("Oude telefoon")
    phone.button("Naam opslaan").click()
    phone.sees("Je naam is gewijzigd.", "Oude telefoon")
    sign_out(phone)
    expect(phone.page).to_have_url(OVERVIEW)  # the e-mail field offered the passkey and the authenticator confirmed
    phone.link("Instellingen").first.click()
    phone.link("Passkeys").click()
    phone.page.locator("summary", has_text="Wijzigen").click()
    phone.button("Passkey verwijderen").click()
    phone.sees("De passkey is verwijderd.", "Je hebt nog geen passkey.")


def test_the_button_logs_in_and_requires_user_verification(returning: Phone, finger: CDPSession):
    phone = returning
    signed_in(phone)
    made = authenticator(finger)
    make_passkey(phone, "Sleutel")
    # a browser without conditional mediation: use the button
    phone.page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    sign_out(phone)
    phone.heading("Inloggen")
    phone.shot("91-inloggen")
    phone.expect_accessible()
    finger.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": False})
    phone.button("Met een passkey").click()
    expect(phone.page.locator("[data-stopped]")).to_be_visible(timeout=20_000)
    expect(phone.page.locator("#live")).to_contain_text("Je passkey is niet herkend.")
    expect(phone.page).to_have_url(re.compile("/inloggen$"))
    finger.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": True})
    phone.button("Met een passkey").click()
    expect(phone.page).to_have_url(OVERVIEW)


def test_a_payment_is_approved_with_a_passkey(returning: Phone, finger: CDPSession):
    phone = returning
    signed_in(phone)
    phone.control("PUT", "banks/redirect", {"signing": "delegated"})
    phone.to_the_payment()
    payment = phone.page.url
    authenticator(finger)
    phone.open("/overzicht")
    make_passkey(phone, "Mijn telefoon")
    phone.page.goto(payment)
    phone.until(lambda: phone.page.locator("#pay-place a.button").is_visible())
    phone.pay_button.click()
    phone.heading("Keur de betaling goed met je pincode")
    phone.sees("19.806,08", "Wie er betaald wordt")
    phone.shot("92-goedkeuren", whole=True)
    phone.button("Met passkey").click()
    phone.heading("Betaalopdracht")
    phone.until(lambda: "klaar" not in phone.page.locator("#hero .badge").inner_text().lower())
    phone.shot("93-goedgekeurd")
