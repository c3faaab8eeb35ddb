"""What a thumb does: few taps from the mail to the signature, a push on a line, the app on the home screen."""

import pytest
from playwright.sync_api import CDPSession, Locator, expect

from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

# Every tap of the person, wherever it lands, told to the test and to nobody else.
COUNTS = "addEventListener('click', (e) => e.isTrusted && e.detail > 0 && told(e.target.textContent.trim()), true)"
MOST_TAPS = 4


def test_from_the_mail_to_the_signature_in_four_taps(wouter: Phone):
    """Signed in already, nothing unusual: the mail's button, Betaal, on to the bank; there one signs the bank's way."""
    phone, taps = wouter, []
    phone.press_run()
    phone.open_mail("/betalingen/")
    phone.page.context.expose_function("told", lambda text: taps.append(text.replace("\xa0", " ")))
    phone.page.add_init_script(COUNTS)
    phone.press_mail_button("Bekijk de betaling")
    taps.append("Bekijk de betaling")  # inside the mail's own frame, where no script of the test can count
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


# --- a push on a line ---
def push(finger: CDPSession, line: Locator, by: int, down: int = 0) -> None:
    """A finger on the name of a line, that moves so many pixels to the side."""
    box = line.locator("b").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 - by / 2 + 40, box["y"] + box["height"] / 2
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x + by * step / 10, "y": y + down * step / 10}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_line_is_pushed_away_and_back(wouter: Phone):
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


# --- the home screen ---
CAN_INSTALL = """() => {
  const event = new Event("beforeinstallprompt", { cancelable: true });
  event.prompt = () => { window.prompted = true; };
  event.userChoice = new Promise(() => {});
  dispatchEvent(event);
}"""
OFFER = "Zet Bizcuit op je beginscherm"


def test_the_home_screen_is_offered_once(wouter: Phone):
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


def test_on_an_iphone_the_steps_are_shown(wouter: Phone):
    phone = wouter
    phone.page.add_init_script("Object.defineProperty(Navigator.prototype, 'standalone', { get: () => false })")
    phone.open("/overzicht")
    phone.sees(OFFER, "Tik in Safari op Deel.")
    expect(phone.button("Zet op beginscherm")).to_be_hidden()
    phone.shot("61-beginscherm-iphone", whole=True)
    phone.shot_both("61-beginscherm-iphone")
    phone.expect_accessible()


def test_in_the_app_itself_nothing_is_offered(wouter: Phone):
    phone = wouter
    phone.page.add_init_script("Object.defineProperty(Navigator.prototype, 'standalone', { get: () => true })")
    phone.open("/overzicht")
    phone.heading("Demo BV")
    phone.page.evaluate(CAN_INSTALL)
    expect(phone.page.get_by_role("heading", name=OFFER)).to_be_hidden()
