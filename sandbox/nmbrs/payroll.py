"""The payroll's own books: users, debtors, companies, employees, runs, wage tax returns."""

import uuid
from typing import Any

from sandbox import clock, demo, faults
from sandbox.nmbrs.misbehaviour import chosen
from sandbox.nmbrs.people import person
from sandbox.store import Document, get_store

DEBTOR_ID = 21840
SECOND_DEBTOR_ID = 21841
CLIENT_LOGIN = "salaris@demobv.example"

# The largest run that can be made; also the room between the ids of two companies' made-up employees.
MAX_LINES = 20_000

MONTHS = (
    "Januari", "Februari", "Maart", "April", "Mei", "Juni", "Juli", "Augustus", "September", "Oktober",
    "November", "December",
)  # fmt: skip

GUIDS = uuid.UUID("6b1c7f0e-3f1d-5c0a-9f57-2d6c3c5f9a10")


def seed() -> None:
    """The books at the start: Demo BV with its eight people, and a second company of somebody else."""
    store = get_store()
    store.put("nmbrs_user", demo.NMBRS_USER, _user(demo.NMBRS_USER, demo.NMBRS_TOKEN, None))
    store.put("nmbrs_user", CLIENT_LOGIN, _user(CLIENT_LOGIN, None, [DEBTOR_ID]))
    store.put("nmbrs_debtor", DEBTOR_ID, {"id": DEBTOR_ID, "number": "1", "name": demo.COMPANY_NAME})
    store.put(
        "nmbrs_debtor", SECOND_DEBTOR_ID,
        {"id": SECOND_DEBTOR_ID, "number": "2", "name": demo.SECOND_COMPANY_NAME},
    )  # fmt: skip
    _seed_company(DEBTOR_ID, demo.COMPANY_NUMBER, demo.COMPANY_NAME, demo.KVK_NUMBER, demo.DEBTOR_IBAN, demo_staff())
    _seed_company(
        SECOND_DEBTOR_ID, demo.SECOND_COMPANY_NUMBER, demo.SECOND_COMPANY_NAME, demo.SECOND_KVK_NUMBER,
        demo.SECOND_COMPANY_IBAN, [],
    )  # fmt: skip
    for employee in (person(demo.SECOND_COMPANY_NUMBER, index) for index in range(1, 4)):
        store.put("nmbrs_employee", employee["id"], employee)


def _user(email: str, token: str | None, debtors: list[int] | None) -> Document:
    """`debtors` None is a master login: it sees every debtor."""
    return {"email": email, "token": token, "debtors": debtors}


def _seed_company(debtor: int, number: int, name: str, kvk: str, iban: str, staff: list[Document]) -> None:
    # The number that stands on the screens is the id too, so that "9969" means one thing everywhere.
    get_store().put(
        "nmbrs_company",
        number,
        {
            "id": number,
            "number": number,
            "name": name,
            "kvk": kvk,
            "iban": iban,
            "debtor": debtor,
            "extra": 0,  # made-up employees, see employees()
        },
    )
    for employee in staff:
        get_store().put("nmbrs_employee", employee["id"], employee)


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


def debtors() -> list[Document]:
    return get_store().all("nmbrs_debtor")


def companies(debtor: int | None = None) -> list[Document]:
    return [doc for doc in get_store().all("nmbrs_company") if debtor in (None, doc["debtor"])]


def company(company_id: int) -> Document | None:
    return get_store().get("nmbrs_company", company_id)


def staff(company_id: int) -> list[Document]:
    """The employees that stand in the books by name."""
    return [doc for doc in get_store().all("nmbrs_employee") if doc["company"] == company_id]


def employees(company_id: int) -> list[Document]:
    """Everybody who was ever in a run: the staff, then the made-up people that large runs needed."""
    extra = (company(company_id) or {"extra": 0})["extra"]
    return staff(company_id) + [person(company_id, 100 + index) for index in range(extra)]


def employee(employee_id: int) -> Document | None:
    stored = get_store().get("nmbrs_employee", employee_id)
    if stored is not None:
        return stored
    company_id, index = divmod(employee_id, 100_000)
    owner = company(company_id)
    known = owner is not None and 100 <= index < 100 + owner["extra"]
    return person(company_id, index) if known else None


def runs(company_id: int, year: int) -> list[Document]:
    return get_store().all(_runs_kind(company_id, year))


def run(company_id: int, year: int, run_id: int) -> Document | None:
    return get_store().get(_runs_kind(company_id, year), run_id)


def save_run(doc: Document) -> None:
    get_store().put(_runs_kind(doc["company"], doc["year"]), doc["id"], doc)


