"""The balances page and what leads there: accounts per bank, expiring consents, the account holder, a bank directory
that is down.
"""

import re
from datetime import timedelta

import pytest

import models
from domain.banking import consents, holder_verification
from domain.common.services import Services
from models import BankAccount, BankConsent, Identification
from tests.support.consents import BOTH, Walk, begin, linked, without_directory
from tests.support.factories import DEMO_IBAN, OTHER_IBAN, Demo, make_user
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient


@pytest.fixture
def real(demo: Demo, sandbox: Sandbox) -> Demo:
    """The demo's accounts under a real consent of the sandbox's bank."""
    demo.consent = linked(demo.client, demo.user)
    return demo


def saldo(demo: Demo) -> str:
    return f"/{demo.client.public_id}/saldo"


def ends_in(demo: Demo, days: int) -> None:
    BankConsent.update(valid_until=consents.today_amsterdam() + timedelta(days=days)).where(
        BankConsent.id == demo.consent.id
    ).execute()


def ended(demo: Demo, word: str) -> None:
    consents.terminate_consent(BankConsent.get_by_id(demo.consent.id), word)


def renew_form(page: Page) -> str:
    return page.value("form[action*='/verlengen/']", "action")


# --- accounts ---
def test_accounts_are_grouped_by_bank_with_balance_and_time(owner: WebClient, real: Demo):
    page = owner.open(saldo(real))
    assert [head.text_content().strip() for head in page.main.cssselect("h2")][:1] == [BankConsent.get_by_id(
        real.consent.id).bank_name]  # fmt: skip
    assert "NL95 INGB 0004 9218 36" in page.text
    assert re.search(r"saldo van \d\d-\d\d-\d{4} \d\d:\d\d", page.text)
    assert not page.all("form[action*='/verlengen/']")


def test_accounts_of_one_name_are_told_apart(owner: WebClient, demo: Demo):
    names = [row.text_content().strip() for row in owner.open(saldo(demo)).all("#rekeningen .task b span:first-child")]
    assert names == ["ING Zakelijk ··1836", "ING Zakelijk ··1686"]


def test_an_unknown_balance_is_not_in_the_total(owner: WebClient, demo: Demo):
    BankAccount.update(balance_cents=None, balance_at=None).where(BankAccount.id == demo.other.id).execute()
    page = owner.open(saldo(demo))
    assert "Op 1 rekening" in page.says(".hero") and "€ 84.210,55" in page.says(".hero")
    assert "Zonder 1 rekening waarvan het saldo onbekend is." in page.says(".hero")
    assert "saldo onbekend" in page.text
    BankAccount.update(balance_cents=-100).where(BankAccount.id == demo.other.id).execute()
    page = owner.open(saldo(demo))
    assert "Samen op 2 rekeningen" in page.says(".hero") and "Zonder" not in page.says(".hero")
    assert "−€ 1,00" in page.text


def test_balances_are_refreshed_at_most_once_a_minute(owner: WebClient, real: Demo, sandbox: Sandbox):
    rows = [{"iban": DEMO_IBAN, "name": "Zakelijk", "balance": "12.34"},
            {"iban": OTHER_IBAN, "name": "Spaar", "balance": "1.00"}]  # fmt: skip
    sandbox.control("PUT", "banks/redirect", {"accounts": rows})
    page = owner.open(saldo(real))
    part = owner.post(page.value("#rekeningen", "hx-post"), htmx=True)
    assert "12,34" in part.text
    assert part.one("#rekeningen").get("hx-post") is None, "else it would ask for ever"
    assert owner.open(saldo(real)).one("#rekeningen").get("hx-post") is None


def test_an_unreachable_bank_shows_the_last_balance(owner: WebClient, real: Demo, sandbox: Sandbox):
    sandbox.fault(bank_down=True)
    part = owner.post(owner.open(saldo(real)).value("#rekeningen", "hx-post"), htmx=True)
    assert "Een of meer banken zijn nu niet bereikbaar" in part.text
    assert "saldo van" in part.text


def test_the_button_refreshes_without_javascript(owner: WebClient, real: Demo, sandbox: Sandbox):
    owner.open(saldo(real))
    sandbox.fault(bank_down=True)
    assert owner.post(f"{saldo(real)}/vernieuwen").location == saldo(real)
    assert "Een of meer banken zijn nu niet bereikbaar" in owner.open(saldo(real)).text


def test_the_reason_for_hidden_transactions_is_shown(owner: WebClient, real: Demo):
    assert "Transacties" not in owner.open(saldo(real)).text
    BankAccount.update(holder_check=None).where(BankAccount.id == real.account.id).execute()
    assert "we controleren of de rekening van je bedrijf is" in owner.open(saldo(real)).text
    holder_verification.decide_holder(BankAccount.get_by_id(real.account.id), "rejected", "van een ander", "eva")
    assert "staat niet op naam van je bedrijf" in owner.open(saldo(real)).text


def test_everything_else_works_during_holder_verification(owner: WebClient, real: Demo):
    BankAccount.update(holder_check=None).execute()
    batch, home = real.batch(), f"/{real.client.public_id}"
    for path in (f"{home}/apps/nmbrs/{real.connection.id}/instellingen", f"{home}/betalingen/{batch.reference}"):
        assert "NL95 INGB 0004 9218 36" in owner.open(path).text


