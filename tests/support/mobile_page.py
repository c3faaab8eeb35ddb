"""A user with a phone: the steps that browser tests share.

It waits for what the screen shows, never for a fixed time. Script errors, violations of the content security policy and
server errors are collected in `troubles`; every test ends with `expect_no_trouble`.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.accessibility import axe_violations
from tools.demo_journey import COMPANY_NUMBER, ONBOARDING, DemoJourney, Person, wait_for
from tools.dev_stack import Stack
from tools.http_browser import PageError

SIZE = {"width": 390, "height": 844}
PATIENCE = 20_000  # milliseconds: a slow machine does not break what is tested
expect.set_options(timeout=PATIENCE)
# An invalid form is answered with 422, which Chromium reports on its console.
EXPECTED = re.compile(r"the server responded with a status of 4\d\d")

# Pages poll the status every two seconds; here five times as often.
HURRIED = """(() => {
  const usual = window.setTimeout;
  window.setTimeout = (act, wait, ...rest) => usual(act, wait === 2000 ? 400 : wait, ...rest);
})()"""


@dataclass
class Phone:
    """One browser window of one user."""

    page: Page
    house: Stack
    person: Person
    shots: Path
    scripts: bool = True
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(HURRIED)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("response", self._see)
        self.page.on("requestfailed", self._miss)

    # --- errors --------------------------------------------------------------------------------
    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.troubles.append(f"console at {self.page.url}: {message.text}")

    def _see(self, response: Response) -> None:
        if response.status >= 500:
            self.troubles.append(f"{response.status} {response.request.method} {response.url}")

    def _miss(self, request: Request) -> None:
        # leaving a page aborts its requests, which is no error
        if "ERR_ABORTED" not in (request.failure or ""):
            self.troubles.append(f"{request.failure} {request.method} {request.url}")

    def expect_no_trouble(self) -> None:
        assert not self.troubles, "\n".join([*self.troubles, self._last_fault()])

    def _last_fault(self) -> str:
        """Return the last traceback in the web process's log."""
        said = (self.house.logs / "web.log").read_text(errors="replace")
        return said[said.rfind("Traceback") :][:6000] if "Traceback" in said else "no fault in its log"

    def expect_accessible(self) -> None:
        """Require that axe finds nothing on the page as it is now. Does nothing without scripts, because axe is one.

        For pages changed by a script; what the server renders is checked by test_every_state.
        """
        if not self.scripts:
            return
        faults = axe_violations(self.page)
        assert faults == [], f"{self.page.url}: {faults}"

    # --- the window ----------------------------------------------------------------------------
    def shot(self, name: str, whole: bool = False) -> None:
        """Save a screenshot of the window, or of the whole page, if BIZCUIT_SCREENSHOTS is set."""
        if "BIZCUIT_SCREENSHOTS" not in os.environ:
            return
        name += "" if self.scripts else "-zonder-scripts"
        if whole:
            self.page.evaluate("scrollTo(0, 0)")  # fixed elements are drawn at the scroll position
        # keep the caret: hiding it would set a style on every field, see `expect_accessible`
        path = self.shots / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole, scale="css", animations="disabled", caret="initial")

    def shot_both(self, name: str) -> None:
        """Save the page in dark mode and on a wide screen, then restore the phone's size."""
        if "BIZCUIT_SCREENSHOTS" not in os.environ:
            return
        self.page.emulate_media(color_scheme="dark")
        self.shot(f"{name}-dark", whole=True)
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1024, "height": 768})
        self.shot(f"{name}-1024", whole=True)
        self.page.set_viewport_size(SIZE)  # type: ignore[arg-type]

    def open(self, path: str) -> None:
        self.page.goto(self.house.base_url + path)

    def sees(self, *texts: str) -> None:
        """Require that the page contains all of these texts; no-break spaces count as spaces."""
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)

    def heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def link(self, name: str, exact: bool = False) -> Locator:
        return self.page.get_by_role("link", name=name, exact=exact)

    def error_of(self, label: str) -> Locator:
        """Return the error message of a field, found through aria-describedby."""
        described = self.page.get_by_label(label, exact=True).get_attribute("aria-describedby") or ""
        return self.page.locator(f"#{described.split()[-1]}")

    def until(self, ready: Callable[[], object]) -> None:
        """Reload the page until `ready` returns something, for content that does not update by itself."""

        def looked() -> object:
            # wait for a pending request first: a reload could abort it
            expect(self.page.locator(".htmx-request")).to_have_count(0)
            self.page.reload()
            return ready()

        if ready():
            return
        try:
            wait_for(f"{self.page.url} to change", looked, patience=PATIENCE / 1000)
        except PageError as error:
            raise AssertionError(f"{error}; {self._as_it_stands()}") from None

    def _as_it_stands(self) -> str:
        """Return the page's text and the worker's last log lines, to explain a failure."""
        worker = (self.house.logs / "worker.log").read_text(errors="replace").splitlines()[-30:]
        return "\n".join(["the page says:", self.page.locator("main").inner_text(), "the worker wrote:", *worker])

    # --- steps ---------------------------------------------------------------------------------
    def open_mail(self, part: str) -> None:
        """Open the newest mail that contains such a link, in the mailbox."""
        wait_for(f"a mail with {part}", lambda: self.mailed(part))
        self.page.goto(f"{self.house.sandbox_url}/mail/")
        mine = self.page.get_by_role("listitem").filter(has_text=self.person.email).get_by_role("link")
        addresses = [f"{self.house.sandbox_url}{one.get_attribute('href')}" for one in mine.all()]
        self.page.goto(next(one for one in addresses if part in self.page.request.get(one).text()))

    def press_mail_button(self, name: str) -> None:
        button = self.page.frame_locator("iframe.letter").get_by_role("link", name=name)
        self.page.locator("iframe.letter").evaluate("letter => letter.scrollIntoView({block: 'end'})")
        expect(button).to_be_in_viewport()
        self.shot(f"04-mail-{name.split()[0].lower()}")

        def left() -> bool:
            # Chromium loses taps and may lose a click in a frame that is still being laid out, so click again. On a
            # busy machine the first click may have worked after all, and the button is gone.
            try:
                button.click(no_wait_after=True, timeout=1_500)
            except PlaywrightTimeout:
                return self.page.url.startswith(self.house.base_url)
            try:
                self.page.wait_for_url(f"{self.house.base_url}/**", timeout=5_000)
            except PlaywrightTimeout:
                return False
            return True

        wait_for(f"the mail's button {name!r} to lead on", left)

    def mailed(self, part: str) -> list[str]:
        """Return the matching links in this user's mails, newest first."""
        inbox = self.page.request.get(f"{self.house.sandbox_url}/control/inbox").json()
        return [link for mail in inbox if self.person.email in mail["to"] for link in mail["links"] if part in link]

    def sign_in(self) -> None:
        """Sign in on the page that asks for it."""
        self.heading("Inloggen")
        self.page.get_by_label("E-mailadres").fill(self.person.email)
        self.page.get_by_label("Wachtwoord", exact=True).fill(self.person.password)
        self.page.get_by_role("button", name="Inloggen").click()

    def control(self, method: str, path: str, body: dict) -> None:
        """Call the sandbox's control API."""
        answer = self.page.request.fetch(f"{self.house.sandbox_url}/control/{path}", method=method, data=body)
        assert answer.ok, answer.text()

    def press_run(self) -> None:
        """Press RUN! in Nmbrs and wait for the mail about the payment."""
        before = len(self.mailed("/betalingen/"))
        self.page.goto(f"{self.house.sandbox_url}/nmbrs/")
        self.link("Demo BV").first.click()
        self.link("9969 |").first.click()
        self.link("Loonopdracht").first.click()
        self.button("RUN!").click()
        wait_for("the mail about the payment", lambda: len(self.mailed("/betalingen/")) > before)

    def run_payroll(self, **run: Any) -> str:
        """Run a payroll in Nmbrs (default: the one of `press_run`). Returns the URL of its payment."""
        before = len(self.mailed("/betalingen/"))
        self.control("POST", "runs", {"company": COMPANY_NUMBER, **run})
        wait_for("the mail about the payment", lambda: len(self.mailed("/betalingen/")) > before)
        return self.mailed("/betalingen/")[0]

    def to_the_payment(self, **run: Any) -> None:
        """Run a payroll and open its payment, for a user who is signed in."""
        self.page.goto(self.run_payroll(**run))
        self.heading("Betaalopdracht")
        self.answers_for_new_accounts()

    def answers_for_new_accounts(self) -> None:
        """Say that the new account numbers are right, if the payment asks: one tap for all of them."""
        asks = self.page.locator("#rekeningen [name=antwoord][value=records]")
        if asks.count():
            asks.click()
            expect(self.page.locator(".payees:not(section)")).to_be_visible(timeout=PATIENCE)

    def from_the_mailbox(self) -> None:
        """Run a payroll, open the payment from the mail and sign in."""
        self.press_run()
        self.open_mail("/betalingen/")
        self.press_mail_button("Bekijk de betaling")
        self.sign_in()
        self.heading("Betaalopdracht")

    # --- the payment's page --------------------------------------------------------------------
    @property
    def pay_button(self) -> Locator:
        """The main button at the foot of the page."""
        return self.page.locator("#pay-place .button")

    def line(self, name: str) -> Locator:
        return self.page.locator("li.line").filter(has_text=name)

    def state(self, text: str) -> None:
        """Wait until the payment's badge starts with this text."""
        expect(self.page.locator("#hero .badge")).to_contain_text(text, timeout=PATIENCE)

    def days(self) -> list[str]:
        """Return the selectable days that are shown."""
        free = self.page.locator("label.day:not(.closed) [name=execution_date]:enabled").all()
        return [node.get_attribute("value") or "" for node in free]

    def chosen_day(self) -> str:
        return self.page.locator("[name=execution_date]:checked").get_attribute("value") or ""


