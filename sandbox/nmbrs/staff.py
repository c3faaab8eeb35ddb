"""Who works where: the employees in the books, and the made-up ones that large runs needed."""

from typing import Any

from sandbox import clock, demo
from sandbox.nmbrs import ledger_data
from sandbox.nmbrs.people import person
from sandbox.store import Document, get_store

# Made-up employees stand from this index on; below it are those that a company begins with.
FIRST_MADE_UP = 100
FIELDS = ("initials", "first_name", "prefix", "last_name", "payment_name", "iban", "cents")


def seed() -> None:
    for employee in demo_staff():
        _put(employee)
    fill(demo.SECOND_COMPANY_NUMBER, 3)


def fill(company_id: int, count: int) -> None:
    """Let a new company begin with so many people."""
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


def staff(company_id: int) -> list[Document]:
    """Who works there now, as far as the books know them by name."""
    return [doc for doc in in_books(company_id) if not doc.get("dismissed")]


def in_books(company_id: int) -> list[Document]:
    """The same with those who were dismissed: their runs still name them."""
    return get_store().all(_kind(company_id))


def employees(company_id: int) -> list[Document]:
    """Everybody who was ever in a run: those in the books, then the made-up people."""
    extra = (ledger_data.company(company_id) or {"extra": 0})["extra"]
    return in_books(company_id) + [made_up(company_id, index) for index in range(extra)]


def made_up(company_id: int, index: int) -> Document:
    return person(company_id, FIRST_MADE_UP + index)


def stored(employee_id: int) -> Document | None:
    """An employee of the books, also one who was dismissed."""
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
    """A new employee; `told` holds all of FIELDS. Numbers are not used again."""
    last = max((doc["number"] for doc in in_books(company_id)), default=0)
    employee_id = get_store().next_number("nmbrs_employee", first=600_001)
    doc = {"id": employee_id, "company": company_id, "number": last + 1, "since": clock.now().isoformat()}
    return _put(doc | {field: told[field] for field in FIELDS})


def change(employee_id: int, told: dict[str, Any]) -> Document | None:
    """Change what is told; later runs pay it so, earlier ones keep what they paid. None: not in the books."""
    known = stored(employee_id)
    return known and _put(known | {field: told[field] for field in FIELDS if field in told})


def dismiss(employee_id: int) -> bool:
    """From now on no run pays this person. Says whether somebody was dismissed."""
    known = stored(employee_id)
    if known is None or known.get("dismissed"):
        return False
    _put(known | {"dismissed": True})
    return True


def payment_name(told: dict[str, Any]) -> str:
    """`Jong, Wouter de`, as the payment file writes it."""
    return f"{told['last_name']}, {told['first_name']} {told['prefix']}".strip().rstrip(",")


def grow(company_id: int, count: int) -> None:
    """Remember that a run paid so many made-up people."""

    def longer(doc: Any) -> Document:
        return doc | {"extra": max(doc["extra"], count)}

    get_store().update("nmbrs_company", company_id, longer)


def _put(doc: Document) -> Document:
    get_store().put(_kind(doc["company"]), doc["id"], doc)
    get_store().put("nmbrs_employer", doc["id"], {"company": doc["company"]})
    return doc


def _kind(company_id: int) -> str:
    # A kind per company: no run of one has to read the staff of hundreds.
    return f"nmbrs_employee:{company_id}"