# --- expiring consents ---
@pytest.mark.parametrize("place", ["saldo", "overzicht"])
def test_a_week_before_expiry_a_banner_offers_renewal(owner: WebClient, real: Demo, place: str):
    path = f"/{real.client.public_id}/{place}"
    ends_in(real, 8)
    assert "Verlengen" not in owner.open(path).text
    ends_in(real, 7)
    page = owner.open(path)
    assert "verloopt" in page.text
    assert "Nog 7 dagen" in page.text
    assert renew_form(page) == f"{saldo(real)}/verlengen/{real.consent.id}"
    ends_in(real, 0)
    assert "Vandaag is de laatste dag" in owner.open(path).text


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("expired", "is verlopen"),
        ("revokedByPsu", "bij je bank ingetrokken"),
        ("terminatedByTpp", "De toestemming is beëindigd door Bizcuit"),
        ("rejected", "heeft de toestemming geweigerd"),
        ("unknown", "De toestemming bestaat niet meer"),
        ("invalid", "toegang tot je bank is gestopt"),
    ],
)
def test_after_expiry_the_consequences_are_shown(owner: WebClient, real: Demo, word: str, said: str):
    ended(real, word)
    page = owner.open(saldo(real))
    assert said in page.text
    assert "laatst bekende saldo" in page.text
    assert "saldo van" in page.text
    assert page.one("#rekeningen").get("hx-post") is None, "there is no consent to ask under"
    batch = real.batch()
    assert owner.open(f"/{real.client.public_id}/betalingen/{batch.reference}").all("form[action$='/betalen']")


def test_renewal_keeps_all_accounts(owner: WebClient, real: Demo):
    ended(real, "expired")
    page = owner.open(saldo(real))
    at_bank = owner.post(renew_form(page)).location
    assert "/bank/redirect/toestemming/" in at_bank
    state = Walk(real.user, at_bank).decide("toestaan", *BOTH)
    back = owner.get(f"/bank/terug/{state}")
    assert back.location == saldo(real), "the name was confirmed before"
    page = owner.open(saldo(real))
    assert "Verlengen" not in page.text
    assert models.PayrollCompany.get().bank_account_id == real.account.id
    assert owner.get(f"/bank/terug/{state}").location == saldo(real), "back twice is harmless"


def test_renewal_requires_authority(owner: WebClient, real: Demo):
    Identification.delete().execute()
    before = BankConsent.select().count()
    owner.open(saldo(real))
    assert "/identificatie?verder=" in owner.post(f"{saldo(real)}/verlengen/{real.consent.id}").location
    assert BankConsent.select().count() == before


def test_another_client_cannot_see_or_renew(charlie: WebClient, real: Demo):
    assert charlie.get(saldo(real)).status_code == 404
    charlie.open("/saldo")
    assert charlie.post(f"{saldo(real)}/verlengen/{real.consent.id}").status_code == 404


def test_renewal_at_an_unreachable_bank_shows_an_error(owner: WebClient, real: Demo, sandbox: Sandbox):
    ended(real, "expired")
    page = owner.open(saldo(real))
    sandbox.fault(bank_down=True)
    assert owner.post(renew_form(page)).location == saldo(real)
    assert "niet bereikbaar" in owner.open(saldo(real)).text


# --- the redirect from the bank ---
def test_the_redirect_in_another_browser_requires_login(site: Site, demo: Demo):
    state = begin(demo.client, demo.user).decide("toestaan", DEMO_IBAN)
    answer = site.person().get(f"/bank/terug/{state}")
    assert answer.status_code in (302, 303)
    assert "/bank/terug/" in answer.location or "inloggen" in answer.location
    assert BankConsent.get_by_id(demo.consent.id).status == "valid"


def test_the_redirect_works_in_another_logged_in_browser(site: Site, demo: Demo):
    state = begin(demo.client, demo.user).decide("toestaan", DEMO_IBAN, OTHER_IBAN)
    assert site.person(demo.user).get(f"/bank/terug/{state}").location == saldo(demo)


def test_the_redirect_of_another_user_is_404(site: Site, demo: Demo):
    state = begin(demo.client, demo.user).decide("toestaan", DEMO_IBAN)
    assert site.person(make_user()).get(f"/bank/terug/{state}").status_code == 404


def test_a_missed_redirect_can_be_completed_on_the_page(owner: WebClient, demo: Demo):
    begin(demo.client, demo.user, "decoupled").decide("toestaan")
    BankConsent.update(status="valid", holder_name="Demo BV").where(BankConsent.bank == "decoupled").execute()
    page = owner.open(saldo(demo))
    assert "Bevestig de tenaamstelling" in page.text
    assert page.all("a[href*='/saldo/bevestigen/']")


# --- the bank directory is down ---
def test_every_page_works_while_the_directory_is_down(owner: WebClient, demo: Demo, world: Services):
    BankConsent.update(bank_name="ING").execute()
    batch, home = demo.batch(), f"/{demo.client.public_id}"
    without_directory(world)
    payment, settings = f"betalingen/{batch.reference}", f"apps/nmbrs/{demo.connection.id}/instellingen"
    pages = {
        "overzicht": "staat één betaling klaar", "saldo": "ING", "instellingen": "", settings: "NL95", payment: "NL95",
        f"{payment}/wijzigen": "", "betalingen": "", f"saldo/bevestigen/{demo.consent.id}": "NL95",
    }  # fmt: skip
    for path, word in pages.items():
        assert word in owner.open(f"{home}/{path}").text, path


def test_no_bank_can_be_chosen_while_the_directory_is_down(owner: WebClient, demo: Demo, world: Services):
    without_directory(world)
    assert "Geen bank bereikbaar" in owner.open(f"{saldo(demo)}/toevoegen").text
    owner.open(saldo(demo))
    assert owner.post(f"{saldo(demo)}/verlengen/{demo.consent.id}").location == saldo(demo)


def test_a_consent_without_bank_name_shows_the_bank_id(owner: WebClient, demo: Demo, world: Services):
    assert BankConsent.get_by_id(demo.consent.id).bank_name == ""
    without_directory(world)
    assert "redirect" in owner.open(saldo(demo)).text
