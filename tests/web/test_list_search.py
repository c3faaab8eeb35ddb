"""Search in the list of payments and in the bookings of an account: plain forms, and as one types."""

import logging
from datetime import UTC, date, datetime
from urllib.parse import urlencode

import pytest

from core.clock import today_amsterdam
from models import BankAccount, BankTransaction, Batch, Client, Membership, PayrollCompany
from tests.support.bookings import allow
from tests.support.factories import LINES, Demo, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient
from tests.web.test_payment_lists import rows

HTMX = {"HX-Request": "true", "HX-Target": "found"}


@pytest.fixture
def year(demo: Demo) -> list[Batch]:
    """A payment for each of ten months: run 1 to 10, of one line more each three months."""
    made = []
    for month in range(1, 11):
        batch = demo.batch(LINES[: 1 + month // 4], number=month)
        Batch.update(
            description=f"Salaris {month:02d}", run_number=100 + month, period_start=month, period_end=month,
            execution_date=date(2026, month, 24), created_at=datetime(2026, month, 20, tzinfo=UTC), state="executed",
        ).where(Batch.id == batch.id).execute()  # fmt: skip
        made.append(batch)
    return made


def listed(who: WebClient, demo: Demo, text: str) -> list[str]:
    """The descriptions of the payments found, on the page of a plain form."""
    page = who.open(f"/{demo.client.public_id}/betalingen?{urlencode({'zoek': text})}")
    assert page.value("#zoek", "value") == text
    return [row.split(",")[1].split("Uitgevoerd")[0].split("€")[0].strip() for row in rows(page)]


def test_a_short_list_has_no_search_field(owner: WebClient, demo: Demo):
    for number in range(1, 8):
        demo.batch(number=number)
    assert owner.open(f"/{demo.client.public_id}/betalingen").all("#zoek") == []
    demo.batch(number=8)
    assert len(owner.open(f"/{demo.client.public_id}/betalingen").all("#zoek")) == 1


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("salaris 03", [3]), ("run 107", [7]), ("maart", [3]), ("March 2026", [3]), ("mrt", [3]), ("periode 8", [8]),
        ("8.559,16", [10, 9, 8]), ("€ 8559", [10, 9, 8]), ("3.448,08 feb", [2]), ("Demo okt", [10]),
        ("bestaat niet", []), ("%", []), ("_", []), ("2025", []),
    ],
)  # fmt: skip
def test_payments_are_found(owner: WebClient, demo: Demo, year: list[Batch], text: str, months: list[int]):
    assert listed(owner, demo, text) == [f"Salaris {month:02d}" for month in months]


def test_a_payment_is_found_by_its_reference(owner: WebClient, demo: Demo, year: list[Batch]):
    assert listed(owner, demo, year[4].reference) == ["Salaris 05"]
    assert listed(owner, demo, year[4].reference[-5:]) == ["Salaris 05"]


def test_nothing_found_leads_back_to_all(owner: WebClient, demo: Demo, year: list[Batch]):
    page = owner.open(f"/{demo.client.public_id}/betalingen?zoek=bestaat+niet")
    assert "0 betalingen gevonden." in page.says("#found")
    assert len(rows(owner.open(page.value("#found a", "href")))) == 10


def test_as_one_types_only_the_list_comes_and_no_text_stays_in_the_address(
    owner: WebClient, demo: Demo, year: list[Batch]
):
    answer = owner.get(f"/{demo.client.public_id}/betalingen?zoek=maart", headers=HTMX)
    assert answer.headers["HX-Replace-Url"] == f"/{demo.client.public_id}/betalingen"
    assert "<html" not in answer.html and "1 betaling gevonden." in answer.says("#live")
    assert len(rows(answer)) == 1 and answer.all("#zoek") == []


def test_what_was_found_is_paged_with_its_search(owner: WebClient, demo: Demo):
    for number in range(1, 54):
        demo.batch(LINES[:1], number)
    Batch.update(description="Anders").where(Batch.run_number == 1).execute()
    first = owner.open(f"/{demo.client.public_id}/betalingen?zoek=3448,08")
    assert len(rows(first)) == 50 and "Meer dan 50 betalingen gevonden." in first.says("#found")
    assert len(rows(owner.open(first.value("#meer", "href")))) == 53
    more = owner.get(first.value("#meer", "href"), headers=HTMX | {"HX-Trigger": "meer"})
    assert more.value("#found", "autofocus") is not None
    assert "zoek" not in more.headers["HX-Replace-Url"]


def test_another_clients_payments_are_not_found(charlie: WebClient, demo: Demo, year: list[Batch]):
    other = Membership.get(Membership.client != demo.client.id).client
    page = charlie.open(f"/{other.public_id}/betalingen?zoek=salaris")
    assert rows(page) == []
    assert charlie.get(f"/{demo.client.public_id}/betalingen?zoek=salaris").status_code == 404


