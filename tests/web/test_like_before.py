"""*Zelfde als vorige keer*: one tap on the overview approves a payment of which nothing is unusual."""

from typing import Any

import pytest

from domain.payments import amendments, doubt_answers
from models import BankAccount, Batch, Client, Membership, Release
from tests.support.factories import LINES, Demo, make_user
from tests.support.pay_periods import executed, of_month, with_pay
from tests.support.web_client import Page, Site, WebClient

CARD = "main section form[action$=betalen], main section a[href*=pincode]"


@pytest.fixture
def november(demo: Demo) -> Batch:
    """The payment of November, like that of October, for a client whose owner approves from the overview."""
    Client.update(usual_span_percent=2).where(Client.id == demo.client.id).execute()
    executed(demo, 10)
    return of_month(demo, 11)


def overview(who: WebClient, demo: Demo) -> Page:
    return who.open(f"/{demo.client.public_id}/overzicht")


def press(who: WebClient, page: Page) -> Page:
    form = page.one("main section form[action$=betalen]")
    shown = form.cssselect("input[name=shown]")[0].get("value")
    return who.post(str(form.get("action")), shown=shown)


def test_one_tap_approves_what_is_like_the_month_before(owner: WebClient, demo: Demo, november: Batch):
    page = overview(owner, demo)
    assert "Zelfde als in oktober: 3 regels, totaal 0%." in page.text.replace("\xa0", " ")
    done = press(owner, page)
    assert (done.status_code, done.location) == (303, f"/{demo.client.public_id}/betalingen/{november.reference}")
    assert Release.select().where(Release.batch == november.id).count() == 1
    assert Batch.get_by_id(november.id).state == "approved"


def test_it_is_off_until_an_owner_wants_it(owner: WebClient, demo: Demo):
    executed(demo, 10)
    of_month(demo, 11)
    assert overview(owner, demo).all(CARD) == []


def test_what_is_unusual_is_said_and_has_no_button(owner: WebClient, demo: Demo, november: Batch):
    Batch.update(state="discarded").where(Batch.id == november.id).execute()
    of_month(demo, 12, with_pay(900_000))
    page = overview(owner, demo)
    assert page.all(CARD) == []
    assert "Bekijk deze betaling eerst: niet iedereen krijgt het gewone bedrag" in page.text


def test_what_somebody_asked_about_the_run_is_said_and_refuses_the_button(
    owner: WebClient, demo: Demo, november: Batch
):
    before = overview(owner, demo)
    line = demo.view(november).lines[0].id
    doubt_answers.ask_doubt(demo.membership, november.reference, line, "Klopt dit?")
    press(owner, before)
    assert not Release.select().where(Release.batch == november.id).exists()
    page = overview(owner, demo)
    assert page.all(CARD) == [] and "er is een vraag over de salarisrun" in page.text


def test_what_was_changed_since_is_not_approved(owner: WebClient, demo: Demo, november: Batch):
    page = overview(owner, demo)
    line = demo.view(november).lines[0].id
    amendments.exclude_line(demo.client, demo.user, november.reference, line)
    assert press(owner, page).status_code == 303
    assert Release.select().where(Release.batch == november.id).count() == 0
    assert overview(owner, demo).all(CARD) == []


def test_a_preparer_approves_nothing(site: Site, demo: Demo, november: Batch):
    preparer = make_user()
    Membership.create(user=preparer, client=demo.client, role="preparer")
    assert overview(site.person(preparer), demo).all(CARD) == []


def test_a_limit_is_no_button_that_cannot_work(owner: WebClient, demo: Demo, november: Batch):
    BankAccount.update(limit_payment_cents=sum(cents for _, _, cents in LINES) - 1).execute()
    page = overview(owner, demo)
    assert page.all(CARD) == []
    assert "er staat een waarschuwing bij" in page.text


def test_the_owner_sets_it(owner: WebClient, demo: Demo):
    path = f"/{demo.client.public_id}/instellingen"
    owner.open(path)
    wishes: dict[str, Any] = {"batch_booking": "y", "name_check": "y"}
    assert owner.post(f"{path}/bank", usual_span_percent="5", **wishes).status_code == 303
    assert Client.get_by_id(demo.client.id).usual_span_percent == 5
    assert owner.post(f"{path}/bank", usual_span_percent="77", **wishes).status_code == 303
    assert Client.get_by_id(demo.client.id).usual_span_percent == 5
    assert owner.post(f"{path}/bank", usual_span_percent="0", **wishes).status_code == 303
    assert Client.get_by_id(demo.client.id).usual_span_percent is None
