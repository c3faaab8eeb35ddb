"""What `make run` fills a house with: the demo entrepreneur, and a payment that waits.

Everything is done through the pages, so that the webhook, the queue, the fetch, the batch and the mail have
really happened. Done again, it does what is lacking: it loses nothing and makes nothing double.
Prints one JSON object: email, password, pin, payment (its address) and summary.
"""

import json
import os
import re
import sys
from urllib.parse import urljoin

import requests

from core.clock import today_amsterdam
from tools.demo_journey import AMOUNT, DemoJourney, catch_up
from tools.http_browser import Page, PageError


def main() -> int:
    story = DemoJourney(os.environ["BIZCUIT_BASE_URL"], os.environ["BIZCUIT_SANDBOX_URL"])
    try:
        catch_up(story, tell)
        payment = waiting(story) or make_payment(story)
    except (PageError, requests.RequestException) as problem:
        tell(str(problem))
        return 1
    person = story.person
    shown = {"email": person.email, "password": person.password, "pin": person.pin}
    print(json.dumps({**shown, "payment": payment.url, "summary": summary(payment)}))
    return 0


def tell(text: str) -> None:
    """A line for the log; the answer alone goes to standard output."""
    print(text, file=sys.stderr)


def waiting(story: DemoJourney) -> Page | None:
    """The newest payment that can still be approved."""
    page = story.open("betalingen")
    for link in page.tree.xpath("//a[contains(@href, '/betalingen/')]/@href"):
        payment = story.visitor.open(urljoin(page.url, link))
        if "Goedkeuring vereist" in payment.text:
            return payment
    return None


MONTHS = ("Januari", "Februari", "Maart", "April", "Mei", "Juni", "Juli", "Augustus", "September", "Oktober",
          "November", "December")  # fmt: skip


def make_payment(story: DemoJourney) -> Page:
    """Let the sandbox run a payroll and wait for what comes of it: of the first month that has no payment yet, because
    a second one of the same month has to be read before it can be paid."""
    paid = story.open("betalingen").text.casefold()
    this = MONTHS[today_amsterdam().month - 1]
    free = next((month for month in MONTHS if month.casefold() not in paid), "")
    story.run_payroll(free if this.casefold() in paid else "")
    return story.shown()


def summary(payment: Page) -> str:
    """The sum, the number of lines and where it stands, in Dutch."""
    total = re.search(AMOUNT, payment.text)
    lines = len(payment.tree.xpath("//li[starts-with(@id, 'regel-')]"))
    return f"€ {total.group() if total else '?'}, {lines} regels, goedkeuring vereist"


if __name__ == "__main__":
    sys.exit(main())
