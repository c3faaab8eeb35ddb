"""Touch: few taps from mail to signature, swiping a line, installing the app."""

import re
from datetime import date

import pytest
from playwright.sync_api import CDPSession, Locator, expect

from tests.browser.test_payment import chooses_a_later_day
from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

# Report every tap of the person to the test only.
COUNTS = "addEventListener('click', (e) => e.isTrusted && e.detail > 0 && told(e.target.textContent.trim()), true)"
MOST_TAPS = 4
AT_FIRST = "Uit dossier"  # one tap more: how the new account numbers of a first payment were checked


def test_from_the_mail_to_the_signature_in_four_taps(wouter: Phone):
    """Logged in: the button in the mail, pay, go to the bank, and sign there. Five taps for the first payment, whose
    account numbers are all new; four for the next one, after the first was executed.
    """
    phone, taps = wouter, []
    phone.page.context.expose_function("told", lambda text: taps.append(text.replace("\xa0", " ")))
    assert pays(phone, taps, first=True)[:3] == ["Bekijk de betaling", AT_FIRST, "Betaal € 19.806,08"]
    assert len(taps) <= MOST_TAPS + 1 + 1, taps
    the_day_comes(phone)
    phone.state("Uitgevoerd")
    taps.clear()
    assert pays(phone, taps, first=False)[:2] == ["Bekijk de betaling", "Betaal € 19.806,08"]
    assert len(taps) <= MOST_TAPS + 1, taps


def the_day_comes(phone: Phone) -> None:
    """Advance the bank's day to the requested execution date of the newest order, or to tomorrow."""
    ask = phone.page.request.get
    body = ask(f"{phone.house.sandbox_url}/control/orders").json()[0]["body"]
    wanted = re.search(r"<ReqdExctnDt>.*?(\d{4}-\d\d-\d\d)", body, re.DOTALL)
    assert wanted is not None
    today = ask(f"{phone.house.sandbox_url}/control/clock").json()["bank_day"]
    days = (date.fromisoformat(wanted[1]) - date.fromisoformat(today)).days
    phone.control("POST", "clock", {"advance_days": max(days, 1)})


def pays(phone: Phone, taps: list[str], first: bool) -> list[str]:
    """Go from the mail to the signature; return the taps until the bank's page."""
    if first:
        phone.press_run()
    else:
        phone.to_the_payment(description="januari")
        phone.link("Datum en rekening wijzigen").click()
        chooses_a_later_day(phone)  # the bank's day is ahead of ours
        phone.button("Bevestig wijzigingen").click()
        phone.heading("Betaalopdracht")
    phone.open_mail("/betalingen/")
    taps.clear()
    phone.press_mail_button("Bekijk de betaling")
    taps.append("Bekijk de betaling")  # inside the mail's frame, where the test's script cannot count
    phone.heading("Betaalopdracht")
    phone.page.evaluate(COUNTS)
    if first:
        phone.button(AT_FIRST).click()
    expect(phone.pay_button).to_contain_text("Betaal €")
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.button("Onderteken bij").click()
    phone.heading("Ondertekenen")
    phone.page.evaluate(COUNTS)
    assert len(taps) <= MOST_TAPS + first, taps
    until_the_bank = list(taps)
    phone.button("Ondertekenen").click()
    phone.heading("Betaalopdracht")
    phone.state("Ondertekend")
    return until_the_bank


# --- swiping a line ---
def push(finger: CDPSession, line: Locator, by: int, down: int = 0) -> None:
    """Swipe a line horizontally by this many pixels."""
    box = line.locator("b").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 - by / 2 + 40, box["y"] + box["height"] / 2
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x + by * step / 10, "y": y + down * step / 10}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_line_is_swiped_out_and_in(wouter: Phone):
    phone = wouter
    phone.to_the_payment()
    finger = phone.page.context.new_cdp_session(phone.page)
    line = phone.line("Jong, Wouter de")
    line.scroll_into_view_if_needed()
    mark(phone)
    push(finger, line, 200)
    push(finger, line, -50)
    push(finger, line, -90, down=160)
    expect(phone.pay_button).to_have_text("Betaal € 19.806,08")
    assert line.get_attribute("style") is None
    line.scroll_into_view_if_needed()
    push(finger, line, -200)
    expect(phone.pay_button).to_have_text("Betaal € 16.358,00")
    expect(line).to_contain_text("Later betalen")
    push(finger, phone.line("Jong, Wouter de"), 200)
    expect(phone.pay_button).to_have_text("Betaal € 19.806,08")
    assert is_marked(phone)


# --- installing ---
CAN_INSTALL = """() => {
  const event = new Event("beforeinstallprompt", { cancelable: true });
  event.prompt = () => { window.prompted = true; };
  event.userChoice = new Promise(() => {});
  dispatchEvent(event);
}"""
OFFER = "Zet Bizcuit op je beginscherm"


def test_installing_is_offered_once(wouter: Phone):
    phone = wouter
    phone.open("/overzicht")
    phone.heading("Demo BV")
    offer = phone.page.get_by_role("heading", name=OFFER)
    expect(offer).to_be_hidden()
    phone.page.evaluate(CAN_INSTALL)
    expect(offer).to_be_visible()
    phone.shot("60-beginscherm", whole=True)
    phone.expect_accessible()
    phone.button("Zet op beginscherm").click()
    assert phone.page.evaluate("window.prompted")
    phone.button("Niet nu").click()
    phone.heading("Demo BV")
    phone.page.evaluate(CAN_INSTALL)
    expect(offer).to_have_count(0)


def test_an_iphone_shows_instructions(wouter: Phone):
    phone = wouter
    phone.page.add_init_script("Object.defineProperty(Navigator.prototype, 'standalone', { get: () => false })")
    phone.open("/overzicht")
    phone.sees(OFFER, "Tik in Safari op Deel.")
    expect(phone.button("Zet op beginscherm")).to_be_hidden()
    phone.shot("61-beginscherm-iphone", whole=True)
    phone.shot_both("61-beginscherm-iphone")
    phone.expect_accessible()


def test_the_installed_app_offers_nothing(wouter: Phone):
    phone = wouter
    phone.page.add_init_script("Object.defineProperty(Navigator.prototype, 'standalone', { get: () => true })")
    phone.open("/overzicht")
    phone.heading("Demo BV")
    phone.page.evaluate(CAN_INSTALL)
    expect(phone.page.get_by_role("heading", name=OFFER)).to_be_hidden()
