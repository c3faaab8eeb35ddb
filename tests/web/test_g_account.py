"""A G-account on the pages: named, offered for wage tax only, and refused in a sentence."""

from models import Batch
from models.states import RunKind
from tests.support.factories import Demo, make_account
from tests.support.web_client import WebClient
from tests.web.test_amendments import change, later
from tests.web.test_payment_page import at

SHOWN, IBAN = "NL82 INGB 0991 2345 60", "NL82INGB0991234560"


def test_it_is_no_choice_for_salaries(owner: WebClient, demo: Demo):
    account, batch = make_account(demo.account.consent, IBAN), demo.batch()
    assert SHOWN not in owner.open(at(demo, batch, "/wijzigen")).text
    page = owner.open(f"/{demo.client.public_id}/apps/nmbrs/{demo.company.connection_id}/instellingen")
    assert SHOWN not in page.text
    change(owner, demo, batch, later(), account.id)
    assert Batch.get_by_id(batch.id).bank_account_id == demo.account.id


def test_it_is_a_choice_for_wage_tax(owner: WebClient, demo: Demo):
    account, batch = make_account(demo.account.consent, IBAN), demo.batch()
    Batch.update(kind=RunKind.WAGE_TAX).where(Batch.id == batch.id).execute()
    assert SHOWN in owner.open(at(demo, batch, "/wijzigen")).text
    change(owner, demo, batch, later(), account.id)
    assert Batch.get_by_id(batch.id).bank_account_id == account.id


def test_a_mapping_that_names_it_is_refused_in_a_sentence(owner: WebClient, demo: Demo):
    account = make_account(demo.account.consent, IBAN)
    path = f"/{demo.client.public_id}/apps/nmbrs/{demo.company.connection_id}/instellingen"
    owner.post(path, {f"company-{demo.company.id}": str(account.id)})
    assert "Van een G-rekening kun je alleen loonheffing en btw betalen, geen salaris." in owner.open(path).text


def test_the_page_of_a_payment_that_stands_on_it_says_what_to_do(owner: WebClient, demo: Demo):
    account, batch = make_account(demo.account.consent, IBAN), demo.batch()
    Batch.update(bank_account=account.id).where(Batch.id == batch.id).execute()
    page = owner.open(at(demo, batch))
    assert "Dit is een G-rekening" in page.text
    answer = owner.post(at(demo, batch, "/betalen"), shown=demo.view(batch).digest)
    page = owner.open(answer.location or at(demo, batch)) if answer.status_code == 303 else answer
    assert "alleen loonheffing en btw betalen, geen salaris. Er is niets betaald." in page.text


def test_the_list_of_accounts_names_it(owner: WebClient, demo: Demo):
    make_account(demo.account.consent, IBAN)
    assert "G-rekening: alleen voor loonheffing en btw." in owner.open(f"/{demo.client.public_id}/saldo").text
