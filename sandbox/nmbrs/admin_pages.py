"""Pages that change the payroll data: runs, employees and REST consents."""

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for

from sandbox import demo
from sandbox.nmbrs import control_requests, identity, ledger_data, payroll, staff, webhooks
from sandbox.nmbrs.pages import MOST_SHOWN, company_or_404, signed_in
from sandbox.nmbrs.people import display_name
from sandbox.store import Document

book_pages = Blueprint("nmbrs_books", __name__, url_prefix="/nmbrs")
book_pages.context_processor(signed_in)

EUROS = re.compile(r"\d{1,6}([.,]\d\d)?")
EMPTY: dict[str, str] = dict.fromkeys(("first_name", "prefix", "last_name", "payment_name", "iban", "net"), "")


# --- runs ---
@book_pages.post("/bedrijf/<int:company_id>/run/<int:run_id>")
def act_on_run(company_id: int, run_id: int):
    run = payroll.run_by_id(run_id)
    act = ACTIONS.get(request.form.get("action", ""))
    if run is None or run["company"] != company_id or act is None:
        abort(404)
    flash(act(run))
    return redirect(url_for("nmbrs.company_page", company_id=company_id))


def again(run: Document) -> str:
    after = payroll.run_again(run, payroll.Wish())
    webhooks.announce(after)
    return f"Loonopdracht {after['number']} is opnieuw gedraaid voor {after['people']} medewerkers."


def remove(run: Document) -> str:
    payroll.remove_run(run)
    return f"Loonopdracht {run['number']} is teruggenomen."


def lock(run: Document) -> str:
    payroll.hold(run, locked=True)
    return f"Loonopdracht {run['number']} is vergrendeld."


def unlock(run: Document) -> str:
    payroll.hold(run, locked=False)
    return f"Loonopdracht {run['number']} is ontgrendeld."


def announce(run: Document) -> str:
    webhooks.announce(run)
    return f"Het seintje van loonopdracht {run['number']} is nog eens verstuurd."


ACTIONS: dict[str, Callable[[Document], str]] = {
    "again": again,
    "remove": remove,
    "lock": lock,
    "unlock": unlock,
    "announce": announce,
}


# --- employees ---
@book_pages.get("/bedrijf/<int:company_id>/medewerker/nieuw")
def new_employee(company_id: int):
    return employee_form(company_or_404(company_id), None, EMPTY, {})


@book_pages.post("/bedrijf/<int:company_id>/medewerker/nieuw")
def hire(company_id: int):
    company = company_or_404(company_id)
    filled = read_form()
    problems = problems_in(filled)
    if problems:
        return employee_form(company, None, filled, problems), 400
    person = staff.hire(company_id, fields_of(filled))
    return back_to(company_id, f"{display_name(person)} is in dienst.")


@book_pages.get("/bedrijf/<int:company_id>/medewerker/<int:employee_id>")
def show_employee(company_id: int, employee_id: int):
    person = employee_or_404(company_id, employee_id)
    return employee_form(company_or_404(company_id), person, filled_with(person), {})


@book_pages.post("/bedrijf/<int:company_id>/medewerker/<int:employee_id>")
def change_employee(company_id: int, employee_id: int):
    person = employee_or_404(company_id, employee_id)
    filled = read_form()
    problems = problems_in(filled)
    if problems:
        return employee_form(company_or_404(company_id), person, filled, problems), 400
    staff.change(employee_id, fields_of(filled))
    return back_to(company_id, f"{display_name(person)} is gewijzigd; de volgende run betaalt zo.")


@book_pages.post("/bedrijf/<int:company_id>/medewerker/<int:employee_id>/ontslaan")
def dismiss(company_id: int, employee_id: int):
    person = employee_or_404(company_id, employee_id)
    staff.dismiss(employee_id)
    return back_to(company_id, f"{display_name(person)} is uit dienst.")


def employee_or_404(company_id: int, employee_id: int) -> Document:
    person = staff.stored(employee_id)
    if person is None or person["company"] != company_id or person.get("dismissed"):
        abort(404)
    return person


def back_to(company_id: int, message: str):
    flash(message)
    return redirect(url_for("nmbrs.company_page", company_id=company_id))


def employee_form(company: Document, person: Document | None, filled: dict[str, str], problems: dict[str, str]):
    return render_template(
        "nmbrs/employee.html", company=company, person=person, filled=filled, problems=problems,
        heading=display_name(person) if person else "Nieuwe medewerker",
    )  # fmt: skip


def read_form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in EMPTY}


def filled_with(person: Document) -> dict[str, str]:
    """Return the form values of an employee; a payment name derived from the name is left empty."""
    own = person["payment_name"] != staff.payment_name(person)
    return {name: person[name] for name in ("first_name", "prefix", "last_name", "iban")} | {
        "payment_name": person["payment_name"] if own else "",
        "net": f"{person['cents'] // 100},{person['cents'] % 100:02d}",
    }


def problems_in(filled: dict[str, str]) -> dict[str, str]:
    """Return the error messages, by field."""
    problems = {
        "last_name": "" if filled["last_name"] else "Vul een achternaam in.",
        "iban": "" if control_requests.known_iban(filled["iban"]) else "Vul een IBAN van een Nederlandse bank in.",
        "net": "" if cents_of(filled["net"]) else "Vul een bedrag in, zoals 2.500,08.",
    }
    return {name: text for name, text in problems.items() if text}


def cents_of(text: str) -> int:
    """Convert `2.500,08` to cents; 0 if it is not an amount."""
    bare = re.sub(r"[€\s\u00a0]|\.(?=\d{3}(?!\d))", "", text)
    if not EUROS.fullmatch(bare):
        return 0
    whole, _, rest = bare.replace(".", ",").partition(",")
    return int(whole) * 100 + int(rest or 0)


def fields_of(filled: dict[str, str]) -> dict[str, Any]:
    names = {name: filled[name] for name in ("first_name", "prefix", "last_name")}
    return names | {
        "initials": f"{filled['first_name'][:1]}." if filled["first_name"] else "",
        "payment_name": filled["payment_name"] or staff.payment_name(names),
        "iban": control_requests.known_iban(filled["iban"]),
        "cents": cents_of(filled["net"]),
    }


# --- REST ---
@book_pages.get("/koppelingen")
def grants():
    names = {doc["id"]: doc["name"] for doc in ledger_data.debtors()}
    newest = identity.grants()[:MOST_SHOWN]
    shown = [(grant, ", ".join(names.get(number, str(number)) for number in grant["debtors"])) for grant in newest]
    here = current_app.config["BASE_URL"]
    return render_template("nmbrs/grants.html", shown=shown, demo=demo, here=here)


@book_pages.post("/koppelingen/intrekken")
def end_grant():
    if not identity.end_grant(request.form.get("grant", "")):
        abort(404)
    flash("De toestemming is ingetrokken; de tokens werken niet meer.")
    return redirect(url_for("nmbrs_books.grants"))
