"""Changing a payment: another date in the Dutch calendar, another account with its balance."""

from datetime import date, timedelta

import pytest

from core.bank_days import is_bank_day, next_bank_day
from core.clock import today_amsterdam
from domain.payments import amendments
from models import BankAccount, Batch
from tests.support.factories import OTHER_IBAN, Demo, make_account, make_client, make_consent, make_user
from tests.support.web_client import Page, WebClient
from tests.web.test_payment_page import at


def later(days: int = 14) -> date:
    """Return a business day at least this many days ahead."""
    return next_bank_day(today_amsterdam() + timedelta(days=days))


def weekend() -> date:
    """Return the first Saturday after three weeks."""
    day = today_amsterdam() + timedelta(days=21)
    return day + timedelta(days=(5 - day.weekday()) % 7)


def change(who: WebClient, demo: Demo, batch: Batch, day: object, account: object) -> Page:
    who.open(at(demo, batch, "/wijzigen"))
    return who.post(at(demo, batch, "/wijzigen"), execution_date=str(day), account=str(account))


def checked(page: Page) -> dict[str | None, str | None]:
    """Return the selected value of each field, by name."""
    return {node.get("name"): node.get("value") for node in page.all("input[type=radio][checked]")}


def test_it_shows_the_proposed_day_and_each_account_with_its_balance(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = owner.open(at(demo, batch, "/wijzigen"))
    payment = demo.view(batch)
    assert checked(page) == {"execution_date": payment.execution_date.isoformat(), "account": str(demo.account.id)}
    assert [node.text_content() for node in page.all(".week.names span")] == ["ma", "di", "wo", "do", "vr", "za", "zo"]
    cards = [node.text_content() for node in page.all("fieldset.rows .choice")]
    assert len(cards) == 2
    assert "NL64 TRIO 0379 5016 86" in cards[1]
    assert "€\u00a084.210,55" in cards[1]
    assert "saldo van" in cards[1]


def test_day_and_account_are_changed_together(owner: WebClient, demo: Demo):
    batch = demo.batch()
    answer = change(owner, demo, batch, later(), demo.other.id)
    assert (answer.status_code, answer.location) == (303, at(demo, batch))
    page = owner.open(at(demo, batch))
    assert "De betaling is aangepast." in page.text
    assert "NL64 TRIO 0379 5016 86" in page.says(".pair")
    assert demo.view(batch).execution_date == later()


def test_an_unavailable_date_shows_an_error_and_stays_chosen(owner: WebClient, demo: Demo):
    batch = demo.batch()
    page = change(owner, demo, batch, weekend(), demo.other.id)
    assert page.status_code == 422
    assert "Kies een bankdag" in page.says("#execution_date-error")
    assert checked(page) == {"execution_date": weekend().isoformat(), "account": str(demo.other.id)}
    assert (demo.view(batch).date_fixed, demo.view(batch).account.id) == (False, demo.account.id)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (today_amsterdam() - timedelta(days=1), "dag is voorbij"), (later(400), "zo ver vooruit"),
        ("gisteren", "Kies een dag in de kalender"), ("2026-02-31", "Kies een dag in de kalender"),
    ],
)  # fmt: skip
def test_invalid_dates_are_refused_in_dutch(owner: WebClient, demo: Demo, day: object, words: str):
    batch = demo.batch()
    page = change(owner, demo, batch, day, demo.account.id)
    assert page.status_code == 422
    assert words in page.says("#execution_date-error")
    assert Batch.get().execution_date is None


@pytest.mark.parametrize("account", ["", "0", "x", "other client's"])
def test_unknown_accounts_are_refused_in_dutch(owner: WebClient, demo: Demo, account: str):
    batch = demo.batch()
    if account == "other client's":
        membership = make_client(make_user())
        account = str(make_account(make_consent(membership.client, membership.user, "redirect"), OTHER_IBAN).id)
    page = change(owner, demo, batch, later(), account)
    assert page.status_code == 422
    assert "Kies een rekening uit de lijst." in page.says("#account-error")
    assert demo.view(batch).account.id == demo.account.id


