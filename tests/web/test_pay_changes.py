"""What changed since the payments before, on the page of a payment: one box, its parts open, each line says it."""

import pytest

from models import Batch, Client
from tests.support.factories import LINES, Demo
from tests.support.large_batches import iban, many
from tests.support.pay_periods import executed, of_month, with_pay
from tests.support.web_client import Site, WebClient
from tests.web.test_payment_page import at
from tests.web.test_team import joined

JOINER = ("Nowak, Alek", iban(9), 150000)


def test_one_box_counts_each_kind_and_opens_to_its_people(owner: WebClient, demo: Demo):
    executed(demo, 9)
    executed(demo, 10)
    page = owner.open(at(demo, of_month(demo, 11, [*with_pay(344808 + 50000)[:2], JOINER])))
    assert page.says(".changes .note") == "Wat is er veranderd?1 nieuw · 1 weg · 1 anders · totaal −5,8%"
    assert [node.text_content() for node in page.all(".changes summary")] == ["1 weg", "1 anders"]
    told = [node.text_content().replace("\xa0", " ") for node in page.all(".changes li")]
    assert [" ".join(one.split()) for one in told] == [
        "Schuurman, Lisanne In oktober: € 2.500,08.",
        "Jong, Wouter de € 500,00 meer dan in oktober: € 3.948,08 in plaats van € 3.448,08.",
    ]
    assert "Totaal van de run: € 8.059,08. In oktober: € 8.559,16." in page.says(".changes").replace("\xa0", " ")
    assert not page.all(".changes .warn")


def test_somebody_who_was_paid_long_ago_is_told_with_the_day(owner: WebClient, demo: Demo):
    executed(demo, 8)
    executed(demo, 10, LINES[1:])
    page = owner.open(at(demo, of_month(demo, 11)))
    told = page.says(".changes li").replace("\xa0", " ")
    assert told == "Jong, Wouter de Weer betaald: € 3.448,08. De vorige keer was op 24 augustus 2026."


def test_a_changed_line_says_so_itself(owner: WebClient, demo: Demo):
    executed(demo, 10)
    page = owner.open(at(demo, of_month(demo, 11, with_pay(100000))))
    said = [node.text_content().replace("\xa0", " ") for node in page.all("#regels .say.warn")]
    assert said == ["€ 2.448,08 minder dan in oktober"]
    assert page.all(".changes a")[0].get("href") == "#" + (page.all("#regels .line")[0].get("id") or "")


def test_of_several_lines_of_a_person_only_the_first_says_it(owner: WebClient, demo: Demo):
    two = [(LINES[0][0], LINES[0][1], 250000), (LINES[0][0], iban(8), 50000), LINES[1]]
    executed(demo, 10, two)
    page = owner.open(at(demo, of_month(demo, 11, with_pay(150000, 1, two))))
    said = [node.text_content().replace("\xa0", " ") for node in page.all("#regels .say.warn")]
    assert said == ["Samen met 1 andere regel: € 1.000,00 meer dan in oktober"]


def test_nothing_unusual_is_silent(owner: WebClient, demo: Demo):
    executed(demo, 10)
    assert owner.open(at(demo, of_month(demo, 11, with_pay(350000)))).all(".changes") == []


@pytest.mark.asks_payees
def test_who_is_asked_about_in_a_box_of_their_own_is_only_counted(owner: WebClient, demo: Demo):
    executed(demo, 10)
    page = owner.open(at(demo, of_month(demo, 11, [*LINES, JOINER])))
    assert page.says(".changes .note").startswith("Wat is er veranderd?1 nieuw · totaal")
    assert page.all(".changes details") == []
    assert len(page.all("#rekeningen")) == 1


def test_many_of_a_kind_are_one_part_that_names_ten(owner: WebClient, demo: Demo):
    executed(demo, 10, many(80))
    doubled = [(name, account, cents * 2) for name, account, cents in many(80)]
    page = owner.open(at(demo, of_month(demo, 11, doubled)))
    assert page.says(".changes .note") == "Wat is er veranderd?80 anders · totaal +100%"
    assert len(page.all(".changes li")) == 11
    assert "en nog 70" in page.says(".changes")


def test_a_period_that_is_no_month_is_named_by_its_day(owner: WebClient, demo: Demo):
    earlier = executed(demo, 10)
    batch = of_month(demo, 11, with_pay(100000))
    Batch.update(period_start=41, period_end=41).where(Batch.id == earlier.id).execute()
    Batch.update(period_start=42, period_end=42).where(Batch.id == batch.id).execute()
    assert "minder dan op 24 oktober" in owner.open(at(demo, batch)).text


def test_afterwards_the_page_tells_what_the_approver_was_shown(owner: WebClient, demo: Demo):
    executed(demo, 10)
    batch = of_month(demo, 11, with_pay(100000))
    owner.post(at(demo, batch, "/betalen"), shown=demo.view(batch).digest)
    Batch.update(state="signed").where(Batch.id == batch.id).execute()
    page = owner.open(at(demo, batch))
    assert page.all(".changes") == []
    assert "1 anders · totaal −28,6%" in page.text


def test_it_is_said_in_english(owner: WebClient, demo: Demo):
    executed(demo, 10)
    page = owner.get(at(demo, of_month(demo, 11, with_pay(100000))), headers={"Accept-Language": "en"})
    assert page.says(".changes .note") == "What has changed?1 different · total −28.6%"
    assert "€2,448.08 less than in October" in page.text


def test_who_may_not_see_the_lines_sees_nothing_of_it(site: Site, demo: Demo):
    lisanne = site.person(joined(demo, "Lisanne", "preparer"))
    executed(demo, 10)
    batch = of_month(demo, 11, with_pay(100000))
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    page = lisanne.open(at(demo, batch))
    assert page.all(".changes") == [] and "anders" not in page.says("#payment")