def test_a_search_takes_no_statement_more(
    owner: WebClient, demo: Demo, year: list[Batch], caplog: pytest.LogCaptureFixture
):
    def statements(query: str) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            owner.open(f"/{demo.client.public_id}/betalingen{query}")
        return len([one for one in caplog.records if one.name == "peewee"])

    statements("")
    assert statements("?zoek=maart+3448,08+demo") <= statements("")


# --- who sees no salaries -------------------------------------------------------------------------
@pytest.fixture
def preparer(site: Site, demo: Demo) -> WebClient:
    """A preparer, from whom the owner hid the lines."""
    user = make_user(name="Petra Klaarzetter")
    Membership.create(user=user, client=demo.client, role="preparer")
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    return site.person(user)


@pytest.mark.parametrize("text", ["Wouter", "Jong", "Lisanne", "NL42INGB2268352412", "2611,00", "2.500,08", "5.948,16"])
def test_no_name_account_or_salary_is_learned_from_a_search(
    preparer: WebClient, demo: Demo, year: list[Batch], text: str
):
    """The amount of a line, or of some lines, of a payment of more lines finds nothing."""
    assert listed(preparer, demo, text) == []


def test_bookings_stay_hidden_while_searching(
    preparer: WebClient, demo: Demo, sandbox: Sandbox, account: BankAccount
):
    for headers in ({}, HTMX):
        answer = preparer.get(f"/{demo.client.public_id}/saldo/{account.id}?zoek=Energie", headers=headers)
        assert "Energie" not in answer.html and answer.all(".booking") == []


# --- bookings -------------------------------------------------------------------------------------
@pytest.fixture
def account(demo: Demo, sandbox: Sandbox) -> BankAccount:
    return allow(demo, sandbox)


def bookings(page: Page) -> list[str]:
    return [" ".join(node.text_content().split()) for node in page.all(".booking")]


def book(account: BankAccount, number: int, name: str, cents: int, text: str = "", iban: str = "") -> None:
    BankTransaction.create(
        account=account, dedupe_key=f"k{number}", booking_date=today_amsterdam(), amount_cents=cents,
        counterparty_name=name, counterparty_iban=iban, remittance_information=text, end_to_end_id="",
    )  # fmt: skip


@pytest.fixture
def full(owner: WebClient, demo: Demo, account: BankAccount) -> str:
    """The path of an account with many bookings."""
    path = f"/{demo.client.public_id}/saldo/{account.id}"
    owner.open(path)  # what the bank knows
    book(account, 1, "Wouter de Jong", -344808, "Salaris november", "NL42INGB2268352412")
    for number in range(2, 8):
        book(account, number, f"Winkel {number}", -number * 100)
    return path


@pytest.mark.parametrize(
    ("text", "count"),
    [("wouter salaris", 1), ("nl42 ingb 2268 3524 12", 1), ("3.448,08", 1), ("−€ 318,25", 1), ("318", 1),
     ("7315,40", 1), ("winkel 3", 1), ("winkel", 6), ("ingb", 0), ("%", 0)],
)  # fmt: skip
def test_bookings_are_found(owner: WebClient, full: str, text: str, count: int):
    page = owner.open(f"{full}?{urlencode({'zoek': text})}")
    assert len(bookings(page)) == count, bookings(page)
    told = page.says("#found")
    assert ("1 transactie gevonden." if count == 1 else f"{count} transacties gevonden.") in told


def test_a_search_among_bookings_does_not_ask_the_bank(
    owner: WebClient, demo: Demo, sandbox: Sandbox, account: BankAccount, full: str
):
    BankAccount.update(transactions_requested_at=None).execute()
    answer = owner.get(f"{full}?zoek=winkel", headers=HTMX)
    assert len(bookings(answer)) == 6 and "<html" not in answer.html
    assert answer.headers["HX-Replace-Url"] == full
    assert BankAccount.get_by_id(account.id).transactions_requested_at is None


def test_found_bookings_are_paged_with_their_search(owner: WebClient, account: BankAccount, full: str):
    for number in range(100, 155):
        book(account, number, "Kiosk", -number)
    first = owner.open(f"{full}?zoek=kiosk")
    assert len(bookings(first)) == 50 and "Pagina 1" in first.says("#found")
    second = owner.open(first.value("#ouder", "href"))
    assert len(bookings(second)) == 5 and second.value("#zoek", "value") == "kiosk"


def test_the_search_field_is_there_where_there_is_much_to_search(
    owner: WebClient, demo: Demo, account: BankAccount
):
    path = f"/{demo.client.public_id}/saldo/{account.id}"
    assert owner.open(path).all("#zoek") == []
    for number in range(3):
        book(account, number, "Winkel", -1)
    assert len(owner.open(path).all("#zoek")) == 1


def test_another_clients_bookings_are_not_searched(charlie: WebClient, full: str):
    assert charlie.get(f"{full}?zoek=wouter", headers=HTMX).status_code == 404


def test_the_name_of_a_company_is_found(owner: WebClient, demo: Demo, year: list[Batch]):
    PayrollCompany.update(name="Bakkerij Zon").execute()
    assert len(listed(owner, demo, "bakkerij")) == 10
