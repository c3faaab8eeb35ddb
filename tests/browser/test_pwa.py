"""The app on the phone's own screen: installable, honest without a network, and keeping nothing private."""

import pytest
from playwright.sync_api import expect

from tests.support.phone import Phone

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
HTMX_PATH = "htmx-current-path-for-history"  # the path of the open page, which the window's own history holds as well
# Waits until the worker is at work for this very page.
CONTROLLED = """() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"""


def test_it_can_be_installed(stranger: Phone):
    phone = stranger
    phone.open("/inloggen")
    phone.page.wait_for_function(CONTROLLED)
    devtools = phone.page.context.new_cdp_session(phone.page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["url"] == f"{phone.house.base_url}/manifest.webmanifest"
    assert manifest["errors"] == []
    # What Chromium misses for "add to home screen"; a private window may never install, and that is all it says.
    missing = {error["errorId"] for error in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert missing <= {"in-incognito"}


def test_without_a_network_it_says_so_and_nothing_private_is_kept(wouter: Phone):
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
