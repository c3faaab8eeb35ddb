"""Touch: few taps from mail to signature, swiping a line, installing the app."""

import pytest
from playwright.sync_api import CDPSession, Locator, expect

from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

# Report every tap of the person to the test only.
COUNTS = "addEventListener('click', (e) => e.isTrusted && e.detail > 0 && told(e.target.textContent.trim()), true)"
MOST_TAPS = 4


def test_from_the_mail_to_the_signature_in_four_taps(wouter: Phone):
    """Logged in, without warnings: the button in the mail, pay, go to the bank, and sign there."""
    phone, taps = wouter, []
    phone.press_run()
    phone.open_mail("/betalingen/")
    phone.page.context.expose_function("told", lambda text: taps.append(text.replace("\xa0", " ")))
    phone.page.add_init_script(COUNTS)
    phone.press_mail_button("Bekijk de betaling")
    taps.append("Bekijk de betaling")  # inside the mail's frame, where the test's script cannot count
    phone.heading("Betaalopdracht")
    phone.pay_button.click()
    phone.state("Wacht op ondertekening bij de bank")
    phone.button("Onderteken bij").click()
    phone.heading("Ondertekenen")
    assert taps[:2] == ["Bekijk de betaling", "Betaal € 19.806,08"]
    assert len(taps) <= MOST_TAPS, taps
    phone.button("Ondertekenen").click()
    phone.heading("Betaalopdracht")
    phone.state("Ondertekend")
    assert len(taps) <= MOST_TAPS + 1, taps


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
    expect(line).to_contain_text("Niet betalen")
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
