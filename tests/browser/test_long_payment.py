"""Long payments on a phone: few nodes, few bytes, search while typing, and nothing lost."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import CDPSession, expect

from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

NODES = 1_000  # of which two for each line isolate its name and description (bdi)
FIRST, SECOND, VERDICT = 45_000, 12_000, 2_048  # bytes
COUNTED = "document.querySelectorAll('*').length"
CONTROLLED = "() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"


def to_a_payment_of(phone: Phone, lines: int) -> str:
    """Return the URL of a payment with this many lines, after logging in."""
    phone.to_the_payment(lines=lines)
    return phone.page.url.removeprefix(phone.house.base_url)


class Wire:
    """Counts the bytes that a window receives, with headers, as Chromium reports them."""

    def __init__(self, phone: Phone) -> None:
        self.by_request: dict[str, float] = {}
        self.session: CDPSession = phone.page.context.new_cdp_session(phone.page)
        self.session.send("Network.enable")
        # answers from the worker's cache would not be counted
        self.session.send("Network.setBypassServiceWorker", {"bypass": True})
        self.session.on("Network.loadingFinished", self._add)

    def _add(self, event: dict) -> None:
        self.by_request[event["requestId"]] = event["encodedDataLength"]

    def of(self, act: Callable[[], object]) -> int:
        self.by_request.clear()
        act()
        return round(sum(self.by_request.values()))


@pytest.fixture
def wire(wouter: Phone) -> Iterator[Wire]:
    made = Wire(wouter)
    yield made
    made.session.detach()


def opened(phone: Phone, path: str) -> None:
    phone.page.goto(phone.house.base_url + path, wait_until="networkidle")


def test_eighty_lines_take_few_nodes_and_bytes(wouter: Phone, wire: Wire):
    phone = wouter
    payment = to_a_payment_of(phone, 80)
    overview = payment.replace(payment[payment.index("/betalingen") :], "/overzicht")
    assert phone.page.evaluate(COUNTED) <= NODES
    expect(phone.page.locator("li.line")).to_have_count(80)
    phone.page.wait_for_function(CONTROLLED)
    for path in (payment, overview):
        first = first_visit(phone, wire, path)
        second = wire.of(lambda path=path: opened(phone, path))
        assert (first <= FIRST, second <= SECOND) == (True, True), (path, first, second)
    opened(phone, payment)
    verdict = wire.of(lambda: strike(phone))
    print("one line excluded:", verdict, "bytes")
    assert verdict <= VERDICT
    phone.page.context.clear_cookies()
    first, second = first_visit(phone, wire, "/inloggen"), wire.of(lambda: opened(phone, "/inloggen"))
    assert (first <= FIRST, second <= SECOND) == (True, True), (first, second)


def first_visit(phone: Phone, wire: Wire, path: str) -> int:
    """Load the page as a first visit: empty cache, no worker."""
    phone.page.goto("about:blank")
    origin = {"origin": phone.house.base_url, "storageTypes": "service_workers,cache_storage"}
    wire.session.send("Storage.clearDataForOrigin", origin)
    wire.session.send("Network.clearBrowserCache")
    return wire.of(lambda: opened(phone, path))


def strike(phone: Phone) -> None:
    with phone.page.expect_response(lambda answer: "/regels/" in answer.url) as told:
        phone.page.locator("li.line .no").nth(3).click()
    told.value.finished()
    expect(phone.page.locator("#hero")).to_contain_text("79 van 80 regels")
    phone.page.wait_for_load_state("networkidle")


@pytest.mark.thorough
def test_a_payment_of_five_thousand_lines(wouter: Phone):
    phone = wouter
    to_a_payment_of(phone, 5_000)
    phone.sees("5.000 regels", "Regel 1 tot en met 100 van 5.000. Met Betaal betaal je alle 5.000 regels.")
    expect(phone.page.locator("li.line")).to_have_count(100)
    total = phone.pay_button.inner_text()
    phone.shot("90-vijfduizend")
    phone.expect_accessible()
    shot_at_the_lines(phone, "91-vijfduizend-regels")
    finds_as_one_types(phone, total)
    strikes_what_was_found(phone, total)
    turns_pages(phone)


def shot_at_the_lines(phone: Phone, name: str) -> None:
    for scheme in ("light", "dark"):
        phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        phone.page.evaluate("document.getElementById('lines').scrollIntoView()")
        phone.shot(f"{name}-{scheme}")
    phone.page.emulate_media(color_scheme="light")


def finds_as_one_types(phone: Phone, total: str) -> None:
    """Search while typing: the field keeps focus and text, and the total stays that of all lines."""
    mark(phone)
    name = phone.page.locator("li.line b").nth(40).text_content() or ""
    field = phone.page.get_by_label("Zoek op naam, IBAN of omschrijving")
    field.press_sequentially(name.split(",")[0], delay=20)
    expect(phone.page.locator("#getoond")).to_contain_text("van 5.000 regels")
    expect(field).to_be_focused()
    expect(phone.page.locator("#live")).to_contain_text("gevonden")
    expect(phone.pay_button).to_have_text(total)
    assert is_marked(phone)
    assert "zoek" not in phone.page.url
    assert "zoek" not in str(phone.page.evaluate("({...sessionStorage, ...localStorage})"))
    phone.expect_accessible()  # before the screenshots: colours take a moment to change back from dark
    shot_at_the_lines(phone, "92-gezocht")
    phone.page.wait_for_function("() => document.getAnimations().length === 0")


def strikes_what_was_found(phone: Phone, total: str) -> None:
    """Exclude by keyboard: focus and search are kept."""
    found = phone.page.locator("li.line").count()
    cross = phone.page.locator("li.line .no").first
    cross.focus()
    phone.page.keyboard.press("Enter")
    expect(phone.page.locator("#hero")).to_contain_text("4.999 van 5.000 regels")
    expect(phone.page.locator("li.line")).to_have_count(found)
    expect(cross).to_be_focused()
    expect(phone.pay_button).not_to_have_text(total)
    told = "Met Betaal betaal je de 4.999 regels die niet zijn weggelaten."
    expect(phone.page.locator("#getoond")).to_contain_text(told)
    phone.page.get_by_role("radio", name="Niet betalen").check()
    expect(phone.page.locator("li.line")).to_have_count(1)
    shot_at_the_lines(phone, "93-weggestreept")
    phone.button("Alle regels toch betalen").click()
    phone.sees("1 regel is teruggezet. Alle 5.000 regels worden weer betaald")
    expect(phone.page.locator("#found")).to_contain_text("Geen regels gevonden")
    expect(phone.pay_button).to_have_text(total)
    phone.shot("94-teruggezet")
    phone.link("Toon alle regels").click()
    expect(phone.page.locator("li.line")).to_have_count(100)


def turns_pages(phone: Phone) -> None:
    mark(phone)
    phone.link("Volgende").click()
    phone.sees("Regel 101 tot en met 200 van 5.000.")
    expect(phone.page.locator("#found")).to_be_focused()
    assert phone.page.url.endswith("?blad=2")
    shot_at_the_lines(phone, "95-bladzijde-twee")
    phone.page.locator("li.line .no").nth(2).click()
    expect(phone.page.locator("#hero")).to_contain_text("4.999 van 5.000 regels")
    phone.sees("Regel 101 tot en met 200 van 5.000.")
    assert is_marked(phone)
    phone.page.locator("#volgende").scroll_into_view_if_needed()
    phone.shot("96-onderaan")
    phone.page.reload()
    phone.sees("Regel 101 tot en met 200 van 5.000.")


def test_a_long_payment_without_javascript(plain_wouter: Phone):
    phone = plain_wouter
    to_a_payment_of(phone, 140)
    phone.page.get_by_label("Zoek op naam, IBAN of omschrijving").fill("a")
    phone.button("Zoeken").click()
    phone.sees("van 140 regels")
    phone.page.locator("li.line .no").first.click()
    phone.sees("139 van 140 regels")
    expect(phone.page.get_by_label("Zoek op naam, IBAN of omschrijving")).to_have_value("a")
    phone.shot("97-gezocht")
    phone.button("Alle regels toch betalen").click()
    phone.sees("1 regel is teruggezet.")