def test_the_chosen_day_stays_chosen_on_another_page(owner: WebClient, demo: Demo):
    batch = demo.batch()
    amendments.change_date_and_account(demo.client, demo.user, batch.reference, later(), demo.account.id)
    far = later(120)
    page = owner.open(at(demo, batch, f"/wijzigen?vanaf={far}"))
    assert checked(page)["execution_date"] == later().isoformat()
    assert "nu gekozen" in page.says("#calendar .choice")
    asked = owner.open(at(demo, batch, f"/wijzigen?vanaf={far}&execution_date={later(30)}"))
    assert checked(asked)["execution_date"] == later(30).isoformat()


def test_an_unchanged_proposed_date_stays_automatic(owner: WebClient, demo: Demo):
    batch = demo.batch()
    change(owner, demo, batch, demo.view(batch).execution_date, demo.other.id)
    payment = demo.view(batch)
    assert (payment.account.id, payment.date_fixed) == (demo.other.id, False)
    assert "zo snel mogelijk" in owner.open(at(demo, batch)).says(".pair")


@pytest.mark.parametrize("start", ["", "2026-13-01", "x", "0001-01-01", "9999-12-31"])
def test_an_invalid_start_shows_other_weeks(owner: WebClient, demo: Demo, start: str):
    page = owner.open(at(demo, demo.batch(), f"/wijzigen?vanaf={start}"))
    assert len(page.all("#calendar .week:not(.names)")) == 5


@pytest.mark.parametrize("day", ["", "x", "9999-12-31", "0001-01-01"])
def test_an_invalid_date_parameter_is_ignored(owner: WebClient, demo: Demo, day: str):
    assert owner.get(at(demo, demo.batch(), f"/wijzigen?execution_date={day}")).status_code == 200


def test_the_calendar_begins_with_today(owner: WebClient, demo: Demo):
    today = today_amsterdam()
    page = owner.open(at(demo, demo.batch(), f"/wijzigen?vanaf={today}"))
    monday = today - timedelta(days=today.weekday())
    shown = [date.fromisoformat(one.get("value") or "") for one in page.all("#calendar .week input")]
    assert shown == [today + timedelta(days=number) for number in range((monday - today).days + 35)]
    assert page.all("#calendar .week input[disabled]") == []


def test_weeks_without_available_dates_are_not_offered(owner: WebClient, demo: Demo):
    batch = demo.batch()
    here = today_amsterdam()
    first = owner.open(at(demo, batch, f"/wijzigen?vanaf={here}"))
    last = owner.open(at(demo, batch, f"/wijzigen?vanaf={here + timedelta(days=400)}"))
    assert [link.get("aria-label") for link in first.all("#calendar .month a")] == ["Latere weken"]
    assert [link.get("aria-label") for link in last.all("#calendar .month a")] == ["Eerdere weken"]


def test_every_day_of_a_year_is_on_one_page(owner: WebClient, demo: Demo):
    batch, today, shown = demo.batch(), today_amsterdam(), []
    page = owner.open(at(demo, batch, f"/wijzigen?vanaf={today}"))
    while True:
        shown += [one.get("value") for one in page.all("#calendar .week input")]
        following = page.all("#calendar .month a[aria-label='Latere weken']")
        if not following:
            break
        page = owner.open(following[0].get("href") or "")
    assert shown[:366] == [(today + timedelta(days=number)).isoformat() for number in range(366)]
    assert len(shown) == len(set(shown)) < 366 + 35


def test_an_unavailable_date_has_a_reason(owner: WebClient, demo: Demo):
    batch, day = demo.batch(), weekend()
    page = owner.open(at(demo, batch, f"/wijzigen?vanaf={day}"))
    assert page.value(f"#dag-{day}", "aria-label").endswith(", weekend")
    assert not is_bank_day(day)


def test_a_too_low_balance_is_marked(owner: WebClient, demo: Demo):
    BankAccount.update(balance_cents=855915).where(BankAccount.id == demo.other.id).execute()
    page = owner.open(at(demo, demo.batch(), "/wijzigen"))
    marked = ["minder dan deze betaling" in node.text_content() for node in page.all("fieldset.rows .choice")]
    assert marked == [False, True]
