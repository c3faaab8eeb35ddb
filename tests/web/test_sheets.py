"""A page that asks one thing is an ordinary page, however it is opened: a heading, and the way back in its bar."""

import pytest

from tests.support.factories import Demo
from tests.support.web_client import WebClient
from tests.web.test_payment_page import at


@pytest.mark.parametrize(
    ("tail", "belongs_to"),
    [
        ("betalingen/{reference}/wijzigen", "betalingen/{reference}"),
        ("betalingen/{reference}/niet-betalen", "betalingen/{reference}"),
        ("apps/nmbrs/{connection}/token", "apps/nmbrs/{connection}/instellingen"),
        ("apps/nmbrs/toevoegen", "apps/nmbrs"),
        ("instellingen/wachtwoord", "instellingen"),
    ],
)
def test_it_has_a_heading_and_a_way_back(owner: WebClient, demo: Demo, tail: str, belongs_to: str):
    known = {"reference": demo.batch().reference, "connection": demo.connection.id}
    page = owner.open(f"/{demo.client.public_id}/{tail.format(**known)}")
    assert page.says("h1")
    first = page.all("header.bar a.icon")[0]
    assert first.get("aria-label") == "Terug"
    assert (first.get("href") or "").endswith(f"/{demo.client.public_id}/{belongs_to.format(**known)}")
    assert len(page.all("header.bar a.icon")) == 1


def test_the_way_back_from_a_payment_is_the_payment(owner: WebClient, demo: Demo):
    batch = demo.batch()
    back = owner.open(at(demo, batch, "/wijzigen")).value("header.bar a.icon", "href")
    assert owner.open(back).says("#hero")
