"""A customer at the sandbox's Ponto, who authorises the app and signs orders.

    consent = linked(demo); batch = …; sign(page)
"""

import re
from urllib.parse import parse_qs, urlsplit

import requests

from domain.banking import linking, oauth_grants
from models import BankAccount, BankConsent, PayrollCompany
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

IBAN, SECOND_IBAN = "NL11RABO0391847265", "NL02ABNA0518374926"


def pressed(address: str, decision: str = "toestaan", ibans: tuple[str, ...] = (IBAN,)) -> dict[str, str]:
    """Press a button on the page at this URL. Returns the query parameters of the redirect."""
    form = {"besluit": decision, "rekening": list(ibans)}
    answer = requests.post(address, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def linked(demo: Demo, decision: str = "toestaan", ibans: tuple[str, ...] = (IBAN,)) -> BankConsent:
    """Link accounts at Ponto, confirm the holder, and map the demo's company to the first account."""
    address = linking.start_consent(demo.client, demo.user, "ponto", PSU, None)
    back = pressed(address, decision, ibans)
    oauth_grants.complete_authorization(demo.user, back["state"], back.get("code"))
    consent = linking.complete_consent(back["state"], demo.user, PSU)
    linking.confirm_holder(demo.client, demo.user, consent.id)
    account = BankAccount.get(BankAccount.consent == consent.id, BankAccount.iban == ibans[0])
    PayrollCompany.update(bank_account=account).where(PayrollCompany.id == demo.company.id).execute()
    demo.company = PayrollCompany.get_by_id(demo.company.id)
    demo.account = account
    return consent


def sign(page: str, decision: str = "ondertekenen") -> str:
    """Press a button on the signing page. Returns the URL of the redirect."""
    shown = requests.get(page, timeout=10).text
    assert re.search(r'name="besluit"', shown), "the page has no button"
    return requests.post(page, data={"besluit": decision}, allow_redirects=False, timeout=10).headers["Location"]


def orders_at(sandbox: Sandbox) -> list[dict]:
    """Return the orders that Ponto's bank received."""
    return [order for order in sandbox.control("GET", "orders") if order["bank"] == "ponto"]
