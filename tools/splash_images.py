"""Draw the iOS splash images (static/splash) and the screenshots of the web app manifest (static/screens).

Run after changing the design: python -m tools.splash_images [chromium]
"""

import sys
import tempfile
from base64 import b64decode
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from blueprints.pwa.routes import SCREENSHOTS, Screenshot
from blueprints.pwa.splash import ALL, Splash
from tools.browser import FLAGS, find
from tools.demo_journey import ONBOARDING, DemoJourney, wait_for
from tools.dev_stack import Stack

STATIC = Path(__file__).parent.parent / "static"
SIGN = (STATIC / "icons" / "icon.svg").read_text()
GROUND = {"light": "#FBF8F4", "dark": "#161412"}  # --paper of tokens.css
QUALITY = 82


def splashes(page: Page) -> None:
    """Draw the logo in the middle of an empty screen."""
    for one in ALL:
        draw(page, one)


def draw(page: Page, one: Splash) -> None:
    width, height = one.width * one.ratio, one.height * one.ratio
    page.set_viewport_size({"width": width, "height": height})
    style = f"margin:0;height:100vh;display:grid;place-items:center;background:{GROUND[one.scheme]}"
    page.set_content(f"<body style='{style}'><div style='width:{96 * one.ratio}px'>{SIGN}</div>")
    page.screenshot(path=STATIC / one.name)


def screens(browser: Browser) -> None:
    """Photograph a payment that waits for approval, as the demo's entrepreneur sees it."""
    with tempfile.TemporaryDirectory() as home, Stack(Path(home)) as stack:
        story = DemoJourney(stack.base_url, stack.sandbox_url)
        for step in (*ONBOARDING, DemoJourney.run_payroll):
            print(step(story))
        wait_for("the mail about the payment", lambda: story.mails("/betalingen/"))
        seen_at = {"payment": story.mailed_link("/betalingen/"), "overview": f"{stack.base_url}/overzicht"}
        for one in SCREENSHOTS:
            photograph(browser, story, one, seen_at[one.page])


def photograph(browser: Browser, story: DemoJourney, one: Screenshot, address: str) -> None:
    """Take a screenshot; a phone has two pixels per CSS pixel."""
    scale = 2 if one.form == "narrow" else 1
    context = browser.new_context(
        viewport={"width": one.width // scale, "height": one.height // scale},
        device_scale_factor=scale,
        is_mobile=scale == 2,
        locale="nl-NL",
    )
    for cookie in story.visitor.cookies():
        context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": story.web}])
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    clip = {"x": 0, "y": 0, "width": one.width // scale, "height": one.height // scale, "scale": scale}
    asked = {"format": "webp", "quality": QUALITY, "clip": clip}
    taken = context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    (STATIC / one.name).write_bytes(b64decode(taken["data"]))
    context.close()


def main() -> None:
    with sync_playwright() as playwright:
        path = sys.argv[1] if len(sys.argv) > 1 else find()
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, "--no-sandbox"])
        splashes(browser.new_page())
        screens(browser)
        browser.close()


if __name__ == "__main__":
    main()