def _runs_kind(company_id: int, year: int) -> str:
    return f"nmbrs_run:{company_id}:{year}"


def run_payroll(
    company_id: int, lines: int | None = None, description: str | None = None, sepa: str | None = None
) -> Document:
    """Run a payroll now: `lines` people are paid (default: the staff), `sepa` replaces the payment file.

    The run belongs to the current year and keeps what each person was paid, whatever changes afterwards.
    """
    moment = clock.now()
    people = staff(company_id)
    count = len(people) if lines is None else lines
    made_up = max(0, count - len(people))
    month = month_of(description) or moment.month
    doc = {
        "id": get_store().next_number("nmbrs_run", first=700001),
        "company": company_id,
        "number": get_store().next_number(f"nmbrs_run:{company_id}:{moment.year}"),
        "year": moment.year,
        "period": month,
        "description": description or run_kind(MONTHS[month - 1]),
        "run_at": moment.replace(tzinfo=None).isoformat(),
        "locked": not faults.on("nmbrs_locked_late"),
        "paid": people[:count],
        "made_up": made_up,
        "sepa": sepa,
    }
    doc |= totals(paid_in(doc))
    save_run(doc)
    _hire(company_id, made_up)
    _declare_wage_tax(doc)
    return doc


def run_kind(month: str) -> str:
    """How a run calls itself: SOAP has no run type, only the description tells."""
    kind = chosen({"nmbrs_prerun": "Proefrun", "nmbrs_correction": "Correctie TWK"}, "")
    return f"{kind} {month}".strip()


def month_of(description: str | None) -> int | None:
    """The month that a description names, 1 to 12."""
    words = (description or "").lower().split()
    return next((i for i, month in enumerate(MONTHS, start=1) if month.lower() in words), None)


def paid_in(doc: Document) -> list[Document]:
    """The people a run pays, with what they get."""
    return doc["paid"] + [person(doc["company"], 100 + index) for index in range(doc["made_up"])]


def totals(people: list[Document]) -> Document:
    return {"people": len(people), "cents": sum(person["cents"] for person in people)}


def _hire(company_id: int, made_up: int) -> None:
    def grow(doc: Document) -> Document:
        return doc | {"extra": max(doc["extra"], made_up)}

    get_store().update("nmbrs_company", company_id, grow)


def wage_taxes(company_id: int, year: int) -> list[Document]:
    return get_store().all(f"nmbrs_wage_tax:{company_id}:{year}")


def wage_tax(company_id: int, year: int, wage_tax_id: int) -> Document | None:
    return next((doc for doc in wage_taxes(company_id, year) if doc["id"] == wage_tax_id), None)


def _declare_wage_tax(doc: Document) -> None:
    """A month's first run also makes the return of its wage tax; whole euros, about what it would be."""
    if not doc["cents"]:
        return
    kind = f"nmbrs_wage_tax:{doc['company']}:{doc['year']}"
    if get_store().get(kind, doc["period"]) is not None:
        return
    number = get_store().next_number("nmbrs_wage_tax", first=88001)
    get_store().put(
        kind,
        doc["period"],
        {
            "id": number,
            "serial": doc["number"],
            "reference": payment_reference(number, doc["year"], doc["period"]),
            "euros": doc["cents"] * 35 // 100 // 100,
            "period": doc["period"],
            "year": doc["year"],
            "sent_at": doc["run_at"],
        },
    )


def payment_reference(number: int, year: int, period: int) -> str:
    """A betalingskenmerk: sixteen digits, the first one checks the others by eleven."""
    digits = f"{number:09d}{year % 100:02d}{period:02d}00"
    weights = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)
    total = sum(int(digit) * weights[i % 10] for i, digit in enumerate(reversed(digits)))
    check = {10: 1, 11: 0}.get(11 - total % 11, 11 - total % 11)
    whole = f"{check}{digits}"
    return ".".join(whole[i : i + 4] for i in range(0, 16, 4))


def guid(entity: str, number: int) -> str:
    """The GUID by which the vendor's REST interface knows the same thing."""
    return str(uuid.uuid5(GUIDS, f"{entity}:{number}"))


def user(email: str) -> Document | None:
    return get_store().get("nmbrs_user", email)


def users() -> list[Document]:
    return get_store().all("nmbrs_user")


def renew_token(email: str) -> None:
    """Give a user a new API token; the old one stops working."""

    def renew(doc: Any) -> Document | None:
        return doc and doc | {"token": uuid.uuid4().hex}

    get_store().update("nmbrs_user", email, renew)
