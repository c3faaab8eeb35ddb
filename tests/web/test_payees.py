"""New and changed accounts on the page of a payment: one box for each kind, answered before *Betaal*."""

import re

import pytest

from models import AuditEvent, Batch, BatchLine, Client, Membership, PayeeAnswer
from tests.support.factories import LINES, Demo, authorise, make_user
from tests.support.large_batches import iban, many
from tests.support.orders import put_at_bank
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_payment_page import at

pytestmark = pytest.mark.asks_payees
CHANGED = ((LINES[0][0], iban(7), LINES[0][2]), *LINES[1:])


def paid_before(demo: Demo, lines=LINES) -> None:
    put_at_bank(demo.batch(lines, 1), "executed", "paid")


def answer(who: WebClient, demo: Demo, batch: Batch, how: str, htmx: bool = False, box: int = 0) -> Page:
    page = who.open(at(demo, batch))
    seen = page.all(".payees input[name=seen]")[box].get("value")
    return who.post(at(demo, batch, "/rekeningen"), seen=seen or "", antwoord=how, htmx=htmx)


def pay(who: WebClient, demo: Demo, batch: Batch) -> Page:
    shown = demo.view(batch).digest
    return who.post(at(demo, batch, "/betalen"), shown=shown)


def test_the_first_payment_of_a_client_is_one_box_that_one_tap_answers(owner: WebClient, demo: Demo):
    batch = demo.batch(many(80))
    page = owner.open(at(demo, batch))
    assert len(page.all("section.payees")) == 1
    assert page.says("#rekeningen .note b") == "80 nieuwe rekeningnummers"
    assert "Aan deze mensen betaal je hier voor het eerst." in page.says("#rekeningen")
    assert page.says("#pay-place a") == "Controleer eerst de rekeningnummers"
    assert len(page.all("#rekeningen li.payee")) == 11  # ten people, and how many more there are
    assert "en nog 70; ze staan hieronder bij de regels" in page.text
    after = answer(owner, demo, batch, "records", htmx=True)
    assert after.status_code == 200
    assert "Betaal €" in after.says("#pay-place button")
    told = after.says("p.payees")
    assert told.startswith("80 nieuwe rekeningnummers. Nagevraagd (uit het dossier) door Wouter de Jong,")
    assert PayeeAnswer.select().count() == 80
    assert AuditEvent.select().where(AuditEvent.kind == "payees.answered").count() == 1


def test_an_account_of_many_people_names_a_few_of_them(owner: WebClient, demo: Demo):
    batch = demo.batch([(f"Jansen, Piet {number:02}", "NL42INGB2268352412", 1000) for number in range(20)])
    told = owner.open(at(demo, batch)).says("#rekeningen li.payee:first-child")
    assert "Dit rekeningnummer staat ook bij: Jansen, Piet 01; Jansen, Piet 02; Jansen, Piet 03; en nog 16." in told


def test_one_changed_account_is_told_with_its_figures_and_answered_in_one_tap(owner: WebClient, demo: Demo):
    paid_before(demo)
    batch = demo.batch(CHANGED, 2)
    page = owner.open(at(demo, batch))
    assert page.says("#rekeningen .note b") == "1 gewijzigd rekeningnummer"
    told = page.says("#rekeningen .payee")
    assert re.search(r"Jong, Wouter de€ 3\.448,08 naar NL.*\.Eerder: NL42 INGB 2268 3524 12, op \d+ \w+ \d{4}\.",
                     told.replace("\xa0", " ")), told  # fmt: skip
    assert [node.text_content() for node in page.all("#rekeningen button")] == [
        "Telefonisch", "Persoonlijk", "Uit dossier", "Nog niet betalen"
    ]
    assert answer(owner, demo, batch, "phone").status_code == 303
    after = owner.open(at(demo, batch))
    assert re.search(r"Nagevraagd \(telefonisch\) door Wouter de Jong, \d", after.text)
    assert "Betaal €" in after.says("#pay-place button")
    pay(owner, demo, batch)
    assert Batch.get_by_id(batch.id).state == "approved"


