"""The installed app: installable, with an offline page, and without private data in its cache."""

import pytest
from playwright.sync_api import expect

from tests.support.mobile_page import Phone, is_marked, mark

pytestmark = pytest.mark.browser

KEPT = """async () => {
  const kept = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) kept[request.url] = await (await cache.match(request)).text();
  }
  return kept;
}"""
STORED = """async () => ({
  local: {...localStorage}, session: {...sessionStorage}, databases: (await indexedDB.databases()).map((d) => d.name),
  cookies: document.cookie,
})"""
HTMX_PATH = "htmx-current-path-for-history"  # the path of the open page, which is also in the window's history
# Wait until the worker controls this page.
CONTROLLED = """() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"""


def test_the_app_can_be_installed(stranger: Phone):
    phone = stranger
    phone.open("/inloggen")
    phone.page.wait_for_function(CONTROLLED)
    devtools = phone.page.context.new_cdp_session(phone.page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["url"] == f"{phone.house.base_url}/manifest.webmanifest"
    assert manifest["errors"] == []
    # Chromium's reasons against installing; in a private window only that it is private.
    missing = {error["errorId"] for error in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert missing <= {"in-incognito"}


def test_the_offline_page_and_no_private_data(wouter: Phone):
    phone = wouter
    phone.to_the_payment()
    phone.page.wait_for_function(CONTROLLED)
    for path in ("overzicht", "saldo", "betalingen", "apps/nmbrs", "instellingen"):
        phone.open(f"/{path}")
        phone.page.go_back()
    nothing_private_is_kept(phone)
    phone.page.context.set_offline(True)
    phone.open("/overzicht")
    phone.heading("Je hebt geen verbinding")
    expect(phone.page.locator("body")).not_to_contain_text("Demo BV")
    phone.shot("80-geen-verbinding")
    phone.expect_accessible()
    phone.page.context.set_offline(False)
    phone.link("Probeer opnieuw").click()
    phone.sees("Demo BV")
    phone.shot("81-weer-verbinding")
    nothing_private_is_kept(phone)
    phone.link("Instellingen").click()
    phone.page.get_by_role("button", name="Uitloggen", exact=True).click()
    phone.heading("Inloggen")
    assert phone.page.evaluate(STORED)["session"].keys() <= {HTMX_PATH}
    assert "betalingen" not in str(phone.page.evaluate(STORED))
    phone.troubles = [told for told in phone.troubles if "ERR_INTERNET_DISCONNECTED" not in told]


# Simulate an old cache and a changed worker, by another URL of the worker.
UPDATE = """async () => {
  const before = await caches.open("bizcuit-before");
  await before.put("/static/css/bizcuit.css?v=before", new Response("x"));
  const once = { once: true };
  const taken = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, once));
  const { installing } = await navigator.serviceWorker.register("/sw.js?after", { scope: "/" });
  const active = new Promise((done) => installing.addEventListener("statechange", () => {
    if (installing.state === "activated") done();
  }));
  await Promise.all([taken, active]);
  return await caches.keys();
}"""
OF_BEFORE = "async () => (await fetch('/static/js/bizcuit.js?v=before')).status"


def test_an_update_takes_over_while_a_page_is_open(wouter: Phone):
    phone = wouter
    phone.to_the_payment()
    phone.page.wait_for_function(CONTROLLED)
    mark(phone)
    kept = phone.page.evaluate(UPDATE)
    assert len(kept) == 1 and kept != ["bizcuit-before"], kept
    phone.line("Jong, Wouter de").get_by_role("button", name="Niet betalen").click()
    expect(phone.pay_button).to_have_text("Betaal € 16.358,00")
    assert is_marked(phone)
    assert phone.page.evaluate(OF_BEFORE) == 200, "an open page may still ask for what it was made with"
    phone.open("/overzicht")
    phone.sees("er staat één betaling klaar.")
    phone.page.context.set_offline(True)
    phone.open("/overzicht")
    phone.heading("Je hebt geen verbinding")
    phone.troubles = [told for told in phone.troubles if "ERR_INTERNET_DISCONNECTED" not in told]


def nothing_private_is_kept(phone: Phone) -> None:
    kept = phone.page.evaluate(KEPT)
    offline = f"{phone.house.base_url}/offline"
    assert offline in kept
    assert all(url == offline or url.startswith(f"{phone.house.base_url}/static/") for url in kept)
    private = ("Demo BV", "Wouter", "NL95", "19.806", phone.person.email, "/webhooks/")
    assert [(url, word) for url, text in kept.items() for word in private if word in text] == []
    stored = phone.page.evaluate(STORED)
    assert stored["session"].keys() <= {HTMX_PATH}
    assert [word for word in private if word in str(stored)] == []
    assert stored | {"session": {}} == {"local": {}, "session": {}, "databases": [], "cookies": ""}


def test_a_form_stays_as_it_was_typed_without_a_network(wouter: Phone):
    phone = wouter
    phone.open("/overzicht")
    phone.heading("Demo BV")
    phone.page.goto(f"{phone.page.url.removesuffix('/overzicht')}/instellingen/naam")
    name = phone.page.get_by_role("textbox")
    before = name.input_value()
    name.fill(f"{before} Junior")
    phone.page.context.set_offline(True)
    phone.button("Naam opslaan").click()
    phone.sees("Geen verbinding. Er is niets veranderd.")
    expect(name).to_have_value(f"{before} Junior")
    phone.page.context.set_offline(False)
    name.fill(before)
    phone.button("Naam opslaan").click()
    phone.page.wait_for_url("**/instellingen")
