"""Employees: the stored ones, and the generated ones of large runs."""

from typing import Any

from sandbox import clock, demo, faults
from sandbox.nmbrs import ledger_data
from sandbox.nmbrs.people import display_name, person
from sandbox.store import Document, get_store

# Generated employees have this index or higher; initial employees a lower one.
FIRST_MADE_UP = 100
BAILIFF, BAILIFF_IBAN = "Gerechtsdeurwaarders Van Lith", "NL39INGB0006620441"
FIELDS = ("initials", "first_name", "prefix", "last_name", "payment_name", "iban", "cents")


def seed() -> None:
    for employee in demo_staff():
        _put(employee)
    fill(demo.SECOND_COMPANY_NUMBER, 3)


def fill(company_id: int, count: int) -> None:
    """Add the initial employees of a new company."""
    for index in range(1, count + 1):
        _put(person(company_id, index))


def demo_staff() -> list[Document]:
    return [
        {
            "id": 503300 + number,
            "company": demo.COMPANY_NUMBER,
            "number": number,
            "initials": payee.initials,
            "first_name": payee.first_name,
            "prefix": payee.prefix,
            "last_name": payee.last_name,
            "payment_name": payee.payment_name,
            "iban": payee.iban,
            "cents": payee.cents,
        }
        for number, payee in enumerate(demo.PAYEES, start=1)
    ]


def accounts_of(person: Document) -> list[tuple[str, str]]:
    """Return the accounts that a person's pay goes to, with the name at each."""
    attached = faults.on("nmbrs_sepa_attachment") and person["number"] == 1
    return [(person["iban"], display_name(person)), *([(BAILIFF_IBAN, BAILIFF)] if attached else [])]


def staff(company_id: int) -> list[Document]:
    """Return the stored employees who are not dismissed."""
    return [doc for doc in in_books(company_id) if not doc.get("dismissed")]


def in_books(company_id: int) -> list[Document]:
    """Return all stored employees, also dismissed ones, whom old runs still name."""
    return get_store().all(_kind(company_id))


def employees(company_id: int) -> list[Document]:
    """Return everyone who was ever in a run: stored employees, then generated ones."""
    extra = (ledger_data.company(company_id) or {"extra": 0})["extra"]
    return in_books(company_id) + [made_up(company_id, index) for index in range(extra)]


def made_up(company_id: int, index: int) -> Document:
    return person(company_id, FIRST_MADE_UP + index)


def stored(employee_id: int) -> Document | None:
    """Return a stored employee, also a dismissed one."""
    at = get_store().get("nmbrs_employer", employee_id)
    return get_store().get(_kind(at["company"]), employee_id) if at else None


def employee(employee_id: int) -> Document | None:
    known = stored(employee_id)
    if known is not None:
        return known
    company_id, index = divmod(employee_id, 100_000)
    owner = ledger_data.company(company_id)
    is_there = owner is not None and FIRST_MADE_UP <= index < FIRST_MADE_UP + owner["extra"]
    return person(company_id, index) if is_there else None


def hire(company_id: int, told: dict[str, Any]) -> Document:
    """Add an employee; `told` has all of FIELDS. Numbers are not reused."""
    last = max((doc["number"] for doc in in_books(company_id)), default=0)
    employee_id = get_store().next_number("nmbrs_employee", first=600_001)
    doc = {"id": employee_id, "company": company_id, "number": last + 1, "since": clock.now().isoformat()}
    return _put(doc | {field: told[field] for field in FIELDS})


def change(employee_id: int, told: dict[str, Any]) -> Document | None:
    """Change fields for later runs; earlier runs keep what they paid. Return None if not stored."""
    known = stored(employee_id)
    return known and _put(known | {field: told[field] for field in FIELDS if field in told})


def dismiss(employee_id: int) -> bool:
    """Dismiss an employee, so that no later run pays them; return whether that changed anything."""
    known = stored(employee_id)
    if known is None or known.get("dismissed"):
        return False
    _put(known | {"dismissed": True})
    return True


def payment_name(told: dict[str, Any]) -> str:
    """Return the name as payment files write it: `Jong, Wouter de`."""
    return f"{told['last_name']}, {told['first_name']} {told['prefix']}".strip().rstrip(",")


def grow(company_id: int, count: int) -> None:
    """Record that a run paid this many generated employees."""

    def longer(doc: Any) -> Document:
        return doc | {"extra": max(doc["extra"], count)}

    get_store().update("nmbrs_company", company_id, longer)


def _put(doc: Document) -> Document:
    get_store().put(_kind(doc["company"]), doc["id"], doc)
    get_store().put("nmbrs_employer", doc["id"], {"company": doc["company"]})
    return doc


def _kind(company_id: int) -> str:
    # One kind per company, so that a run does not read the employees of all.
    return f"nmbrs_employee:{company_id}"
