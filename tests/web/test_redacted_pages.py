"""Pages of a run whose details were removed: they say so, with the day, and offer nothing that would pay it."""

from datetime import date

import pytest
import time_machine

from domain.operations import redaction
from domain.payroll import run_discovery
from models import Batch
from tests.support.factories import LINES, Demo
from tests.support.web_client import WebClient

LATER = date(2034, 1, 2)


@pytest.fixture
def old(demo: Demo) -> Batch:
    batch = demo.batch()
    run_discovery._mark_deleted(batch.run)
    with time_machine.travel(LATER, tick=False):
        assert redaction.redact_run(batch.run_id)
    return Batch.get_by_id(batch.id)


@pytest.mark.parametrize(("language", "said", "day"), [
    ("nl", "Gegevens verwijderd", "maandag 2 januari 2034"), ("en", "Details removed", "Monday 2 January 2034"),
])  # fmt: skip
def test_the_payment_shows_amounts_and_no_person(
    owner: WebClient, demo: Demo, old: Batch, language: str, said: str, day: str
):
    page = owner.get(f"/{demo.client.public_id}/betalingen/{old.reference}", headers={"Accept-Language": language})
    assert page.text.count(said) == len(LINES) and day in page.text
    assert not [word for name, iban, _ in LINES for word in (name, iban[-10:]) if word in page.text]
    assert "3.448,08" in page.text if language == "nl" else "3,448.08" in page.text
    assert not [form for form in page.all("form") if "betalingen" in form.get("action", "")]


def test_the_history_says_when_it_was_removed(owner: WebClient, demo: Demo, old: Batch):
    page = owner.open(f"/{demo.client.public_id}/apps/nmbrs/historie/{old.run_id}")
    assert "zijn verwijderd op maandag 2 januari 2034" in page.text


def test_it_is_not_set_up_again(owner: WebClient, demo: Demo, old: Batch):
    owner.post(f"/{demo.client.public_id}/betalingen/{old.reference}/opnieuw", {})
    assert Batch.get_by_id(old.id).state == "replaced"
    page = owner.open(f"/{demo.client.public_id}/betalingen/{old.reference}")
    assert "gegevens van deze betaling zijn verwijderd" in page.text
