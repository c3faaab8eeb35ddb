"""Payroll: runs, their payments, and the wage tax returns that follow."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox import clock, faults
from sandbox.nmbrs import ledger_data, staff
from sandbox.nmbrs.faults import chosen
from sandbox.store import Document, get_store

# Maximum of one run; also the range of ids for a company's generated employees.
MAX_LINES = 20_000

MONTHS = (
    "Januari", "Februari", "Maart", "April", "Mei", "Juni", "Juli", "Augustus", "September", "Oktober",
    "November", "December",
)  # fmt: skip

INDEX = "nmbrs_run_index"


def seed() -> None:
    """Add the initial data: Demo BV with its employees, and a second company of another owner."""
    ledger_data.seed()
    staff.seed()


@dataclass(frozen=True)
class Wish:
    """The wanted properties of a run; the rest follows from the data and the date."""

    lines: int | None = None
    description: str | None = None
    sepa: str | None = None  # replaces the payment file
    year: int | None = None
    run_at: datetime | None = None


def runs(company_id: int, year: int) -> list[Document]:
    return get_store().all(_runs_kind(company_id, year))


def run(company_id: int, year: int, run_id: int) -> Document | None:
    return get_store().get(_runs_kind(company_id, year), run_id)


def run_by_id(run_id: int) -> Document | None:
    """Return the run with this id, of any company and year."""
    at = get_store().get(INDEX, run_id)
    return run(at["company"], at["year"], run_id) if at else None


def run_index() -> list[Document]:
    """Return all runs as {"id", "company", "year", "number"}, in order of creation."""
    return get_store().all(INDEX)


def years(company_id: int) -> list[int]:
    """Return the years in which a company has ever had a run, newest first."""
    doc = get_store().get("nmbrs_run_years", company_id, {"years": []})
    return sorted(doc["years"], reverse=True)


def listed(company_id: int, year: int) -> list[Document]:
    """Return the runs as a list call shows them. Switches may hide some; a run listed as open is locked the next time.
    """
    found = runs(company_id, year)
    if faults.on("nmbrs_empty_runs"):
        return []
    if found and (faults.on("nmbrs_run_unlisted") or faults.take("nmbrs_run_unlisted_once")):
        found = found[:-1]
    for doc in found:
        if not doc["locked"] and not doc.get("held_open"):
            save_run(doc | {"locked": True})
    return found


def save_run(doc: Document) -> None:
    get_store().put(_runs_kind(doc["company"], doc["year"]), doc["id"], doc)


def _runs_kind(company_id: int, year: int) -> str:
    return f"nmbrs_run:{company_id}:{year}"


def add_run(doc: Document) -> None:
    """Store a new run and its index entries."""
    save_run(doc)
    get_store().put(INDEX, doc["id"], {name: doc[name] for name in ("id", "company", "year", "number")})

    def with_year(known: Any) -> Document:
        return {"years": sorted({*(known or {"years": []})["years"], doc["year"]})}

    get_store().update("nmbrs_run_years", doc["company"], with_year)


def run_payroll(company_id: int, wish: Wish | None = None) -> Document:
    """Run payroll for `wish.lines` employees, by default the current staff.

    The run keeps what each person was paid, whatever changes later.
    """
    wish = wish or Wish()
    moment = wish.run_at or clock.now()
    year = wish.year or moment.year
    month = month_of(wish.description) or moment.month
    doc = {
        "id": get_store().next_number("nmbrs_run", first=700001),
        "company": company_id,
        "number": get_store().next_number(f"nmbrs_run:{company_id}:{year}"),
        "year": year,
        "period": month,
        "description": wish.description or run_kind(MONTHS[month - 1]),
        "kind": chosen({"nmbrs_correction": "twk"}, "normal"),
        "run_at": written(moment),
        "locked": not faults.on("nmbrs_locked_late"),
    }
    doc |= paying(company_id, wish)
    add_run(doc)
    staff.grow(company_id, doc["made_up"])
    _declare_wage_tax(doc)
    return doc


def run_again(doc: Document, wish: Wish, keep_run_at: bool = False) -> Document:
    """Run payroll again with the current staff: same number and id, new time. With the switch nmbrs_new_number a new
    run replaces it.
    """
    moment = {} if keep_run_at else {"run_at": written(wish.run_at or clock.now())}
    description = {"description": wish.description} if wish.description else {}
    after: Document = doc | moment | description | paying(doc["company"], wish)
    if faults.on("nmbrs_new_number"):
        after |= {
            "id": get_store().next_number("nmbrs_run", first=700001),
            "number": get_store().next_number(f"nmbrs_run:{doc['company']}:{doc['year']}"),
        }
        remove_run(doc)
        add_run(after)
    else:
        save_run(after)
    staff.grow(doc["company"], after["made_up"])
    return after


def remove_run(doc: Document) -> None:
    """Remove a run from all lists and files. Its wage tax return stays."""
    get_store().delete(_runs_kind(doc["company"], doc["year"]), doc["id"])
    get_store().delete(INDEX, doc["id"])


def hold(doc: Document, locked: bool) -> Document:
    """Lock a run, or unlock it until it is locked explicitly."""
    after = doc | {"locked": locked, "held_open": not locked}
    save_run(after)
    return after


def paying(company_id: int, wish: Wish) -> Document:
    """Return the employees that a run pays, and the totals."""
    people = staff.staff(company_id)
    count = len(people) if wish.lines is None else wish.lines
    paid: Document = {"paid": people[:count], "made_up": max(0, count - len(people)), "sepa": wish.sepa}
    return paid | totals(paid_in(paid | {"company": company_id}))


def written(moment: datetime) -> str:
    """Format a datetime as the vendor does: Amsterdam time without offset."""
    local = moment.astimezone(clock.AMSTERDAM) if moment.tzinfo else moment
    return local.replace(tzinfo=None, microsecond=0).isoformat()


def run_kind(month: str) -> str:
    """Return the description of a run. SOAP has no run type, so only the description shows it."""
    kind = chosen({"nmbrs_prerun": "Proefrun", "nmbrs_correction": "Correctie TWK"}, "")
    return f"{kind} {month}".strip()


def month_of(description: str | None) -> int | None:
    """Return the month that a description contains, 1 to 12, or None."""
    words = (description or "").lower().split()
    return next((i for i, month in enumerate(MONTHS, start=1) if month.lower() in words), None)


def paid_in(doc: Document) -> list[Document]:
    """Return the employees that a run pays, with their amounts."""
    return doc["paid"] + [staff.made_up(doc["company"], index) for index in range(doc["made_up"])]


def totals(people: list[Document]) -> Document:
    return {"people": len(people), "cents": sum(person["cents"] for person in people)}


def wage_taxes(company_id: int, year: int) -> list[Document]:
    return get_store().all(f"nmbrs_wage_tax:{company_id}:{year}")


def wage_tax(company_id: int, year: int, wage_tax_id: int) -> Document | None:
    return next((doc for doc in wage_taxes(company_id, year) if doc["id"] == wage_tax_id), None)


def days_of(year: int, month: int) -> tuple[date, date]:
    """Return the first and the last day of a month."""
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), after - timedelta(days=1)


def _declare_wage_tax(doc: Document) -> None:
    """Create the wage tax return with a month's first run, for a plausible amount in whole euros."""
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
    """Return a Dutch payment reference: sixteen digits, the first of which is the check digit (modulo 11)."""
    digits = f"{number:09d}{year % 100:02d}{period:02d}00"
    weights = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)
    total = sum(int(digit) * weights[i % 10] for i, digit in enumerate(reversed(digits)))
    check = {10: 1, 11: 0}.get(11 - total % 11, 11 - total % 11)
    whole = f"{check}{digits}"
    return ".".join(whole[i : i + 4] for i in range(0, 16, 4))