def test_several_of_a_kind_are_one_box_and_each_kind_has_its_own(owner: WebClient, demo: Demo):
    paid_before(demo)
    lines = [(name, iban(40 + n), cents) for n, (name, _, cents) in enumerate(LINES)]
    batch = demo.batch([*lines, ("Bakker, Jan", iban(50), 100), ("Bakker, Jo", iban(51), 100)], 2)
    page = owner.open(at(demo, batch))
    assert [node.text_content() for node in page.all(".payees .note b")] == [
        "3 gewijzigde rekeningnummers", "2 nieuwe rekeningnummers"
    ]
    line = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 2).id
    answer(owner, demo, batch, f"in_person-{line}")
    answer(owner, demo, batch, "not_yet-" + str(BatchLine.get(BatchLine.position == 4, BatchLine.batch == batch.id).id),
           box=1)  # fmt: skip
    page = owner.open(at(demo, batch))
    assert [node.text_content() for node in page.all(".payees .note b")] == [
        "2 gewijzigde rekeningnummers", "1 nieuw rekeningnummer"
    ]
    assert BatchLine.get(BatchLine.position == 4, BatchLine.batch == batch.id).state == "excluded"


def test_without_an_answer_nothing_is_paid(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = pay(owner, demo, batch)
    assert "Controleer eerst de nieuwe rekeningnummers. Er is niets betaald." in owner.open(page.location).text
    assert Batch.get_by_id(batch.id).state == "open"


def test_known_accounts_are_paid_without_a_question(owner: WebClient, demo: Demo):
    paid_before(demo)
    page = owner.open(at(demo, demo.batch(number=2)))
    assert page.all(".payees") == []
    assert "Betaal €" in page.says("#pay-place button")


def test_what_is_shared_or_abroad_is_told(owner: WebClient, demo: Demo):
    paid_before(demo)
    lines = [*LINES, ("Bakker, Jan", LINES[0][1], 100), ("Peeters, An", "BE68539007547034", 100)]
    told = owner.open(at(demo, demo.batch(lines, 2))).says("#rekeningen")
    assert "Dit rekeningnummer staat ook bij: Jong, Wouter de." in told
    assert "De rekening is in het buitenland: België." in told


def test_an_answer_to_another_question_changes_nothing(owner: WebClient, demo: Demo):
    batch = demo.batch()
    said = owner.post(at(demo, batch, "/rekeningen"), seen="outdated", antwoord="phone", htmx=True)
    assert said.status_code == 422
    assert "De betaling is intussen gewijzigd." in said.text
    assert PayeeAnswer.select().count() == 0


def test_a_preparer_sees_the_question_and_no_buttons(site: Site, demo: Demo):
    user = make_user(name="Anna")
    Membership.create(user=user, client=demo.client, role="preparer")
    batch = demo.batch()
    preparer = site.person(user)
    page = preparer.open(at(demo, batch))
    assert "Iemand die mag betalen controleert dit" in page.says("#rekeningen")
    assert page.all("#rekeningen button") == []
    Client.update(hide_lines_from_preparers=True).execute()
    assert preparer.open(at(demo, batch)).all(".payees") == []
    assert preparer.post(at(demo, batch, "/rekeningen"), seen="x", antwoord="phone").status_code == 403


def test_who_answered_leaves_the_approval_to_others_where_the_owner_wants_that(
    owner: WebClient, site: Site, demo: Demo
):
    done = owner.post(f"/{demo.client.public_id}/instellingen/bank", batch_booking="y", name_check="y",
                      payees_asked_by_other="y")  # fmt: skip
    assert done.status_code == 303 and Client.get().payees_asked_by_other
    user = make_user(name="Naomi Meijer")
    authorise(demo.client, user)
    Membership.create(user=user, client=demo.client, role="approver")
    batch = demo.batch()
    answer(owner, demo, batch, "phone")
    assert owner.open(at(demo, batch)).says("#pay-place") == (
        "Je hebt een rekeningnummer gecontroleerd. Iemand anders moet de betaling goedkeuren."
    )
    page = pay(owner, demo, batch)
    assert "Volgens je instellingen moet iemand anders de betaling goedkeuren." in owner.open(page.location).text
    pay(site.person(user), demo, batch)
    assert Batch.get_by_id(batch.id).state == "approved"


def test_in_english(owner: WebClient, demo: Demo):
    demo.user.locale = "en"
    demo.user.save()
    page = owner.open(at(demo, demo.batch()))
    assert page.says("#rekeningen .note b") == "3 new account numbers"
    assert "Checked and correct" in page.says("#rekeningen")
