"""SCA in a browser: in the bank's app, and with a code on our page."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.bank.directory import HttpDirectory
from domain.common.services import Services, configure
from domain.orders import sca
from domain.orders.payee_verification import start_sca_after_verification
from models import BankOrder, Batch, Membership
from tests.support.factories import Demo
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed, in_the_app, reader, second_signs, signing_by
from tests.support.tampering_proxy import Meddler, meddler
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_payment_page import at

SIGN = "/ondertekenen"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def embedded(demo: Demo, sandbox: Sandbox) -> Batch:
    """A payment that waits for the choice of an SCA method."""
    signing_by(sandbox, "embedded")
    return at_the_bank(demo)


def _challenge(page: Page) -> str:
    return page.says("#challenge-1").replace(" ", "")


def _to_the_code(who: WebClient, demo: Demo, batch: Batch) -> Page:
    who.open(at(demo, batch, SIGN))
    answer = who.post(at(demo, batch, f"{SIGN}/methode"), method="lezer")
    assert (answer.status_code, answer.location) == (303, at(demo, batch, SIGN))
    return who.open(answer.location)


def _send(who: WebClient, demo: Demo, batch: Batch, code: str) -> Page:
    return who.post(at(demo, batch, f"{SIGN}/code"), code=code)


def test_decoupled_sca_is_polled_until_done(owner: WebClient, demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "decoupled")
    batch = at_the_bank(demo)
    page = owner.open(at(demo, batch))
    note = page.says("#payment .note.info")
    assert "Open de app van je bank" in note
    assert "Open de app van uw bank om te ondertekenen" in note, "the bank's own message"
    assert page.all("#pay-place button") == []
    seen = page.value("#payment", "hx-get")
    assert owner.get(seen, htmx=True).status_code == 204
    in_the_app(sandbox)
    assert followed(batch).state == "signed"
    assert owner.get(seen, htmx=True).says("#hero .badge").startswith("Ondertekend")
    sandbox.control("POST", "clock", {"advance_days": 7})
    followed(batch)
    assert owner.open(at(demo, batch)).one("#payment").get("hx-trigger") is None


def test_embedded_sca(owner: WebClient, demo: Demo, embedded: Batch, sandbox: Sandbox):
    page = owner.open(at(demo, embedded))
    assert page.says("#pay-place button") == "Kies hoe je ondertekent"
    answer = owner.post(at(demo, embedded, SIGN))
    assert answer.location == at(demo, embedded, SIGN)
    page = owner.open(answer.location)
    assert page.says("h1") == "Hoe wil je ondertekenen?"
    assert [node.get("value") for node in page.all("[name=method]")] == ["lezer", "sms"]
    page = _to_the_code(owner, demo, embedded)
    assert "EUR 8.559,16, 3 betalingen" in page.says("main > .note.info")
    assert len(page.says("#challenge-1").split()) == 2, "in fours"
    field = page.one("#code")
    assert (field.get("inputmode"), field.get("maxlength"), field.get("value")) == ("numeric", "12", "")
    answer = _send(owner, demo, embedded, reader(sandbox, _challenge(page)))
    assert answer.location == at(demo, embedded)
    assert owner.open(answer.location).says("#hero .badge").startswith("Ondertekend")


def test_a_wrong_code_shows_an_error_and_is_not_returned(
    owner: WebClient, demo: Demo, embedded: Batch, sandbox: Sandbox
):  # fmt: skip
    page = _to_the_code(owner, demo, embedded)
    right = reader(sandbox, _challenge(page))
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    answer = _send(owner, demo, embedded, wrong)
    assert (answer.status_code, answer.location) == (303, at(demo, embedded, SIGN)), "a reload sends it once"
    again = owner.open(answer.location)
    assert "Er is niets betaald" in again.says("#code-error")
    assert "Nog 2 keer" in again.says("#code-error")
    assert "Nog 2 keer" in again.says("main > [role=alert]"), "where the page opens"
    assert _challenge(again) == _challenge(page)
    assert wrong not in again.html
    assert owner.open(answer.location).all("#code-error") == [], "shown once"
    _send(owner, demo, embedded, right)
    assert Batch.get_by_id(embedded.id).state == "signed"


def test_three_wrong_codes_fail_the_payment(owner: WebClient, demo: Demo, embedded: Batch, sandbox: Sandbox):
    page = _to_the_code(owner, demo, embedded)
    wrong = f"{(int(reader(sandbox, _challenge(page))) + 1) % 10**6:06d}"
    answers = [_send(owner, demo, embedded, wrong) for _ in range(3)]
    assert [answer.location for answer in answers] == [at(demo, embedded, SIGN)] * 2 + [at(demo, embedded)]
    page = owner.open(at(demo, embedded))
    assert page.says("#hero .badge") == "Mislukt"
    assert "Er is niets betaald" in page.says("main > [role=alert]")
    assert page.says("#pay-place button") == "Opnieuw klaarzetten"


def test_a_missing_code_or_method_shows_an_error(owner: WebClient, demo: Demo, embedded: Batch):
    owner.open(at(demo, embedded, SIGN))
    page = owner.open(owner.post(at(demo, embedded, f"{SIGN}/methode")).location)
    assert page.says("#method-error") == "Kies hoe je ondertekent."
    _to_the_code(owner, demo, embedded)
    page = owner.open(_send(owner, demo, embedded, "").location)
    assert page.says("#code-error") == "Vul de code in."


def test_another_browser_shows_the_same_step(owner: WebClient, demo: Demo, site: Site, embedded: Batch):
    challenge = _challenge(_to_the_code(owner, demo, embedded))
    other = site.person(demo.user)
    assert _challenge(other.open(at(demo, embedded, SIGN))) == challenge
    late = other.post(at(demo, embedded, f"{SIGN}/methode"), method="sms")
    assert _challenge(other.open(late.location)) == challenge


def test_sca_is_abandoned(owner: WebClient, demo: Demo, embedded: Batch):
    owner.open(at(demo, embedded, SIGN))
    assert owner.post(at(demo, embedded, f"{SIGN}/stoppen")).location == at(demo, embedded)
    page = owner.open(at(demo, embedded))
    assert "De betaling is niet ondertekend" in page.says("#payment .note.bad")
    owner.post(at(demo, embedded, "/opnieuw"))
    assert demo.view(embedded).state == "open"


def test_a_second_signature_is_announced(owner: WebClient, demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_two_signers=True)
    batch = at_the_bank(demo)
    page = _to_the_code(owner, demo, batch)
    _send(owner, demo, batch, reader(sandbox, _challenge(page)))
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Wacht op ondertekening bij de bank"
    assert "Wacht op de tweede ondertekenaar bij de bank" in page.says("#payment .note.info")
    assert page.all("#pay-place button") == []
    assert page.one("#payment").get("hx-trigger") == "every 2s"
    assert owner.get(at(demo, batch, SIGN)).location == at(demo, batch)
    second_signs(sandbox, BankOrder.get().bank_payment_id or "")
    assert followed(batch).state == "signed"
    assert owner.open(at(demo, batch)).says("#hero .badge").startswith("Ondertekend")


# --- images and logins, which the sandbox's bank does not use by itself ---
@pytest.fixture
def between(world: Services, sandbox: Sandbox) -> Iterator[Meddler]:
    with meddler(sandbox.url) as found:
        configure(replace(world, banks=HttpDirectory(f"{found.url}/banks", ttl_seconds=0)))
        yield found


def test_a_challenge_image_is_served_by_us_and_not_cached(
    owner: WebClient, charlie: WebClient, demo: Demo, sandbox: Sandbox, between: Meddler
):
    def drawn(body: bytes) -> bytes:
        found = json.loads(body)
        return json.dumps(found | {"challengeData": {"image": base64.b64encode(PNG).decode()}}).encode()

    signing_by(sandbox, "embedded")
    sandbox.fault(bank_one_method=True)
    between.changes["/authorisations"] = drawn
    batch = at_the_bank(demo)
    source = owner.open(at(demo, batch, SIGN)).value("img.challenge", "src")
    answer = owner.client.get(source)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", PNG)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert charlie.client.get(source).status_code == 404


def test_a_missing_image_is_404(owner: WebClient, demo: Demo, embedded: Batch):
    assert owner.client.get(at(demo, embedded, f"{SIGN}/beeld")).status_code == 404


def test_bank_credentials_lead_to_the_methods(owner: WebClient, demo: Demo, sandbox: Sandbox, between: Meddler):
    signing_by(sandbox, "embedded")
    between.changes["/pain.001-sepa-credit-transfers"] = lambda body: body.replace(
        b'"startAuthorisation"', b'"startAuthorisationWithPsuAuthentication"'
    )
    batch = at_the_bank(demo)
    page = owner.open(at(demo, batch, SIGN))
    assert page.one("#bank_password").get("type") == "password"
    answer = owner.post(at(demo, batch, f"{SIGN}/inloggen"), bank_user="wouter", bank_password="een-geheim-woord")
    assert owner.open(answer.location).says("h1") == "Hoe wil je ondertekenen?"


def test_the_banks_text_contains_no_links(owner: WebClient, demo: Demo, embedded: Batch):
    """A URL in the bank's text stays text: redirects come only from validated links."""
    page = _to_the_code(owner, demo, embedded)
    assert "http://" in page.says("main > .note.info")
    assert page.all("main > .note.info a") == []


