"""Cancelling a payment at the bank, on the pages."""

import pytest

from domain.accounts import accounts
from models import Membership, Pin
from tests.support.factories import PIN, Demo, make_user
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank, followed, reader, signing_by
from tests.support.web_client import Site, WebClient


@pytest.fixture
def demo(demo: Demo) -> Demo:
    Pin.update(pin_hash=accounts.passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    return demo


def at(demo: Demo, batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def test_a_payment_is_cancelled(owner: WebClient, demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    link = owner.open(at(demo, batch)).value("a[href$='/annuleren']", "href")
    page = owner.open(link)
    assert page.says("h1") == "Annuleer bij de bank" and batch.reference in page.text
    wrong = owner.open(owner.post(link, pin="000001").location)
    assert "nog 4 keer" in wrong.says("#pin-error")
    assert demo.view(batch).state == "at_bank"
    answer = owner.post(link, pin=PIN)
    assert (answer.status_code, answer.location) == (303, at(demo, batch))
    after = owner.open(at(demo, batch))
    assert "Geannuleerd" in after.says("#hero") and "Opnieuw klaarzetten" in after.says("#pay-place")


def test_a_refused_cancellation_is_explained(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancels_nothing=True)
    batch = at_the_bank(demo)
    owner.open(at(demo, batch))
    assert owner.post(at(demo, batch, "/annuleren"), pin=PIN).status_code == 303
    page = owner.open(at(demo, batch))
    assert "kan bij de bank niet meer worden geannuleerd" in page.text
    assert "Wacht op ondertekening" in page.says("#hero")


def test_an_unknown_outcome_is_explained(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_not_taken=True)
    batch = at_the_bank(demo)
    owner.open(at(demo, batch))
    owner.post(at(demo, batch, "/annuleren"), pin=PIN)
    page = owner.open(at(demo, batch))
    assert "De betaling wordt geannuleerd" in page.text and "De betaling kan nog worden uitgevoerd" in page.text
    assert page.says("a[href$='/annuleren']") == "Status opnieuw opvragen"
    assert page.one("#payment").get("hx-trigger") == "every 2s"


def test_a_cancellation_with_embedded_sca(owner: WebClient, demo: Demo, sandbox: Sandbox):
    signing_by(sandbox, "embedded")
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    owner.open(at(demo, batch))
    answer = owner.post(at(demo, batch, "/annuleren"), pin=PIN)
    assert answer.location == at(demo, batch, "/ondertekenen")
    page = owner.open(answer.location)
    assert "Je annuleert deze betaling" in page.text
    assert not page.all("form[action$='/ondertekenen/stoppen']"), "giving up here must not give up the payment"
    answer = owner.post(at(demo, batch, "/ondertekenen/methode"), method="lezer")
    page = owner.open(answer.location)
    challenge = page.says(".challenge").replace(" ", "") if page.all(".challenge") else ""
    owner.post(at(demo, batch, "/ondertekenen/code"), code=reader(sandbox, challenge))
    assert demo.view(batch).state == "cancelled"


def test_a_cancellation_is_withdrawn(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.fault(bank_cancel_needs_sca=True)
    batch = at_the_bank(demo)
    owner.open(at(demo, batch))
    owner.post(at(demo, batch, "/annuleren"), pin=PIN)
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place button") == "Onderteken de annulering"
    assert owner.post(at(demo, batch, "/annuleren/stoppen")).status_code == 303
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place button").startswith("Onderteken bij")
    assert followed(batch).state == "at_bank"


def test_a_preparer_cannot_cancel(site: Site, owner: WebClient, demo: Demo, sandbox: Sandbox):
    batch = at_the_bank(demo)
    lisanne = make_user(name="Lisanne Schuurman")
    Membership.create(user=lisanne, client=demo.client, role="preparer")
    who = site.person(lisanne)
    assert not who.open(at(demo, batch)).all("a[href$='/annuleren']")
    assert who.get(at(demo, batch, "/annuleren")).status_code == 403
