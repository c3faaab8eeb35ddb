"""A customer at the sandbox's Ponto: allowing the app, signing there.

link = linked(demo, sandbox); batch = at_ponto(demo, link); sign(sandbox)
"""

import re
from urllib.parse import parse_qs, urlsplit

import requests

from domain.banking import linking, oauth_grants
from models import BankAccount, BankLink, PayrollCompany
from tests.support.factories import PSU, Demo
from tests.support.sandbox import Sandbox

IBAN, SECOND_IBAN = "NL11RABO0391847265", "NL02ABNA0518374926"


def pressed(address: str, decision: str = "toestaan", ibans: tuple[str, ...] = (IBAN,)) -> dict[str, str]:
    """What comes back after the customer pressed on the page at this address."""
    form = {"besluit": decision, "rekening": list(ibans)}
    answer = requests.post(address, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def linked(demo: Demo, decision: str = "toestaan", ibans: tuple[str, ...] = (IBAN,)) -> BankLink:
    """There and back, the holder confirmed, the demo's company paid from the first of the accounts."""
    address = linking.start_consent(demo.client, demo.user, "ponto", PSU, None)
    back = pressed(address, decision, ibans)
    oauth_grants.complete_authorization(demo.user, back["state"], back.get("code"))
    link = linking.complete_consent(back["state"], demo.user, PSU)
    linking.confirm_holder(demo.client, demo.user, link.id)
    account = BankAccount.get(BankAccount.link == link.id, BankAccount.iban == ibans[0])
    PayrollCompany.update(bank_account=account).where(PayrollCompany.id == demo.company.id).execute()
    demo.company = PayrollCompany.get_by_id(demo.company.id)
    demo.account = account
    return link


def sign(page: str, decision: str = "ondertekenen") -> str:
    """Press a button on the page to sign on; answers where it leads."""
    shown = requests.get(page, timeout=10).text
    assert re.search(r'name="besluit"', shown), "there is nothing to press"
    return requests.post(page, data={"besluit": decision}, allow_redirects=False, timeout=10).headers["Location"]


def orders_at(sandbox: Sandbox) -> list[dict]:
    """What Ponto's bank has received."""
    return [order for order in sandbox.control("GET", "orders") if order["bank"] == "ponto"]
