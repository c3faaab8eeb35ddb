"""Demo data for `make run`: the demo's entrepreneur, and a payment to approve.

Everything goes through the pages, so that webhook, queue, import and mail really run. It can run again: it adds what is
missing, and loses or duplicates nothing. Prints one JSON object: email, password, pin, payment (URL) and summary.
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
    """Print a line for the log; standard output is for the result only."""
    print(text, file=sys.stderr)


def waiting(story: DemoJourney) -> Page | None:
    """Return the newest payment that can be approved, or None."""
    page = story.open("betalingen")
    for link in page.tree.xpath("//a[contains(@href, '/betalingen/')]/@href"):
        payment = story.visitor.open(urljoin(page.url, link))
        if "Goedkeuring vereist" in payment.text:
            return payment
    return None


MONTHS = ("Januari", "Februari", "Maart", "April", "Mei", "Juni", "Juli", "Augustus", "September", "Oktober",
          "November", "December")  # fmt: skip


def make_payment(story: DemoJourney) -> Page:
    """Run payroll in the sandbox and wait for the payment. Uses the first month without a payment, because a second
    payment of a month shows a warning that must be acknowledged first.
    """
    paid = story.open("betalingen").text.casefold()
    this = MONTHS[today_amsterdam().month - 1]
    free = next((month for month in MONTHS if month.casefold() not in paid), "")
    story.run_payroll(free if this.casefold() in paid else "")
    return story.shown()


def summary(payment: Page) -> str:
    """Return total, number of lines and state, in Dutch."""
    total = re.search(AMOUNT, payment.text)
    lines = len(payment.tree.xpath("//li[starts-with(@id, 'regel-')]"))
    return f"€ {total.group() if total else '?'}, {lines} regels, goedkeuring vereist"


if __name__ == "__main__":
    sys.exit(main())
