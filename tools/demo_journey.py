"""The main flow as a person walks it, over HTTP: from registration to an executed payment.

Each step opens the pages, fills in their forms and follows their links, in the app and in the sandbox (mailbox, banks,
identity broker, Nmbrs). It returns a line about the result and raises PageError, naming the page, if something is not
as expected.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree

from tools.http_browser import HttpBrowser, Page, PageError, words

PATIENCE = 60.0  # seconds to wait for background work: queue, mail, bank
COMPANY_NUMBER = "9969"
WEBHOOK_NAME = "Bizcuit koppeling"
BANK = "redirect"
AMOUNT = r"\d{1,3}(?:\.\d{3})*,\d{2}"


@dataclass(frozen=True)
class Person:
    """The demo's entrepreneur: credentials from the sandbox's /control/credentials, and the demo company."""

    email: str
    password: str
    pin: str
    nmbrs_user: str
    nmbrs_token: str
    name: str = "Wouter de Jong"
    company_name: str = "Demo BV"
    kvk_number: str = "68750110"


class DemoJourney:
    """One person, one device without a real browser, one payment."""

    def __init__(self, web: str, sandbox: str) -> None:
        self.web, self.sandbox = web, sandbox
        self.visitor = HttpBrowser()
        told = self.visitor.json("GET", f"{sandbox}/control/credentials")
        known = ("email", "password", "pin", "nmbrs_user", "nmbrs_token")
        self.person = Person(**{name: told[name] for name in known})
        self.client = ""
        self.payment: Page | None = None
        self.lines = 0

    # --- account ---
    def register(self) -> str:
        """Register, and confirm the e-mail address through the link in the mail."""
        person = self.person
        form = self.visitor.open(f"{self.web}/registreren").form()
        form.fill(name=person.name, email=person.email, password=person.password)
        form.fill(company_name=person.company_name, kvk_number=person.kvk_number).submit()
        link = self.mailed_link("/bevestigen/")
        self.visitor.open(link).form().submit("Bevestig")
        return f"registered {person.company_name}; {person.email} confirmed by the link in the mail"

    def sign_in(self) -> str:
        """Log in with the password."""
        form = self.visitor.open(f"{self.web}/inloggen").form()
        page = form.fill(email=self.person.email, password=self.person.password).submit()
        self.client = page.url.removeprefix(self.web).split("/")[1]
        return f"signed in; account {self.client}"

    def set_pin(self) -> str:
        """Set a PIN of six digits."""
        form = self.open("pincode").form()
        form.fill(pin=self.person.pin, again=self.person.pin).submit()
        return "pin set"

    # --- identification and bank ---
    def identify(self) -> str:
        """Identify at the broker; the business register returns the signing authority."""
        page = self.through(self.open("identificatie").form().submit("iDIN"))
        page.expect_text("mag voor Demo BV tekenen")
        return "identified by iDIN; the register says: may sign alone"

    def link_bank(self) -> str:
        """Choose a bank, give consent there and confirm the account holder's name."""
        page = self.through(self.open("saldo/toevoegen").form().submit(BANK))
        page.expect_text(self.person.company_name).form().submit("Bevestig")
        page = self.open("saldo").expect_text("NL95 INGB 0004 9218 36")
        found = len(re.findall(r"NL\d\d [A-Z]{4} ", page.text))
        return f"bank linked; {found} accounts with their balance"

    # --- Nmbrs ---
    def connect_nmbrs(self) -> str:
        """Enter e-mail address and token, which are tested before they are stored."""
        self.open("apps/nmbrs").expect_text("Er is nog geen verbinding met Nmbrs")
        form = self.open("apps/nmbrs/toevoegen").form()
        form.fill(email=self.person.nmbrs_user, token=self.person.nmbrs_token).submit("Test en sla op")
        self.open("apps/nmbrs").expect_text("Er is een actieve verbinding met Nmbrs")
        return f"Nmbrs connected as {self.person.nmbrs_user}"

    def map_companies(self) -> str:
        """Choose the account that pays the company."""
        page = self.open("apps/nmbrs").link("App instellingen tonen")
        select = page.tree.xpath("//label[contains(., $number)]/@for", number=COMPANY_NUMBER)
        if not select:
            raise PageError(f"{page.url} does not offer administratie {COMPANY_NUMBER}")
        values = page.tree.xpath("//select[@id=$id]/option[contains(., 'NL95')]/@value", id=select[0])
        page.form("Opslaan en terug").fill(**{select[0]: values[0]}).submit("Opslaan en terug")
        return f"administratie {COMPANY_NUMBER} is paid from NL95 INGB 0004 9218 36"

    def set_webhook(self) -> str:
        """Copy the webhook URL and register it in Nmbrs, as the instructions on the page say."""
        settings = self.open("apps/nmbrs").link("App instellingen tonen")
        address = settings.tree.xpath("string(//code[contains(., '/webhooks/paymentsbatch')])").strip()
        debtor = self.visitor.open(f"{self.sandbox}/nmbrs/").link(self.person.company_name)
        form = debtor.link("Webhook instellingen").link("Nieuwe webhook instellingen").form("OPSLAAN")
        form.fill(naam=WEBHOOK_NAME, endpoint=address).choose("Actief").choose("Run Einde actief")
        form.submit("OPSLAAN").expect_text(WEBHOOK_NAME, "Actief ja")
        return "webhook set in Nmbrs: Run Einde"

    # --- payment ---
    def run_payroll(self, month: str = "") -> str:
        """Run payroll; webhook, queue, import and mail then produce the payment. `month` selects the month of the run.
        """
        before = len(self.mails("/betalingen/"))
        if month:
            asked = {"company": COMPANY_NUMBER, "description": month}
            self.visitor.json("POST", f"{self.sandbox}/control/runs", asked)
        else:
            company = self.visitor.open(f"{self.sandbox}/nmbrs/").link(f"{COMPANY_NUMBER} |")
            company.link("Loonopdracht").form("RUN!").submit("RUN!")
        wait_for("the mail about the payment", lambda: len(self.mails("/betalingen/")) > before)
        link = self.mails("/betalingen/")[0]
        self.payment = self.visitor.open(link).expect_text("Goedkeuring vereist")
        self.lines = len(self.payment.tree.xpath("//li[starts-with(@id, 'regel-')]"))
        return f"payroll run; payment of {self.lines} lines, EUR {self.total()}, waits at {self.payment.url}"

    def check_accounts(self) -> str:
        """Answer, where the payment asks, that the account numbers were checked: of a first payment, all at once."""
        asked = self.shown().tree.xpath("string(//*[@id='rekeningen']//b)")
        if not asked:
            return "every account number is known"
        self.payment = self.shown().form("/rekeningen").submit("records").expect_text("Nagevraagd (", "Betaal €")
        return f"{asked}: checked in one tap"

    def approve(self) -> str:
        """Exclude one line, include it again, and press the pay button."""
        page, whole = self.shown(), self.total()
        first = page.tree.xpath("string(//li[starts-with(@id, 'regel-')]/@id)").removeprefix("regel-")
        self.payment = self.shown().form("regels").submit(f"nee-{first}")
        if self.total() == whole:
            raise PageError(f"{page.url}: the total did not follow an excluded line")
        self.payment = self.shown().form("regels").submit(f"ja-{first}")
        if self.total() != whole:
            raise PageError(f"{page.url}: the total did not follow a line taken back")
        button = f"Betaal € {dutch(whole)}"
        self.payment = self.shown().form("/betalen").submit(button)
        return f"one line excluded and included again; approved: {button}"

    def sign(self) -> str:
        """Sign at the bank, and wait until the payment shows it."""
        self.await_state("Wacht op ondertekening bij de bank")
        bank = self.shown().form("/ondertekenen").submit("Onderteken bij")
        self.payment = self.through(bank)
        self.await_state("Ondertekend")
        return f"signed at the bank; {self.state()}"

    def execute(self) -> str:
        """Advance the sandbox's clock to the requested execution date; the payment is executed then."""
        clock = f"{self.sandbox}/control/clock"
        today = date.fromisoformat(self.visitor.json("GET", clock)["bank_day"])
        self.visitor.json("POST", clock, {"advance_days": max((self.requested_date() - today).days, 1)})
        self.await_state("Uitgevoerd")
        count, total = self.sent()
        return f"executed {count}/{self.lines} EUR {total}"

    # --- helpers ---
    def open(self, path: str) -> Page:
        """Open a page of this client."""
        return self.visitor.open(f"{self.web}/{self.client}/{path}")

    def shown(self) -> Page:
        """Return the payment page that is open."""
        if self.payment is None:
            raise PageError("no payment is open")
        return self.payment

    def total(self) -> str:
        """Return the total on the page, in the form 19806.08."""
        found = re.search(AMOUNT, self.shown().text)
        if not found:
            raise PageError(f"{self.shown().url} shows no sum")
        return found.group().replace(".", "").replace(",", ".")

    def through(self, page: Page) -> Page:
        """Submit the pages of the other site (bank, broker) until it redirects to the app."""
        for _ in range(8):
            if page.url.startswith(self.web):
                return page
            page = page.form().submit()
        raise PageError(f"the way back from {page.url} was not found")

    def state(self) -> str:
        """Return the text of the payment's badge."""
        return " ".join(
            words(node) for node in self.shown().tree.xpath("//*[@id='hero']//*[contains(@class, 'badge')]")
        )

    def reaches(self, state: str, patience: float) -> bool:
        """Poll the status, as the open page does, until the badge starts with `state`; return False after `patience`
        seconds.
        """
        url, deadline = self.shown().url.split("?")[0], time.monotonic() + patience
        while time.monotonic() < deadline:
            self.payment = self.visitor.open(f"{url}/status")
            if self.state().startswith(state):
                return True
            time.sleep(0.2)
        return False

    def await_state(self, state: str) -> None:
        """Wait for a state; raise PageError if it does not come."""
        if not self.reaches(state, PATIENCE):
            raise PageError(f"{self.shown().url} says {self.state()!r}, not {state!r}, after {PATIENCE:g} s")

    def mails(self, part: str) -> list[str]:
        """Return links with `part` in this person's mails, newest first."""
        inbox = self.visitor.json("GET", f"{self.sandbox}/control/inbox")
        own = [mail for mail in inbox if self.person.email in mail["to"]]
        return [link for mail in own for link in mail["links"] if part in link]

    def mailed_link(self, part: str) -> str:
        """Return the newest such link; wait for the mail."""
        wait_for(f"a mail with {part}", lambda: self.mails(part))
        return self.mails(part)[0]

    def sent(self) -> tuple[int, str]:
        """Return number and total of the payments in the newest order, as the bank received it."""
        cents = [int(text.replace(".", "")) for text in self._of_the_order("InstdAmt")]
        return len(cents), f"{sum(cents) // 100}.{sum(cents) % 100:02d}"

    def requested_date(self) -> date:
        """Return the requested execution date of the newest order."""
        return date.fromisoformat(self._of_the_order("ReqdExctnDt")[0].strip())

    def _of_the_order(self, tag: str) -> list[str]:
        """Return the texts of the elements with this name in the newest order, as the bank received it."""
        order = self.visitor.json("GET", f"{self.sandbox}/control/orders")[0]
        root = ElementTree.fromstring(order["body"])
        return ["".join(node.itertext()) for node in root.iter() if node.tag.endswith(f"}}{tag}")]


