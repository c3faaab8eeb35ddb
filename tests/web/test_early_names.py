"""What was said of names days before the payment, on its page: a box, a sentence at the line and with a new account."""

from dataclasses import replace

import pytest

from domain.payments.usual_payments import Unusual, find_unusual_about
from models import BankOrder, BatchLine, Client
from tests.support.early_names import check_due, with_name_service
from tests.support.factories import Demo
from tests.support.large_batches import iban, many
from tests.support.orders import put_at_bank
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient
from tests.web.test_payment_page import at
from tests.web.test_team import joined

JOSE = "NL27RABO0315273237"
ODD = (("Silva, J.", JOSE, 1_000_00), ("Onbekend, Piet", iban(1), 2_000_00), ("Bakker, Jan", iban(2), 3_000_00),
       ("Weber, Karl", "DE89370400440532013000", 4_000_00))  # fmt: skip


@pytest.fixture
def service(demo: Demo, sandbox: Sandbox) -> Sandbox:
    with_name_service(sandbox)
    return sandbox


def test_names_that_differ_are_told_in_a_box_and_at_their_lines(owner: WebClient, demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    assert "namen-vooraf" not in owner.open(at(demo, batch)).text
    check_due()
    page = owner.open(at(demo, batch))
    assert page.says("#namen-vooraf") == "2 namen komen niet overeen"
    assert [node.text_content() for node in page.all("[aria-labelledby=namen-vooraf] li > *:not(form)")] == [
        "Silva, J.", "De bank kent deze rekening als: Silva, Jose.",
        "Onbekend, Piet", "Volgens de bank hoort deze naam niet bij deze rekening.",
    ]  # fmt: skip
    links = [node.get("href") for node in page.all("[aria-labelledby=namen-vooraf] li a")]
    assert [page.says(link) != "" for link in links if link] == [True, True]
    told = [node.text_content() for node in page.all(".say.warn")]
    assert "De bank kent deze rekening als: Silva, Jose." in told
    assert "Volgens de bank hoort deze naam niet bij deze rekening." in told
    assert not any("controleren" in one or "hoort volgens de bank bij" in one for one in told)


@pytest.mark.asks_payees
def test_with_a_new_account_stands_whether_the_name_belongs_to_it(owner: WebClient, demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    check_due()
    told = [node.text_content() for node in owner.open(at(demo, batch)).all("#rekeningen li.payee")]
    said = ["De bank kent deze rekening als: Silva, Jose.", "Volgens de bank hoort deze naam niet bij deze rekening.",
            "De naam hoort volgens de bank bij deze rekening.", "De bank kan deze naam niet controleren."]  # fmt: skip
    assert all(any(name in one and text in one for one in told) for (name, *_), text in zip(ODD, said, strict=True))


def test_who_may_not_see_lines_sees_no_name(site: Site, demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    check_due()
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    preparer = site.person(joined(demo, "Floor van Putten", "preparer"))
    text = preparer.open(at(demo, batch)).text
    assert "Silva" not in text and "komen niet overeen" not in text


def test_a_name_that_differs_is_opened_before_it_is_approved(demo: Demo, service: Sandbox):
    put_at_bank(demo.batch([ODD[1]]), "executed", "paid")
    BankOrder.update(execution_date="2025-01-10").execute()
    batch = demo.batch([ODD[1]], 2)
    check_due()
    payment = demo.view(batch)
    assert Unusual.NAMES in find_unusual_about(payment, 10)
    assert Unusual.NAMES not in find_unusual_about(replace(payment, early_names=()), 10)


def test_many_names_are_told_in_ten_and_a_number(owner: WebClient, demo: Demo, service: Sandbox):
    batch = demo.batch([(f"Onbekend {name}", account, cents) for name, account, cents in many(30)])
    check_due()
    page = owner.open(at(demo, batch))
    assert page.says("#namen-vooraf") == "30 namen komen niet overeen"
    assert len(page.all("[aria-labelledby=namen-vooraf] li")) == 11
    assert "en nog 20; ze staan hieronder bij de regels" in page.text


# --- taking over the bank's name ---
FORM = "[aria-labelledby=namen-vooraf] form"


@pytest.mark.parametrize("htmx", [True, False])
def test_one_tap_takes_over_the_name_of_the_bank(owner: WebClient, demo: Demo, service: Sandbox, htmx: bool):
    batch = demo.batch(ODD)
    check_due()
    page = owner.open(at(demo, batch))
    assert [node.text_content().strip() for node in page.all(f"{FORM} button")] == ["Naam van de bank overnemen"]
    answer = owner.post(page.value(FORM, "action"), naam=page.value(f"{FORM} input[name=naam]"), htmx=htmx)
    assert answer.status_code == (200 if htmx else 303)
    page = answer if htmx else owner.open(at(demo, batch))
    assert "De naam van de bank wordt gebruikt, ook bij volgende betalingen." in page.html
    assert page.says("#namen-vooraf") == "1 naam komt niet overeen"
    assert page.all(FORM) == []
    assert "Bij de bank: Silva, Jose" in [node.text_content() for node in owner.open(at(demo, batch)).all(".say.warn")]


def test_a_name_that_was_not_shown_is_not_taken_over(owner: WebClient, demo: Demo, service: Sandbox):
    batch = demo.batch(ODD)
    check_due()
    path = owner.open(at(demo, batch)).value(FORM, "action")
    answer = owner.post(path, naam="Silva, Maria", htmx=True)
    assert answer.status_code == 422
    assert BatchLine.select().where(BatchLine.creditor_name_sepa == "Silva, Maria").count() == 0


def test_only_who_pays_is_offered_it_and_only_while_the_payment_can_be_changed(
    site: Site, owner: WebClient, demo: Demo, service: Sandbox
):  # fmt: skip
    batch = demo.batch(ODD)
    check_due()
    preparer = site.person(joined(demo, "Floor van Putten", "preparer"))
    page = preparer.open(at(demo, batch))
    assert page.says("#namen-vooraf") == "2 namen komen niet overeen"
    assert page.all(FORM) == []
    path = owner.open(at(demo, batch)).value(FORM, "action")
    assert preparer.post(path, naam="Silva, Jose").status_code == 403
    put_at_bank(batch, "sending")
    page = owner.open(at(demo, batch))
    assert page.all(FORM) == []
    owner.post(path, naam="Silva, Jose")
    assert BatchLine.get(BatchLine.creditor_name == "Silva, J.").creditor_name_sepa == "Silva, J."
