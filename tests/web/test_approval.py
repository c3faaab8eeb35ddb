"""Approval, PIN and SCA, as a browser submits them: once, only what was shown, and always with the current state."""

import pytest
import requests

from domain.accounts import passwords
from domain.orders import sca, status_polling, submission
from domain.payments import amendments, limits
from models import BankOrder, Batch, Pin, PinAttempts, Release
from tests.support.factories import PIN, Demo
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, WebClient
from tests.web.test_payment_page import TOTAL, at, line_ids

WRONG = "135790"


def shown_to(who: WebClient, demo: Demo, batch: Batch) -> str:
    """Return the digest on the payment's page."""
    return who.open(at(demo, batch)).value("#payment > [name=shown]")


def pay(who: WebClient, demo: Demo, batch: Batch, htmx: bool = False, shown: str | None = None) -> Page:
    return who.post(
        at(demo, batch, "/betalen"), htmx=htmx, shown=shown_to(who, demo, batch) if shown is None else shown
    )


@pytest.fixture
def delegated(demo: Demo, sandbox: Sandbox) -> Demo:
    """The bank accepts our PIN as SCA (delegated)."""
    sandbox.control("PUT", "banks/redirect", {"signing": "delegated"})
    Pin.update(pin_hash=passwords.hash_pin(demo.user.id, PIN)).where(Pin.user == demo.user.id).execute()
    return demo


# --- approving ---
def test_the_button_approves_the_shown_payment(owner: WebClient, demo: Demo):
    batch = demo.batch()
    answer = pay(owner, demo, batch)
    assert (answer.status_code, answer.location) == (303, at(demo, batch))
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Goedgekeurd: nog niet bij de bank"
    assert page.all("#pay-place button") == []
    assert Release.get().total_cents == 855916


def test_the_page_may_be_left_during_submission(owner: WebClient, demo: Demo):
    batch = demo.batch()
    assert owner.open(at(demo, batch)).all(".waiting") == []
    pay(owner, demo, batch)
    told = owner.open(at(demo, batch)).says("#opgemerkt .waiting")
    assert told.startswith("De betaling wordt verstuurd naar ")
    assert told.endswith("Je kunt deze pagina sluiten.")
    submission.submit_order(batch.id)
    assert owner.open(at(demo, batch)).all(".waiting") == []


def test_htmx_updates_the_payment_and_starts_polling(owner: WebClient, demo: Demo):
    batch = demo.batch()
    part = pay(owner, demo, batch, htmx=True)
    assert part.status_code == 200
    assert part.says("#hero .badge") == "Goedgekeurd: nog niet bij de bank"
    assert part.one("#payment").get("hx-trigger") == "every 2s"
    assert part.one("#payment").get("autofocus") is not None
    assert part.all("#pay-place[hx-swap-oob] button") == []


@pytest.mark.parametrize("htmx", [False, True])
def test_pressing_twice_approves_once(owner: WebClient, demo: Demo, htmx: bool):
    batch = demo.batch()
    shown = shown_to(owner, demo, batch)
    first = pay(owner, demo, batch, htmx, shown)
    second = pay(owner, demo, batch, htmx, shown)
    assert first.status_code == second.status_code == (200 if htmx else 303)
    assert owner.open(at(demo, batch)).all("main [role=alert]") == []
    assert Release.select().count() == 1


@pytest.mark.parametrize("shown", ["", "0" * 64, "old"])
def test_a_changed_payment_is_not_approved(owner: WebClient, demo: Demo, shown: str):
    batch = demo.batch()
    if shown == "old":
        shown = shown_to(owner, demo, batch)
        amendments.exclude_line(demo.client, demo.user, batch.reference, line_ids(demo, batch)[0])
    owner.open(at(demo, batch))
    part = pay(owner, demo, batch, htmx=True, shown=shown)
    assert part.status_code == 422
    assert "intussen gewijzigd. Er is niets betaald" in part.says("#payment [role=alert]")
    assert (Release.select().count(), demo.view(batch).state) == (0, "open")


def test_errors_are_shown_without_javascript(owner: WebClient, demo: Demo):
    batch = demo.batch()
    owner.open(at(demo, batch))
    assert pay(owner, demo, batch, shown="0" * 64).status_code == 303
    assert "Er is niets betaald" in owner.open(at(demo, batch)).says("main > [role=alert]")


@pytest.mark.parametrize("htmx", [False, True])
def test_a_payment_over_the_limit_shows_a_contact(owner: WebClient, demo: Demo, htmx: bool):
    batch = demo.batch()
    limits.set_limits(demo.account, 855915, None, "anna")
    part = pay(owner, demo, batch, htmx)
    if not htmx:
        part = owner.open(at(demo, batch))
    told = part.one("main > [role=alert]" if not htmx else "#payment [role=alert]")
    assert "De betaallimiet wordt overschreden" in told.text_content()
    assert "€\u00a08.559,15 per betaling. Er is niets betaald" in told.text_content()
    assert told.cssselect("a")[0].get("href") == "mailto:support@bizcuit.nl"
    assert demo.view(batch).state == "open"


