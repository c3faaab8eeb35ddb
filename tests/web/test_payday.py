"""The payday on the pages: proposed on the overview, confirmed or chosen on its own page, shown with a payment."""

from datetime import date, datetime

import pytest
import time_machine
from flask import Flask

from core.clock import AMSTERDAM
from domain.outbox.mail import MailMessage
from domain.outbox.push_delivery import PushContent
from jobs import mail_rendering, push_rendering
from models import BankOrder, PayrollCompany
from tests.support.factories import Demo
from tests.support.orders import put_at_bank
from tests.support.web_client import Site, WebClient
from tests.web.test_payment_page import at
from tests.web.test_team import joined


@pytest.fixture
def path(demo: Demo) -> str:
    return f"/{demo.client.public_id}/apps/nmbrs/administraties/{demo.company.id}/betaaldag"


@pytest.fixture(autouse=True)
def november():
    with time_machine.travel(datetime(2026, 11, 18, 10, tzinfo=AMSTERDAM)) as travelled:
        yield travelled


def paid_before(demo: Demo) -> None:
    for number, day in enumerate((date(2026, 8, 25), date(2026, 9, 25), date(2026, 10, 23)), 50):
        order = put_at_bank(demo.batch(number=number), "executed", "paid")
        BankOrder.update(execution_date=day).where(BankOrder.id == order.id).execute()


def stored(demo: Demo) -> str | None:
    return PayrollCompany.get_by_id(demo.company.id).payday


def test_what_the_payments_agree_on_is_asked_once_and_confirmed_with_one_tap(owner: WebClient, demo: Demo, path: str):
    overview = f"/{demo.client.public_id}/overzicht"
    assert "betaaldag" not in owner.open(overview).text
    paid_before(demo)
    page = owner.open(overview)
    assert "Is de 25e je betaaldag?" in page.text
    assert f'href="{path}"' in page.html
    page = owner.open(path)
    assert "De laatste betalingen waren op 25 augustus, 25 september en 23 oktober." in page.text
    assert "artikel 7:625 Burgerlijk Wetboek" in page.text
    assert stored(demo) is None
    answer = owner.post(path, payday="day:25")
    assert answer.status_code == 303 and stored(demo) == "day:25"
    page = owner.open(overview)
    assert "Is de 25e je betaaldag?" not in page.text
    assert "Betaaldag 25 november" in page.text and "over 5 bankdagen" in page.text


def test_it_is_chosen_by_hand_too(owner: WebClient, demo: Demo, path: str):
    owner.post(path, payday="last")
    assert stored(demo) == "last"
    settings = owner.open(f"/{demo.client.public_id}/apps/nmbrs/{demo.connection.id}/instellingen")
    assert "Betaaldag: de laatste bankdag van de maand." in settings.text
    owner.post(path, payday="none")
    assert stored(demo) == "none"
    assert owner.post(path, payday="day:32").status_code == 422
    assert stored(demo) == "none"


def test_who_prepares_sees_it_and_does_not_set_it(site: Site, demo: Demo, path: str):
    who = site.person(joined(demo, "Naomi Meijer", "preparer"))
    assert "Wie mag betalen, kan de betaaldag kiezen." in who.open(path).text
    assert who.post(path, payday="last").status_code == 403


def test_a_payment_says_that_its_day_is_payday(owner: WebClient, demo: Demo, path: str):
    batch = demo.batch()
    assert "zo snel mogelijk" in owner.open(at(demo, batch)).says(".pair")
    owner.post(path, payday="day:25")
    shown = owner.open(at(demo, batch)).says(".pair")
    assert "wo 25 nov." in shown and "betaaldag" in shown


def test_a_missing_run_stands_out_on_the_overview(owner: WebClient, demo: Demo, path: str):
    owner.post(path, payday="day:25")
    assert "De salarisrun staat nog niet in Nmbrs." in owner.open(f"/{demo.client.public_id}/overzicht").text
    demo.batch()
    assert "De salarisrun staat nog niet in Nmbrs." not in owner.open(f"/{demo.client.public_id}/overzicht").text


@pytest.mark.parametrize("kind", ["payday", "run_late", "wage_tax_due"])
@pytest.mark.parametrize("may_pay", [True, False])
def test_the_mails_name_the_day_and_lead_on(app: Flask, demo: Demo, kind: str, may_pay: bool):
    mail_rendering.set_app(app)
    facts = {"day": "2026-11-25", "bank_days": 1, "may_pay": may_pay, "company": "Demo BV"}
    for language, day in (("nl", "woensdag 25 november 2026"), ("en", "Wednesday 25 November 2026")):
        wrote = mail_rendering.write(MailMessage(kind, demo.user, demo.client, "/x", facts, language))
        assert day in wrote.text and day in wrote.html and "€" not in wrote.text
        title, text = push_rendering.write(PushContent(kind, "Demo BV", "/", 1, language))
        assert title and text.startswith("Demo BV:")