def newcomer(house: Stack, email: str) -> Person:
    """Reset the sandbox and return a person without an account."""
    story = DemoJourney(house.base_url, house.sandbox_url)
    story.visitor.json("POST", f"{house.sandbox_url}/control/reset")
    return replace(story.person, email=email)


def entrepreneur(house: Stack, email: str) -> DemoJourney:
    """Return a customer with a linked bank and Nmbrs, set up through the pages."""
    person = newcomer(house, email)
    story = DemoJourney(house.base_url, house.sandbox_url)
    story.person = person
    for step in ONBOARDING:
        step(story)
    return story


def mark(phone: Phone) -> None:
    """Mark the window; a page load removes the mark."""
    phone.page.evaluate("document.documentElement.dataset.mark = 'here'")


def is_marked(phone: Phone) -> bool:
    """Return whether no page has been loaded since `mark`."""
    return phone.page.evaluate("document.documentElement.dataset.mark === 'here'")


def new_context(chromium, scripts: bool = True) -> BrowserContext:
    """Return a browser context of a Dutch phone."""
    return chromium.new_context(
        viewport=SIZE, device_scale_factor=2, has_touch=True, is_mobile=True, locale="nl-NL",
        timezone_id="Europe/Amsterdam", java_script_enabled=scripts,
    )  # fmt: skip
