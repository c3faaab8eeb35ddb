"""The master data of payroll: users, debtors, companies, and their GUIDs for REST."""

import uuid
from typing import Any

from sandbox import demo
from sandbox.nmbrs.people import iban
from sandbox.store import Document, get_store

DEBTOR_ID = 21840
SECOND_DEBTOR_ID = 21841
CLIENT_LOGIN = "salaris@demobv.example"

# Numbers of new companies. An employee's id is the company number times 100,000, within the vendor's 32-bit int.
FIRST_COMPANY, LAST_COMPANY = 10_001, 21_400

GUIDS = uuid.UUID("6b1c7f0e-3f1d-5c0a-9f57-2d6c3c5f9a10")


def seed() -> None:
    """Add the initial data: Demo BV, and a second company of another owner."""
    save_user(demo.NMBRS_USER, demo.NMBRS_TOKEN, None)
    save_user(CLIENT_LOGIN, None, [DEBTOR_ID])
    _put_debtor(DEBTOR_ID, "1", demo.COMPANY_NAME)
    _put_debtor(SECOND_DEBTOR_ID, "2", demo.SECOND_COMPANY_NAME)
    _put_company(DEBTOR_ID, demo.COMPANY_NUMBER, demo.COMPANY_NAME, demo.KVK_NUMBER, demo.DEBTOR_IBAN)
    _put_company(
        SECOND_DEBTOR_ID, demo.SECOND_COMPANY_NUMBER, demo.SECOND_COMPANY_NAME, demo.SECOND_KVK_NUMBER,
        demo.SECOND_COMPANY_IBAN,
    )  # fmt: skip


# --- users ---
def user(email: str) -> Document | None:
    return get_store().get("nmbrs_user", email)


def users() -> list[Document]:
    return get_store().all("nmbrs_user")


def save_user(email: str, token: str | None, debtors: list[int] | None) -> Document:
    """Store a user. With `debtors` None it is a master login that sees all debtors."""
    doc = {"email": email, "token": token, "debtors": debtors}
    get_store().put("nmbrs_user", email, doc)
    return doc


def renew_token(email: str) -> None:
    """Give a user a new API token; the old one stops working."""

    def renew(doc: Any) -> Document | None:
        return doc and doc | {"token": uuid.uuid4().hex}

    get_store().update("nmbrs_user", email, renew)


# --- debtors ---
def debtors() -> list[Document]:
    return get_store().all("nmbrs_debtor")


def debtor(debtor_id: int) -> Document | None:
    return get_store().get("nmbrs_debtor", debtor_id)


def debtors_of(who: Document) -> list[Document]:
    """Return the debtors that a user can see."""
    if who["debtors"] is None:
        return debtors()
    return [doc for number in who["debtors"] if (doc := debtor(number)) is not None]


def add_debtor(name: str) -> Document:
    debtor_id = get_store().next_number("nmbrs_debtor", first=30_001)
    return _put_debtor(debtor_id, str(debtor_id - 30_000 + 2), name)


def rename_debtor(debtor_id: int, name: str) -> None:
    get_store().update("nmbrs_debtor", debtor_id, lambda doc: doc and doc | {"name": name})


def _put_debtor(debtor_id: int, number: str, name: str) -> Document:
    doc = {"id": debtor_id, "number": number, "name": name, "companies": []}
    get_store().put("nmbrs_debtor", debtor_id, doc)
    keep_guid("Debtor", debtor_id)
    return doc


# --- companies ---
def companies(debtor_id: int | None = None) -> list[Document]:
    """Return all companies, or those of one debtor."""
    if debtor_id is None:
        return get_store().all("nmbrs_company")
    owner = debtor(debtor_id) or {"companies": []}
    return [doc for number in owner["companies"] if (doc := company(number)) is not None]


def company(company_id: int) -> Document | None:
    return get_store().get("nmbrs_company", company_id)


def add_company(debtor_id: int, prefix: str, kvk: str | None = None) -> Document:
    """Add a company to a debtor, named after its number.

    Raises:
    - ValueError: all numbers are used.
    """
    number = get_store().next_number("nmbrs_company", first=FIRST_COMPANY)
    if number > LAST_COMPANY:
        raise ValueError("there is no room for more companies: reset")
    account = iban("RABO", 300_000_000 + number)
    return _put_company(debtor_id, number, f"{prefix} {number}", kvk or str(60_000_000 + number), account)


def _put_company(debtor_id: int, number: int, name: str, kvk: str, account: str) -> Document:
    # The number shown on the pages is also the id, so that "9969" always means the same.
    doc = {
        "id": number,
        "number": number,
        "name": name,
        "kvk": kvk,
        "iban": account,
        "debtor": debtor_id,
        "extra": 0,  # generated employees, see staff.employees()
    }
    get_store().put("nmbrs_company", number, doc)
    get_store().update("nmbrs_debtor", debtor_id, lambda owner: owner and _with_company(owner, number))
    keep_guid("Company", number)
    return doc


def _with_company(owner: Document, number: int) -> Document:
    return owner | {"companies": [*(known for known in owner["companies"] if known != number), number]}


# --- GUIDs ---
def guid(entity: str, number: int | str) -> str:
    """Return the GUID of the same object in the vendor's REST API."""
    return str(uuid.uuid5(GUIDS, f"{entity}:{number}"))


def keep_guid(entity: str, number: int) -> None:
    """Store the number of a GUID, since it cannot be computed back."""
    get_store().put("nmbrs_guid", guid(entity, number), {"entity": entity, "number": number})


def number_of(entity: str, text: str) -> int | None:
    """Return the number of a stored GUID in any spelling; None if unknown or of another entity."""
    try:
        known = get_store().get("nmbrs_guid", str(uuid.UUID(text)))
    except ValueError:
        return None
    return known["number"] if known and known["entity"] == entity else None
