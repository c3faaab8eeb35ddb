"""The customer's organisation at Ponto, and the bank behind it, which is one of the sandbox's banks.

Its orders and transactions are stored as those of any bank here, so that days, balances and the list of received orders
work the same; only the API differs.
"""

from datetime import timedelta

from sandbox import clock, demo
from sandbox.bank import banks
from sandbox.store import Document, get_store

BANK, NAME = "ponto", "Ponto Connect"
CLIENT_ID, CLIENT_SECRET = "bizcuit-ponto", "sandbox-ponto-secret"
ORGANISATION = "0d7e2f5a-6a0c-4c1f-9a53-2f1c6a7be410"
AUTHORISED_DAYS = 180
ACCOUNTS = (("NL11RABO0391847265", "Rabo Zakelijk", 72_500_00), ("NL02ABNA0518374926", "Spaarrekening", 15_000_00))


def seed() -> None:
    accounts = [banks.account_document(iban, label, cents) for iban, label, cents in ACCOUNTS]
    bank = {
        "id": BANK, "name": NAME, "signing": "redirect", "cut_off": banks.CUT_OFF, "honours_request_id": True,
        "vop": False, "accounts": accounts,
    }  # fmt: skip
    line = {"adapter": "ponto", "format": "ponto", "path": "/ponto/api"}
    get_store().put(banks.KIND, BANK, bank | {"line": line})
    day = clock.bank_day() - timedelta(days=5)
    entry = {"party": "Gemeente Veldhove", "text": "Factuur 2634"}
    banks.write_booking(BANK, ACCOUNTS[0][0], 4_820_00, day.isoformat(), entry)


def bank() -> Document:
    return get_store().get(banks.KIND, BANK)


def account_id(iban: str) -> str:
    return banks.resource_id(BANK, iban)


def owner() -> str:
    return demo.COMPANY_NAME
