"""An account that will lack money says so, in the same words on the payment and on the overview."""

from models import BankAccount
from tests.support.factories import Demo
from tests.support.web_client import WebClient
from tests.web.test_payment_page import at


def test_the_payment_and_the_overview_say_how_much_and_when(owner: WebClient, demo: Demo):
    batch = demo.batch()
    overview = f"/{demo.client.public_id}/overzicht"
    assert "te kort" not in owner.open(overview).text and "te kort" not in owner.open(at(demo, batch)).text
    BankAccount.update(balance_cents=8_000_00).where(BankAccount.id == demo.account.id).execute()
    for path in (overview, at(demo, batch)):
        page = owner.open(path).text.replace("\u00a0", " ")
        assert "€ 559,16 te kort op " in page
        assert "Op ING Zakelijk stond € 8.000,00 (" in page
    BankAccount.update(balance_cents=None).where(BankAccount.id == demo.account.id).execute()
    assert "te kort" not in owner.open(overview).text and "te kort" not in owner.open(at(demo, batch)).text
