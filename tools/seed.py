"""What `make run` fills a house with: the demo entrepreneur, and a payment that waits.

Everything is done through the pages, so that the webhook, the queue, the fetch, the batch and the mail have
really happened. Done again, it does what is lacking: it loses nothing and makes nothing double.
Prints one JSON object: email, password, pin, payment (its address) and summary.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from urllib.parse import urljoin

import requests

from tools.story import AMOUNT, Story
from tools.visitor import Page, PageError

# The rows of /welkom in their order, and what does each.
STEPS: dict[str, Callable[[Story], str]] = {
    "Pincode kiezen": Story.set_pin,
    "Identificeren met iDIN": Story.identify,
    "Bankrekening koppelen": Story.link_bank,
    "Nmbrs verbinden": Story.connect_nmbrs,
    "Administratie kiezen": Story.map_companies,
}


def main() -> int:
    story = Story(os.environ["BIZCUIT_BASE_URL"], os.environ["BIZCUIT_SANDBOX_URL"])
    try:
        enter(story)
        payment = waiting(story) or make_payment(story)
    except (PageError, requests.RequestException) as problem:
        print(problem, file=sys.stderr)
        return 1
    person = story.person
    shown = {"email": person.email, "password": person.password, "pin": person.pin}
    print(json.dumps({**shown, "payment": payment.url, "summary": summary(payment)}))
    return 0


def enter(story: Story) -> None:
    """Sign in; register first when nobody is there yet; finish what an interrupted start left undone."""
    try:
        story.sign_in()
    except PageError:
        story.register()
        story.sign_in()
    for title, step in STEPS.items():
        if title not in done(story.open("welkom")):
            step(story)
    webhooks = story.visitor.open(f"{story.sandbox}/nmbrs/").link(story.person.company_name)
    if "Bizcuit koppeling" not in webhooks.link("Webhook instellingen").text:
        story.set_webhook()


def done(welcome: Page) -> set[str]:
    """The titles of the steps that are finished."""
    rows = welcome.tree.xpath("//*[@class='task'][.//*[contains(@class, 'disc') and contains(@class, 'good')]]")
    return {row.xpath("string(.//b/span)").strip() for row in rows}


def waiting(story: Story) -> Page | None:
    """The newest payment that can still be approved."""
    page = story.open("betalingen")
    for link in page.tree.xpath("//a[contains(@href, '/betalingen/')]/@href"):
        payment = story.visitor.open(urljoin(page.url, link))
        if "Goedkeuring vereist" in payment.text:
            return payment
    return None


def make_payment(story: Story) -> Page:
    """Let the sandbox run a payroll and wait for what comes of it."""
    story.run_payroll()
    return story.shown()


def summary(payment: Page) -> str:
    """The sum, the number of lines and where it stands, in Dutch."""
    total = re.search(AMOUNT, payment.text)
    lines = len(payment.tree.xpath("//li[starts-with(@id, 'regel-')]"))
    return f"€ {total.group() if total else '?'}, {lines} regels, goedkeuring vereist"


if __name__ == "__main__":
    sys.exit(main())
