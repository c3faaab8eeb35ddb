"""The transactions of an account, and the links between them and the payment."""

from datetime import timedelta

import pytest

from core.clock import today_amsterdam
from domain.operations import integrity
from domain.reconciliation.transactions import PER_PAGE
from models import BankAccount, BankOrder, BankTransaction, Batch
from tests.support.bookings import allow, executed
from tests.support.factories import Demo
from tests.support.names import follow, sign
from tests.support.sandbox import Sandbox
from tests.support.signing import at_the_bank
from tests.support.web_client import WebClient


@pytest.fixture
def account(demo: Demo, sandbox: Sandbox) -> BankAccount:
    return allow(demo, sandbox)


@pytest.fixture
def paid(demo: Demo, sandbox: Sandbox, account: BankAccount) -> Batch:
    batch = at_the_bank(demo)
    sign(demo, batch)
    follow(batch)
    executed(sandbox, batch)
    return Batch.get_by_id(batch.id)


def path_of(demo: Demo, account: BankAccount) -> str:
    return f"/{demo.client.public_id}/saldo/{account.id}"


def test_transactions_by_day(owner: WebClient, demo: Demo, account: BankAccount):
    page = owner.open(path_of(demo, account))
    sums = [node.text_content().replace("\u00a0", " ") for node in page.all(".booking .num")]
    assert sums == ["−€ 318,25", "−€ 2.150,00", "+€ 7.315,40", "+€ 12.480,00", "−€ 2.150,00"]
    assert len(page.all("main .head h2")) == 5
    assert "Energie Direct Zuid" in page.text and "Termijn" in page.text


def test_what_the_bank_wrote_is_folded(owner: WebClient, demo: Demo, account: BankAccount):
    page = owner.open(path_of(demo, account))
    first = page.all(".booking")[0]
    assert "Termijn" in first.cssselect("details:not([open])")[0].text_content()
    assert "Termijn" not in "".join(one.text_content() for one in first.cssselect("p:not(details *)"))


def test_an_account_says_which_bank_it_is_of(owner: WebClient, demo: Demo, account: BankAccount):
    assert "Zandbank · NL95 INGB 0004 9218 36" in owner.open(path_of(demo, account)).says(".hero")


def test_payment_and_transaction_link_to_each_other(owner: WebClient, demo: Demo, paid: Batch):
    account = BankAccount.get_by_id(demo.account.id)
    page = owner.open(path_of(demo, account))
    payment = f"/{demo.client.public_id}/betalingen/{paid.reference}"
    (link,) = page.all(".booking a")
    assert (link.get("href"), "Verzamelbetaling" in page.text, "3 betalingen" in page.text) == (payment, True, True)
    (there,) = [one for one in owner.open(payment).all("#payment a") if "Geboekt op" in one.text_content()]
    answer = owner.get(there.get("href") or "")
    row = BankTransaction.get(BankTransaction.order == BankOrder.get().id)
    assert (answer.status_code, answer.location) == (303, f"{path_of(demo, account)}?pagina=1#boeking-{row.id}")
    assert page.one(f"#boeking-{row.id}") is not None


def test_nothing_is_shown_before_holder_verification(owner: WebClient, demo: Demo, account: BankAccount):
    owner.open(path_of(demo, account))
    for answer, words in ((None, "We controleren of"), ("rejected", "de rekeninghouder niet je bedrijf")):
        BankAccount.update(holder_check=answer).execute()
        page = owner.open(path_of(demo, account))
        assert words in page.text and "Energie Direct" not in page.text


def test_an_unreachable_bank_shows_known_transactions(
    owner: WebClient, demo: Demo, sandbox: Sandbox, account: BankAccount
):
    owner.open(path_of(demo, account))
    BankAccount.update(transactions_requested_at=None).execute()
    sandbox.fault(bank_down=True)
    page = owner.open(path_of(demo, account))
    assert "niet bereikbaar" in page.text and "Energie Direct Zuid" in page.text


def test_a_page_has_fifty_transactions(owner: WebClient, demo: Demo, account: BankAccount):
    day = today_amsterdam()
    for number in range(PER_PAGE):
        BankTransaction.create(
            account=account, dedupe_key=f"k{number}", booking_date=day - timedelta(days=number % 3),
            amount_cents=-number - 1,
            counterparty_name=f"Winkel {number}", counterparty_iban="", remittance_information="", end_to_end_id="",
        )  # fmt: skip
    first = owner.open(path_of(demo, account))
    assert len(first.all(".booking")) == PER_PAGE
    (older,) = first.all("nav.buttons a")
    second = owner.open(older.get("href") or "")
    assert len(second.all(".booking")) == 5
    oldest = BankTransaction.select().order_by(BankTransaction.booking_date).first()
    assert "pagina=2" in owner.get(f"{path_of(demo, account)}?boeking={oldest.id}").location
    assert owner.get(f"{path_of(demo, account)}?pagina=-5").status_code == 200


def test_an_account_of_another_client_is_404(owner: WebClient, charlie: WebClient, demo: Demo, account: BankAccount):
    owner.open(path_of(demo, account))
    assert charlie.get(path_of(demo, account)).status_code == 404
    assert owner.get(f"/{demo.client.public_id}/saldo/999999").status_code == 404


def test_counterparty_texts_are_escaped(owner: WebClient, demo: Demo, account: BankAccount):
    BankTransaction.create(
        account=account, dedupe_key="x", booking_date=today_amsterdam(), amount_cents=100,
        counterparty_name="<b>Mallory</b>",
        counterparty_iban="", remittance_information="<script>alert(1)</script> https://elsewhere.example",
        end_to_end_id="",
    )  # fmt: skip
    page = owner.open(path_of(demo, account))
    assert "<script>alert(1)</script>" in page.text and "<b>Mallory</b>" in page.text
    assert not [one for one in page.all(".booking a") if "elsewhere" in (one.get("href") or "")]


@pytest.fixture(autouse=True)
def the_books_are_right(demo: Demo):
    yield
    assert list(integrity.find_inconsistencies()) == []