@pytest.mark.parametrize("tail", ["", "/methode", "/code", "/inloggen", "/stoppen"])
def test_a_preparer_cannot_sign(app, demo: Demo, owner: WebClient, embedded: Batch, tail: str):
    owner.open(at(demo, embedded, SIGN))
    Membership.update(role="preparer").where(Membership.id == demo.membership.id).execute()
    answer = owner.post(at(demo, embedded, SIGN + tail), method="lezer", code="123456")
    assert answer.status_code == 403
    assert sca.step_of_payment(demo.view(embedded)).how == "method"


@pytest.mark.parametrize("tail", ["", "/methode", "/code", "/inloggen", "/stoppen"])
def test_a_non_member_gets_404(charlie: WebClient, demo: Demo, embedded: Batch, tail: str):
    charlie.open("/betalingen")
    assert charlie.post(at(demo, embedded, SIGN + tail), method="lezer", code="123456").status_code == 404


def test_a_bank_that_is_not_ready_is_polled(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"line": {"signable_after": 90}})
    sandbox.fault(bank_sign_not_ready=True)
    batch = at_the_bank(demo)
    page = owner.open(at(demo, batch))
    assert "De betaling wordt klaargezet bij de bank" in page.says("#payment .note.info")
    assert page.all("#pay-place button") == []
    seen = page.value("#payment", "hx-get")
    assert owner.get(seen, htmx=True).status_code == 204
    sandbox.fault(bank_sign_not_ready=False)
    start_sca_after_verification(BankOrder.get().id)
    assert owner.get(seen, htmx=True).says("#pay-place button") == "Onderteken bij Zandbank"