def test_with_all_lines_excluded_the_button_discards(owner: WebClient, demo: Demo):
    batch = demo.batch()
    for line in line_ids(demo, batch):
        amendments.exclude_line(demo.client, demo.user, batch.reference, line)
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place button") == "Niet betalen"
    pay(owner, demo, batch)
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Niet betaald"
    assert [node.text_content() for node in page.all(".head h2")] == ["Niet betaald"]
    assert "Er wordt niets betaald" in page.text


def test_an_outdated_page_never_discards(owner: WebClient, demo: Demo):
    batch = demo.batch()
    shown = shown_to(owner, demo, batch)
    for line in line_ids(demo, batch):
        amendments.exclude_line(demo.client, demo.user, batch.reference, line)
    assert pay(owner, demo, batch, htmx=True, shown=shown).status_code == 422
    assert demo.view(batch).state == "open"


# --- the PIN ---
def to_pin(who: WebClient, demo: Demo, batch: Batch) -> Page:
    return who.open(who.open(at(demo, batch)).value("#pay-place a", "href"))


def test_the_pin_page_shows_what_is_approved(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    page = to_pin(owner, delegated, batch)
    assert page.says("h1") == "Keur de betaling goed met je pincode"
    facts = {row.findtext("dt"): row.cssselect("dd")[0].text_content() for row in page.all(".facts > div")}
    assert page.says(".hero .amount") == f"€ {TOTAL}"
    assert list(facts) == ["Aantal posten", "Uitvoeren op", "Van rekening", "Referentie"]
    assert (facts["Aantal posten"], facts["Van rekening"]) == ("3", "NL95 INGB 0004 9218 36")
    assert facts["Referentie"] == batch.reference
    field = page.one("#pin")
    assert (field.get("type"), field.get("inputmode"), field.get("autocomplete")) == ("password", "numeric", "off")
    assert page.one("#pin-form [name=shown]").get("value") == delegated.view(batch).digest


def test_the_right_pin_approves(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    page = to_pin(owner, delegated, batch)
    answer = owner.post(at(delegated, batch, "/pincode"), shown=page.value("[name=shown]"), pin=PIN)
    assert (answer.status_code, answer.location) == (303, at(delegated, batch))
    assert Release.get().authentication_method == "pin"


@pytest.mark.parametrize("htmx", [False, True])
def test_a_wrong_pin_shows_an_error_and_is_not_returned(owner: WebClient, delegated: Demo, htmx: bool):
    batch = delegated.batch()
    page = to_pin(owner, delegated, batch)
    shown = page.value("[name=shown]")
    answer = owner.post(at(delegated, batch, "/pincode"), htmx=htmx, shown=shown, pin=WRONG)
    assert answer.status_code == (422 if htmx else 303), "a page that is reloaded sends it once"
    answer = answer if htmx else owner.open(answer.location)
    assert "nog 4 keer" in answer.says("#pin-error")
    assert answer.one("#pin").get("value") is None
    assert answer.value("[name=shown]") == shown
    assert WRONG not in answer.html
    assert Release.select().count() == 0


def test_the_fifth_wrong_pin_locks_it(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    shown = to_pin(owner, delegated, batch).value("[name=shown]")
    answers = [owner.post(at(delegated, batch, "/pincode"), shown=shown, pin=WRONG) for _ in range(5)]
    pin_page, setup = at(delegated, batch, "/pincode"), f"/{delegated.client.public_id}/pincode"
    assert [answer.location.partition("?")[0] for answer in answers] == [pin_page] * 4 + [setup]
    assert owner.post(at(delegated, batch, "/pincode"), shown=shown, pin=PIN).status_code == 303
    assert Release.select().count() == 0


@pytest.mark.parametrize(("address", "told"), [("/pincode", 0), ("/pincode?shown=" + "0" * 64, 1)])
def test_the_pin_page_requires_the_shown_digest(owner: WebClient, delegated: Demo, address: str, told: int):
    batch = delegated.batch()
    answer = owner.get(at(delegated, batch, address))
    assert (answer.status_code, answer.location) == (303, at(delegated, batch))
    assert len(owner.open(at(delegated, batch)).all("main > [role=alert]")) == told


def test_a_change_before_the_pin_stops_the_approval(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    shown = to_pin(owner, delegated, batch).value("[name=shown]")
    amendments.exclude_line(delegated.client, delegated.user, batch.reference, line_ids(delegated, batch)[0])
    answer = owner.post(at(delegated, batch, "/pincode"), shown=shown, pin=PIN)
    assert answer.location == at(delegated, batch)
    assert "intussen gewijzigd" in owner.open(at(delegated, batch)).says("main > [role=alert]")
    assert (Release.select().count(), PinAttempts.select().count()) == (0, 0)


def test_under_delegated_sca_the_button_alone_approves_nothing(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    shown = shown_to(owner, delegated, batch)
    answer = pay(owner, delegated, batch, shown=shown)
    assert answer.location == at(delegated, batch, f"/pincode?shown={shown}")
    assert Release.select().count() == 0


# --- polling ---
def test_the_page_polls_until_the_payment_is_final(owner: WebClient, demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    pay(owner, demo, batch)
    submission.submit_order(batch.id)
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Wacht op ondertekening bij de bank"
    assert page.says("#pay-place button") == "Onderteken bij Zandbank"
    seen = page.value("#payment", "hx-get")
    assert owner.get(seen, htmx=True).status_code == 204
    bank = owner.post(at(demo, batch, "/ondertekenen"))
    assert bank.location.startswith(sandbox.url)
    requests.post(bank.location, data={"besluit": "ondertekenen"}, timeout=10, allow_redirects=False)
    status_polling.poll_status(BankOrder.get().id)
    part = owner.get(seen, htmx=True)
    assert part.says("#hero .badge").startswith("Ondertekend: uitvoering op")
    assert part.says("#live").startswith("Ondertekend")
    assert part.one("#payment").get("hx-trigger") == "every 2s"
    assert part.all("#pay-place[hx-swap-oob] button") == []
    sandbox.control("POST", "clock", {"advance_days": 7})
    BankOrder.update(due_at=BankOrder.get().created_at).execute()
    status_polling.poll_status(BankOrder.get().id)
    last = owner.get(part.value("#payment", "hx-get"), htmx=True)
    assert last.says("#hero .badge") == "Uitgevoerd"
    assert last.one("#payment").get("hx-trigger") is None
    assert len(last.all("#payment .steps li.done")) == 3


def test_the_status_url_redirects_to_the_page(owner: WebClient, demo: Demo):
    batch = demo.batch()
    assert owner.get(at(demo, batch, "/status")).location == at(demo, batch)


def test_the_redirect_from_the_bank_proves_nothing(owner: WebClient, charlie: WebClient, demo: Demo, sandbox: Sandbox):
    batch = demo.batch()
    pay(owner, demo, batch)
    submission.submit_order(batch.id)
    back = sca.return_address(BankOrder.get()).removeprefix("http://localhost:8000")
    assert owner.get(back).location == at(demo, batch)
    assert demo.view(batch).state == "at_bank"
    assert charlie.get(back).status_code == 404
    assert owner.get("/bank/ondertekend/guessed").status_code == 404


def test_a_rejected_payment_can_be_reopened(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.control("POST", "clock", {"advance_days": 30})  # the chosen date is long past at the bank
    batch = demo.batch()
    pay(owner, demo, batch)
    submission.submit_order(batch.id)
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Geweigerd door de bank"
    assert page.says("#hero h2") == f"Betaling {TOTAL}"
    assert "Er is niets betaald" in page.says("#payment .note.bad")
    assert [node.text_content() for node in page.all(".head h2")] == ["Niet betaald"]
    owner.post(at(demo, batch, "/opnieuw"))
    page = owner.open(at(demo, batch))
    assert page.says("#hero .badge") == "Goedkeuring vereist"
    assert page.says("#pay-place button") == f"Betaal € {TOTAL}"


@pytest.mark.parametrize("tail", ["/ondertekenen", "/opnieuw"])
def test_impossible_actions_show_an_error(owner: WebClient, demo: Demo, tail: str):
    batch = demo.batch()
    owner.open(at(demo, batch))
    assert owner.post(at(demo, batch, tail)).status_code == 303
    assert "Dit kan niet meer" in owner.open(at(demo, batch)).says("main > [role=alert]")


@pytest.mark.parametrize("tail", ["/alles", "/regels/{line}?verdict=refuse"])
def test_a_submitted_payment_cannot_be_changed(owner: WebClient, demo: Demo, tail: str):
    batch = demo.batch()
    pay(owner, demo, batch)
    submission.submit_order(batch.id)
    path = at(demo, batch, tail.format(line=line_ids(demo, batch)[0]))
    assert owner.post(path).status_code == 303
    assert "Dit kan niet meer" in owner.open(at(demo, batch)).says("main > [role=alert]")
    assert owner.post(path, htmx=True).status_code == 422
    assert demo.view(batch).lines_payable == 3
    assert owner.get(at(demo, batch, "/wijzigen")).location == at(demo, batch)


def test_too_many_lines_are_refused_before_submission(owner: WebClient, demo: Demo, sandbox: Sandbox):
    sandbox.control("PUT", "banks/redirect", {"line": {"most_lines": 2}})
    batch = demo.batch()
    pay(owner, demo, batch)
    text = owner.open(at(demo, batch)).text
    assert "Deze bank accepteert maximaal 2 betalingen in één opdracht. Deze opdracht heeft er meer." in text
    assert "Er is niets betaald." in text
    assert demo.view(batch).state == "open"