ONBOARDING: list[Callable[[DemoJourney], str]] = [
    DemoJourney.register,
    DemoJourney.sign_in,
    DemoJourney.set_pin,
    DemoJourney.identify,
    DemoJourney.link_bank,
    DemoJourney.connect_nmbrs,
    DemoJourney.map_companies,
    DemoJourney.set_webhook,
]
PAYING: list[Callable[[DemoJourney], str]] = [
    DemoJourney.run_payroll,
    DemoJourney.check_accounts,
    DemoJourney.approve,
    DemoJourney.sign,
    DemoJourney.execute,
]


# The steps on /welkom and what performs each. The webhook's step needs a first call, so catch_up checks Nmbrs instead.
WELCOME: dict[str, Callable[[DemoJourney], str]] = {
    "Pincode kiezen": DemoJourney.set_pin,
    "Identificeren met iDIN": DemoJourney.identify,
    "Bankrekening koppelen": DemoJourney.link_bank,
    "Nmbrs verbinden": DemoJourney.connect_nmbrs,
    "Administratie kiezen": DemoJourney.map_companies,
}


def catch_up(story: DemoJourney, echo: Callable[[str], object]) -> None:
    """Perform the steps up to the webhook, whatever an earlier, interrupted start has already done."""
    try:
        echo(story.sign_in())
    except PageError:
        echo(story.register())
        echo(story.sign_in())
    for title, step in WELCOME.items():
        if title not in finished(story.open("welkom")):
            echo(step(story))
    debtor = story.visitor.open(f"{story.sandbox}/nmbrs/").link(story.person.company_name)
    if WEBHOOK_NAME not in debtor.link("Webhook instellingen").text:
        echo(story.set_webhook())


def finished(welcome: Page) -> set[str]:
    """Return the titles of the completed steps on /welkom."""
    rows = welcome.tree.xpath("//*[@class='task'][.//*[contains(@class, 'disc') and contains(@class, 'good')]]")
    return {words(row.find(".//b")) for row in rows}


def seed(echo: Callable[[str], object]) -> None:
    """Create the demo's person on the running stack, up to the webhook (`flask seed-demo`)."""
    import config

    settings = config.load()
    catch_up(DemoJourney(settings.base_url, settings.sandbox_url), echo)


def dutch(amount: str) -> str:
    """Return 19806.08 in Dutch notation: 19.806,08."""
    whole, cents = amount.split(".")
    return f"{int(whole):,}".replace(",", ".") + f",{cents}"


def wait_for(what: str, ready: Callable[[], object], patience: float = PATIENCE) -> None:
    """Poll until `ready` returns a true value; raise PageError with `what` after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise PageError(f"waited {patience:g} s for {what}")
        time.sleep(0.2)
