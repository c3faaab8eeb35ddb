"""A payment of wage tax says until when it must be with the tax authority."""

from datetime import date, datetime

import pytest
import time_machine

from core.clock import AMSTERDAM
from domain.payments import amendments
from models import Batch, PayrollRun
from models.states import RunKind
from tests.support.factories import Demo
from tests.support.web_client import WebClient
from tests.web.test_payment_page import at


@pytest.fixture
def batch(demo: Demo) -> Batch:
    made = demo.batch()
    Batch.update(kind=RunKind.WAGE_TAX).where(Batch.id == made.id).execute()
    due = {"kind": RunKind.WAGE_TAX, "pay_by": date(2026, 11, 30), "wage_tax_reference": "1111222336301010"}
    PayrollRun.update(**due).where(PayrollRun.id == made.run_id).execute()
    return made


def shown(owner: WebClient, demo: Demo, batch: Batch, day: int, chosen: date | None = None) -> str:
    with time_machine.travel(datetime(2026, 11, day, 9, tzinfo=AMSTERDAM)):
        if chosen:
            amendments.change_date_and_account(demo.client, demo.user, batch.reference, chosen, demo.account.id)
        return " ".join(owner.open(at(demo, batch)).text.split())


def test_the_last_day_and_the_reference_are_a_card(owner: WebClient, demo: Demo, batch: Batch):
    text = shown(owner, demo, batch, 20)
    assert "Uiterlijk bij de Belastingdienstmaandag 30 november" in text
    assert "Betalingskenmerk1111 2223 3630 1010" in text
    assert "Te laat voor de Belastingdienst" not in text


def test_a_later_day_is_told(owner: WebClient, demo: Demo, batch: Batch):
    text = shown(owner, demo, batch, 20, chosen=date(2026, 12, 1))
    assert "Te laat voor de BelastingdienstDe loonheffing moet er uiterlijk maandag 30 november zijn." in text
    assert "Te laat" not in shown(owner, demo, batch, 20, chosen=date(2026, 11, 30))


def test_a_last_day_that_is_over_is_told(owner: WebClient, demo: Demo, batch: Batch):
    PayrollRun.update(pay_by=date(2026, 10, 30)).execute()
    text = shown(owner, demo, batch, 20)
    assert "De uiterste dag is vrijdag 30 oktober. Betaal zo snel mogelijk." in text


def test_a_first_possible_day_that_is_too_late_asks_for_no_earlier_one(owner: WebClient, demo: Demo, batch: Batch):
    PayrollRun.update(pay_by=date(2026, 11, 20)).execute()
    with time_machine.travel(datetime(2026, 11, 20, 23, tzinfo=AMSTERDAM)):
        text = owner.open(at(demo, batch)).text
    assert "Betaal zo snel mogelijk." in text and "Kies een eerdere dag" not in text


def test_lists_tell_it_while_it_waits(owner: WebClient, demo: Demo, batch: Batch):
    page = owner.open(f"/{demo.client.public_id}/overzicht")
    assert "uiterlijk ma 30 nov." in " ".join(page.text.split())


def test_salaries_have_no_such_card(owner: WebClient, demo: Demo):
    assert "Belastingdienst" not in owner.open(at(demo, demo.batch())).text
