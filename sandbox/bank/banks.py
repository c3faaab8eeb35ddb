"""The four banks, their accounts and transactions. Amounts are integer cents."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox import clock, demo, faults
from sandbox.store import Document, get_store

KIND, BOOKING = "bank", "bank_booking"
SIGNINGS = ("redirect", "decoupled", "embedded", "delegated")
XML_PRODUCT, JSON_PRODUCT = "pain.001-sepa-credit-transfers", "sepa-credit-transfers"
CUT_OFF = "15:30"
# Message formats of an order. A JSON bank accepts no other, with a maximum number of payments.
FORMATS = ("pain.001.001.09", "pain.001.001.03", "json")
MOST_LINES = {"json": 5000}

NAMES = {"redirect": "Zandbank", "decoupled": "Appbank", "reader": "Leesbank", "json": "Bulkbank"}
SIGNED_BY = {"reader": "embedded", "json": "redirect"}  # the other banks are named after their SCA approach
# (IBAN, name, cents) of the accounts of Demo BV at each bank.
ACCOUNTS = {
    "redirect": [
        (demo.DEBTOR_IBAN, "Zakelijke rekening", 84_210_55),
        (demo.SECOND_DEBTOR_IBAN, "Zaken Doen", 1_000_000_00),
    ],
    "decoupled": [("NL93KNAB0412875530", "Ondernemersrekening", 51_870_20)],
    "json": [("NL98INGB0007318264", "Zakelijke rekening", 58_316_40)],
    "reader": [("NL50RABO0374628190", "Bedrijfsrekening", 63_004_75)],
}
# Earlier transactions on the demo account: days ago, cents, counterparty, description.
HISTORY = [
    (41, -2_150_00, "Vastgoed Zuidplas BV", "Huur kantoor"),
    (27, 12_480_00, "Gemeente Veldhove", "Factuur 2611"),
    (12, 7_315_40, "Bouwmarkt De Eik", "Factuur 2618"),
    (10, -2_150_00, "Vastgoed Zuidplas BV", "Huur kantoor"),
    (3, -318_25, "Energie Direct Zuid", "Termijn"),
]


def seed() -> None:
    for bank_id, name in NAMES.items():
        accounts = [account_document(iban, label, cents) for iban, label, cents in ACCOUNTS[bank_id]]
        bank = {
            "id": bank_id, "name": name, "signing": SIGNED_BY.get(bank_id, bank_id), "cut_off": CUT_OFF,
            "honours_request_id": True, "vop": False, "notifies": False, "accounts": accounts,
            "format": "json" if bank_id == "json" else FORMATS[0],
        }  # fmt: skip
        get_store().put(KIND, bank_id, bank)
    for ago, cents, party, text in HISTORY:
        day = clock.bank_day() - timedelta(days=ago)
        write_booking("redirect", demo.DEBTOR_IBAN, cents, day.isoformat(), {"party": party, "text": text})


def account_document(iban: str, name: str, cents: int, owner: str = demo.COMPANY_NAME) -> Document:
    return {"iban": iban, "name": name, "owner": owner, "cents": cents}


def every() -> list[Document]:
    return get_store().all(KIND)


def find(bank_id: str) -> Document | None:
    return get_store().get(KIND, bank_id)


def account(bank_id: str, iban: str) -> Document | None:
    bank = find(bank_id) or {"accounts": []}
    return next((account for account in bank["accounts"] if account["iban"] == iban), None)


def resource_id(bank_id: str, iban: str) -> str:
    """Return the bank's resource id of an account: stable, and not the IBAN."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bank:{bank_id}:{iban}"))


def checks_names(bank: Document) -> bool:
    """Return whether the bank verifies payees: by its own setting (absent in old stores), or because all banks do."""
    return bool(bank.get("vop")) or faults.on("bank_vop")


def format_of(bank: Document) -> str:
    """Return the message format that the bank accepts; old stores have no such setting."""
    return bank.get("format", FORMATS[0])


def told_of_form(bank: Document) -> dict[str, Any]:
    """Return the fields of a bank's configuration about the format of an order."""
    form = format_of(bank)
    most = {"most_lines": MOST_LINES[form]} if form in MOST_LINES else {}
    product = JSON_PRODUCT if form == "json" else XML_PRODUCT
    return {"product": product, "format": form, "knows_salary": form == "json"} | most


def directory(base_url: str) -> list[dict[str, Any]]:
    """Return the bank directory for the app."""
    host = base_url.partition("//")[2]
    return [
        {
            "id": bank["id"],
            "name": bank["name"],
            "base_url": f"{base_url}{line.get('path', '/bank/' + bank['id'])}",
            "signing": bank["signing"],
            "redirect_hosts": [host],
            "cut_off": bank["cut_off"],
            "honours_request_id": bank["honours_request_id"],
            "vop": checks_names(bank),
            "notifies": bool(bank.get("notifies")),
        }
        | told_of_form(bank)
        | line
        for bank in every()
        for line in (bank.get("line", {}),)  # extra configuration fields, also set by tests
    ]


def change(bank_id: str, fields: Callable[[Document], dict[str, Any]]) -> Document:
    """Change fields of a bank atomically; `fields` gets the bank and returns the changes."""
    return get_store().update(KIND, bank_id, lambda bank: bank | fields(bank))


def book(bank_id: str, iban: str, cents: int, entry: dict[str, Any]) -> None:
    """Debit or credit an account, and record the transaction on the bank's day."""

    def moved(bank: Document) -> dict[str, Any]:
        accounts = [one | {"cents": one["cents"] + cents} if one["iban"] == iban else one for one in bank["accounts"]]
        return {"accounts": accounts}

    change(bank_id, moved)
    write_booking(bank_id, iban, cents, clock.bank_day().isoformat(), entry)


def write_booking(bank_id: str, iban: str, cents: int, day: str, entry: dict[str, Any]) -> None:
    number = get_store().next_number("booking", 100001)
    booking = {"number": number, "bank": bank_id, "iban": iban, "cents": cents, "day": day}
    get_store().put(BOOKING, number, booking | entry)


def bookings(bank_id: str, iban: str) -> list[Document]:
    """Return the transactions of an account, oldest first."""
    own = [one for one in get_store().all(BOOKING) if (one["bank"], one["iban"]) == (bank_id, iban)]
    return sorted(own, key=lambda one: (one["day"], one["number"]))
