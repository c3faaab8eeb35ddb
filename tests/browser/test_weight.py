"""What a visit weighs over the wire, and how much of a page a browser has to build."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import known
from tests.support.pain import Line, file_of
from tests.support.phone import Phone, entrepreneur
from tools.story import wait_for

pytestmark = pytest.mark.browser

FIRST, AGAIN = 45_000, 12_000  # bytes, headers included
STRIKE = 2_000  # bytes of the answer itself
MOST_NODES = 1_000
PEOPLE = file_of(*(Line(200_000 + n, f"Persoon {n:03d}", "NL42INGB2268352412", f"P{n:03d}") for n in range(80))).xml()


class Wire:
    """Bytes that came over the network for a page, its files and what it asks for itself."""

    def __init__(self, phone: Phone):
        self.bytes = 0
        self.devtools = phone.page.context.new_cdp_session(phone.page)
        self.devtools.send("Network.enable")
        # The service worker asks for the same things, where a page's bytes are not counted.
        self.devtools.send("Network.setBypassServiceWorker", {"bypass": True})
        self.devtools.on("Network.loadingFinished", self._add)

    def _add(self, event: dict) -> None:
        self.bytes += event["encodedDataLength"]

    @contextmanager
    def at_most(self, most: int, what: str) -> Iterator[None]:
        self.bytes = 0
        yield
        assert 0 < self.bytes <= most, f"{what}: {self.bytes} bytes"
        print(f"{what}: {self.bytes} bytes")

    def forget(self) -> None:
        self.devtools.send("Network.clearBrowserCache")


def visited(phone: Phone, path: str) -> None:
    phone.open(path)
    phone.page.wait_for_load_state("networkidle")


@pytest.fixture
def payment(wouter: Phone) -> str:
    wouter.control("POST", "runs", {"company": "9969", "sepa": PEOPLE})
    wait_for("the mail about the payment", lambda: wouter.mailed("/betalingen/"))
    visited(wouter, "/inloggen")
    wouter.sign_in()
    wouter.heading("Demo BV")
    wouter.page.goto(wouter.mailed("/betalingen/")[0])
    return wouter.page.url.removeprefix(wouter.house.base_url)


def test_a_first_and_a_second_visit(house, take):
    story = entrepreneur(house, "licht@demobv.example")
    phone = known(take, story)
    wire = Wire(phone)
    with wire.at_most(FIRST, "signing in, the first time"):
        visited(phone, "/inloggen")
    with wire.at_most(AGAIN, "signing in, again"):
        visited(phone, "/inloggen")
    phone.sign_in()
    phone.heading("Demo BV")
    here = phone.page.url.removeprefix(house.base_url)
    wire.forget()
    with wire.at_most(FIRST, "overview, the first time"):
        visited(phone, here)
    with wire.at_most(AGAIN, "overview, again"):
        visited(phone, here)


def test_a_payment_of_eighty_lines(wouter: Phone, payment: str):
    phone, wire = wouter, Wire(wouter)
    expect(phone.page.locator("li.line")).to_have_count(80)
    wire.forget()
    with wire.at_most(FIRST, "payment of 80 lines, the first time"):
        visited(phone, payment)
    with wire.at_most(AGAIN, "payment of 80 lines, again"):
        visited(phone, payment)
    nodes = phone.page.evaluate("document.querySelectorAll('*').length")
    assert nodes <= MOST_NODES
    struck = phone.line("Persoon 007")
    with phone.page.expect_request_finished(lambda asked: asked.method == "POST") as finished:
        struck.get_by_role("button", name="Niet betalen").click()
    assert 0 < finished.value.sizes()["responseBodySize"] <= STRIKE
    expect(phone.page.locator("#hero")).to_contain_text("79 van 80 regels")
    print("one line struck:", finished.value.sizes())
    print("nodes:", nodes)
