"""Without a bank link, on the pages: adding the account, the payment file, and reporting the outcome."""

import pytest

from connectors.bank.pain001 import parse_own_pain001
from domain.accounts import passwords
from domain.operations.order_files import order_file
from domain.orders import manual_submission
from domain.payments import amendments
from domain.payments.release import release
from models import BankAccount, Batch, Membership, OrderDownload, Pin
from tests.support.factories import PIN, PSU, Demo, make_device, make_user
from tests.support.web_client import Site, WebClient

IBAN = "NL61KNAB0257398104"


@pytest.fixture
def demo(demo: Demo) -> Demo:
    Pin.update(pin_hash=passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    return demo


@pytest.fixture
def approved(demo: Demo) -> Batch:
    account = manual_submission.add_account(demo.client, demo.user, IBAN, "Demo BV")
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, None, account.id)
    release(demo.membership, batch.reference, demo.view(batch).digest, "pin", PSU, PIN, make_device(demo.user))
    return batch


def at(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def take(who: WebClient, demo: Demo, batch: Batch) -> bytes:
    answer = who.client.post(at(demo, batch, "/bestand.xml"), data={"csrf_token": who.token})
    assert answer.status_code == 200
    return answer.data


def test_a_manual_account_is_added(owner: WebClient, demo: Demo):
    here = f"/{demo.client.public_id}/saldo"
    page = owner.open(f"{here}/toevoegen")
    link = page.value("main a[href*='zonder-koppeling']", "href")
    form = owner.open(link)
    assert form.value("#holder") == "Demo BV"
    answer = owner.post(link, iban="NL61 KNAB 0257 3981 04", holder="Demo BV")
    assert (answer.status_code, answer.location) == (303, here)
    saldo = owner.open(here)
    assert "NL61 KNAB 0257 3981 04" in saldo.text and "saldo onbekend" in saldo.text
    assert "Verlengen" not in saldo.text
    account = BankAccount.get(BankAccount.iban == IBAN)
    assert owner.open(f"{here}/{account.id}").status_code == 200


def test_errors_are_shown_at_the_field(owner: WebClient, demo: Demo):
    link = f"/{demo.client.public_id}/saldo/toevoegen/zonder-koppeling"
    owner.open(link)
    answer = owner.post(link, iban="NL61KNAB0257398105", holder="Demo BV")
    assert answer.status_code == 422 and "geen geldig rekeningnummer" in answer.says("#iban-error")
    answer = owner.post(link, iban=demo.account.iban, holder="Demo BV")
    assert answer.status_code == 422 and "is al toegevoegd" in answer.says("#iban-error")
    assert not BankAccount.select().where(BankAccount.iban == IBAN).exists()


def test_the_file_is_downloaded_by_post_and_not_cached(owner: WebClient, demo: Demo, approved: Batch):
    page = owner.open(at(demo, approved))
    assert "nog niet bij de bank" in page.says("#hero") and "Er is nog niets betaald" in page.text
    assert page.says("#kenmerk") == approved.reference
    assert page.value("#pay-place form", "action") == at(demo, approved, "/bestand.xml")
    looked = owner.get(at(demo, approved, "/bestand.xml"))
    assert (looked.status_code, OrderDownload.select().count()) == (303, 0)
    answer = owner.client.post(at(demo, approved, "/bestand.xml"), data={"csrf_token": owner.token})
    assert answer.headers["Cache-Control"] == "no-store"
    assert approved.reference in answer.headers["Content-Disposition"]
    assert answer.data == order_file(approved.reference).body
    assert parse_own_pain001(answer.data).debtor_iban == IBAN


def test_a_second_download_shows_the_first(owner: WebClient, demo: Demo, approved: Batch):
    first = take(owner, demo, approved) if owner.open(at(demo, approved)) else b""
    page = owner.open(at(demo, approved))
    assert "Bestand gedownload: nog geen status van je bank" in page.says("#hero")
    assert "door Wouter de Jong" in page.text and "maar één keer" in page.text
    assert "Uitgevoerd" not in page.says("#hero") and "Nog een keer downloaden" in page.says("#pay-place")
    assert take(owner, demo, approved) == first


def test_a_preparer_is_not_offered_the_file(site: Site, owner: WebClient, demo: Demo, approved: Batch):
    lisanne = make_user(name="Lisanne Schuurman")
    Membership.create(user=lisanne, client=demo.client, role="preparer")
    who = site.person(lisanne)
    assert "Download" not in who.open(at(demo, approved)).text
    answer = who.client.post(at(demo, approved, "/bestand.xml"), data={"csrf_token": who.token})
    assert answer.status_code == 403
    assert not OrderDownload.select().exists()


@pytest.mark.parametrize(
    ("verdict", "state", "told"),
    [("betaald", "executed", "Er is geen bericht van de bank"),
     ("geweigerd", "rejected", "Er is niets betaald")],
)  # fmt: skip
def test_the_outcome_is_reported(
    owner: WebClient, demo: Demo, approved: Batch, verdict: str, state: str, told: str
):
    owner.open(at(demo, approved))
    take(owner, demo, approved)
    page = owner.open(at(demo, approved))
    link = page.value(f"main a[href$='/gemeld/{verdict}']", "href")
    owner.open(link)
    wrong = owner.open(owner.post(link, pin="000001").location)
    assert "nog 4 keer" in wrong.says("#pin-error")
    assert owner.open(link).all("#pin-error") == [], "a reload shows and counts nothing again"
    assert demo.view(approved).state == "sending"
    answer = owner.post(link, pin=PIN)
    assert (answer.status_code, answer.location) == (303, at(demo, approved))
    assert demo.view(approved).state == state
    assert told in owner.open(at(demo, approved)).text


def test_no_outcome_can_be_reported_before_a_download(owner: WebClient, demo: Demo, approved: Batch):
    page = owner.open(at(demo, approved))
    assert "gemeld" not in str([a.get("href") for a in page.all("main a")])
    assert owner.post(at(demo, approved, "/gemeld/betaald"), pin=PIN).status_code == 303
    assert demo.view(approved).state == "approved"
