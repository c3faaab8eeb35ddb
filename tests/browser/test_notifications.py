"""Push notifications on a phone: enabled by hand, shown by the service worker, leading to the payment."""

import json
from os import urandom

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import CDPSession, expect

from tests.support.mobile_page import Phone
from tests.support.push import encoded
from tools.demo_journey import wait_for

pytestmark = pytest.mark.browser

SHOWN = """async () => {
  const worker = await navigator.serviceWorker.ready;
  return (await worker.getNotifications()).map((n) => ({ title: n.title, body: n.body, data: n.data, tag: n.tag }));
}"""
MESSAGE = {
    "title": "Er staat een betaling klaar", "text": "Demo BV: bekijk de betaling, en betaal.",
    "path": "/betalingen/x-1", "tag": "t1", "waiting": 2,
}  # fmt: skip
# Chromium's push service is on the internet, so this browser subscribes at the sandbox; the rest is real.
AT_THE_SANDBOX = """
  const told = %s, made = { toJSON: () => told, options: {}, unsubscribe: async () => sessionStorage.clear() };
  PushManager.prototype.getSubscription = async () => sessionStorage.subscribed ? made : null;
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("wrong options");
    sessionStorage.subscribed = "yes";
    return made;
  };
"""


def worker_of(phone: Phone) -> tuple[CDPSession, str]:
    """Return the devtools session that can send this browser's worker a message, and the worker's id."""
    session = phone.page.context.new_cdp_session(phone.page)
    found: list[str] = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(
        one["registrationId"] for one in told["registrations"] if one["scopeURL"].startswith(phone.house.base_url)
    ))  # fmt: skip
    session.send("ServiceWorker.enable")
    phone.until(lambda: bool(found))
    return session, found[-1]


def deliver(phone: Phone, message: dict) -> None:
    """Send the worker a message until it is shown: devtools drop one for a worker that is being started."""
    session, registration = worker_of(phone)
    given = {"origin": phone.house.base_url, "registrationId": registration, "data": json.dumps(message)}

    def is_shown() -> bool:
        session.send("ServiceWorker.deliverPushMessage", given)
        phone.page.wait_for_timeout(500)
        return message["title"] in [one["title"] for one in phone.page.evaluate(SHOWN)]

    wait_for("the message", is_shown)


def test_a_message_is_shown_by_the_worker(wouter: Phone):
    phone = wouter
    phone.page.context.grant_permissions(["notifications"], origin=phone.house.base_url)
    phone.open("/overzicht")
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    deliver(phone, MESSAGE)
    assert phone.page.evaluate(SHOWN) == [
        {"title": MESSAGE["title"], "body": MESSAGE["text"], "data": "/betalingen/x-1", "tag": "t1"}
    ]
    deliver(phone, MESSAGE | {"title": "Betaling uitgevoerd"})
    assert len(phone.page.evaluate(SHOWN)) == 1, "what is newer of the same payment takes its place"


def test_the_page_shows_the_state(wouter: Phone):
    phone = wouter
    phone.open("/overzicht")
    phone.heading("Demo BV")
    here = phone.page.url.removesuffix("/overzicht")
    phone.page.goto(f"{here}/instellingen/meldingen")
    expect(phone.button("Zet meldingen aan")).to_be_visible()
    phone.shot("70-meldingen", whole=True)
    phone.shot_both("70-meldingen")
    phone.expect_accessible()
    phone.page.get_by_label("Een betaling is uitgevoerd").uncheck()
    phone.button("Opslaan").click()
    phone.sees("Opgeslagen.")
    expect(phone.page.get_by_label("Een betaling is uitgevoerd")).not_to_be_checked()
    phone.page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    phone.page.reload()
    phone.sees("Je browser staat geen meldingen toe")
    expect(phone.button("Zet meldingen aan")).to_be_hidden()
    phone.shot("71-meldingen-geweigerd", whole=True)


def test_enabled_notifications_announce_a_payment(wouter: Phone):
    """From the button to the push service: the message arrives with the mail."""
    phone, key, auth = wouter, ec.generate_private_key(ec.SECP256R1()), urandom(16)
    number = key.private_numbers().private_value.to_bytes(32)
    name = encoded(urandom(6))
    phone.control("PUT", f"push/{name}", {"private_key": encoded(number), "auth": encoded(auth)})
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": encoded(point), "auth": encoded(auth)}
    told = {"endpoint": f"{phone.house.sandbox_url}/push/{name}", "keys": keys}
    phone.page.context.grant_permissions(["notifications"], origin=phone.house.base_url)
    phone.page.add_init_script(AT_THE_SANDBOX % json.dumps(told))
    phone.open("/overzicht")
    phone.heading("Demo BV")
    here = phone.page.url.removesuffix("/overzicht")
    phone.page.goto(f"{here}/instellingen/meldingen")
    phone.button("Zet meldingen aan").click()
    expect(phone.button("Zet meldingen uit")).to_be_visible()
    phone.shot("72-meldingen-aan", whole=True)
    phone.run_payroll()

    def messages() -> list[dict]:
        return phone.page.request.get(f"{phone.house.sandbox_url}/control/push/{name}").json()

    wait_for("the message about the payment", messages)
    (message,) = messages()
    assert message["told"]["title"] == "Er staat een betaling klaar"
    assert message["told"]["waiting"] == 1
    phone.open(message["told"]["path"])
    phone.heading("Betaalopdracht")


def test_a_renewed_subscription_is_sent_to_the_server(wouter: Phone):
    """The worker does this without a page; here after a simulated event with a real subscription."""
    phone = wouter
    phone.open("/overzicht")
    phone.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    (worker,) = phone.page.context.service_workers
    renewed = "/meldingen/vernieuwd"
    with phone.page.context.expect_event("response", lambda told: told.url.endswith(renewed)) as answered:
        worker.evaluate(
            "(made) => self.dispatchEvent(Object.assign(new ExtendableEvent('pushsubscriptionchange'),"
            " { newSubscription: made }))",
            {"endpoint": "https://push.example/x"},
        )
    assert answered.value.status == 204
    assert json.loads(answered.value.request.post_data or "") == {"endpoint": "https://push.example/x"}
